"""Judgement in time: since when, cleared, as of, and what turns without a fact."""

import itertools
from datetime import datetime

from hypothesis import given as for_all
from hypothesis import strategies as st

from reconcile.domain.policy import DEFAULT
from reconcile.judgement.judge import history, judge, outline_without_clock
from reconcile.projections import judging
from reconcile.rules import BUILT_IN
from tests.builders import at
from tests.judgement.dossiers import (
    DEADLINE,
    UNSUCCESSFUL,
    created,
    given,
    judged,
    page_read,
    part_read,
    pushed,
    said_of,
    started,
    status_read,
    updated,
    webhook_read,
)
from tests.judgement.memory import Memory
from tests.strategies import crowded

C, F, P, ODD = ("Completed",), ("PushError",), ("Pending",), ("Paused",)
SENT = created(0)


def broken_since(*entries: object, as_of: float = 100) -> datetime | None:
    return judged(*entries, as_of=as_of).broken_since  # type: ignore[arg-type]  # entries


def test_a_break_began_where_its_unbroken_run_began() -> None:
    ledger = (SENT, part_read(5, F), part_read(7, ODD), part_read(9, F))

    assert broken_since(*ledger) == at(5)


def test_a_run_that_was_interrupted_begins_anew() -> None:
    ledger = (
        SENT,
        part_read(5, F),
        status_read(6, 2000),
        page_read(7, C),
        page_read(9, F),
    )

    assert said_of(*ledger, as_of=8) == ("cleared", None)
    assert broken_since(*ledger) == at(9)


def test_a_change_of_kind_does_not_interrupt_a_run() -> None:
    ledger = (SENT, status_read(3, 2040), status_read(9, 7777), part_read(11, F))

    assert (said_of(*ledger), broken_since(*ledger)) == (("break", "FAILED"), at(3))


def test_words_written_one_after_another_break_at_different_times() -> None:
    proof = status_read(0.5, 2000)
    three = (
        SENT,
        proof,
        part_read(1, P),
        part_read(2, C),
        part_read(3, P),
        part_read(4, F),
    )
    four = (*three, part_read(2.5, P))

    assert broken_since(*three) == broken_since(*four) == at(4)


def test_a_conflict_that_ended_does_not_begin_the_next_run() -> None:
    ledger = (
        SENT,
        part_read(5, P),
        part_read(5, ODD),
        part_read(6, P),
        part_read(8, F),
        part_read(9, F),
    )

    assert broken_since(*ledger) == at(8)


def test_a_conflict_after_a_repeated_word_does_not_begin_the_next_run_either() -> None:
    ledger = (
        SENT,
        part_read(4, ODD),
        part_read(5, ODD),
        part_read(5, P),
        part_read(6, P),
        part_read(8, F),
    )

    assert broken_since(*ledger) == at(8)


def test_a_stuck_run_begins_at_its_deadline() -> None:
    assert broken_since(created(3), as_of=DEADLINE + 99) == at(DEADLINE + 3)
    assert broken_since(pushed(3), as_of=DEADLINE + 99) == at(DEADLINE + 3)


def test_a_failure_told_after_the_deadline_goes_on_with_the_stuck_run() -> None:
    ledger = (created(3), part_read(DEADLINE + 50, F))

    assert broken_since(*ledger, as_of=DEADLINE + 99) == at(DEADLINE + 3)


def test_a_silent_failure_begins_when_the_silence_is_long_enough() -> None:
    ledger = (created(3), status_read(1, 4000))

    assert broken_since(*ledger, as_of=DEADLINE + 99) == at(DEADLINE + 1)


def test_matched_after_the_facts_said_break_is_cleared() -> None:
    ledger = (SENT, part_read(5, F), status_read(6, 2000), page_read(7, C))

    assert said_of(*ledger) == ("cleared", None)
    assert broken_since(*ledger) is None


def test_matched_after_a_deadline_passed_is_only_matched() -> None:
    late = DEADLINE + 60
    ledger = (SENT, status_read(late, 2000), page_read(late, C))

    assert said_of(*ledger, as_of=late - 1) == ("break", "STUCK")
    assert said_of(*ledger, as_of=late) == ("matched", None)


def test_facts_after_the_moment_are_not_known_as_of_it() -> None:
    ledger = (SENT, status_read(6, 2000), page_read(7, C), page_read(9, F))

    result = [said_of(*ledger, as_of=minute) for minute in (5, 7, 9)]

    assert result == [("open", None), ("matched", None), ("break", "REGRESSED")]


def test_a_moment_before_every_fact_knows_nothing() -> None:
    item = judged(SENT, as_of=-1)

    assert (item.state, item.attempts, item.expected) == ("open", 0, False)


