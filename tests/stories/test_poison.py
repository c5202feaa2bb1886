"""A stored event that nobody can read is counted and stops nothing."""

from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, read_lines, to_data
from reconcile.rules import BUILT_IN, Rule, Ruleset
from tests.builders import at, create, page, push, row, start, status, uuid_of
from tests.engines import tables_of, url_at

pytestmark = pytest.mark.usefixtures("engine")


LINES = [
    push(uuid_of(1), uuid_of(2), minutes=0),
    start(minutes=1),
    status(2000, minutes=5),
    page(row(uuid_of(1)), row(uuid_of(2)), minutes=6),
]


def put_event(store: Path, topic: str, state: bytes) -> None:
    """Write an event into a store that we never would."""
    with tables_of(url_at(store)) as tables:
        ((last,),) = tables.rows(f"SELECT MAX({tables.position}) FROM stored_events")
        tables.run(
            f"INSERT INTO stored_events ({tables.position}, originator_id,"
            " originator_version, topic, state, recorded_at)"
            " VALUES (?, 'sync:c:s', 1, ?, ?, 0)",
            *(last + 1, topic, state),
        )
        if tables.position == "notification_id":
            tables.run("UPDATE book SET last = ?", last + 1)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    with Reconciler.open(url_at(tmp_path / "books.db")) as books:
        books.ingest(read_lines(LINES))
    return tmp_path / "books.db"


@pytest.mark.parametrize(
    ("topic", "state"),
    [
        ("sync.of-the-future", b"{}"),
        ("sync.legs-reported", b'{"rows": 5}'),
        ("sync.legs-reported.2", b'{"groups": 5}'),
        ("sync.legs-reread", b""),
        ("sync.completed", b"\x00\xff"),
    ],
)
def test_a_poison_event_is_counted_and_the_others_stand(
    store: Path, topic: str, state: bytes
) -> None:
    put_event(store, topic, state)

    with Reconciler.open(url_at(store), now=lambda: at(60)) as books:
        live = to_data(books.report())
        replayed = to_data(books.replayed_report(as_of=at(60)))
        tied = books.tie_out()

    assert live == replayed
    assert live["poisoned"] == 1
    assert [item["state"] for item in live["items"]] == ["matched", "matched"]
    assert (tied.differences, tied.poisoned) == ([], 1)


def test_a_reread_of_rows_that_are_not_there_is_poison(store: Path) -> None:
    state = b'{"same_as":7,"origin":"page","at":"2026-03-02T09:00:00Z","evidence":""}'
    put_event(store, "sync.legs-reread", state)

    with Reconciler.open(url_at(store)) as books:
        report = to_data(books.report())

    assert report["poisoned"] == 1


def test_a_changed_row_of_a_view_is_found_by_the_tie_out(store: Path) -> None:
    with Reconciler.open(url_at(store)) as books:
        books.catch_up()
    with tables_of(url_at(store)) as tables:
        tables.run(
            "UPDATE items SET state = 'open' WHERE transaction_id = ?", uuid_of(1)
        )
        tables.run("DELETE FROM items WHERE transaction_id = ?", uuid_of(2))
        tables.run("INSERT INTO datasets VALUES ('x', 'y', NULL, 0, ?)", b"{}")

    with Reconciler.open(url_at(store)) as books:
        tied = books.tie_out()

    found = {(d.table, d.name, d.column) for d in tied.differences}
    assert found == {
        ("items", uuid_of(1), "state"),
        ("items", uuid_of(2), None),
        ("datasets", "y", None),
    }


def test_a_stored_time_without_a_zone_is_poison(store: Path) -> None:
    state = b'{"at":"2026-03-02T09:00:00","evidence":""}'
    put_event(store, "sync.started", state)

    with Reconciler.open(url_at(store)) as books:
        live, replayed = books.report(), books.replayed_report(as_of=at(60 * 24))

    assert (live.poisoned, replayed.poisoned) == (1, 1)


class _Stumbling(Ruleset):
    """A ruleset with a mistake of its own: it cannot class one message."""

    def classify(self, *, message: str | None = None, **about: Any) -> Rule:
        """Return the class of any message but one."""
        if message == "stumble":
            raise ZeroDivisionError
        return super().classify(message=message, **about)


def test_an_event_that_stumbles_in_the_fold_is_found_by_halving(tmp_path: Path) -> None:
    rules = _Stumbling(
        name="stumbling",
        version=1,
        rules=BUILT_IN.rules,
        unclassified=BUILT_IN.unclassified,
    )
    lines = [create(uuid_of(n), minutes=n, sync=f"sync-{n}") for n in range(1, 8)]
    lines += [
        page(
            row(uuid_of(n), "PushError", message=message), minutes=20, sync=f"sync-{n}"
        )
        for n, message in ((1, "refused"), (4, "stumble"), (6, "refused"))
    ]

    with Reconciler.open(url_at(tmp_path / "books.db"), rules=rules) as books:
        books.ingest(read_lines(lines))
        books.catch_up()
        with books.store.reading() as views:
            poisoned = views.poisoned()
        failed = [item for item in books.items() if item.item.kind == "FAILED"]

    assert [reason for _, reason in poisoned] == ["ZeroDivisionError: "]
    assert len(failed) == 2
