"""What one event changes: entries for items, syncs, datasets, deliveries, cases.

Pure. The rows of a page share their entries, so that a leg costs a look-up and a pair.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, assert_never

import attrs

from reconcile.domain.case_events import CaseEvent, CauseMended, ExpenseDecided
from reconcile.domain.events import (
    DatasetPushed,
    DeliverySetAside,
    LegsReported,
    LegsReread,
    LockTaken,
    ReadAnswered,
    ReadRefused,
    Recorded,
    SyncAbandoned,
    SyncAnswerLost,
    SyncCompleted,
    SyncFailed,
    SyncGivenUp,
    SyncInitiated,
    SyncRecovered,
    SyncRefused,
    SyncReportEvent,
    SyncRequested,
    SyncStarted,
    SyncThrottled,
    SyncUnrecognised,
    SyncUnsent,
    UnsettledEvent,
)
from reconcile.domain.identity import stream_parts
from reconcile.domain.observations import ExpectedTransaction
from reconcile.domain.request import OUTCOME_OF
from reconcile.domain.retry_events import RetryEvent
from reconcile.domain.rows import Groups, count
from reconcile.domain.vocabulary import RequestOutcome, integration_type
from reconcile.errors import HistoryError
from reconcile.judgement.facts import (
    ANSWERED,
    Decision,
    Expected,
    FlawSeen,
    GivenUp,
    HookReport,
    Initiation,
    LegReport,
    Link,
    MendedBy,
    Push,
    RefusedRead,
    RowsRead,
    SentContent,
    SyncReport,
    Unsettled,
)
from reconcile.projections.sendings import sent_contents

ItemEntry = HookReport | Expected | Unsettled | Decision
SyncEntry = Initiation | SyncReport | RowsRead | FlawSeen | GivenUp
DatasetEntry = Push | Unsettled | Link | FlawSeen


@attrs.frozen(kw_only=True)
class NamedDelivery:
    """One webhook delivery that named itself by a header."""

    delivery_id: str
    body_digest: str
    sync_id: str
    at: datetime


class SetAside(NamedTuple):
    """What some deliveries said of a sync, and of these transactions, is left out."""

    deliveries: tuple[str, ...]
    body_digest: str
    transaction_ids: tuple[str, ...]


@attrs.frozen(kw_only=True)
class Changes:
    """Everything one event changes, all of one company ("" for none)."""

    company_id: str
    legs: Sequence[tuple[tuple[LegReport, ...], tuple[str, ...]]] = ()
    sent: Sequence[tuple[str, SentContent]] = ()
    items: Sequence[tuple[str, ItemEntry]] = ()
    sync_id: str | None = None
    syncs: tuple[SyncEntry, ...] = ()
    datasets: tuple[tuple[str, DatasetEntry], ...] = ()
    refused: tuple[tuple[str, RefusedRead], ...] = ()  # by sync, "" for the list
    delivery: NamedDelivery | None = None
    set_aside: SetAside | None = None
    mended: tuple[tuple[str, MendedBy], ...] = ()  # by fingerprint
    case: CaseEvent | None = None

    def transactions(self) -> Iterator[str]:
        """Yield every transaction that is touched."""
        for _, transaction_ids in self.legs:
            yield from transaction_ids
        for transaction_id, _ in self.items:
            yield transaction_id
        if self.set_aside is not None:
            yield from self.set_aside.transaction_ids


def changes(recorded: Recorded, *, original: Recorded | None = None) -> Changes:
    """Return what an event changes.

    `original` is the event that a `LegsReread` points to: the reader of the history
    looks it up, so that this stays a function of its arguments.
    """
    event = recorded.event
    _, company_id, name = stream_parts(recorded.stream)
    position = recorded.position
    if isinstance(event, CaseEvent):
        return Changes(company_id=company_id, case=event)
    if isinstance(event, RetryEvent | LockTaken):
        return Changes(company_id=company_id)
    match event:
        case LegsReported():
            return _legs(company_id, name, event, event.groups, position, position)
        case LegsReread():
            if original is None or not isinstance(original.event, LegsReported):
                raise HistoryError(
                    f"event {position} points to version {event.same_as} of "
                    f"{recorded.stream}, which holds no rows"
                )
            groups = original.event.groups
            return _legs(company_id, name, event, groups, position, original.position)
        case SyncStarted() | SyncCompleted() | SyncFailed() | SyncUnrecognised():
            return _report(company_id, name, event)
        case SyncInitiated():
            return _initiated(company_id, name, event, position)
        case SyncGivenUp() | ReadRefused() | ReadAnswered():
            return _reading(company_id, name, event)
        case DatasetPushed():
            return _pushed(company_id, name, event, position)
        case (
            SyncRequested()
            | SyncRefused()
            | SyncAnswerLost()
            | SyncThrottled()
            | SyncUnsent()
            | SyncAbandoned()
        ):
            return _unsettled(company_id, name, event, position)
        case SyncRecovered():
            return _recovered(company_id, name, event, position)
        case DeliverySetAside():
            aside = SetAside(event.deliveries, event.digest, event.transaction_ids)
            return Changes(company_id=company_id, sync_id=name, set_aside=aside)
        case ExpenseDecided():
            decision = Decision(
                event.decision, event.to, event.actor, event.reason, event.at
            )
            return Changes(
                company_id=company_id, items=[(event.transaction_id, decision)]
            )
        case CauseMended():
            mended = MendedBy(event.at, event.actor, event.reason)
            return Changes(company_id=company_id, mended=((event.fingerprint, mended),))
        case _:  # pragma: no cover
            assert_never(event)


def _pushed(
    company_id: str, dataset_id: str, event: DatasetPushed, position: int
) -> Changes:
    push = Push(_distinct(event.transactions), event.whole, event.at)
    return Changes(
        company_id=company_id,
        items=_each(
            event.transactions,
            Expected(dataset_id, None, "push", event.at, position),
            *_settled(event.request_id, "push", event.at, position),
        ),
        sent=sent_contents(event.transactions, event.at, dataset_id=dataset_id),
        datasets=(
            (dataset_id, push),
            *((dataset_id, FlawSeen(event.at, flaw)) for flaw in event.flaws),
        ),
    )


def _reading(
    company_id: str, name: str, event: SyncGivenUp | ReadRefused | ReadAnswered
) -> Changes:
    """Return what it changes that a read was refused, answered again, or given up."""
    match event:
        case SyncGivenUp():
            entry = GivenUp(event.since, event.at)
            return Changes(company_id=company_id, sync_id=name, syncs=(entry,))
        case ReadRefused():
            refused = RefusedRead(event.rows, event.http_status, event.words, event.at)
            return Changes(company_id=company_id, refused=((event.sync_id, refused),))
        case _:
            answered = RefusedRead(False, ANSWERED, None, event.at)
            return Changes(company_id=company_id, refused=(("", answered),))


def _legs(
    company_id: str,
    sync_id: str,
    event: LegsReported | LegsReread,
    groups: Groups,
    position: int,
    rows_at: int,
) -> Changes:
    reading = RowsRead(
        origin=event.origin,
        page=event.page,
        page_size=event.page_size,
        total=event.total,
        rows=count(groups) + event.unread,
        unread=event.unread,
        at=event.at,
        source=position,
        rows_at=rows_at,
        delivery=event.delivery,
    )
    legs: list[tuple[tuple[LegReport, ...], tuple[str, ...]]] = []
    hooks: list[tuple[str, ItemEntry]] = []
    for sayings, transaction_ids in groups:
        once = dict.fromkeys(sayings)  # a row repeated in a page is one fact
        if event.origin != "webhook":
            reports = [
                LegReport(
                    sync_id, integration_type(name), word, message, event.at, position
                )
                for word, name, message in once
            ]
            legs.append((tuple(reports), transaction_ids))
            continue
        for word, _, message in once:
            hook = HookReport(
                sync_id,
                word,
                message,
                event.at,
                event.dated,
                event.delivery or "",
                position,
            )
            hooks += [(transaction_id, hook) for transaction_id in transaction_ids]
    return Changes(
        company_id=company_id,
        legs=legs,
        items=hooks,
        sync_id=sync_id,
        syncs=(reading, *_flaws(event)),
    )


def _report(company_id: str, sync_id: str, event: SyncReportEvent) -> Changes:
    delivery = None
    if event.delivery_id is not None:
        delivery = NamedDelivery(
            delivery_id=event.delivery_id,
            body_digest=event.body_digest or "",
            sync_id=sync_id,
            at=event.at,
        )
    report = SyncReport(
        code=event.code,
        status=event.status,
        words=()
        if event.notice is not None
        else tuple(w for w in (event.error_message, event.exception_message) if w),
        notice=event.notice,
        delivery=event.delivery,
        at=event.at,
    )
    return Changes(
        company_id=company_id,
        sync_id=sync_id,
        syncs=(report, *_flaws(event)),
        delivery=delivery,
    )


def _flaws(event: LegsReported | LegsReread | SyncReportEvent) -> Iterator[FlawSeen]:
    return (FlawSeen(event.at, flaw, event.delivery) for flaw in event.flaws)


def _initiated(
    company_id: str, sync_id: str, event: SyncInitiated, position: int
) -> Changes:
    named = _distinct(event.transactions)
    initiation = Initiation(
        event.operation, event.dataset_ids, named, event.whole, event.at
    )
    settled = _settled(event.request_id, event.operation, event.at, position)
    return Changes(
        company_id=company_id,
        items=_each(
            event.transactions,
            Expected(None, sync_id, event.operation, event.at, position),
            *settled,
        ),
        sent=sent_contents(
            event.transactions, event.at, event.operation, sync_id=sync_id
        ),
        sync_id=sync_id,
        syncs=(initiation, *(FlawSeen(event.at, flaw) for flaw in event.flaws)),
        datasets=_linked(event.dataset_ids, Link(sync_id, event.at), settled),
    )


def _recovered(
    company_id: str, request_id: str, event: SyncRecovered, position: int
) -> Changes:
    """Return what it changes that a lost request's sync was found: as if answered."""
    named = _distinct(event.transactions)
    settled = _settled(request_id, event.operation, event.at, position)
    at, sync_id = event.requested_at, event.sync_id
    return Changes(
        company_id=company_id,
        items=_each(
            event.transactions,
            Expected(None, sync_id, event.operation, at, position),
            *settled,
        ),
        sent=sent_contents(event.transactions, at, event.operation, sync_id=sync_id),
        sync_id=sync_id,
        syncs=(Initiation(event.operation, event.dataset_ids, named, True, at),),
        datasets=_linked(event.dataset_ids, Link(sync_id, at), settled),
    )


