"""Over attempts: every rule of section 9 of the judgement page."""

import pytest

from tests.judgement.dossiers import (
    DEADLINE,
    UNSUCCESSFUL,
    Entry,
    T,
    created,
    given,
    judged,
    line_of,
    lost,
    page_read,
    part_read,
    pushed,
    refused,
    said_of,
    started,
    status_read,
    unsettled,
    webhook_read,
    worded,
)

CLAIM = f"One or more transactions have previously been processed: {T}"
OF_ANOTHER = CLAIM.replace(T, "t2")
C, F, P, ODD = ("Completed",), ("PushError",), ("Pending",), ("Paused",)
BANK_C, BANK_F = ("Completed", "bankfeeds"), ("PushError", "bankfeeds")
WRITTEN = (created(0, "s1"), page_read(5, C), status_read(6, 2000))
CLAIMED = (created(50, "s2"), part_read(55, ("PushError", "expense", CLAIM), sync="s2"))


# Written is sticky


def test_an_expense_written_by_one_attempt_stays_written() -> None:
    later = (created(50, "s2"), part_read(55, F, sync="s2"))

    assert said_of(*WRITTEN, *later) == ("matched", None)


def test_legs_written_in_different_attempts_are_written_together() -> None:
    first = (created(0, "s1"), status_read(4, 5130), page_read(5, C, BANK_F))
    second = (created(50, "s2"), part_read(55, F, BANK_C, sync="s2"))

    assert said_of(*first) == ("break", "FAILED")
    assert said_of(*first, *second) == ("cleared", None)
    assert line_of(*first, *second) == "section 9, every leg written in some attempt"


def test_legs_are_not_known_to_be_all_without_a_complete_listing() -> None:
    first = (created(0, "s1"), status_read(4, 5130), part_read(5, C, BANK_F))
    second = (created(50, "s2"), part_read(55, F, BANK_C, sync="s2"))

    assert said_of(*first, *second) == ("break", "FAILED")


def test_a_listing_that_lacks_the_expense_tells_nothing_of_its_legs() -> None:
    first = (created(0, "s1"), status_read(4, 5130), page_read(5))
    second = (created(50, "s2"), part_read(55, C, sync="s2"))

    assert said_of(*first, *second) == ("open", None)


def test_a_leg_that_something_contradicts_proves_nothing() -> None:
    by_webhook = (
        created(0),
        status_read(4, 5130),
        page_read(5, C),
        worded(6, "Failed"),
    )
    by_code = (created(0), status_read(4, 2040), page_read(5, C))

    assert said_of(*by_webhook) == ("break", "CONFLICTING")
    assert said_of(*by_code) == ("break", "CONFLICTING")


def test_a_leg_that_conflicts_leaves_the_others_proven() -> None:
    first = (created(0, "s1"), part_read(5, C, BANK_C), part_read(5, BANK_F))
    second = (
        created(50, "s2"),
        status_read(54, 5130, "s2"),
        page_read(55, F, BANK_C, sync="s2"),
    )

    assert said_of(*first) == ("break", "CONFLICTING")
    assert said_of(*first, *second) == ("cleared", None)


def test_the_legs_shown_are_the_latest_in_which_each_was_written() -> None:
    first = (created(0, "s1"), status_read(4, 5130), page_read(5, C, BANK_F))
    second = (created(50, "s2"), part_read(55, F, BANK_C, sync="s2"))

    legs = judged(*first, *second).legs

    result = [(leg.integration_type, leg.sync_id, leg.status) for leg in legs]
    assert result == [("expense", "s1", "Completed"), ("bankfeeds", "s2", "Completed")]


# The attempts that reached the expense


def test_the_latest_attempt_that_reached_it_names_the_kind() -> None:
    first = (created(0, "s1"), part_read(5, F))
    second = (created(50, "s2"), part_read(55, ODD, sync="s2"))

    assert said_of(*first, *second) == ("break", "UNRECOGNISED")


NOT_REACHED = {
    "refused": (refused(50, "No key."),),
    "ended without it": (created(50, "s2"), status_read(55, 2040, "s2")),
    "failed as a whole": (created(50, "s2"), status_read(55, 5000, "s2")),
    "listed without it": (
        created(50, "s2"),
        status_read(55, 5130, "s2"),
        page_read(56, sync="s2", others=(("t2", "PushError", "expense", None),)),
    ),
    "refused for another": (
        created(50, "s2"),
        part_read(55, ("PushError", "expense", OF_ANOTHER), sync="s2"),
    ),
    "refused for another, by webhook": (
        created(50, "s2"),
        webhook_read(55, UNSUCCESSFUL, "Failed", OF_ANOTHER, sync="s2"),
    ),
}
REACHED = {
    "FAILED": (created(0, "s1"), part_read(5, F)),
    "REGRESSED": (created(0, "s1"), part_read(4, C), part_read(5, F)),
    "UNRECOGNISED": (created(0, "s1"), part_read(5, ODD)),
    "INDETERMINATE": (lost(3),),
    "STUCK": (created(0, "s1"),),
}