def test_the_order_of_the_entries_does_not_matter() -> None:
    ledger = (
        SENT,
        part_read(1, P),
        part_read(2, C),
        part_read(3, P),
        status_read(4, 5130),
    )

    result = {
        (item.state, item.kind, item.broken_since, item.legs)
        for item in (
            judged(*permutation) for permutation in itertools.permutations(ledger)
        )
    }

    assert len(result) == 1


def test_the_legs_are_those_of_the_attempt_that_decided() -> None:
    ledger = (SENT, part_read(5, F), created(50, "s2"), part_read(55, C, sync="s2"))

    legs = judged(*ledger, status_read(56, 2000, "s2")).legs

    assert [(leg.sync_id, leg.status) for leg in legs] == [("s2", "Completed")]


def test_a_webhooks_word_is_a_leg_without_a_type() -> None:
    (leg,) = judged(SENT, webhook_read(5, UNSUCCESSFUL, "Failed", "No.")).legs

    assert (leg.integration_type, leg.status, leg.message) == (None, "Failed", "No.")
    assert leg.reported_at == at(5)


def test_an_expense_that_was_only_expected_has_no_leg() -> None:
    assert judged(SENT).legs == ()
    assert judged(pushed(0)).legs == ()


def test_history_tells_each_change_once() -> None:
    dossier = given(
        SENT, part_read(5, P), part_read(6, C), status_read(9, 2000), updated(50)
    )

    result = list(history(dossier, as_of=at(60), policy=DEFAULT, rules=BUILT_IN))

    assert [(moment, item.decided_by) for moment, item in result] == [
        (at(0), "section 8, line 16"),
        (at(5), "section 8, line 9"),
        (at(9), "section 9; section 8, line 8"),
    ]


def test_history_tells_of_deadlines_that_have_passed() -> None:
    dossier = given(pushed(0), started(1))

    result = list(
        history(dossier, as_of=at(DEADLINE + 9), policy=DEFAULT, rules=BUILT_IN)
    )

    assert [(moment, item.kind) for moment, item in result] == [
        (at(0), None),
        (at(1), None),
        (at(DEADLINE + 1), "STUCK"),
    ]


def test_what_is_undecided_turns_at_its_deadline() -> None:
    result = outline_without_clock(given(created(3)), newest=at(9), policy=DEFAULT)

    assert (result.state, result.changes_at) == ("open", at(DEADLINE + 3))
    assert result.changes_to == "STUCK"


def test_what_is_decided_does_not_turn() -> None:
    ledger = given(SENT, part_read(5, F))

    assert (
        outline_without_clock(ledger, newest=at(9), policy=DEFAULT).changes_at is None
    )


def test_a_failure_by_an_empty_listing_does_not_turn_when_the_silence_is_over() -> None:
    ledger = given(SENT, status_read(4, 4000), page_read(5))

    result = outline_without_clock(ledger, newest=at(9), policy=DEFAULT)

    assert (result.kind, result.changes_at) == ("FAILED", None)


def test_an_open_attempt_that_gives_up_turns_the_verdict_alone() -> None:
    ledger = given(SENT, part_read(1, ODD), part_read(9, P, sync="s0"))

    result = outline_without_clock(ledger, newest=at(9), policy=DEFAULT)

    assert (result.kind, result.changes_at) == ("UNRECOGNISED", at(DEADLINE + 9))


NEWEST = at(60 * 28 + 2)


@for_all(lines=crowded(8))
def test_what_turns_without_a_fact_turns_as_foretold(lines: list[bytes]) -> None:
    memory = Memory()
    memory.take(lines)
    for state in memory.companies():
        for name in state.company.transactions():
            dossier = state.company.dossier(name, state.contexts)
            result = outline_without_clock(dossier, newest=NEWEST, policy=DEFAULT)

            turns = result.changes_at or NEWEST
            item = judge(
                dossier, as_of=max(turns, NEWEST), policy=DEFAULT, rules=BUILT_IN
            )

            if result.changes_at is None:
                assert (item.state, item.kind) == (result.state, result.kind)
            elif turns >= NEWEST:
                assert item.kind == result.changes_to


@for_all(lines=crowded(8), minute=st.sampled_from([2, 20, 60 * 29, 60 * 200]))
def test_items_judged_together_are_judged_as_each_alone(
    lines: list[bytes], minute: float
) -> None:
    memory = Memory()
    memory.take(lines)
    together = judging.judge_as_of(at(minute), policy=DEFAULT, rules=BUILT_IN)
    for state in memory.companies():
        names = state.company.transactions()
        found = judging.judged(state.company, state.contexts, names, judge=together)
        for name, item in zip(names, found, strict=True):
            dossier = state.company.dossier(name, state.contexts)
            alone = judge(dossier, as_of=at(minute), policy=DEFAULT, rules=BUILT_IN)
            assert item == alone
