"""The next step of an expense: verdict, action, owner, when, and without whom."""

from datetime import timedelta

import pytest

from tests.builders import at
from tests.judgement.dossiers import (
    DEADLINE,
    Entry,
    T,
    created,
    judged,
    lost,
    page_read,
    part_read,
    pushed,
    refused,
    status_read,
    unsettled,
    updated,
    worded,
)

SENT = created(0)
C, F = ("Completed",), ("PushError",)
WRITTEN = (SENT, status_read(4, 2000), page_read(5, C))
CLAIM = "One or more transactions have previously been processed: "
LOCK = "The document date cannot be before the end of year lock date"
LOCKED = ("PushError", "expense", LOCK)
OUTAGE = ("PushError", "expense", "Service unavailable (503)")
OURS = ("PushError", "expense", "The field TaxAmount must be between 0 and 5000000.")


@pytest.mark.parametrize(
    ("ledger", "step"),
    [
        (WRITTEN, ("NEVER", "none", None)),
        ((created(0, names=("t2",)), *WRITTEN[1:]), ("NEVER", "look_in_books", "us")),
        (
            (created(0, names=("t2",)), part_read(5, F)),
            ("FIX_FIRST", "look_in_books", "us"),
        ),
        ((SENT,), ("WAIT", "read_again", "nobody")),
        ((pushed(0),), ("RESEND", "start_sync", "us")),
        ((pushed(90),), ("WAIT", "start_sync", "us")),
        ((unsettled(0, "unsent"),), ("RESEND", "resend", "us")),
        ((lost(0),), ("WAIT", "read_again", "nobody")),
        ((SENT, part_read(4, ("Paused",))), ("FIX_FIRST", "ask_codat", "us")),
        ((SENT, status_read(4, 2040)), ("RESEND", "resend", "us")),
        ((SENT, part_read(4, F)), ("FIX_FIRST", "ask_codat", "us")),
        ((SENT, part_read(4, LOCKED)), ("FIX_FIRST", "ask_customer", "customer")),
        ((SENT, part_read(4, OURS)), ("FIX_FIRST", "resend_changed", "us")),
        ((SENT, part_read(4, OUTAGE)), ("RESEND", "resend", "accounting_software")),
        ((SENT, worded(4, "Failed", CLAIM + "t2")), ("RESEND", "resend_without", "us")),
        ((SENT, worded(4, "Failed", CLAIM + T)), ("NEVER", "look_in_books", "us")),
        ((refused(4, "Unauthorized", 401),), ("FIX_FIRST", "mend_ours", "us")),
        ((SENT, status_read(4, 5000), page_read(5)), ("RESEND", "resend", "codat")),
        (
            (SENT, part_read(4, C), part_read(5, F)),
            ("FIX_FIRST", "look_in_books", "us"),
        ),
        (
            (*WRITTEN, updated(9), part_read(12, LOCKED, sync="s2")),
            ("FIX_FIRST", "update_again", "customer"),
        ),
        (
            (*WRITTEN, updated(9), part_read(12, OUTAGE, sync="s2")),
            ("RESEND", "update_again", "accounting_software"),
        ),
        (
            (*WRITTEN, updated(9), status_read(12, 2040, "s2")),
            ("FIX_FIRST", "update_again", "us"),
        ),
    ],
)
def test_every_judgement_has_its_next_step(
    ledger: tuple[Entry, ...], step: tuple[str, str, str | None]
) -> None:
    item = judged(*ledger)

    assert (item.verdict, item.action, item.owner) == step
    assert item.advice.endswith(".")


def test_a_step_that_is_overdue_is_a_persons() -> None:
    stuck = judged(SENT, as_of=DEADLINE)
    doubtful = judged(lost(0), as_of=DEADLINE)

    assert (stuck.verdict, stuck.action) == ("FIX_FIRST", "read_again")
    assert "status of sync s1 again, then its pages; then ask Codat" in stuck.advice
    assert (doubtful.verdict, doubtful.action) == ("FIX_FIRST", "recover_or_abandon")


def test_what_only_a_person_can_mend_outlives_a_later_outage() -> None:
    second = (created(9, "s2"), part_read(12, OUTAGE, sync="s2"))

    item = judged(SENT, part_read(4, LOCKED), *second)

    assert (item.kind, item.verdict, item.cause) == (
        "FAILED",
        "FIX_FIRST",
        "period_locked",
    )
    assert LOCK in item.reason


