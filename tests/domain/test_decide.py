"""What is news: the deciders of syncs, datasets and requests, and their folds."""

from functools import reduce

import pytest

from reconcile.domain import dataset, request, sync
from reconcile.domain.events import (
    Event,
    LegsReported,
    LegsReread,
    Recorded,
    SyncAnswerLost,
    SyncCompleted,
    SyncEvent,
    SyncFailed,
    SyncInitiated,
    SyncRefused,
    SyncStarted,
    SyncThrottled,
    SyncUnrecognised,
)
from reconcile.domain.observations import (
    DatasetReceipt,
    ExpectedTransaction,
    LegRow,
    StatusReport,
    SyncReceipt,
    TransactionPage,
    WebhookNotice,
    WriteUnsettled,
)
from reconcile.domain.vocabulary import NoticeKind, RequestOutcome
from reconcile.errors import HistoryError
from reconcile.projections.changes import changes
from tests.builders import at

ROWS: tuple[LegRow, ...] = (("t1", "Completed", "expense", None),)


def receipt(minute: float = 0) -> SyncReceipt:
    return SyncReceipt(
        company_id="c1",
        sync_id="s1",
        operation="syncs",
        dataset_ids=("d1",),
        at=at(minute),
    )


def status(code: int | str | None, minute: float = 0) -> StatusReport:
    return StatusReport(
        company_id="c1", sync_id="s1", code=code, status="Odd", at=at(minute)
    )


def page(minute: float, digest: str = "r1", number: int | None = 1) -> TransactionPage:
    return TransactionPage(
        company_id="c1",
        sync_id="s1",
        page=number,
        rows=ROWS,
        rows_digest=digest,
        at=at(minute),
    )


def notice(
    minute: float,
    kind: NoticeKind = NoticeKind.SUCCESSFUL,
    rows: tuple[LegRow, ...] = (),
    delivery: str = "m1",
) -> WebhookNotice:
    return WebhookNotice(
        company_id="c1",
        sync_id="s1",
        kind=kind,
        event_type="Odd",
        delivery=delivery,
        delivery_id=delivery,
        body_digest="b1",
        rows=rows,
        rows_digest="r1" if rows else "",
        at=at(minute),
        dated=True,
    )


def news(*seen: sync.SyncObservation) -> list[SyncEvent]:
    """Return every event that these observations bring, one after another."""
    run, result = sync.SyncRun(), list[SyncEvent]()
    for number, item in enumerate(seen):
        events = sync.decide(run, item, evidence=f"e{number}")
        run = reduce(sync.evolve, events, run)
        result += events
    assert run.version == len(result)
    return result


def kinds(events: list[SyncEvent]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_an_accepted_write_initiates_its_sync() -> None:
    (event,) = news(receipt(3))

    assert isinstance(event, SyncInitiated)
    assert (event.dataset_ids, event.at, event.evidence) == (("d1",), at(3), "e0")


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, SyncStarted),
        (2000, SyncCompleted),
        (2040, SyncCompleted),
        (5130, SyncFailed),
        (7777, SyncUnrecognised),
        ("Odd", SyncUnrecognised),
        (None, SyncUnrecognised),
    ],
)
def test_a_status_is_an_event_of_its_class(
    code: int | str | None, kind: type[Event]
) -> None:
    assert kinds(news(status(code))) == [kind]


@pytest.mark.parametrize(
    ("notice_kind", "kind"),
    [
        (NoticeKind.STARTED, SyncStarted),
        (NoticeKind.COMPLETED, SyncCompleted),
        (NoticeKind.SUCCESSFUL, SyncCompleted),
        (NoticeKind.FAILED, SyncFailed),
        (NoticeKind.UNSUCCESSFUL, SyncFailed),
        (NoticeKind.UNRECOGNISED, SyncUnrecognised),
    ],
)
def test_a_webhook_is_an_event_of_its_class(
    notice_kind: NoticeKind, kind: type[Event]
) -> None:
    assert kinds(news(notice(0, notice_kind))) == [kind]


