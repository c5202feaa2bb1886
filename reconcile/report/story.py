"""One transaction's story, oldest first: what was sent, each report, each judgement."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final, assert_never

import attrs

from reconcile.cases.expenses import seen_digest
from reconcile.domain.case_events import (
    CaseEvent,
    CauseMended,
    DecisionEvent,
    EvidenceQuarantined,
    EvidenceReleased,
    EvidenceScrubbed,
    EvidenceSetAside,
    ExpenseDecided,
)
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
)
from reconcile.domain.identity import (
    case_of_cause,
    case_of_expense,
    stream_name,
    stream_parts,
)
from reconcile.domain.instants import format_instant
from reconcile.domain.observations import ExpectedTransaction, LegRow
from reconcile.domain.policy import Policy
from reconcile.domain.retry_events import RetryEvent
from reconcile.domain.rows import Groups, rows_in
from reconcile.judgement.facts import Content
from reconcile.judgement.item import Dossier, Item, Rules
from reconcile.judgement.judge import history
from reconcile.projections.rereads import RowsByEvent, rows_of
from reconcile.report.groups import Judged
from reconcile.report.retry_story import plans_of, retry_sentences
from reconcile.report.what_if import WhatIf
from reconcile.report.wire import item_data
from reconcile.storage.ports import Store


@attrs.frozen(kw_only=True)
class StoryEntry:
    """One thing that happened or was said; `digest` names the bytes it rests on."""

    at: datetime
    position: int
    source: str
    sync_id: str | None
    text: str
    digest: str


@attrs.frozen(kw_only=True)
class JudgementChanged:
    """One change of judgement, and the rule of `docs/explanation/judgement.md`."""

    at: datetime
    item: Item


@attrs.frozen(kw_only=True)
class Story:
    """Everything about one transaction up to a moment."""

    company_id: str
    transaction_id: str
    as_of: datetime
    position: int  # of the last event that it knows
    entries: tuple[StoryEntry, ...]
    judgements: tuple[JudgementChanged, ...]
    item: Item
    content: Content | None
    changes: tuple[WhatIf, ...]


def story_of(
    store: Store,
    dossier: Dossier,
    item: Item,
    *,
    as_of: datetime,
    until: int,
    policy: Policy,
    rules: Rules,
    content: Content | None = None,
    changes: Sequence[WhatIf] = (),
) -> Story:
    """Return the story of a dossier's transaction."""
    plans = plans_of(store, dossier.company_id, until=until)
    entries = [
        entry
        for stream in [*_streams(dossier, item), *plans]
        for entry in _entries(store, stream, dossier.transaction_id)
        if entry.at <= as_of and entry.position <= until
    ]
    judgements = history(dossier, as_of=as_of, policy=policy, rules=rules)
    return Story(
        company_id=dossier.company_id,
        transaction_id=dossier.transaction_id,
        as_of=as_of,
        position=until,
        entries=tuple(
            sorted(entries, key=lambda entry: (entry.at, entry.source, entry.digest))
        ),
        judgements=tuple(JudgementChanged(at=at, item=then) for at, then in judgements),
        item=item,
        content=content,
        changes=tuple(changes),
    )


SCHEMA: Final = "reconcile.explain/2"
"""What stories are as JSON."""


def story_data(story: Story) -> dict[str, Any]:
    """Return a story as plain data."""
    judged = Judged(story.company_id, story.transaction_id, story.item, story.content)
    return {
        "company_id": story.company_id,
        "transaction_id": story.transaction_id,
        "item": item_data(judged, as_of=story.as_of),
        "seen": seen_digest({story.transaction_id: story.item}),
        "told": [
            {
                "at": format_instant(entry.at),
                "position": entry.position,
                "source": entry.source,
                "sync_id": entry.sync_id,
                "text": entry.text,
                "digest": f"sha256:{entry.digest}",
            }
            for entry in story.entries
        ],
        "judged": [
            {
                "at": format_instant(entry.at),
                "state": entry.item.state,
                "kind": entry.item.kind,
                "verdict": entry.item.verdict,
                "rule": entry.item.decided_by,
                "reason": entry.item.reason,
            }
            for entry in story.judgements
        ],
        "would_change": [
            {
                "if": condition,
                "at": None if at is None else format_instant(at),
                "state": then.state,
                "kind": then.kind,
                "verdict": then.verdict,
                "action": then.action,
            }
            for condition, at, then in story.changes
        ],
    }


def _streams(dossier: Dossier, item: Item) -> list[str]:
    """Return every stream that may speak of the transaction."""
    facts = dossier.facts
    datasets = {e.dataset_id for e in facts.expected if e.dataset_id}
    syncs = {leg.sync_id for leg in facts.legs} | {h.sync_id for h in facts.hooks}
    syncs |= {e.sync_id for e in facts.expected if e.sync_id}
    requests = {write.request_id for write in facts.unsettled}
    for name in datasets:
        syncs |= {link.sync_id for link in dossier.datasets[name].syncs}
        requests |= {w.request_id for w in dossier.datasets[name].unsettled}
    company_id = dossier.company_id
    cases = [case_of_expense(company_id, dossier.transaction_id)]
    fingerprints = {mended.fingerprint for mended in item.mended}
    if item.fingerprint is not None:
        fingerprints.add(item.fingerprint)
    cases += [case_of_cause(company_id, name) for name in sorted(fingerprints)]
    return cases + [
        stream_name(kind, company_id, name)
        for kind, names in (
            ("dataset", datasets),
            ("request", requests),
            ("sync", syncs),
        )
        for name in sorted(names)
    ]


