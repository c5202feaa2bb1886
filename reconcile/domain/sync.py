"""The SyncRun stream: decide what is news of a sync, and hold just enough to know it.

Nothing here judges, and nothing depends on what else had arrived.
"""

from datetime import datetime
from typing import Final, assert_never, get_args

import attrs

from reconcile.domain.decider import Decider
from reconcile.domain.events import (
    DeliverySetAside,
    LegsReported,
    LegsReread,
    SyncCompleted,
    SyncEvent,
    SyncFailed,
    SyncGivenUp,
    SyncInitiated,
    SyncReportEvent,
    SyncStarted,
    SyncUnrecognised,
)
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import (
    Observation,
    StatusReport,
    SyncReceipt,
    TransactionPage,
    WebhookNotice,
)
from reconcile.domain.rows import grouped
from reconcile.domain.vocabulary import NOTICE_CLASS, CodeClass, code_class

SyncObservation = SyncReceipt | StatusReport | TransactionPage | WebhookNotice

_REPORTS: dict[CodeClass, type[SyncReportEvent]] = {
    CodeClass.IN_PROGRESS: SyncStarted,
    CodeClass.ENDED_WELL: SyncCompleted,
    CodeClass.FAILED: SyncFailed,
    CodeClass.UNRECOGNISED: SyncUnrecognised,
}


@attrs.frozen(kw_only=True)
class SyncRun:
    """What is held of one sync: enough to tell news from what was seen before."""

    version: int = 0
    rows_held: dict[str, int] = attrs.field(factory=dict)  # digest -> version
    deliveries: dict[str, datetime] = attrs.field(factory=dict)  # earliest receipt
    set_aside: dict[str, DeliverySetAside] = attrs.field(factory=dict)  # by digest
    settled: SyncReportEvent | None = None  # the last word, where it is an end


def decide(
    run: SyncRun, seen: SyncObservation, *, evidence: str
) -> tuple[SyncEvent, ...]:
    """Return what `seen` tells of its sync that `run` does not hold yet.

    A redelivered webhook yields (), unless it was received earlier than the receipt we
    hold: then its time is news. One whose bytes a person set aside is left out by that
    decision too. Evidence known by its identity never comes here, so a read is always
    news: the same words at another time.
    """
    match seen:
        case SyncReceipt():
            return (
                SyncInitiated(
                    operation=seen.operation,
                    dataset_ids=seen.dataset_ids,
                    transactions=seen.transactions,
                    whole=seen.whole,
                    request_id=seen.request_id,
                    at=seen.at,
                    evidence=evidence,
                    flaws=seen.flaws,
                ),
            )
        case StatusReport():
            return (_status_event(seen, evidence=evidence),)
        case TransactionPage():
            return (_legs_event(run, seen, evidence=evidence),)
        case WebhookNotice():
            known = run.deliveries.get(seen.delivery)
            if known is not None and known <= seen.at:
                return ()
            events = _notice_events(run, seen, evidence=evidence)
            decision = run.set_aside.get(seen.body_digest)
            if decision is None:
                return events
            return (*events, _left_out_too(decision, seen))
        case _:  # pragma: no cover
            assert_never(seen)


def evolve(run: SyncRun, event: SyncEvent) -> SyncRun:
    """Return `run` as it stands after `event`. Pure, and total over stored events."""
    version = run.version + 1
    match event:
        case LegsReported():
            versions = run.rows_held
            if event.rows_digest not in versions:
                versions = {**versions, event.rows_digest: version}
            return attrs.evolve(run, version=version, rows_held=versions)
        case SyncStarted() | SyncCompleted() | SyncFailed() | SyncUnrecognised():
            if event.delivery is None:
                return attrs.evolve(run, version=version, settled=_settled(event))
            at = min(event.at, run.deliveries.get(event.delivery, event.at))
            return attrs.evolve(
                run,
                version=version,
                deliveries={**run.deliveries, event.delivery: at},
                settled=None,
            )
        case DeliverySetAside():
            first = {event.digest: run.set_aside.get(event.digest, event)}
            set_aside = {**run.set_aside, **first}
            return attrs.evolve(run, version=version, set_aside=set_aside)
        case SyncInitiated() | LegsReread() | SyncGivenUp():
            return attrs.evolve(run, version=version)
        case _:  # pragma: no cover
            assert_never(event)