def test_of_two_causes_that_people_can_mend_the_later_counts() -> None:
    second = (created(9, "s2"), part_read(12, OURS, sync="s2"))

    assert judged(SENT, part_read(4, LOCKED), *second).cause == "value_not_valid"


def test_a_refusal_is_undone_by_a_later_call_that_was_accepted() -> None:
    refusal = refused(0, "Error processing request - not valid.")

    item = judged(refusal, created(9, "s2"), part_read(12, OUTAGE, sync="s2"))

    assert (item.cause, item.verdict) == ("outage", "RESEND")


def test_a_refusal_of_one_try_says_nothing_of_the_next() -> None:
    sibling = refused(9, CLAIM + "t2")

    key = judged(refused(0, "Unauthorized", 401), sibling)
    data = judged(refused(0, "Error processing request - not valid."), sibling)

    assert (key.cause, key.verdict) == ("sibling_processed", "RESEND")
    assert (data.cause, data.verdict) == ("our_request_refused", "FIX_FIRST")


def test_what_passes_by_itself_may_be_tried_again_after_a_while() -> None:
    once = judged(SENT, part_read(4, OUTAGE))
    twice = judged(
        SENT, part_read(4, OUTAGE), created(9, "s2"), part_read(12, OUTAGE, sync="s2")
    )

    assert once.not_before == at(4) + timedelta(minutes=15)
    assert twice.not_before == at(12) + timedelta(minutes=30)
    assert judged(SENT, part_read(4, LOCKED)).not_before is None


def test_what_failed_too_often_is_asked_of_codat() -> None:
    tries = [
        entry
        for n in range(8)
        for entry in (
            created(10 * n, f"s{n}"),
            part_read(10 * n + 4, OUTAGE, sync=f"s{n}"),
        )
    ]

    item = judged(*tries)

    assert (item.verdict, item.action, item.owner) == (
        "FIX_FIRST",
        "ask_codat",
        "codat",
    )
    assert "failed 8 times" in item.advice


def test_a_siblings_claim_names_whom_to_leave_out() -> None:
    item = judged(SENT, worded(4, "Failed", CLAIM + "T2, t3."))

    assert item.without == ("t2", "t3")
    assert judged(SENT, worded(4, "Failed", LOCK)).without == ()


def test_what_stops_every_call_is_named() -> None:
    item = judged(refused(4, "Payment Required", 402))

    assert item.blocked_by == item.cause == "our_plan_exhausted"
    assert judged(SENT, part_read(4, LOCKED)).blocked_by is None


def test_the_customer_is_told_nothing_that_is_ours() -> None:
    locked = judged(SENT, part_read(4, LOCKED)).customer_reason

    assert locked is not None
    assert locked.startswith("Your books are locked for this date.")
    assert judged(refused(4, "Unauthorized", 401)).customer_reason is None


def test_the_cause_does_not_change_with_the_source_that_was_read() -> None:
    taken = (
        "An error occurred in a downstream service. Correlation ID: {}. Message:  Feed"
        " Connection failed(409): The AccountToken, AccountId or AccountNumber is"
        " already connected to another Xero Bank Account."
    )
    page = part_read(4, ("PushError", "bankfeeds", taken.format("1f6ab1bc")))
    checked = part_read(4, ("ValidationError", "expense", taken.format("0e7ee4bc")))
    hook = worded(5, "Failed", taken.format("62f0f708"))
    status = status_read(6, 5130, words=taken.format("9ab1"))
    sources = [
        (page,),
        (checked,),
        (hook,),
        (status, page_read(9)),
        (page, hook, status),
        (status, hook),
        (hook, page),
    ]

    found = [judged(SENT, *entries) for entries in sources]

    assert len({(i.cause, i.owner, i.fingerprint, i.reason) for i in found}) == 1
    assert found[0].cause == "bank_feed_already_connected"
    assert "correlation" not in found[0].reason.casefold()


def test_reading_a_failure_again_does_not_put_off_when_it_may_be_sent() -> None:
    failed = (SENT, status_read(3, 5130), page_read(4, OUTAGE))
    first = judged(*failed)
    again = judged(*failed, page_read(60, OUTAGE))

    assert first.not_before is not None
    assert again.not_before == first.not_before
