"""Updates over attempts: a new requirement once the expense is written (section 9)."""

import pytest

from tests.judgement.dossiers import (
    DEADLINE,
    Entry,
    created,
    judged,
    line_of,
    page_read,
    part_read,
    said_of,
    status_read,
    unsettled,
    updated,
)

C, F = ("Completed",), ("PushError",)
WRITTEN = (created(0, "s1"), page_read(5, C), status_read(6, 2000))


def test_an_update_that_failed_after_the_writing_is_update_failed() -> None:
    failed = (updated(50), part_read(55, F, sync="s2"))

    assert said_of(*WRITTEN, *failed) == ("break", "UPDATE_FAILED")
    assert line_of(*WRITTEN, *failed) == "section 9, an update; section 8, line 4"


def test_an_update_that_is_missing_or_refused_has_failed() -> None:
    missing = (updated(50), status_read(55, 2040, "s2"))
    denied = unsettled(50, "refused", operation="update")

    assert said_of(*WRITTEN, *missing) == ("break", "UPDATE_FAILED")
    assert said_of(*WRITTEN, denied) == ("break", "UPDATE_FAILED")


def test_an_update_that_is_written_after_a_failed_one_clears_it() -> None:
    failed = (updated(50), part_read(55, F, sync="s2"))
    good = (updated(60, "s3"), part_read(65, C, sync="s3"), status_read(66, 2000, "s3"))

    assert said_of(*WRITTEN, *failed, *good) == ("cleared", None)


def test_an_open_update_leaves_the_expense_matched() -> None:
    item = judged(*WRITTEN, updated(50))

    assert (item.state, item.update_unsettled) == ("matched", False)


@pytest.mark.parametrize(
    "trouble",
    [
        (updated(50), part_read(55, C, sync="s2"), part_read(55, F, sync="s2")),
        (unsettled(50, "lost", operation="update", status=0),),
    ],
    ids=["contradictory", "lost"],
)
def test_an_update_that_nobody_can_settle_is_told_beside_matched(
    trouble: tuple[Entry, ...],
) -> None:
    item = judged(*WRITTEN, *trouble)

    assert (item.state, item.update_unsettled) == ("matched", True)


def test_a_stuck_update_is_told_beside_matched() -> None:
    item = judged(*WRITTEN, updated(50), as_of=DEADLINE + 50)

    assert (item.state, item.update_unsettled) == ("matched", True)


def test_an_update_known_to_precede_every_writing_changed_nothing() -> None:
    early = unsettled(0, "refused", operation="update")
    written = (created(10, "s1"), page_read(15, C), status_read(16, 2000))

    assert said_of(early, *written) == ("cleared", None)


def test_an_update_counts_where_the_writing_has_no_known_request() -> None:
    early = unsettled(0, "refused", operation="update")

    assert said_of(early, page_read(15, C), status_read(16, 2000)) == (
        "break",
        "UPDATE_FAILED",
    )


def test_a_failed_update_says_nothing_of_a_create_that_is_not_settled() -> None:
    failed = (updated(50), part_read(55, F, sync="s2"))

    assert said_of(created(0, "s1"), *failed) == ("open", None)
    assert said_of(created(0, "s1"), *failed, as_of=DEADLINE) == ("break", "STUCK")


def test_a_failed_update_of_what_was_never_written_has_failed() -> None:
    failed = (updated(50), part_read(55, F, sync="s2"))

    assert said_of(*failed) == ("break", "FAILED")
    assert said_of(created(0, "s1"), status_read(5, 2040), *failed) == (
        "break",
        "FAILED",
    )


def test_a_put_that_creates_or_updates_is_an_update_once_it_was_written() -> None:
    first = (updated(0, "s1", "put"), page_read(5, C), status_read(6, 2000))
    second = (updated(50, "s2", "put"), part_read(55, F, sync="s2"))

    assert said_of(*first) == ("matched", None)
    assert said_of(*second) == ("break", "FAILED")
    assert said_of(*first, *second) == ("break", "UPDATE_FAILED")