def _left_out_too(decision: DeliverySetAside, seen: WebhookNotice) -> DeliverySetAside:
    """Return a decision about a webhook's bytes, for the same bytes come again."""
    named = dict.fromkeys(row[0] for row in seen.rows)
    return attrs.evolve(
        decision, deliveries=(seen.delivery,), transaction_ids=tuple(named)
    )


def repeats(run: SyncRun, seen: Observation) -> bool:
    """Return whether a read only says again, later, what the last one said: an end."""
    if run.settled is None or not isinstance(seen, StatusReport) or seen.flaws:
        return False
    again = _status_event(seen, evidence="")
    same = attrs.evolve(run.settled, at=again.at, evidence="") == again
    return same and run.settled.at <= again.at


def _settled(event: SyncReportEvent) -> SyncReportEvent | None:
    return event if isinstance(event, SyncCompleted | SyncFailed) else None


def stream_of(seen: SyncObservation) -> str:
    """Return the sync's stream."""
    return stream_name("sync", seen.company_id, seen.sync_id)


DECIDER: Final = Decider(
    observations=get_args(SyncObservation),
    initial=SyncRun(),
    decide=decide,
    evolve=evolve,
    stream_of=stream_of,
)


def _status_event(seen: StatusReport, *, evidence: str) -> SyncReportEvent:
    kind = CodeClass.UNRECOGNISED if seen.code is None else code_class(seen.code)
    return _REPORTS[kind](
        code=seen.code,
        status=seen.status,
        error_message=seen.error_message,
        exception_message=seen.exception_message,
        sync_utc=seen.sync_utc,
        data_pushed=seen.data_pushed,
        at=seen.at,
        evidence=evidence,
        flaws=seen.flaws,
    )


def _legs_event(
    run: SyncRun, seen: TransactionPage, *, evidence: str
) -> LegsReported | LegsReread:
    origin = "transaction" if seen.page is None else "page"
    same_as = run.rows_held.get(seen.rows_digest)
    if same_as is not None:
        return LegsReread(
            same_as=same_as,
            origin=origin,
            page=seen.page,
            page_size=seen.page_size,
            total=seen.total,
            unread=seen.unread,
            at=seen.at,
            evidence=evidence,
            flaws=seen.flaws,
        )
    return LegsReported(
        origin=origin,
        page=seen.page,
        page_size=seen.page_size,
        total=seen.total,
        groups=grouped(seen.rows),
        rows_digest=seen.rows_digest,
        unread=seen.unread,
        at=seen.at,
        evidence=evidence,
        flaws=seen.flaws,
    )


def _notice_events(
    run: SyncRun, seen: WebhookNotice, *, evidence: str
) -> tuple[SyncEvent, ...]:
    notice = _REPORTS[NOTICE_CLASS[seen.kind]](
        status=seen.event_type,
        error_message=seen.message,
        notice=seen.kind,
        delivery=seen.delivery,
        delivery_id=seen.delivery_id,
        body_digest=seen.body_digest,
        dated=seen.dated,
        at=seen.at,
        evidence=evidence,
        flaws=seen.flaws,
    )
    if not seen.rows:
        return (notice,)
    same_as = run.rows_held.get(seen.rows_digest)
    if same_as is not None:
        return (
            notice,
            LegsReread(
                same_as=same_as,
                origin="webhook",
                unread=seen.unread,
                delivery=seen.delivery,
                dated=seen.dated,
                at=seen.at,
                evidence=evidence,
            ),
        )
    return (
        notice,
        LegsReported(
            origin="webhook",
            groups=grouped(seen.rows),
            rows_digest=seen.rows_digest,
            unread=seen.unread,
            delivery=seen.delivery,
            dated=seen.dated,
            at=seen.at,
            evidence=evidence,
        ),
    )
