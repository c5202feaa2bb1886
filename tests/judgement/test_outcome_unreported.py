"""An attempt of which nothing was reported: lines 12 to 16, and unsettled writes."""

import pytest

from reconcile.judgement.outcome import Attempt
from reconcile.judgement.sync_context import SyncContext
from tests.judgement.dossiers import (
    DEADLINE,
    UNSUCCESSFUL,
    T,
    created,
    decided,
    given,
    line_of,
    lost,
    page_read,
    part_read,
    pushed,
    refused,
    said_of,
    status_read,
    webhook_read,
)

CLAIM = f"One or more transactions have previously been processed: {T}"
SENT = created(0)


def test_an_expected_expense_of_a_sync_with_an_unknown_code() -> None:
    assert decided(SENT, status_read(5, 7777)) == ("break", "UNRECOGNISED", "12")
    assert decided(SENT, status_read(5, "Odd")) == ("break", "UNRECOGNISED", "12")


def test_a_sync_without_data_misses_what_was_expected() -> None:
    assert decided(SENT, status_read(5, 2040)) == ("break", "MISSING", "13")


@pytest.mark.parametrize("code", [4000, 4040, 4220, 4260, 5000])
def test_a_failed_sync_that_wrote_nothing_fails_its_items_after_its_silence(
    code: int,
) -> None:
    ledger = (created(3), status_read(5, code))

    assert decided(*ledger, as_of=DEADLINE + 2) == ("open", None, "16")
    assert decided(*ledger, as_of=DEADLINE + 5) == ("break", "FAILED", "14")


@pytest.mark.parametrize("code", [5080, 5120, 5130])
def test_a_failed_sync_that_may_have_written_never_does(code: int) -> None:
    ledger = (SENT, status_read(5, code))

    assert decided(*ledger, as_of=DEADLINE + 9) == ("break", "STUCK", "16")


def test_a_failed_sync_with_an_empty_listing_has_failed_its_items() -> None:
    assert decided(SENT, status_read(5, 5130), page_read(6)) == (
        "break",
        "FAILED",
        "14",
    )
    assert decided(SENT, webhook_read(5, UNSUCCESSFUL), page_read(6)) == (
        "break",
        "FAILED",
        "14",
    )


def test_a_failed_sync_with_any_row_misses_an_absent_item() -> None:
    row = ("t2", "Completed", None, None)

    ledger = (SENT, status_read(5, 5130), page_read(6, others=(row,)))

    assert decided(*ledger) == ("break", "MISSING", "15")


def test_an_item_absent_from_a_complete_listing_is_missing() -> None:
    assert decided(SENT, status_read(5, 2000), page_read(6)) == (
        "break",
        "MISSING",
        "15",
    )
    assert decided(SENT, status_read(5, 2000), page_read(6, total=9)) == (
        "open",
        None,
        "16",
    )


def test_silence_is_open_and_stuck_at_its_deadline() -> None:
    assert decided(created(3), as_of=DEADLINE + 2.9) == ("open", None, "16")
    assert decided(created(3), as_of=DEADLINE + 3) == ("break", "STUCK", "16")


def test_undecided_legs_are_stuck_at_the_deadline_too() -> None:
    ledger = (created(3), part_read(9, ("Pending",)))

    assert decided(*ledger, as_of=DEADLINE + 3) == ("break", "STUCK", "9")


def test_without_a_request_the_wait_begins_with_the_earliest_evidence() -> None:
    ledger = (status_read(7, 1000), part_read(9, ("Pending",)))

    assert decided(*ledger, as_of=DEADLINE + 6) == ("open", None, "9")
    assert decided(*ledger, as_of=DEADLINE + 7) == ("break", "STUCK", "9")


# Writes without an accepting answer


def test_a_refused_write_has_failed() -> None:
    assert said_of(refused(3, "No.")) == ("break", "FAILED")
    assert line_of(refused(3, "No.")) == "section 1, an unsettled write"


def test_a_refusal_that_calls_the_expense_a_duplicate_is_a_claim() -> None:
    assert said_of(refused(3, CLAIM)) == ("break", "CONFLICTING")


def test_a_write_counts_from_its_moment_on() -> None:
    assert said_of(pushed(0), refused(3), as_of=2) == ("open", None)
    assert said_of(pushed(0), lost(3), as_of=2) == ("open", None)


def test_an_attempt_is_named_by_its_sync_or_its_request() -> None:
    write = given(refused(3)).facts.unsettled[0]

    assert Attempt(write=write).name == "request-1"
    assert Attempt(sync=SyncContext(sync_id="s1")).name == "s1"
    assert Attempt().name == ""
