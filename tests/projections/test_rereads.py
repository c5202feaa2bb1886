"""A re-read's rows are those of the event it points to, looked up in one place."""

from pathlib import Path

import pytest

import reconcile
from reconcile.domain.events import Event, LegsReported, LegsReread, Recorded
from reconcile.errors import HistoryError
from reconcile.projections.rereads import RowsByEvent, rows_of
from tests.builders import at

GROUPS = (((("Completed", "expense", None),), ("t1", "t2")),)
PACKAGE = Path(reconcile.__file__).parent


def recorded(event: Event, *, version: int, stream: str = "sync:c:s") -> Recorded:
    return Recorded(
        stream=stream,
        version=version,
        position=version * 10,
        recorded_at=at(0),
        event=event,
    )


PAGE = recorded(
    LegsReported(groups=GROUPS, rows_digest="d", origin="page", at=at(1), evidence=""),
    version=1,
)
REREAD = recorded(
    LegsReread(same_as=1, origin="page", at=at(2), evidence=""), version=2
)


def test_a_reread_points_to_the_event_that_was_taken_in_before() -> None:
    rows = RowsByEvent()

    assert rows.take(PAGE) is None
    assert rows.take(REREAD) is PAGE
    assert rows_of(REREAD, original=PAGE) == rows_of(PAGE, original=None) == GROUPS
    assert rows.groups_at(PAGE.position) == GROUPS


def test_a_version_counts_within_its_own_stream() -> None:
    rows = RowsByEvent()
    other = recorded(PAGE.event, version=1, stream="sync:c:another")

    rows.take(other)

    assert rows.take(REREAD) is None


def test_an_event_before_the_batch_is_asked_for_once() -> None:
    asked: list[object] = []

    def event_at(stream: str, version: int) -> Recorded:
        asked.append((stream, version))
        return PAGE

    def event_in(position: int) -> Recorded:
        asked.append(position)
        return PAGE

    rows = RowsByEvent(event_at=event_at, event_in=event_in)

    assert [rows.take(REREAD) for _ in range(2)] == [PAGE, PAGE]
    assert [rows.groups_at(10) for _ in range(2)] == [GROUPS, GROUPS]
    assert asked == [("sync:c:s", 1), 10]


def test_a_position_without_rows_is_a_contradiction() -> None:
    with pytest.raises(HistoryError):
        RowsByEvent().groups_at(10)
    with pytest.raises(HistoryError):
        RowsByEvent(event_in=lambda _: REREAD).groups_at(20)
    assert rows_of(REREAD, original=None) == ()


def test_no_other_module_follows_a_reread() -> None:
    found = {
        str(source.relative_to(PACKAGE))
        for source in PACKAGE.rglob("*.py")
        if ".same_as" in source.read_text("utf-8")
    }

    assert found == {
        "projections/changes.py",  # for the text of an error
        "projections/rereads.py",
    }
