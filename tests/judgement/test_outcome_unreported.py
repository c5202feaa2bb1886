"""An attempt of which nothing was reported: lines 12 to 16, and unsettled writes."""

import pytest

from reconcile.judgement.outcome import Attempt
from reconcile.judgement.sync_context import SyncContext
from tests.judgement.dossiers import (
    DEADLINE,
    UNSUCCESSFUL,
    T,
    create,
    given,
    hook,
    line_of,
    lost,
    page,
    part,
    push,
    refused,
    said_of,
    status,
    told,
)

CLAIM = f"One or more transactions have previously been processed: {T}"
SENT = create(0)


def test_an_expected_expense_of_a_sync_with_an_unknown_code() -> None:
    assert told(SENT, status(5, 7777)) == ("break", "UNRECOGNISED", "12")
    assert told(SENT, status(5, "Odd")) == ("break", "UNRECOGNISED", "12")


def test_a_sync_without_data_misses_what_was_expected() -> None:
    assert told(SENT, status(5, 2040)) == ("break", "MISSING", "13")


@pytest.mark.parametrize("code", [4000, 4040, 4220, 4260, 5000])
def test_a_failed_sync_that_wrote_nothing_fails_its_items_after_its_silence(
    code: int,
) -> None:
    ledger = (create(3), status(5, code))

    assert told(*ledger, as_of=DEADLINE + 2) == ("open", None, "16")
    assert told(*ledger, as_of=DEADLINE + 5) == ("break", "FAILED", "14")


@pytest.mark.parametrize("code", [5080, 5120, 5130])
def test_a_failed_sync_that_may_have_written_never_does(code: int) -> None:
    ledger = (SENT, status(5, code))

    assert told(*ledger, as_of=DEADLINE + 9) == ("break", "STUCK", "16")


def test_a_failed_sync_with_an_empty_listing_has_failed_its_items() -> None:
    assert told(SENT, status(5, 5130), page(6)) == ("break", "FAILED", "14")
    assert told(SENT, hook(5, UNSUCCESSFUL), page(6)) == ("break", "FAILED", "14")


def test_a_failed_sync_with_any_row_misses_an_absent_item() -> None:
    row = ("t2", "Completed", None, None)

    ledger = (SENT, status(5, 5130), page(6, others=(row,)))

    assert told(*ledger) == ("break", "MISSING", "15")


def test_an_item_absent_from_a_complete_listing_is_missing() -> None:
    assert told(SENT, status(5, 2000), page(6)) == ("break", "MISSING", "15")
    assert told(SENT, status(5, 2000), page(6, total=9)) == ("open", None, "16")


def test_silence_is_open_and_stuck_at_its_deadline() -> None:
    assert told(create(3), as_of=DEADLINE + 2.9) == ("open", None, "16")
    assert told(create(3), as_of=DEADLINE + 3) == ("break", "STUCK", "16")


def test_undecided_legs_are_stuck_at_the_deadline_too() -> None:
    ledger = (create(3), part(9, ("Pending",)))

    assert told(*ledger, as_of=DEADLINE + 3) == ("break", "STUCK", "9")


def test_without_a_request_the_wait_begins_with_the_earliest_evidence() -> None:
    ledger = (status(7, 1000), part(9, ("Pending",)))

    assert told(*ledger, as_of=DEADLINE + 6) == ("open", None, "9")
    assert told(*ledger, as_of=DEADLINE + 7) == ("break", "STUCK", "9")


# Writes without an accepting answer


def test_a_refused_write_has_failed() -> None:
    assert said_of(refused(3, "No.")) == ("break", "FAILED")
    assert line_of(refused(3, "No.")) == "section 1, an unsettled write"


def test_a_refusal_that_calls_the_expense_a_duplicate_is_a_claim() -> None:
    assert said_of(refused(3, CLAIM)) == ("break", "CONFLICTING")


def test_a_write_counts_from_its_moment_on() -> None:
    assert said_of(push(0), refused(3), as_of=2) == ("open", None)
    assert said_of(push(0), lost(3), as_of=2) == ("open", None)


def test_an_attempt_is_named_by_its_sync_or_its_request() -> None:
    write = given(refused(3)).facts.unsettled[0]

    assert Attempt(write=write).name == "request-1"
    assert Attempt(sync=SyncContext(sync_id="s1")).name == "s1"
    assert Attempt().name == ""
