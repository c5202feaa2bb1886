"""Judgement in time: since when, cleared, as of, and what turns without a fact."""

import itertools
from datetime import datetime

from hypothesis import given as for_all
from hypothesis import strategies as st

from reconcile.domain.policy import DEFAULT
from reconcile.judgement.judge import history, judge, outline_without_clock
from reconcile.rules import BUILT_IN
from tests.builders import at
from tests.judgement.dossiers import (
    DEADLINE,
    UNSUCCESSFUL,
    create,
    given,
    hook,
    judged,
    page,
    part,
    push,
    said_of,
    start,
    status,
    update,
)
from tests.judgement.memory import Memory
from tests.strategies import crowded

C, F, P, ODD = ("Completed",), ("PushError",), ("Pending",), ("Paused",)
SENT = create(0)


def broken_since(*entries: object, as_of: float = 100) -> datetime | None:
    return judged(*entries, as_of=as_of).broken_since  # type: ignore[arg-type]  # entries


def test_a_break_began_where_its_unbroken_run_began() -> None:
    ledger = (SENT, part(5, F), part(7, ODD), part(9, F))

    assert broken_since(*ledger) == at(5)


def test_a_run_that_was_interrupted_begins_anew() -> None:
    ledger = (SENT, part(5, F), status(6, 2000), page(7, C), page(9, F))

    assert said_of(*ledger, as_of=8) == ("cleared", None)
    assert broken_since(*ledger) == at(9)


def test_a_change_of_kind_does_not_interrupt_a_run() -> None:
    ledger = (SENT, status(3, 2040), status(9, 7777), part(11, F))

    assert (said_of(*ledger), broken_since(*ledger)) == (("break", "FAILED"), at(3))


def test_words_written_one_after_another_break_at_different_times() -> None:
    proof = status(0.5, 2000)
    three = (SENT, proof, part(1, P), part(2, C), part(3, P), part(4, F))
    four = (*three, part(2.5, P))

    assert broken_since(*three) == broken_since(*four) == at(4)


def test_a_conflict_that_ended_does_not_begin_the_next_run() -> None:
    ledger = (SENT, part(5, P), part(5, ODD), part(6, P), part(8, F), part(9, F))

    assert broken_since(*ledger) == at(8)


def test_a_conflict_after_a_repeated_word_does_not_begin_the_next_run_either() -> None:
    ledger = (SENT, part(4, ODD), part(5, ODD), part(5, P), part(6, P), part(8, F))

    assert broken_since(*ledger) == at(8)


def test_a_stuck_run_begins_at_its_deadline() -> None:
    assert broken_since(create(3), as_of=DEADLINE + 99) == at(DEADLINE + 3)
    assert broken_since(push(3), as_of=DEADLINE + 99) == at(DEADLINE + 3)


def test_a_failure_told_after_the_deadline_goes_on_with_the_stuck_run() -> None:
    ledger = (create(3), part(DEADLINE + 50, F))

    assert broken_since(*ledger, as_of=DEADLINE + 99) == at(DEADLINE + 3)


def test_a_silent_failure_begins_when_the_silence_is_long_enough() -> None:
    ledger = (create(3), status(1, 4000))

    assert broken_since(*ledger, as_of=DEADLINE + 99) == at(DEADLINE + 1)


def test_matched_after_the_facts_said_break_is_cleared() -> None:
    ledger = (SENT, part(5, F), status(6, 2000), page(7, C))

    assert said_of(*ledger) == ("cleared", None)
    assert broken_since(*ledger) is None


def test_matched_after_a_deadline_passed_is_only_matched() -> None:
    late = DEADLINE + 60
    ledger = (SENT, status(late, 2000), page(late, C))

    assert said_of(*ledger, as_of=late - 1) == ("break", "STUCK")
    assert said_of(*ledger, as_of=late) == ("matched", None)


def test_facts_after_the_moment_are_not_known_as_of_it() -> None:
    ledger = (SENT, status(6, 2000), page(7, C), page(9, F))

    told = [said_of(*ledger, as_of=minute) for minute in (5, 7, 9)]

    assert told == [("open", None), ("matched", None), ("break", "REGRESSED")]


def test_a_moment_before_every_fact_knows_nothing() -> None:
    item = judged(SENT, as_of=-1)

    assert (item.state, item.attempts, item.expected) == ("open", 0, False)