def test_a_read_is_always_news_for_it_is_another_time() -> None:
    assert kinds(news(status(1000, 1), status(1000, 2))) == [SyncStarted] * 2


def test_rows_are_held_once_and_pointed_to_afterwards() -> None:
    first, second, other = news(page(1), page(2), page(3, "r2"))

    assert isinstance(first, LegsReported)
    assert isinstance(second, LegsReread)
    assert isinstance(other, LegsReported)
    assert (first.origin, second.same_as, second.at) == ("page", 1, at(2))


def test_rows_known_under_several_versions_are_pointed_to_at_the_first() -> None:
    stored = reduce(sync.evolve, news(page(1)), sync.SyncRun())

    again = sync.evolve(stored, news(page(1))[0])

    assert (again.version, again.rows_held) == (2, {"r1": 1})


def test_one_transactions_rows_are_told_from_a_page() -> None:
    (event,) = news(page(1, number=None))

    assert isinstance(event, LegsReported)
    assert (event.origin, event.page) == ("transaction", None)


def test_a_redelivered_webhook_records_nothing_new() -> None:
    assert len(news(notice(5), notice(5), notice(9))) == 1


def test_an_earlier_receipt_of_a_webhook_is_news() -> None:
    events = news(notice(5), notice(3), notice(4))

    assert [event.at for event in events] == [at(5), at(3)]


def test_another_delivery_is_news() -> None:
    assert len(news(notice(5), notice(5, delivery="m2"))) == 2


def test_a_webhooks_rows_stand_beside_its_notice() -> None:
    events = news(notice(5, rows=ROWS), notice(3, rows=ROWS))

    assert kinds(events) == [SyncCompleted, LegsReported, SyncCompleted, LegsReread]
    assert isinstance(events[1], LegsReported)
    assert (events[1].origin, events[1].delivery) == ("webhook", "m1")


def test_a_reread_that_points_to_no_rows_is_an_error_of_the_history() -> None:
    event = LegsReread(same_as=7, origin="page", at=at(0), evidence="e1")
    recorded = Recorded(
        stream="sync:c1:s1", version=8, position=9, recorded_at=at(0), event=event
    )

    with pytest.raises(HistoryError, match="version 7 of sync:c1:s1"):
        changes(recorded)


def pushed(minute: float, name: str = "t1") -> DatasetReceipt:
    return DatasetReceipt(
        company_id="c1",
        dataset_id="d1",
        transactions=(ExpectedTransaction(transaction_id=name),),
        whole=True,
        at=at(minute),
    )


def test_a_push_that_is_known_already_records_nothing_new() -> None:
    stored = dataset.Dataset()
    for item in dataset.decide(stored, pushed(5), evidence="e1"):
        stored = dataset.evolve(stored, item)

    assert stored.version == 1
    assert dataset.decide(stored, pushed(5), evidence="e2") == ()


def test_another_time_or_another_content_of_a_dataset_is_news() -> None:
    (event,) = dataset.decide(dataset.Dataset(), pushed(5), evidence="e1")
    stored = dataset.evolve(dataset.Dataset(), event)

    assert len(dataset.decide(stored, pushed(3), evidence="e2")) == 1
    assert len(dataset.decide(stored, pushed(9), evidence="e2")) == 1
    assert len(dataset.decide(stored, pushed(9, "t2"), evidence="e3")) == 1


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (RequestOutcome.REFUSED, SyncRefused),
        (RequestOutcome.LOST, SyncAnswerLost),
        (RequestOutcome.THROTTLED, SyncThrottled),
    ],
)
def test_every_answer_to_a_write_is_its_outcome(
    outcome: RequestOutcome, kind: type[Event]
) -> None:
    seen = WriteUnsettled(
        company_id="c1",
        request_id="r1",
        outcome=outcome,
        operation="create",
        http_status=400,
        at=at(0),
    )

    (event,) = request.decide(request.RequestState(), seen, evidence="e1")
    state = request.evolve(request.RequestState(), event)

    assert type(event) is kind
    assert state.version == 1
    assert state.outcomes == {outcome}
