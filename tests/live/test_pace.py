"""What is to be read next of a sync, by what is known of it alone."""

from datetime import timedelta

import pytest

from reconcile.judgement.facts import RowsRead, SyncFacts, SyncReport
from reconcile.judgement.sync_context import SyncContext, survey
from reconcile.live.pace import NextRead, Pace, Want, next_read
from tests.builders import at

PACE = Pace()


def reading(minutes: int, *, page: int = 1) -> RowsRead:
    return RowsRead(
        origin="page",
        page=page,
        page_size=1000,
        total=0,
        rows=0,
        unread=0,
        at=at(minutes),
        source=minutes,
        rows_at=minutes,
    )


def ended(*readings: RowsRead) -> SyncFacts:
    code = SyncReport(2000, "Complete", (), None, None, at(1))
    return SyncFacts(reports=(code,), readings=readings)


def following(facts: SyncFacts, unsettled: str | None = None) -> NextRead | None:
    context = survey("s1", facts, datasets={}, keys_of=lambda _: frozenset())
    return next_read(facts, context, pace=PACE, unsettled=unsettled)


def test_of_a_sync_nobody_ever_saw_nothing_is_read() -> None:
    unseen = SyncContext(sync_id="s1")

    assert next_read(SyncFacts(), unseen, pace=PACE, unsettled=None) is None


def test_the_listing_is_read_once_the_sync_has_ended() -> None:
    assert following(ended()) == NextRead(at(1), Want.LISTING, heard=False)


def test_a_sync_that_was_read_whole_is_read_no_more() -> None:
    assert following(ended(reading(2))) is None


@pytest.mark.parametrize(("rounds", "wait_min"), [(1, 5), (7, 10 + 40 / 60), (20, 60)])
def test_rows_that_wait_for_a_decision_are_read_ever_less_often(
    rounds: int, wait_min: float
) -> None:
    facts = ended(*(reading(1 + n) for n in range(1, rounds + 1)))

    again = following(facts, "open")

    due = at(1 + rounds) + timedelta(minutes=wait_min)
    assert again == NextRead(due, Want.LISTING, heard=False, again=True)


def test_after_two_weeks_nothing_is_read_any_more() -> None:
    late = reading(14 * 24 * 60 + 1)

    assert following(ended(reading(2), late), "open") is None


def test_a_contradiction_that_was_read_since_is_not_read_again() -> None:
    assert following(ended(reading(2)), "conflicting") is None