def _each(
    transactions: Iterable[ExpectedTransaction], *entries: ItemEntry
) -> list[tuple[str, ItemEntry]]:
    """Return the entries, the same objects, for each transaction."""
    return [
        (transaction_id, entry)
        for transaction_id in _distinct(transactions)
        for entry in entries
    ]


def _linked(
    dataset_ids: Iterable[str], link: Link, settled: Iterable[Unsettled]
) -> tuple[tuple[str, DatasetEntry], ...]:
    entries: tuple[DatasetEntry, ...] = (link, *settled)
    return tuple((d, entry) for d in dataset_ids for entry in entries)


def _settled(
    request_id: str | None, operation: str, at: datetime, position: int
) -> tuple[Unsettled, ...]:
    """Return that the request of an intent was accepted, where there is one."""
    if request_id is None:
        return ()
    accepted = RequestOutcome.ACCEPTED
    return (Unsettled(request_id, accepted, operation, at, 0, None, position),)


def _unsettled(
    company_id: str,
    request_id: str,
    event: SyncRequested | SyncAbandoned | UnsettledEvent,
    position: int,
) -> Changes:
    answer = None if isinstance(event, SyncRequested | SyncAbandoned) else event
    entry = Unsettled(
        request_id,
        OUTCOME_OF[type(event)],
        event.operation,
        event.at,
        0 if answer is None else answer.http_status,
        None if answer is None else answer.words,
        position,
        answer.not_before if isinstance(answer, SyncThrottled) else None,
    )
    return Changes(
        company_id=company_id,
        items=_each(event.transactions, entry),
        sent=sent_contents(
            event.transactions, event.at, event.operation, request_id=request_id
        ),
        datasets=tuple((d, entry) for d in event.dataset_ids),
    )


def _distinct(transactions: Iterable[ExpectedTransaction]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.transaction_id for t in transactions))
