"""One attempt: every line of the table of section 8, first the one that applies."""

import pytest

from reconcile.domain.observations import LegRow
from reconcile.judgement.claims import claims_duplicate
from tests.judgement.dossiers import (
    SUCCESSFUL,
    UNSUCCESSFUL,
    Entry,
    T,
    created,
    decided,
    line_of,
    page_read,
    part_read,
    said_of,
    status_read,
    webhook_read,
    worded,
)

CLAIM = f"One or more transactions have previously been processed: {T}"
SENT = created(0)


# Line 1


def test_a_legs_message_that_names_the_expense_is_a_duplicate_claim() -> None:
    ledger = (SENT, part_read(5, ("PushError", "expense", CLAIM)))

    assert said_of(*ledger) == ("break", "CONFLICTING")
    assert line_of(*ledger) == "section 9, a duplicate claim without proof"


def test_the_syncs_message_is_a_claim_where_it_has_no_leg() -> None:
    assert said_of(SENT, status_read(5, 5080, words=CLAIM)) == ("break", "CONFLICTING")


def test_the_syncs_message_is_no_claim_where_legs_were_read() -> None:
    ledger = (SENT, status_read(5, 5080, words=CLAIM), part_read(6, ("PushError",)))

    assert decided(*ledger) == ("break", "FAILED", "4")


def test_a_webhooks_message_is_a_claim_where_no_leg_was_read() -> None:
    assert said_of(SENT, worded(5, "Failed", CLAIM)) == ("break", "CONFLICTING")


def test_a_webhooks_claim_is_not_taken_for_a_failure_of_undecided_legs() -> None:
    ledger = (SENT, part_read(4, ("Pending",)), worded(5, "Failed", CLAIM))

    assert said_of(*ledger) == ("break", "CONFLICTING")


@pytest.mark.parametrize(
    ("message", "claims"),
    [
        (CLAIM, True),
        (f"transactions have PREVIOUSLY  been\nprocessed: x, {T.upper()}.", True),
        ("One or more transactions have previously been processed: t2", False),
        ("One or more transactions have previously been processed: t11", False),
        ("One or more transactions have previously been processed: a-t1", False),
        (f"processed: {T}", False),
        (None, False),
    ],
)
def test_a_claim_names_this_very_expense(message: str | None, claims: bool) -> None:
    assert claims_duplicate(message, T) is claims


# Line 2


def test_a_leg_that_says_two_things_at_once_conflicts() -> None:
    ledger = (SENT, part_read(5, ("Completed",)), part_read(5, ("PushError",)))

    assert decided(*ledger) == ("break", "CONFLICTING", "2")


def test_a_webhook_that_contradicts_the_legs_at_or_after_their_last_report() -> None:
    for minute in (5, 6):
        ledger = (SENT, part_read(5, ("Completed",)), worded(minute, "Failed"))

        assert decided(*ledger) == ("break", "CONFLICTING", "2")


def test_a_webhook_contradicts_even_a_complete_listing() -> None:
    ledger = (
        SENT,
        status_read(4, 2000),
        page_read(5, ("Completed",)),
        worded(6, "Failed"),
    )

    assert decided(*ledger) == ("break", "CONFLICTING", "2")


def test_a_webhook_that_says_written_contradicts_a_failed_leg() -> None:
    ledger = (SENT, part_read(5, ("Completed",), ("PushError", "bankfeeds")))

    assert decided(*ledger, worded(6, "Completed")) == ("break", "CONFLICTING", "2")
    assert decided(*ledger, worded(4, "Completed")) == ("break", "FAILED", "4")


def test_a_webhook_without_a_time_of_its_own_outranks_no_read() -> None:
    undated = webhook_read(6, UNSUCCESSFUL, "Failed", dated=False)
    ledger = (SENT, status_read(4, 2000), page_read(5, ("Completed",)), undated)

    assert decided(*ledger) == ("matched", None, "8")


def test_an_undecided_or_unknown_word_of_a_webhook_contradicts_nothing() -> None:
    ledger = (SENT, status_read(4, 2000), page_read(5, ("Completed",)))

    assert decided(*ledger, worded(6, "Pending")) == ("matched", None, "8")
    assert decided(*ledger, worded(6, "Odd")) == ("matched", None, "8")


def test_an_undecided_leg_is_contradicted_by_nothing() -> None:
    ledger = (SENT, part_read(5, ("Completed",), ("Pending", "bankfeeds")))

    assert decided(*ledger, worded(5, "Failed")) == ("break", "FAILED", "7")


# Lines 3 to 5


def test_a_leg_that_fails_after_it_was_written_has_regressed() -> None:
    ledger = (SENT, part_read(5, ("Completed",)), part_read(6, ("PushError",)))

    assert decided(*ledger) == ("break", "REGRESSED", "3")


def test_one_failed_leg_fails_the_attempt() -> None:
    ledger = (SENT, part_read(5, ("Completed",), ("ValidationError", "bankfeeds")))

    assert decided(*ledger) == ("break", "FAILED", "4")


