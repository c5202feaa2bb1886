"""A sync as judgement sees it: sections 5 and 7 of the judgement page."""

import pytest

from reconcile.domain.vocabulary import CodeClass, NoticeKind, code_class
from reconcile.judgement.sync_context import SyncContext
from tests.builders import at
from tests.judgement.dossiers import (
    SUCCESSFUL,
    UNSUCCESSFUL,
    Entry,
    created,
    given,
    page_read,
    pushed,
    said_of,
    started,
    status_read,
    webhook_read,
    worded,
)


def sync(*entries: Entry) -> SyncContext:
    return given(*entries).syncs["s1"]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ((1000, 1010), CodeClass.IN_PROGRESS),
        ((2000, 2040), CodeClass.ENDED_WELL),
        ((4000, 4040, 4220, 4260, 5000, 5080, 5120, 5130), CodeClass.FAILED),
        ((0, 2001, 7777, "2000-ish"), CodeClass.UNRECOGNISED),
    ],
)
def test_every_code_has_its_class(
    codes: tuple[int | str, ...], expected: CodeClass
) -> None:
    assert {code_class(code) for code in codes} == {expected}


def test_the_end_is_the_earliest_terminal_report_of_any_source() -> None:
    assert sync(status_read(5, 2000), webhook_read(3, UNSUCCESSFUL)).ended_at == at(3)
    assert sync(status_read(2, 4000), webhook_read(3, SUCCESSFUL)).ended_at == at(2)


def test_a_sync_that_runs_or_that_nobody_understands_has_not_ended() -> None:
    running = sync(
        status_read(1, 1000),
        status_read(2, 7777),
        webhook_read(3, NoticeKind.STARTED),
        webhook_read(4, NoticeKind.UNRECOGNISED),
    )

    assert running.ended_at is None


def test_the_current_code_is_the_latest_read_terminal_one() -> None:
    context = sync(
        status_read(1, 1000),
        status_read(2, 5130),
        status_read(4, 2000),
        status_read(6, 1000),
    )

    result = [context.code_at(at(minute)) for minute in (0, 1, 2, 5, 7)]

    assert [code and code.code for code in result] == [None, 1000, 5130, 2000, 2000]


def test_of_two_codes_at_one_moment_the_worse_is_current_in_any_order() -> None:
    item = sync(status_read(2, 2000), status_read(2, 5130)).code_at(at(3))
    other = sync(status_read(2, 5130), status_read(2, 2000)).code_at(at(3))

    assert item == other
    assert item is not None
    assert item.code == 5130


def test_a_status_without_a_code_tells_nothing() -> None:
    context = sync(status_read(2, None))

    assert context.code_at(at(3)) is None


def test_a_sync_has_failed_by_its_code_or_without_one_by_a_webhook() -> None:
    assert sync(status_read(2, 5130), webhook_read(1, SUCCESSFUL)).failed_at(at(3))
    assert not sync(status_read(2, 2000), webhook_read(1, UNSUCCESSFUL)).failed_at(
        at(3)
    )
    assert sync(status_read(2, 1000), webhook_read(3, UNSUCCESSFUL)).failed_at(at(3))
    assert not sync(webhook_read(3, UNSUCCESSFUL)).failed_at(at(2))


def test_a_notice_counts_at_its_earliest_receipt_in_any_order() -> None:
    early = webhook_read(3, SUCCESSFUL, delivery="m1")
    late = webhook_read(9, SUCCESSFUL, delivery="m1")

    assert sync(early, late).notices == sync(late, early).notices
    assert [notice.at for notice in sync(late, early).notices] == [at(3)]


def test_an_attempt_is_ordered_by_its_request_else_by_its_earliest_evidence() -> None:
    context = sync(status_read(3, 1000), created(5))

    result = [context.order(at(minute)) for minute in (2, 4, 6)]

    assert result == [None, at(3), at(5)]


def test_a_create_call_declares_its_sync() -> None:
    context = sync(created(5))

    assert not context.declared_at(at(4))
    assert context.declared_at(at(5))


def test_a_sync_is_declared_when_the_last_of_its_datasets_is_known() -> None:
    context = sync(started(5, "s1", "d1", "d2"), pushed(9, "d2"), pushed(1, "d1"))

    assert not context.declared_at(at(8))
    assert context.declared_at(at(9))


def test_a_sync_with_an_unknown_dataset_is_not_declared() -> None:
    assert not sync(started(5, "s1", "d1", "d2"), pushed(1, "d1")).declared_at(at(50))


def test_what_could_not_be_read_whole_declares_nothing() -> None:
    assert not sync(created(5, whole=False)).declared_at(at(50))
    assert not sync(pushed(1, whole=False), started(5)).declared_at(at(50))


def test_a_sync_ceases_to_be_declared_when_it_names_something_unknown() -> None:
    context = sync(created(5), started(8), pushed(12))

    result = [context.declared_at(at(minute)) for minute in (5, 7, 8, 11, 12)]

    assert result == [True, True, False, False, True]


def test_a_sync_of_reads_alone_is_not_declared() -> None:
    assert not sync(page_read(5, ("Completed",))).declared_at(at(50))


def test_a_reported_expense_that_no_declared_sync_expects_is_unexpected() -> None:
    stranger = (
        created(1, names=("t2",)),
        page_read(5, ("Completed",)),
        status_read(6, 2000),
    )

    assert said_of(*stranger) == ("break", "UNEXPECTED")
    assert said_of(*stranger, as_of=4) == ("open", None)


def test_a_webhooks_word_reports_too() -> None:
    stranger = (created(1, names=("t2",)), worded(5, "Completed"))

    assert said_of(*stranger) == ("break", "UNEXPECTED")


def test_an_expense_in_an_undeclared_sync_is_not_unexpected() -> None:
    assert said_of(started(1), page_read(5, ("Completed",)), status_read(6, 2000)) == (
        "matched",
        None,
    )


def test_a_dataset_that_arrives_after_its_sync_ends_the_surprise() -> None:
    ledger = (
        created(1, names=("t2",)),
        page_read(5, ("Completed",)),
        status_read(6, 2000),
        pushed(9, "d9"),
    )

    assert said_of(*ledger, as_of=8) == ("break", "UNEXPECTED")
    assert said_of(*ledger, as_of=9) == ("cleared", None)


def test_what_another_sync_expects_is_not_unexpected() -> None:
    ledger = (
        created(1, "s1", names=("t2",)),
        created(2, "s2"),
        page_read(5, ("Completed",)),
        status_read(6, 2000),
    )

    assert said_of(*ledger) == ("matched", None)


def test_of_two_writes_that_made_one_sync_only_those_known_name_its_kind() -> None:
    context = sync(created(5, operation="update"), created(8))

    result = [context.operation_at(at(minute)) for minute in (4, 5, 8)]

    assert result == [None, "update", "create"]