@pytest.mark.parametrize("second", NOT_REACHED.values(), ids=NOT_REACHED)
@pytest.mark.parametrize("kind", REACHED)
def test_an_attempt_that_did_not_reach_it_says_nothing_of_an_earlier_one(
    kind: str, second: tuple[Entry, ...]
) -> None:
    item = judged(*REACHED[kind], *second, as_of=DEADLINE + 9)

    assert (item.state, item.kind) == ("break", kind)
    assert item.attempts == 2


@pytest.mark.parametrize("second", NOT_REACHED.values(), ids=NOT_REACHED)
def test_where_only_one_under_way_may_have_reached_it_it_is_open(
    second: tuple[Entry, ...],
) -> None:
    under_way = created(40, "s1")

    item = judged(under_way, *second, as_of=100)

    assert (item.state, item.verdict) == ("open", "WAIT")


@pytest.mark.parametrize("second", NOT_REACHED.values(), ids=NOT_REACHED)
def test_where_none_can_have_reached_it_the_latest_speaks(
    second: tuple[Entry, ...],
) -> None:
    first = refused(3, "Bad data.")

    item = judged(first, *second, as_of=DEADLINE + 99)

    assert item.kind in ("FAILED", "MISSING")
    assert "Bad data." not in item.reason


def test_a_break_stays_one_while_it_is_sent_again() -> None:
    item = judged(created(0, "s1"), part_read(5, F), created(50, "s2"))

    assert (item.state, item.kind, item.verdict) == ("break", "FAILED", "WAIT")


def test_a_refused_update_says_nothing_of_one_that_was_lost() -> None:
    unknown = unsettled(20, "lost", operation="update", status=0)
    turned_away = unsettled(30, "refused", operation="update", status=401)

    assert said_of(*WRITTEN, turned_away) == ("break", "UPDATE_FAILED")
    assert said_of(*WRITTEN, unknown, turned_away) == ("matched", None)


def test_an_open_attempt_changes_only_the_verdict() -> None:
    failed = (created(0, "s1"), part_read(5, F))

    item = judged(*failed, created(50, "s2"))

    assert (item.state, item.kind, item.verdict) == ("break", "FAILED", "WAIT")


def test_attempts_are_ordered_by_request_and_not_by_polling() -> None:
    polled_late = (created(0, "s1"), created(50, "s2"), part_read(60, F, sync="s2"))

    assert said_of(*polled_late, status_read(70, 2040, "s1")) == ("break", "FAILED")


def test_attempts_of_one_moment_are_ordered_by_their_sync() -> None:
    ledger = (created(0, "s1"), created(0, "s2"), part_read(9, F, sync="s2"))

    assert said_of(*ledger, status_read(9, 2040, "s1")) == ("break", "FAILED")
    assert said_of(*ledger, status_read(9, 2040, "s3")) == ("break", "FAILED")


# Duplicate claims


def test_a_duplicate_claim_after_a_written_attempt_is_matched() -> None:
    assert said_of(*WRITTEN, *CLAIMED) == ("matched", None)


def test_a_duplicate_claim_whose_earlier_legs_are_written_is_matched() -> None:
    ledger = (created(0, "s1"), part_read(5, C), *CLAIMED)

    assert said_of(*ledger, as_of=20) == ("open", None)
    assert said_of(*ledger) == ("matched", None)
    assert [leg.sync_id for leg in judged(*ledger).legs] == ["s1"]


def test_a_refused_claim_shows_the_legs_that_are_written() -> None:
    ledger = (created(0, "s1"), part_read(5, C), refused(50, CLAIM))

    assert said_of(*ledger) == ("matched", None)
    assert [leg.sync_id for leg in judged(*ledger).legs] == ["s1"]


def test_a_duplicate_claim_without_proof_conflicts() -> None:
    failed = (created(0, "s1"), part_read(5, F))

    assert said_of(*CLAIMED) == ("break", "CONFLICTING")
    assert said_of(*failed, *CLAIMED) == ("break", "CONFLICTING")


def test_a_claim_after_regressed_stays_regressed() -> None:
    regressed = (created(0, "s1"), part_read(5, C), part_read(6, F))

    assert said_of(*regressed, *CLAIMED) == ("break", "REGRESSED")


@pytest.mark.parametrize("polled", [(60, 70), (70, 60)])
@pytest.mark.parametrize("known", [("s1", "s2"), ("s2",), ()], ids=str)
@pytest.mark.parametrize("as_of", [100, DEADLINE + 200])
def test_a_proven_claim_is_in_the_books_in_every_polling_order(
    polled: tuple[float, float], known: tuple[str, ...], as_of: float
) -> None:
    requests = {"s1": created(0, "s1"), "s2": created(50, "s2")}
    written = part_read(polled[0], C, BANK_C)
    claimed = part_read(polled[1], ("PushError", "expense", CLAIM), sync="s2")

    item = judged(*(requests[sync] for sync in known), written, claimed, as_of=as_of)

    assert (item.state in ("matched", "cleared"), item.kind) == (True, None)