def test_a_failed_leg_outranks_an_unrecognised_one() -> None:
    ledger = (SENT, part_read(5, ("Paused",), ("PushError", "bankfeeds")))

    assert decided(*ledger) == ("break", "FAILED", "4")


def test_a_word_we_do_not_know_is_unrecognised() -> None:
    ledger = (SENT, part_read(5, ("Completed",), ("Paused", "bankfeeds")))

    assert decided(*ledger) == ("break", "UNRECOGNISED", "5")


# Lines 6 and 7


def test_written_legs_in_a_sync_without_data_conflict() -> None:
    ledger = (SENT, status_read(4, 2040), page_read(5, ("Completed",)))

    assert decided(*ledger) == ("break", "CONFLICTING", "6")


def test_a_webhooks_failure_counts_while_the_listing_is_not_complete() -> None:
    failed = worded(4, "Failed")

    assert decided(SENT, failed, part_read(5, ("Completed",))) == (
        "break",
        "FAILED",
        "7",
    )
    assert decided(SENT, failed, page_read(5, ("Completed",))) == ("cleared", None, "8")


# Lines 8 and 9


@pytest.mark.parametrize(
    "proof",
    [
        (status_read(6, 2000),),
        (webhook_read(6, SUCCESSFUL),),
        (worded(4, "Completed"),),
        (status_read(4, 5130), page_read(5, ("Completed",))),
    ],
    ids=["2000", "successful event", "webhook word", "complete listing"],
)
def test_written_legs_with_any_proof_are_written(proof: tuple[Entry, ...]) -> None:
    assert decided(SENT, part_read(5, ("Completed",)), *proof) == ("matched", None, "8")


def test_written_legs_without_proof_are_undecided() -> None:
    unproven = (SENT, part_read(5, ("Completed",)))

    assert decided(*unproven) == ("open", None, "9")
    assert decided(*unproven, status_read(6, 5130)) == ("open", None, "9")
    assert decided(*unproven, webhook_read(6, UNSUCCESSFUL)) == ("open", None, "9")


OTHER: LegRow = ("other", "Completed", "expense", None)


@pytest.mark.parametrize("minute", [3, 8], ids=["read before it", "read after it"])
def test_a_complete_listing_proves_nothing_of_an_expense_that_it_lacks(
    minute: float,
) -> None:
    whole_without = page_read(5, others=(OTHER,))
    leg = part_read(minute, ("Completed", "bankfeeds"))

    ledger = (created(0), status_read(4, 5130), leg, whole_without)

    assert decided(*ledger) == ("open", None, "9")
    failed = webhook_read(2, UNSUCCESSFUL, "Failed")
    assert decided(*ledger, failed)[:2] == ("break", "FAILED")


def test_a_row_that_vanishes_after_the_listing_was_complete_stays_proven() -> None:
    whole, without = page_read(5, ("Completed",)), page_read(9, others=(OTHER,))

    assert said_of(created(0), status_read(4, 5130), whole, without) == (
        "matched",
        None,
    )


def test_a_later_webhooks_word_decides_undecided_legs() -> None:
    ledger = (SENT, part_read(5, ("Completed",), ("Pending", "bankfeeds")))

    assert decided(*ledger, worded(6, "Completed")) == ("matched", None, "8")
    assert decided(*ledger, worded(5, "Completed")) == ("open", None, "9")


def test_a_webhook_that_says_two_things_at_once_proves_nothing() -> None:
    twice = (worded(4, "Completed"), worded(4, "Odd"))

    assert decided(SENT, part_read(5, ("Completed",)), *twice) == ("open", None, "9")


def test_legs_that_are_all_undecided_are_undecided() -> None:
    ledger = (SENT, status_read(4, 2000), page_read(5, ("Pending",)))

    assert decided(*ledger) == ("open", None, "9")


# Line 10


@pytest.mark.parametrize(
    ("words", "state", "kind"),
    [
        ([(5, "Completed")], "matched", None),
        ([(5, "Failed")], "break", "FAILED"),
        ([(5, "Odd")], "break", "UNRECOGNISED"),
        ([(5, "Pending")], "open", None),
        ([(5, "Completed"), (5, "Failed")], "break", "CONFLICTING"),
        ([(5, "Completed"), (6, "Failed")], "break", "REGRESSED"),
        ([(5, "Completed"), (6, "Pending")], "matched", None),
    ],
)
def test_where_no_leg_was_read_a_webhooks_word_stands(
    words: list[tuple[float, str]], state: str, kind: str | None
) -> None:
    ledger = [worded(minute, word) for minute, word in words]

    assert decided(SENT, *ledger) == (state, kind, "10")


def test_a_word_delivered_twice_counts_at_its_earliest_receipt() -> None:
    receipts = [
        webhook_read(minute, UNSUCCESSFUL, "Failed", delivery="m1")
        for minute in (9, 4, 20)
    ]
    ledger = (SENT, part_read(5, ("Completed",)), status_read(6, 2000), *receipts)

    assert decided(*ledger) == ("break", "FAILED", "7")
