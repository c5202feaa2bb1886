"""Nothing of an engine leaves `reconcile/storage`: no cursor, no driver's error."""

import ast
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

import reconcile
from reconcile.domain.events import SyncStarted
from reconcile.errors import StoreError
from reconcile.storage.codec import Envelope
from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store, StoredEvent
from tests.builders import at

PACKAGE = Path(reconcile.__file__).parent
ENGINE_WORDS = {"cursor", "Cursor", "rowid", "sqlite3", "sqlite_cursor", "psycopg"}


def names_in(source: Path) -> Iterator[str]:
    """Yield every name, attribute and imported module of a file."""
    for node in ast.walk(ast.parse(source.read_text("utf-8"))):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.alias(name=name):
                yield name.partition(".")[0]
            case ast.Subscript(slice=ast.Constant(value=str(name))):
                yield name
            case _:
                pass


def test_no_module_outside_storage_names_what_an_engine_is_made_of() -> None:
    found = [
        (str(source.relative_to(PACKAGE)), name)
        for source in sorted(PACKAGE.rglob("*.py"))
        if "storage" not in source.relative_to(PACKAGE).parts
        for name in names_in(source)
        if name in ENGINE_WORDS
    ]

    assert found == []


def test_a_stored_event_is_read_as_named_values(store: Store) -> None:
    envelope = Envelope("sync:c:s", 1, SyncStarted(at=at(0), evidence=""))
    store.append([envelope], (), recorded_at=at(1))

    (stored,) = store.stored_after(0)
    again = [*store.stored_at([1])]
    recorded = store.recorded(stored)

    assert isinstance(stored, StoredEvent)
    assert again == [stored]
    assert (stored.position, stored.stream, stored.version) == (1, "sync:c:s", 1)
    assert recorded.event == envelope.event


def test_a_closed_store_is_a_store_error_in_every_part_of_it(store_url: str) -> None:
    with open_store(store_url, create=True) as store:
        views, leases, untrusted = store.views(), store.leases("a"), store.untrusted()

    for use in (
        store.position,
        store.companies,
        store.check_writable,
        partial(store.companies),
        partial(store.stored_after, 0),
        partial(store.stream, "sync:c:s"),
        store.evidence_keys,
        leases.all_done,
        partial(leases.take, "a", now=at(0), lasts=timedelta(minutes=5)),
        untrusted.counted,
        partial(store.append, [], (), recorded_at=at(0)),
        partial(views.begin_anew_unless, "another label"),
    ):
        with pytest.raises(StoreError):
            use()
