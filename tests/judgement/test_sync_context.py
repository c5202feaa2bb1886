"""A sync as judgement sees it: sections 5 and 7 of the judgement page."""

import pytest

from reconcile.domain.vocabulary import CodeClass, NoticeKind, code_class
from reconcile.judgement.sync_context import SyncContext
from tests.builders import at
from tests.judgement.dossiers import (
    SUCCESSFUL,
    UNSUCCESSFUL,
    Entry,
    create,
    given,
    hook,
    page,
    push,
    said_of,
    start,
    status,
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
    assert sync(status(5, 2000), hook(3, UNSUCCESSFUL)).ended_at == at(3)
    assert sync(status(2, 4000), hook(3, SUCCESSFUL)).ended_at == at(2)


def test_a_sync_that_runs_or_that_nobody_understands_has_not_ended() -> None:
    running = sync(
        status(1, 1000),
        status(2, 7777),
        hook(3, NoticeKind.STARTED),
        hook(4, NoticeKind.UNRECOGNISED),
    )

    assert running.ended_at is None


def test_the_current_code_is_the_latest_read_terminal_one() -> None:
    context = sync(status(1, 1000), status(2, 5130), status(4, 2000), status(6, 1000))

    told = [context.code_at(at(minute)) for minute in (0, 1, 2, 5, 7)]

    assert [code and code.code for code in told] == [None, 1000, 5130, 2000, 2000]


def test_of_two_codes_at_one_moment_the_worse_is_current_in_any_order() -> None:
    one = sync(status(2, 2000), status(2, 5130)).code_at(at(3))
    other = sync(status(2, 5130), status(2, 2000)).code_at(at(3))

    assert one == other
    assert one is not None
    assert one.code == 5130


def test_a_status_without_a_code_tells_nothing() -> None:
    context = sync(status(2, None))

    assert context.code_at(at(3)) is None


def test_a_sync_has_failed_by_its_code_or_without_one_by_a_webhook() -> None:
    assert sync(status(2, 5130), hook(1, SUCCESSFUL)).failed_at(at(3))
    assert not sync(status(2, 2000), hook(1, UNSUCCESSFUL)).failed_at(at(3))
    assert sync(status(2, 1000), hook(3, UNSUCCESSFUL)).failed_at(at(3))
    assert not sync(hook(3, UNSUCCESSFUL)).failed_at(at(2))


def test_a_notice_counts_at_its_earliest_receipt_in_any_order() -> None:
    early = hook(3, SUCCESSFUL, delivery="m1")
    late = hook(9, SUCCESSFUL, delivery="m1")

    assert sync(early, late).notices == sync(late, early).notices
    assert [notice.at for notice in sync(late, early).notices] == [at(3)]


def test_an_attempt_is_ordered_by_its_request_else_by_its_earliest_evidence() -> None:
    context = sync(status(3, 1000), create(5))

    told = [context.order(at(minute)) for minute in (2, 4, 6)]

    assert told == [None, at(3), at(5)]


def test_a_create_call_declares_its_sync() -> None:
    context = sync(create(5))

    assert not context.declared_at(at(4))
    assert context.declared_at(at(5))


def test_a_sync_is_declared_when_the_last_of_its_datasets_is_known() -> None:
    context = sync(start(5, "s1", "d1", "d2"), push(9, "d2"), push(1, "d1"))

    assert not context.declared_at(at(8))
    assert context.declared_at(at(9))


def test_a_sync_with_an_unknown_dataset_is_not_declared() -> None:
    assert not sync(start(5, "s1", "d1", "d2"), push(1, "d1")).declared_at(at(50))


def test_what_could_not_be_read_whole_declares_nothing() -> None:
    assert not sync(create(5, whole=False)).declared_at(at(50))
    assert not sync(push(1, whole=False), start(5)).declared_at(at(50))


def test_a_sync_ceases_to_be_declared_when_it_names_something_unknown() -> None:
    context = sync(create(5), start(8), push(12))

    told = [context.declared_at(at(minute)) for minute in (5, 7, 8, 11, 12)]

    assert told == [True, True, False, False, True]


def test_a_sync_of_reads_alone_is_not_declared() -> None:
    assert not sync(page(5, ("Completed",))).declared_at(at(50))


def test_a_reported_expense_that_no_declared_sync_expects_is_unexpected() -> None:
    stranger = (create(1, names=("t2",)), page(5, ("Completed",)), status(6, 2000))

    assert said_of(*stranger) == ("break", "UNEXPECTED")
    assert said_of(*stranger, as_of=4) == ("open", None)


def test_a_webhooks_word_reports_too() -> None:
    stranger = (create(1, names=("t2",)), worded(5, "Completed"))

    assert said_of(*stranger) == ("break", "UNEXPECTED")


def test_an_expense_in_an_undeclared_sync_is_not_unexpected() -> None:
    assert said_of(start(1), page(5, ("Completed",)), status(6, 2000)) == (
        "matched",
        None,
    )


def test_a_dataset_that_arrives_after_its_sync_ends_the_surprise() -> None:
    ledger = (
        create(1, names=("t2",)),
        page(5, ("Completed",)),
        status(6, 2000),
        push(9, "d9"),
    )

    assert said_of(*ledger, as_of=8) == ("break", "UNEXPECTED")
    assert said_of(*ledger, as_of=9) == ("cleared", None)


def test_what_another_sync_expects_is_not_unexpected() -> None:
    ledger = (
        create(1, "s1", names=("t2",)),
        create(2, "s2"),
        page(5, ("Completed",)),
        status(6, 2000),
    )

    assert said_of(*ledger) == ("matched", None)


def test_of_two_writes_that_made_one_sync_only_those_known_name_its_kind() -> None:
    context = sync(create(5, operation="update"), create(8))

    told = [context.operation_at(at(minute)) for minute in (4, 5, 8)]

    assert told == [None, "update", "create"]