def test_the_order_of_the_entries_does_not_matter() -> None:
    ledger = (SENT, part(1, P), part(2, C), part(3, P), status(4, 5130))

    told = {
        (item.state, item.kind, item.broken_since, item.legs)
        for item in (judged(*one) for one in itertools.permutations(ledger))
    }

    assert len(told) == 1


def test_the_legs_are_those_of_the_attempt_that_decided() -> None:
    ledger = (SENT, part(5, F), create(50, "s2"), part(55, C, sync="s2"))

    legs = judged(*ledger, status(56, 2000, "s2")).legs

    assert [(leg.sync_id, leg.status) for leg in legs] == [("s2", "Completed")]


def test_a_webhooks_word_is_a_leg_without_a_type() -> None:
    (leg,) = judged(SENT, hook(5, UNSUCCESSFUL, "Failed", "No.")).legs

    assert (leg.integration_type, leg.status, leg.message) == (None, "Failed", "No.")
    assert leg.reported_at == at(5)


def test_an_expense_that_was_only_expected_has_no_leg() -> None:
    assert judged(SENT).legs == ()
    assert judged(push(0)).legs == ()


def test_history_tells_each_change_once() -> None:
    dossier = given(SENT, part(5, P), part(6, C), status(9, 2000), update(50))

    told = list(history(dossier, as_of=at(60), policy=DEFAULT, rules=BUILT_IN))

    assert [(moment, item.decided_by) for moment, item in told] == [
        (at(0), "section 8, line 16"),
        (at(5), "section 8, line 9"),
        (at(9), "section 9; section 8, line 8"),
    ]


def test_history_tells_of_deadlines_that_have_passed() -> None:
    dossier = given(push(0), start(1))

    told = list(
        history(dossier, as_of=at(DEADLINE + 9), policy=DEFAULT, rules=BUILT_IN)
    )

    assert [(moment, item.kind) for moment, item in told] == [
        (at(0), None),
        (at(1), None),
        (at(DEADLINE + 1), "STUCK"),
    ]


def test_what_is_undecided_turns_at_its_deadline() -> None:
    told = outline_without_clock(given(create(3)), newest=at(9), policy=DEFAULT)

    assert (told.state, told.changes_at) == ("open", at(DEADLINE + 3))
    assert told.changes_to == "STUCK"


def test_what_is_decided_does_not_turn() -> None:
    ledger = given(SENT, part(5, F))

    assert (
        outline_without_clock(ledger, newest=at(9), policy=DEFAULT).changes_at is None
    )


def test_a_failure_by_an_empty_listing_does_not_turn_when_the_silence_is_over() -> None:
    ledger = given(SENT, status(4, 4000), page(5))

    told = outline_without_clock(ledger, newest=at(9), policy=DEFAULT)

    assert (told.kind, told.changes_at) == ("FAILED", None)


def test_an_open_attempt_that_gives_up_turns_the_verdict_alone() -> None:
    ledger = given(SENT, status(1, 2040), part(9, P, sync="s0"))

    told = outline_without_clock(ledger, newest=at(9), policy=DEFAULT)

    assert (told.kind, told.changes_at) == ("MISSING", at(DEADLINE + 9))


NEWEST = at(60 * 28 + 2)


@for_all(lines=crowded(8))
def test_what_turns_without_a_fact_turns_as_foretold(lines: list[bytes]) -> None:
    memory = Memory()
    memory.take(lines)
    for one in memory.folded().values():
        for name in one.company.transactions():
            dossier = one.company.dossier(name, one.contexts)
            told = outline_without_clock(dossier, newest=NEWEST, policy=DEFAULT)

            turns = told.changes_at or NEWEST
            item = judge(
                dossier, as_of=max(turns, NEWEST), policy=DEFAULT, rules=BUILT_IN
            )

            if told.changes_at is None:
                assert (item.state, item.kind) == (told.state, told.kind)
            elif turns >= NEWEST:
                assert item.kind == told.changes_to


@for_all(lines=crowded(8), minute=st.sampled_from([2, 20, 60 * 29, 60 * 200]))
def test_items_judged_together_are_judged_as_each_alone(
    lines: list[bytes], minute: float
) -> None:
    memory = Memory()
    memory.take(lines)
    for one in memory.folded().values():
        for name, item in one.items(at(minute)).items():
            dossier = one.company.dossier(name, one.contexts)
            assert item == judge(
                dossier, as_of=at(minute), policy=DEFAULT, rules=BUILT_IN
            )
