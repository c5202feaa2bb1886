"""The verdict, the failure behind it, and the reason: section 10."""

import pytest

from reconcile.domain.vocabulary import BreakKind, Verdict
from tests.judgement.dossiers import (
    DEADLINE,
    UNSUCCESSFUL,
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
    webhook_read,
    worded,
)

C, F, P = ("Completed",), ("PushError",), ("Pending",)
SENT = created(0)
WRITTEN = (SENT, status_read(4, 2000), page_read(5, C))
CLAIM = "One or more transactions have previously been processed: "
TRANSIENT = ("PushError", "expense", "Service unavailable(503)")
TAKEN = "Bank feed is already connected to another Xero Bank Account"


@pytest.mark.parametrize(
    ("ledger", "verdict"),
    [
        (WRITTEN, "NEVER"),
        ((SENT, part_read(3, F), *WRITTEN[1:]), "NEVER"),
        ((created(0, names=("t2",)), *WRITTEN[1:]), "NEVER"),
        ((created(0, names=("t2",)), part_read(5, F)), "FIX_FIRST"),
        ((SENT,), "WAIT"),
        ((pushed(0),), "RESEND"),
        ((pushed(90),), "WAIT"),
        ((SENT, status_read(4, 2040), created(9, "s2")), "WAIT"),
        ((SENT, part_read(4, C), part_read(4, F), created(9, "s2")), "WAIT"),
        ((lost(0),), "WAIT"),
        ((SENT, part_read(4, C), part_read(4, F)), "FIX_FIRST"),
        ((SENT, part_read(4, C), part_read(5, F)), "FIX_FIRST"),
        ((SENT, part_read(4, ("Paused",))), "FIX_FIRST"),
        ((SENT, status_read(4, 2040)), "RESEND"),
        ((SENT, part_read(4, F)), "FIX_FIRST"),
        ((SENT, part_read(4, ("PushError", "expense", TAKEN))), "FIX_FIRST"),
        ((SENT, part_read(4, ("PushError", "expense", CLAIM + "t2"))), "RESEND"),
        ((SENT, part_read(4, ("PushError", "expense", CLAIM + T))), "NEVER"),
        ((SENT, worded(4, "Failed", CLAIM + "t2")), "RESEND"),
        ((SENT, status_read(4, 4000), page_read(5)), "FIX_FIRST"),
        ((SENT, status_read(4, 5000), page_read(5)), "RESEND"),
        ((refused(4, "No."),), "FIX_FIRST"),
        ((refused(4, CLAIM + "t2"),), "RESEND"),
        ((*WRITTEN, updated(9), part_read(12, F, sync="s2")), "FIX_FIRST"),
        ((*WRITTEN, updated(9), status_read(12, 2040, "s2")), "FIX_FIRST"),
    ],
)
def test_every_judgement_has_its_verdict(
    ledger: tuple[Entry, ...], verdict: str
) -> None:
    assert judged(*ledger).verdict == verdict


def test_what_is_stuck_is_to_be_found_out_first() -> None:
    assert judged(SENT, as_of=DEADLINE).verdict is Verdict.FIX_FIRST


def test_an_attempt_that_is_stuck_is_waited_for_no_longer() -> None:
    ledger = (SENT, part_read(4, TRANSIENT), created(9, "s2"))

    assert judged(*ledger).verdict is Verdict.WAIT
    assert judged(*ledger, as_of=DEADLINE + 9).verdict is Verdict.FIX_FIRST


def test_what_no_attempt_is_known_of_may_be_sent_after_a_while() -> None:
    assert judged(pushed(0), as_of=14).verdict is Verdict.WAIT
    assert judged(pushed(0), as_of=15).verdict is Verdict.RESEND
    stuck = judged(pushed(0), as_of=DEADLINE)
    assert (stuck.kind, stuck.verdict) == ("STUCK", Verdict.RESEND)


def test_a_call_that_the_rate_limit_refused_waits_anew() -> None:
    throttled = unsettled(60, "throttled", status=429)

    assert judged(throttled, as_of=74).verdict is Verdict.WAIT
    assert judged(throttled, as_of=75).verdict is Verdict.RESEND


def test_a_doubt_that_lasts_is_a_persons_to_end() -> None:
    assert judged(lost(0), as_of=14).state == "open"
    assert judged(lost(0), as_of=15).verdict is Verdict.WAIT
    assert judged(lost(0), as_of=DEADLINE).verdict is Verdict.FIX_FIRST


def test_a_duplicate_claim_without_proof_is_never_sent_again() -> None:
    item = judged(SENT, part_read(4, ("PushError", "expense", CLAIM + T)))

    assert (item.kind, item.verdict) == ("CONFLICTING", Verdict.NEVER)