# Lost answers


def test_a_lost_answer_after_the_last_settled_attempt_is_indeterminate() -> None:
    failed = (created(0, "s1"), part_read(5, F))

    assert said_of(lost(3)) == ("break", "INDETERMINATE")
    assert said_of(*failed, lost(50)) == ("break", "INDETERMINATE")


def test_a_lost_answer_before_a_settled_attempt_says_nothing() -> None:
    failed = (created(50, "s1"), part_read(55, F))

    assert said_of(lost(3), *failed) == ("break", "FAILED")


def test_a_lost_answer_after_the_writing_leaves_it_matched() -> None:
    assert said_of(*WRITTEN, lost(50)) == ("matched", None)


def test_a_later_reading_finds_the_sync_of_a_lost_answer() -> None:
    found = part_read(9, P)

    assert said_of(lost(-20), found, as_of=8) == ("break", "INDETERMINATE")
    assert said_of(lost(-20), found) == ("open", None)
    assert said_of(lost(9), found) == ("open", None)


def test_a_sync_that_was_accepted_or_seen_before_is_not_the_lost_one() -> None:
    assert said_of(created(1, "s1"), lost(3), part_read(9, P)) == (
        "break",
        "INDETERMINATE",
    )
    assert said_of(part_read(2, P), lost(3), part_read(9, P)) == (
        "break",
        "INDETERMINATE",
    )


# Datasets


def test_a_dataset_never_synced_is_open_and_stuck_after_its_push() -> None:
    assert said_of(pushed(3), as_of=DEADLINE + 2) == ("open", None)
    assert said_of(pushed(3), as_of=DEADLINE + 3) == ("break", "STUCK")
    assert line_of(pushed(3)) == "section 9, never synced"


def test_a_dataset_never_synced_counts_only_without_an_attempt() -> None:
    later = (created(DEADLINE, "s9"), pushed(3))

    assert said_of(*later, as_of=DEADLINE + 9) == ("open", None)


def test_a_throttled_write_is_no_attempt_but_names_the_expense() -> None:
    item = judged(unsettled(3, "throttled", status=429))

    assert (item.state, item.attempts, item.expected) == ("open", 0, True)
    late = unsettled(3, "throttled", status=429)
    assert said_of(late, as_of=DEADLINE + 3) == ("break", "STUCK")


def test_a_sync_of_a_dataset_expects_what_the_dataset_names() -> None:
    ledger = (pushed(1), started(2), status_read(5, 2040))

    assert said_of(*ledger) == ("break", "MISSING")


def test_a_refused_sync_of_a_dataset_fails_what_the_dataset_names() -> None:
    refusal = unsettled(2, "refused", operation="syncs", dataset="d1")

    assert said_of(pushed(1), refusal) == ("break", "FAILED")


def test_a_write_counts_for_a_dataset_once_its_content_is_known() -> None:
    refusal = unsettled(2, "refused", operation="syncs", dataset="d1")

    assert judged(pushed(9), refusal, as_of=5).attempts == 0
    for pushes in ((pushed(9), pushed(5)), (pushed(5), pushed(9))):
        assert said_of(*pushes, refusal, as_of=5) == ("break", "FAILED")


def test_nothing_known_by_a_moment_is_no_attempt_and_no_expectation() -> None:
    item = judged(created(5), as_of=4)

    assert (item.state, item.attempts, item.expected) == ("open", 0, False)


def test_attempts_are_syncs_and_refused_and_lost_requests() -> None:
    ledger = (refused(1), lost(2), created(3, "s1"), part_read(9, F, sync="s2"))

    assert judged(*ledger).attempts == 4
    assert given(*ledger).transaction_id == T


# What a sync that nobody saw requested can say


FAILED_LATER = part_read(60 * 40, F, sync="portal")


def test_a_sync_nobody_saw_requested_speaks_for_none_that_may_be_later() -> None:
    unheard = created(10, "s1")

    assert said_of(unheard, FAILED_LATER, as_of=60 * 41) == ("break", "STUCK")
    assert said_of(FAILED_LATER, as_of=60 * 41) == ("break", "FAILED")


def test_what_failed_before_it_does_not_keep_it_from_speaking() -> None:
    first = (created(0, "s1"), part_read(5, F))

    assert said_of(*first, FAILED_LATER, as_of=60 * 41) == ("break", "FAILED")


def test_a_sync_that_was_seen_requested_speaks_for_all_before_it() -> None:
    later = (created(60 * 39, "s2"), part_read(60 * 40, F, sync="s2"))

    assert said_of(created(10, "s1"), *later, as_of=60 * 41) == ("break", "FAILED")
