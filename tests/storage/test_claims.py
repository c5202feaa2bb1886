"""What projectors claim is folded once, by the rules that the views are made under."""

import hashlib

import pytest

from reconcile.errors import StoreError
from reconcile.storage.codec import Envelope
from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store, ViewChanges, Views
from tests.builders import at
from tests.engines import POSTGRES, new_store, rows_of, tables_of
from tests.storage.opened import STARTED, begun

_ROUNDS = 30  # in a third of them the shares come in an order that matters


def share_of(company: str) -> int:
    return hashlib.sha256(company.encode()).digest()[0] % 16


def test_a_share_that_is_ahead_of_others_is_never_set_back() -> None:
    behind, ahead, locked = "c0", "c1", "c2"
    assert len({share_of(name) for name in (behind, ahead, locked)}) == 3
    events = [
        Envelope(f"sync:{name}:s", version, STARTED)
        for name in (behind, ahead, locked)
        for version in range(1, 601)
    ]
    with new_store(POSTGRES) as url, open_store(url, create=True) as store:
        store.append(events, (), recorded_at=at(0))
        views = store.views()
        views.begin_anew_unless("a ruleset")
        for _ in range(_ROUNDS):
            with tables_of(url) as tables:
                tables.run("UPDATE tracking SET position = 0")
                tables.run(
                    "UPDATE tracking SET position = 1100 WHERE partition = ?",
                    share_of(ahead),
                )
            with tables_of(url) as tables:
                query = "SELECT 1 FROM tracking WHERE partition = ? FOR UPDATE"
                tables.rows(query, share_of(locked))
                with views.claim(until=1800) as claim:
                    assert claim is not None
                    claim.write(ViewChanges(), position=claim.stored[-1].position)

            positions = dict(rows_of(url, "SELECT partition, position FROM tracking"))
            assert positions[share_of(ahead)] >= 1100


def write_a_claim(views: Views) -> None:
    """Write what is claimed: a file's claim finds out no earlier whose it is."""
    with views.claim(until=1) as claim:
        assert claim is not None
        claim.write(ViewChanges(), position=1)


def test_what_was_claimed_is_not_written_into_views_of_other_rules(
    store: Store,
) -> None:
    store.append([begun(1)], (), recorded_at=at(0))
    ours, others = store.views(), store.views()
    ours.begin_anew_unless("ours")
    others.begin_anew_unless("others")

    with pytest.raises(StoreError, match="made under other rules"):
        write_a_claim(ours)

    with store.reading() as views:
        assert views.position() == 0
