"""What is to be read next of a sync, by what is known of it alone."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import attrs
import pytest

from reconcile.domain.vocabulary import NoticeKind
from reconcile.judgement.facts import (
    GivenUp,
    RefusedRead,
    RowsRead,
    SyncFacts,
    SyncReport,
)
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


LATER = at(60 * 24 * 60)


def following(
    facts: SyncFacts,
    unsettled: str | None = None,
    *,
    now: datetime = LATER,
    refused: Sequence[RefusedRead] = (),
) -> NextRead | None:
    context = survey("s1", facts, datasets={}, keys_of=lambda _: frozenset())
    return next_read(
        facts, context, pace=PACE, unsettled=unsettled, now=now, refused=refused
    )


def test_of_a_sync_nobody_ever_saw_nothing_is_read() -> None:
    unseen = SyncContext(sync_id="s1")

    assert next_read(SyncFacts(), unseen, pace=PACE, unsettled=None, now=LATER) is None


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


DAYS = 24 * 60


def test_what_is_read_in_vain_for_two_weeks_is_given_up_once() -> None:
    late = reading(14 * DAYS + 1)
    facts = ended(reading(2), late)
    given_up = attrs.evolve(facts, given_up=(GivenUp(at(2), at(15 * DAYS)),))

    assert following(facts, "open") == NextRead(
        at(14 * DAYS + 2), Want.NOTHING, heard=False
    )
    assert following(given_up, "open") is None


@pytest.mark.parametrize("days", [1, 13, 15, 400])
def test_the_first_read_is_made_however_late(days: int) -> None:
    began = SyncReport(None, None, (), NoticeKind.STARTED, "d1", at(0))

    assert following(SyncFacts(reports=(began,)), now=at(days * DAYS)) == NextRead(
        at(0) + PACE.wait(0), Want.STATUS, heard=False
    )
    assert following(ended(), now=at(days * DAYS)) == NextRead(
        at(1), Want.LISTING, heard=False
    )


def test_a_webhook_is_followed_however_late_it_comes() -> None:
    reads = [SyncReport(2000, "Complete", (), None, None, at(1))]
    failed = SyncReport(None, None, (), NoticeKind.FAILED, "d1", at(90 * DAYS))
    facts = SyncFacts(reports=(*reads, failed), readings=(reading(2),))

    assert following(facts, now=at(91 * DAYS)) == NextRead(
        at(90 * DAYS), Want.STATUS, heard=True
    )


def test_refused_reads_are_repeated_ever_less_often_and_given_up() -> None:
    began = SyncReport(None, None, (), NoticeKind.STARTED, "d1", at(0))
    facts = SyncFacts(reports=(began,))

    def refused(*minutes: int) -> list[RefusedRead]:
        return [RefusedRead(False, 404, "gone", at(m)) for m in minutes]

    once = following(facts, refused=refused(1))
    often = following(facts, refused=refused(*range(1, 40)))
    long = following(facts, refused=refused(1, 14 * DAYS + 1))

    assert once == NextRead(at(1) + PACE.wait(1), Want.STATUS, heard=False)
    assert often == NextRead(at(39 + 360), Want.STATUS, heard=False)
    assert long == NextRead(at(14 * DAYS + 1), Want.NOTHING, heard=False)


def test_a_moment_after_now_keeps_nothing_waiting() -> None:
    ahead = 400 * DAYS
    running = SyncReport(2001, "Running", (), None, None, at(ahead))
    now = at(30)

    first = following(SyncFacts(reports=(running,)), now=now)
    later = running._replace(at=at(20))
    second = following(SyncFacts(reports=(running, later)), now=now)
    listed = following(
        SyncFacts(
            reports=(SyncReport(2000, "Complete", (), None, None, at(ahead)),),
            readings=(reading(25),),
        ),
        now=now,
    )

    assert first is not None
    assert first.due <= now + PACE.wait(1)
    assert second == NextRead(at(20) + PACE.wait(2), Want.STATUS, heard=False)
    assert listed is not None
    assert listed.due <= now + PACE.most


def test_a_contradiction_that_was_read_since_is_not_read_again() -> None:
    assert following(ended(reading(2)), "conflicting") is None
