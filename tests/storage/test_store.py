"""The store gives back what it was given, at positions that are never used again."""

import gc
import sqlite3
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import Reconciler
from reconcile.domain.events import Event, SyncStarted
from reconcile.domain.identity import KINDS, stream_name
from reconcile.errors import NoStoreError, StoreError, UsageError
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from reconcile.storage.opening import open_store
from reconcile.storage.ports import VersionConflictError
from reconcile.storage.sqlite.engine import Datastore
from tests.builders import at
from tests.strategies import EVENTS_OF_EVERY_KIND

STARTED = SyncStarted(at=at(0), evidence="")


@settings(max_examples=100)
@given(events=st.lists(EVENTS_OF_EVERY_KIND, min_size=1, max_size=5))
def test_events_read_back_from_the_file_are_those_that_were_appended(
    events: list[Event],
) -> None:
    envelopes = [Envelope("sync:c:s", n, e) for n, e in enumerate(events, start=1)]

    with (
        tempfile.TemporaryDirectory() as folder,
        open_store(f"sqlite:///{Path(folder) / 'books.db'}", create=True) as store,
    ):
        store.append(envelopes, (), recorded_at=at(1))
        recorded = store.stream("sync:c:s")

    assert [envelope.event for envelope in recorded] == events
    assert [event.position for event in recorded] == list(range(1, len(events) + 1))
    assert {event.recorded_at for event in recorded} == {at(1)}


def test_a_datastore_that_was_interrupted_while_opening_goes_without_a_word() -> None:
    begun = Datastore.__new__(Datastore)

    del begun

    gc.collect()  # what an object says while it is deleted is an error here


def test_a_company_has_its_events_in_streams_of_every_kind(tmp_path: Path) -> None:
    names = [stream_name(kind, "An: odd/company ä", "n") for kind in KINDS]
    others = [stream_name(kind, "c2", "n") for kind in KINDS]
    events = [Envelope(name, 1, STARTED) for name in (*names, *others)]

    with open_store(f"sqlite:///{tmp_path / 'books.db'}", create=True) as store:
        store.append(events, (), recorded_at=at(0))
        positions = store.positions_of("An: odd/company ä", until=99)
        found = [event.stream for event in store.stored_at(positions)]

    assert found == names


def test_a_position_is_never_used_again(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with open_store(f"sqlite:///{path}", create=True) as store:
        store.append([Envelope("sync:c:s", 1, STARTED)], (), recorded_at=at(0))
        with sqlite3.connect(path) as db:
            db.execute("DELETE FROM stored_events")
        db.close()
        store.append([Envelope("sync:c:s", 1, STARTED)], (), recorded_at=at(1))

        assert store.position() == 2


@pytest.mark.parametrize("commit", [True, False])
def test_every_connection_waits_for_the_disk_at_each_commit(
    tmp_path: Path, commit: bool
) -> None:
    with (
        closing(Datastore(str(tmp_path / "books.db"))) as datastore,
        datastore.get_connection(commit=commit) as connection,
    ):
        plain = connection._sqlite_conn
        (level,) = plain.execute("PRAGMA synchronous").fetchone()
        (journal,) = plain.execute("PRAGMA journal_mode").fetchone()

    assert (level, journal) == (2, "wal")  # FULL: fsync of the log


def test_a_conflict_keeps_nothing_of_its_transaction(tmp_path: Path) -> None:
    evidence = Evidence(
        identity=b"e" * 32,
        kind="bytes",
        observed_at=None,
        company_id=None,
        request_body=b"kept?",
    )
    with open_store(f"sqlite:///{tmp_path / 'books.db'}", create=True) as store:
        store.append([Envelope("sync:c:s", 1, STARTED)], (), recorded_at=at(0))

        with pytest.raises(VersionConflictError):
            store.append(
                [Envelope("sync:c:s", 1, STARTED)], [evidence], recorded_at=at(1)
            )

        assert store.evidence(b"e" * 32) is None
        assert store.position() == 1


def test_the_longest_prefix_known_by_a_moment_ends_before_the_first_later_event(
    tmp_path: Path,
) -> None:
    with open_store(f"sqlite:///{tmp_path / 'books.db'}", create=True) as store:
        for version, minute in ((1, 10), (2, 30), (3, 20)):
            envelope = Envelope("sync:c:s", version, STARTED)
            store.append([envelope], (), recorded_at=at(minute))

        known = [store.position(known_at=at(minute)) for minute in (5, 10, 25, 30)]

    assert known == [0, 1, 1, 3]


@pytest.mark.parametrize("url", ["postgres://x", "sqlite:///", "books.db"])
def test_a_url_that_names_no_store_is_wrong_usage(url: str) -> None:
    with pytest.raises(UsageError):
        open_store(url, create=True)


def test_a_store_is_only_created_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "books.db"

    with pytest.raises(NoStoreError):
        open_store(f"sqlite:///{path}", create=False)

    assert not path.exists()


def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    path.write_bytes(b"a letter to a friend")

    with pytest.raises(StoreError, match="is not a store"):
        open_store(f"sqlite:///{path}", create=True)

    assert path.read_bytes() == b"a letter to a friend"


def test_a_store_that_is_closed_leaves_no_connection_behind(tmp_path: Path) -> None:
    """SQLite folds the log in, and removes it, with the last connection."""
    gc.disable()  # which would close one that is merely forgotten
    try:
        for _ in range(2):
            with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books:
                books.report()
            assert [path.name for path in tmp_path.iterdir()] == ["books.db"]
    finally:
        gc.enable()


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def opens(url: str) -> int:
        together.wait()
        with Reconciler.open(url) as books:
            return books.report().totals.items

    with ThreadPoolExecutor(4) as threads:
        for number in range(10):
            url = f"sqlite:///{tmp_path / f'{number}.db'}"
            assert [*threads.map(opens, [url] * 4)] == [0] * 4


def test_an_empty_database_may_become_a_store_but_is_none_yet(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
    url = f"sqlite:///{path}"

    with pytest.raises(StoreError, match="holds no history"):
        open_store(url, create=False)
    open_store(url, create=True).close()
    open_store(url, create=False).close()