def _entries(store: Store, stream: str, transaction_id: str) -> Iterator[StoryEntry]:
    kind, _, name = stream_parts(stream)
    rows = RowsByEvent()
    for recorded in store.stream(stream):
        event = recorded.event
        if isinstance(event, CaseEvent):
            continue
        groups = rows_of(recorded, original=rows.take(recorded))
        sentences = [*_said(recorded, groups, transaction_id)]
        digest = _digest(store, event.evidence) if sentences else ""
        for source, text in sentences:
            yield StoryEntry(
                at=event.at,
                position=recorded.position,
                source=source,
                sync_id=name if kind == "sync" else None,
                text=text,
                digest=digest,
            )


def _digest(store: Store, evidence: str) -> str:
    """Return the SHA-256 (hex) of the bytes an event rests on, "" where it has none.

    Of an exchange, its answer; of a delivery, or a request without an answer, what was
    sent.

    Raises:
        StoreError: the bytes that are stored are others.

    """
    for receipt in store.receipts(bytes.fromhex(evidence))[:1]:
        receipt.check()
        sent, answered = receipt.request_digest, receipt.response_digest
        is_delivery = receipt.evidence.kind == "delivery"
        digest = sent if is_delivery else answered or sent
        return "" if digest is None else digest.hex()
    return ""


def _said(
    recorded: Recorded, groups: Groups, transaction_id: str
) -> Iterator[tuple[str, str]]:
    """Yield source and sentence of everything an event says of the transaction."""
    event = recorded.event
    name = stream_parts(recorded.stream)[2]
    if isinstance(event, RetryEvent):
        yield from retry_sentences(event, name, transaction_id)
        return
    match event:
        case DatasetPushed():
            yield from _pushed(event, name, transaction_id)
        case SyncInitiated():
            sent_here = [
                t for t in event.transactions if t.transaction_id == transaction_id
            ]
            what = _WRITES.get(event.operation, "sent")
            text = f"{what}{_sent(sent_here[0])}; " if sent_here else ""
            yield "request", f"{text}sync {name} was initiated"
        case SyncRefused():
            words = event.words or "no words"
            yield "request", f"refused, HTTP {event.http_status}: {words}"
        case SyncRequested():
            what = _WRITES.get(event.operation, "sent")
            yield "request", f"to be {what} by {event.actor}, as request {name}"
        case SyncRecovered():
            yield "request", f"its sync {event.sync_id} was found"
        case SyncAbandoned() | DeliverySetAside() | ExpenseDecided() | CauseMended():
            yield from _decided(event, transaction_id)
        case LockTaken() | ReadRefused() | ReadAnswered():
            return
        case SyncAnswerLost():
            what = _WRITES.get(event.operation, "sent")
            yield (
                "request",
                f"{what} as request {name}, and the answer was lost"
                f" (HTTP {event.http_status})",
            )
        case SyncGivenUp():
            since = format_instant(event.since)
            yield "follower", f"sync {name} is read no more: in vain since {since}"
        case SyncUnsent():
            yield "request", "never sent: the connection failed before anything left"
        case SyncThrottled():
            yield "request", "turned away by the rate limit (HTTP 429)"
        case SyncStarted() | SyncCompleted() | SyncFailed() | SyncUnrecognised():
            yield _source(event), _report(event)
        case LegsReported() | LegsReread():
            for row in dict.fromkeys(rows_in(groups)):
                if row[0] == transaction_id:
                    yield event.origin, _row(row)
        case (
            EvidenceQuarantined()
            | EvidenceReleased()
            | EvidenceSetAside()
            | EvidenceScrubbed()
        ):
            return
        case _:  # pragma: no cover
            assert_never(event)


def _decided(
    event: SyncAbandoned | DeliverySetAside | DecisionEvent, transaction_id: str
) -> Iterator[tuple[str, str]]:
    """Yield what a person decided of the transaction."""
    if isinstance(event, SyncAbandoned):
        yield "request", f"abandoned by {event.actor}: {event.reason}"
    elif isinstance(event, CauseMended):
        yield "decision", f"its cause mended, says {event.actor}: {event.reason}"
    elif isinstance(event, ExpenseDecided):
        what = f"{event.decision.value} {event.to}".rstrip()
        yield "decision", f"{what} by {event.actor}: {event.reason}"
    elif transaction_id in event.transaction_ids:
        yield "decision", f"set aside by {event.actor}: {event.reason}"


def _pushed(
    event: DatasetPushed, dataset_id: str, transaction_id: str
) -> Iterator[tuple[str, str]]:
    for sent in event.transactions:
        if sent.transaction_id == transaction_id:
            yield "request", f"pushed in dataset {dataset_id}{_sent(sent)}"


_WRITES = {"update": "update sent", "put": "put", "push": "pushed"}


def _sent(sent: ExpectedTransaction) -> str:
    parts = [sent.kind, sent.amount, sent.currency, sent.merchant, sent.issue_date]
    details = " ".join(part for part in parts if part)
    return f": {details}" if details else ""


def _source(event: SyncReportEvent) -> str:
    return "status" if event.notice is None else "webhook"


def _report(event: SyncReportEvent) -> str:
    if event.notice is not None:
        return f"{event.status}"
    words = event.error_message or event.exception_message
    details = f": {words}" if words else ""
    return f"the sync's status is {event.code} {event.status or ''}".rstrip() + details


def _row(row: LegRow) -> str:
    _, word, name, message = row
    leg = f"{name} " if name else ""
    return f"{leg}{word}" + (f": {message}" if message else "")
