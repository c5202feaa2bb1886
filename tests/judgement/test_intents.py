"""Our intents: a write is known of from before its call, whatever became of it."""

from tests.judgement.dossiers import (
    DEADLINE,
    created,
    judged,
    page_read,
    pushed,
    said_of,
    started,
    status_read,
    unsettled,
)

C = ("Completed",)


ASKED = unsettled(1, "asked", status=0, request="r1")
LOST = unsettled(2, "lost", status=0, request="r1")
REFUSED = unsettled(2, "refused", request="r1")
ACCEPTED = unsettled(3, "accepted", status=0, request="r1")
WRITTEN = (created(3), status_read(5, 2000), page_read(6, C))


def test_an_intent_that_nothing_answered_is_an_open_attempt() -> None:
    item = judged(ASKED, as_of=5)

    assert (item.state.value, item.verdict.value, item.attempts) == ("open", "WAIT", 1)


def test_an_intent_that_nothing_ever_answers_is_stuck() -> None:
    assert said_of(ASKED, as_of=DEADLINE) == ("open", None)
    assert said_of(ASKED, as_of=DEADLINE + 1) == ("break", "STUCK")


def test_an_answer_takes_the_place_of_the_intent() -> None:
    assert said_of(ASKED, LOST) == ("break", "INDETERMINATE")
    assert said_of(ASKED, REFUSED) == ("break", "FAILED")
    assert judged(ASKED, LOST).attempts == 1
    assert said_of(ASKED, LOST, as_of=1.5) == ("open", None)


def test_an_expense_that_was_written_as_meant_was_never_broken() -> None:
    item = judged(ASKED, ACCEPTED, *WRITTEN)

    assert (item.state.value, item.attempts) == ("matched", 1)


def test_a_lost_answer_that_is_told_again_is_lost_no_longer() -> None:
    assert said_of(ASKED, LOST, ACCEPTED, created(3)) == ("open", None)
    assert said_of(ASKED, LOST, ACCEPTED, *WRITTEN) == ("matched", None)


def test_a_refusal_of_one_try_settles_nothing_where_another_was_lost() -> None:
    busy = unsettled(3, "refused", status=409, request="r1")
    wrong = unsettled(3, "refused", status=400, request="r1")

    assert said_of(ASKED, LOST, busy) == ("break", "INDETERMINATE")
    assert said_of(ASKED, busy) == ("break", "INDETERMINATE")
    assert said_of(ASKED, LOST, wrong) == ("break", "FAILED")


def test_a_call_that_never_left_is_no_attempt() -> None:
    unsent = unsettled(3, "unsent", status=0, request="r1")

    item = judged(ASKED, LOST, unsent)

    assert (item.state.value, item.attempts) == ("open", 0)


def test_the_answer_of_another_request_settles_nothing() -> None:
    other = unsettled(3, "accepted", status=0, request="r2")

    assert said_of(ASKED, LOST, other) == ("break", "INDETERMINATE")


def test_an_intent_to_sync_a_dataset_stands_for_all_it_holds() -> None:
    meant = unsettled(2, "asked", status=0, request="r1", dataset="d1")
    accepted = unsettled(3, "accepted", status=0, request="r1", dataset="d1")

    assert judged(pushed(0), meant, as_of=2.5).attempts == 1
    item = judged(
        pushed(0), meant, accepted, started(3), status_read(5, 2000), page_read(6, C)
    )
    assert (item.state.value, item.attempts) == ("matched", 1)
