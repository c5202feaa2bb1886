"""What one event changes: entries for items, syncs, datasets, deliveries, cases.

Pure. The rows of a page share their entries, so that a leg costs a look-up and a pair.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import assert_never

import attrs

from reconcile.domain.dossier import (
    Expected,
    HookReport,
    Initiation,
    LegReport,
    Link,
    Push,
    Reading,
    Report,
    Unsettled,
)
from reconcile.domain.events import (
    CaseEvent,
    DatasetPushed,
    EvidenceQuarantined,
    EvidenceReleased,
    EvidenceSetAside,
    LegsReported,
    LegsReread,
    Recorded,
    SyncAnswerLost,
    SyncCompleted,
    SyncFailed,
    SyncInitiated,
    SyncRefused,
    SyncReportEvent,
    SyncStarted,
    SyncThrottled,
    SyncUnrecognised,
)
from reconcile.domain.identity import stream_parts
from reconcile.domain.observations import ExpectedTransaction, Flaw, LegRow
from reconcile.domain.vocabulary import integration_type
from reconcile.errors import HistoryError

ItemEntry = LegReport | HookReport | Expected | Unsettled
SyncEntry = Initiation | Report | Reading | tuple[datetime, Flaw]
DatasetEntry = Push | Unsettled | Link | tuple[datetime, Flaw]


@attrs.frozen(kw_only=True)
class Delivery:
    """One webhook delivery that named itself by a header."""

    delivery_id: str
    body_digest: str
    sync_id: str
    at: datetime


@attrs.frozen(kw_only=True)
class Changes:
    """Everything one event changes, all of one company ("" for none)."""

    company_id: str
    items: Iterable[tuple[str, ItemEntry]] = ()
    sync_id: str | None = None
    syncs: tuple[SyncEntry, ...] = ()
    datasets: tuple[tuple[str, DatasetEntry], ...] = ()
    delivery: Delivery | None = None
    case: CaseEvent | None = None


def changes(recorded: Recorded, *, original: Recorded | None = None) -> Changes:
    """Return what an event changes.

    `original` is the event that a `LegsReread` points to: the reader of the history
    looks it up, so that this stays a function of its arguments.
    """
    event = recorded.event
    _, company_id, name = stream_parts(recorded.stream)
    position = recorded.position
    match event:
        case LegsReported():
            return _legs(company_id, name, event, event.rows, position, position)
        case LegsReread():
            if original is None or not isinstance(original.event, LegsReported):
                raise HistoryError(
                    f"event {position} points to version {event.same_as} of "
                    f"{recorded.stream}, which holds no rows"
                )
            rows = original.event.rows
            return _legs(company_id, name, event, rows, position, original.position)
        case SyncStarted() | SyncCompleted() | SyncFailed() | SyncUnrecognised():
            return _report(company_id, name, event)
        case SyncInitiated():
            return _initiated(company_id, name, event, position)
        case DatasetPushed():
            return Changes(
                company_id=company_id,
                items=[
                    (t, Expected(name, None, "push", event.at, position))
                    for t in _distinct(event.transactions)
                ],
                datasets=(
                    (
                        name,
                        Push(_distinct(event.transactions), event.whole, event.at),
                    ),
                    *((name, (event.at, flaw)) for flaw in event.flaws),
                ),
            )
        case SyncRefused() | SyncAnswerLost() | SyncThrottled():
            return _unsettled(company_id, name, event, position)
        case EvidenceQuarantined() | EvidenceReleased() | EvidenceSetAside():
            return Changes(company_id=company_id, case=event)
        case _:  # pragma: no cover
            assert_never(event)


def _legs(
    company_id: str,
    sync_id: str,
    event: LegsReported | LegsReread,
    rows: tuple[LegRow, ...],
    position: int,
    rows_at: int,
) -> Changes:
    reading = Reading(
        origin=event.origin,
        page=event.page,
        page_size=event.page_size,
        total=event.total,
        rows=len(rows) + event.unread,
        unread=event.unread,
        at=event.at,
        source=position,
        rows_at=rows_at,
    )
    items: list[tuple[str, ItemEntry]]
    if event.origin == "webhook":
        items = [
            (
                transaction_id,
                HookReport(
                    sync_id,
                    word,
                    message,
                    event.at,
                    event.dated,
                    event.delivery or "",
                    position,
                ),
            )
            for transaction_id, word, _, message in dict.fromkeys(rows)
        ]
    else:
        items = _leg_items(sync_id, rows, event.at, position)
    return Changes(
        company_id=company_id,
        items=items,
        sync_id=sync_id,
        syncs=(reading, *((event.at, flaw) for flaw in event.flaws)),
    )


def _leg_items(
    sync_id: str, rows: tuple[LegRow, ...], at: datetime, position: int
) -> list[tuple[str, ItemEntry]]:
    """Return a page's entries, a row for each row; equal rows give equal entries."""
    made = {
        said: LegReport(
            sync_id, integration_type(said[1]), said[0], said[2], at, position
        )
        for said in {row[1:] for row in rows}
    }
    return [(row[0], made[row[1:]]) for row in rows]


def _report(company_id: str, sync_id: str, event: SyncReportEvent) -> Changes:
    delivery = None
    if event.delivery_id is not None:
        delivery = Delivery(
            delivery_id=event.delivery_id,
            body_digest=event.body_digest or "",
            sync_id=sync_id,
            at=event.at,
        )
    report = Report(
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
        syncs=(report, *((event.at, flaw) for flaw in event.flaws)),
        delivery=delivery,
    )


def _initiated(
    company_id: str, sync_id: str, event: SyncInitiated, position: int
) -> Changes:
    named = _distinct(event.transactions)
    initiation = Initiation(
        event.operation, event.dataset_ids, named, event.whole, event.at
    )
    return Changes(
        company_id=company_id,
        items=[
            (t, Expected(None, sync_id, event.operation, event.at, position))
            for t in named
        ],
        sync_id=sync_id,
        syncs=(initiation, *((event.at, flaw) for flaw in event.flaws)),
        datasets=tuple((d, Link(sync_id, event.at)) for d in event.dataset_ids),
    )


def _unsettled(
    company_id: str,
    request_id: str,
    event: SyncRefused | SyncAnswerLost | SyncThrottled,
    position: int,
) -> Changes:
    outcome = {
        SyncRefused: "refused",
        SyncAnswerLost: "lost",
        SyncThrottled: "throttled",
    }
    entry = Unsettled(
        request_id,
        outcome[type(event)],
        event.operation,
        event.at,
        event.http_status,
        event.words,
        position,
    )
    return Changes(
        company_id=company_id,
        items=[(t, entry) for t in _distinct(event.transactions)],
        datasets=tuple((d, entry) for d in event.dataset_ids),
    )


def _distinct(transactions: Iterable[ExpectedTransaction]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(t.transaction_id for t in transactions))