def test_the_worst_leg_wins_in_any_order() -> None:
    resend = ("PushError", "expense", CLAIM + "t2")
    fix = ("PushError", "bankfeeds", TAKEN)

    result = [
        judged(SENT, part_read(4, *rows)) for rows in ((resend, fix), (fix, resend))
    ]

    assert [item.verdict for item in result] == ["FIX_FIRST", "FIX_FIRST"]
    assert {item.cause for item in result} == {"bank_feed_already_connected"}
    assert TAKEN in result[0].reason


def test_a_failure_carries_class_owner_and_fingerprint() -> None:
    item = judged(SENT, part_read(4, ("PushError", "expense", TAKEN)))

    assert (item.cause, item.owner) == ("bank_feed_already_connected", "customer")
    assert item.fingerprint is not None


def test_a_failure_without_words_is_known_again_by_the_syncs_code() -> None:
    silent = judged(SENT, part_read(4, F))
    coded = judged(SENT, part_read(4, F), status_read(5, 5130))

    assert (silent.cause, coded.cause) == ("unclassified", "write_refused")
    assert silent.fingerprint != coded.fingerprint


def test_a_duplicate_claim_is_not_taken_for_a_siblings() -> None:
    item = judged(SENT, part_read(4, ("PushError", "expense", CLAIM + T)))

    assert (item.kind, item.cause) == (BreakKind.CONFLICTING, None)


def test_a_failure_by_the_sync_is_told_in_the_syncs_words() -> None:
    item = judged(SENT, status_read(4, 4000, words="No bank account."), page_read(5))

    assert item.cause == "configuration_incomplete"
    assert "No bank account." in item.reason


ENVELOPE = (
    "An error occurred in a downstream service. Correlation ID:"
    " 0e7ee4bc-50d2-4e07-8f9e-25fdda6bc004. Message:  "
)


@pytest.mark.parametrize(
    ("ledger", "reason"),
    [
        (WRITTEN, "Every leg is written."),
        ((pushed(0),), "no sync has taken it up"),
        ((SENT,), "Codat has said nothing of its sync yet."),
        ((SENT, status_read(4, 1010)), "long running since 2026-03-02 09:04 UTC"),
        ((SENT, status_read(4, 1000)), "in progress since 2026-03-02 09:04 UTC"),
        ((SENT, status_read(4, 2000)), "The sync ended (2000), and its pages do not"),
        ((SENT, status_read(4, 5000)), "The sync failed (5000); its pages were never"),
        ((SENT, part_read(4, P)), "Codat says Pending, and that is not decided yet."),
        ((unsettled(0, "asked"),), "The answer to our request is not known yet."),
        ((refused(4, "No."),), "Codat refused our request (HTTP 400): No."),
        ((refused(4),), "Codat refused our request (HTTP 400)."),
        ((SENT, part_read(4, F)), "No rule knows this failure."),
        ((SENT, worded(4, "Failed", "Odd")), "No rule knows this failure: Odd."),
        ((SENT, webhook_read(4, UNSUCCESSFUL), page_read(5)), "No rule knows this"),
        ((SENT, part_read(4, (*F, "bankfeeds", ENVELOPE + "Odd."))), "failure: Odd."),
        ((SENT, part_read(4, ("Paused",))), "the word 'Paused', which nobody has"),
        ((SENT, status_read(4, 7777)), "the status code 7777, which nobody has"),
        ((refused(4, CLAIM + T),), "Codat calls it a duplicate"),
        ((SENT, part_read(4, C), part_read(4, F)), "Sources contradict each other."),
        ((unsettled(4, "lost", status=503),), "The answer to our request was lost"),
    ],
)
def test_the_reason_is_a_sentence_for_a_person(
    ledger: tuple[Entry, ...], reason: str
) -> None:
    assert reason in judged(*ledger).reason


def test_every_kind_of_break_has_its_reason() -> None:
    ledgers: dict[str, tuple[Entry, ...]] = {
        "UPDATE_FAILED": (*WRITTEN, updated(9), part_read(12, F, sync="s2")),
        "REGRESSED": (SENT, part_read(4, C), part_read(5, F)),
        "MISSING": (SENT, status_read(4, 2040)),
        "UNEXPECTED": (created(0, names=("t2",)), part_read(5, F)),
        "UNRECOGNISED": (SENT, status_read(4, 7777)),
    }

    result = {kind: judged(*ledger) for kind, ledger in ledgers.items()}

    assert [item.kind for item in result.values()] == list(result)
    assert all(item.reason.endswith(".") for item in result.values())
