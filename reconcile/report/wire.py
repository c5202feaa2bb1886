"""The report as JSON, of the shape `reconcile.report/2`, and its digest.

Each company's digest is over its items, syncs, findings and totals in canonical form
(RFC 8785), without any `reason`, `customer_reason` or position: wording is not
judgement. The report's is over those, so that any number of machines can make it.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import msgspec

from reconcile.cases.expenses import seen_digest
from reconcile.domain.instants import format_instant
from reconcile.domain.money import decimal_text
from reconcile.domain.vocabulary import ItemState
from reconcile.judgement.facts import Content
from reconcile.judgement.item import Item, Leg
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.build import Report, ReportStream, Share, Totals
from reconcile.report.digests import SCHEMA, digest_of_companies
from reconcile.report.groups import Group, Judged
from reconcile.report.money import Sum, age_order, currencies, money_order

_encode: Final = msgspec.json.Encoder(order="sorted").encode
_CHUNK: Final = 2048


def digest(report: Report) -> str:
    """Return the report's digest: the same facts and rules give the same, anywhere."""
    as_of = report.as_of
    some = ((share.company_id, _digest_in(share, as_of)) for share in report.shares)
    return _digest_of(report, some)


def _digest_of(report: Report, companies: Iterable[tuple[str, str]]) -> str:
    return digest_of_companies(
        companies,
        as_of=report.as_of,
        ruleset=report.ruleset,
        policy=report.policy,
        unprocessed=report.unprocessed,
    )


def _digest_in(share: Share, as_of: datetime) -> str:
    return share.digest or company_digest(share, as_of=as_of)


def company_digest(share: Share, *, as_of: datetime) -> str:
    """Return the SHA-256 (hex) of one company's share."""
    findings = [_finding(finding, reasons=False) for finding in share.findings]
    head = {"company_id": share.company_id, "findings": findings}
    tail = {
        "syncs": [_sync(sync) for sync in share.syncs],
        "totals": _totals(share.totals),
    }
    hashed = hashlib.sha256(_encode(head)[:-1] + b',"items":[')
    for part in _items(share.items, as_of, reasons=False):
        hashed.update(part)
    hashed.update(b"]," + _encode(tail)[1:])
    return hashed.hexdigest()


def to_json(report: Report | ReportStream) -> Iterator[bytes]:
    """Yield the whole report as JSON, in pieces of bounded size.

    Its items come first: those of a stream as they are made.

    Raises:
        UsageError: the report lacks items.

    """
    stream = ReportStream.of(report) if isinstance(report, Report) else report
    begin = b'{"as_of":%b,"items":[' % _encode(format_instant(stream.as_of))
    companies: list[tuple[str, str]] = []
    for share in stream.shares:
        companies.append((share.company_id, _digest_in(share, stream.as_of)))
        for piece in _items(share.items, stream.as_of, reasons=True):
            yield begin + piece
            begin = b","
    if begin != b",":
        yield begin
    yield b"]," + _encode(_after_items(stream.rest(), companies))[1:]


def _after_items(
    report: Report, companies: Iterable[tuple[str, str]]
) -> dict[str, Any]:
    return {
        "causes": [cause_data(group) for group in report.causes],
        "digest": _digest_of(report, companies),
        "findings": [_finding(finding, reasons=True) for finding in report.findings],
        "known_at": _instant(report.known_at),
        "month": report.selection.month,
        "only": {
            "cause": report.selection.cause,
            "state": report.selection.state,
        },
        "poisoned": report.poisoned,
        "policy": report.policy,
        "position": report.position,
        "ruleset": report.ruleset,
        "schema": SCHEMA,
        "syncs": [_sync(sync) for sync in report.syncs],
        "totals": _totals(report.totals),
        "unprocessed": report.unprocessed,
    }


def to_data(report: Report) -> dict[str, Any]:
    """Return the whole report as plain data."""
    data: dict[str, Any] = msgspec.json.decode(b"".join(to_json(report)))
    return data


def causes_data(report: Report) -> dict[str, Any]:
    """Return why expenses are broken: by cause, and by kind what has no cause."""
    seen = _seen(report)
    return {
        "schema": "reconcile.causes/1",
        "as_of": format_instant(report.as_of),
        "known_at": _instant(report.known_at),
        "month": report.selection.month,
        "position": report.position,
        "ruleset": report.ruleset,
        "policy": report.policy,
        "break": report.totals.broken,
        "causes": [
            {**cause_data(group), "seen": seen.get(group.fingerprint)}
            for group in report.causes
        ],
        "without_cause": [
            cause_data(group) for group in report.groups if group.cause is None
        ],
        "unprocessed": report.unprocessed,
    }


def _seen(report: Report) -> Mapping[str | None, str]:
    """Return the digest of all breaks of each cause that are of one company."""
    if not report.selection.is_of_all:
        return {}
    rows: dict[str | None, list[Judged]] = {}
    for row in report.items:
        if row.item.state is ItemState.BREAK:
            rows.setdefault(row.item.fingerprint, []).append(row)
    return {
        fingerprint: seen_digest({r.transaction_id: r.item for r in some})
        for fingerprint, some in rows.items()
        if len({row.company_id for row in some}) == 1
    }


def item_data(judged: Judged, *, as_of: datetime) -> dict[str, Any]:
    """Return one item as the report's JSON has it."""
    whole = b"".join(_items([judged], as_of, reasons=True))
    data: dict[str, Any] = msgspec.json.decode(whole)
    return data


class _Frame(NamedTuple):
    """The JSON of an item around what its content says; all items alike share one."""

    to_amount: bytes
    to_currency: bytes
    to_issue_date: bytes
    to_merchant: bytes
    to_reference: bytes
    to_transaction_id: bytes
    without_content: bytes  # all of them in one, of an item without content


def _items(
    items: Sequence[Judged], as_of: datetime, *, reasons: bool
) -> Iterator[bytes]:
    """Yield items, their keys sorted, separated by commas, some thousands at a time."""
    frames: dict[int, _Frame] = {}  # one item object is of one company
    comma = b""
    for start in range(0, len(items), _CHUNK):
        some: list[bytes] = []
        for row in items[start : start + _CHUNK]:
            item, content = row.item, row.content
            frame = frames.get(id(item))
            if frame is None:
                frame = _frame(item, row.company_id, as_of, reasons=reasons)
                frames[id(item)] = frame
            name = _encode(row.transaction_id)
            if content is None:
                some += (frame.without_content, name, b',"type":null},')
            else:
                some += _filled(frame, name, content)
        some[-1] = some[-1][:-1]
        yield comma + b"".join(some)
        comma = b","


def _filled(frame: _Frame, name: bytes, content: Content) -> tuple[bytes, ...]:
    return (
        frame.to_amount,
        _encode(content.amount),
        frame.to_currency,
        _encode(content.currency),
        frame.to_issue_date,
        _encode(content.issue_date),
        frame.to_merchant,
        _encode(content.merchant),
        frame.to_reference,
        _encode(content.reference),
        frame.to_transaction_id,
        name,
        b',"type":',
        _encode(content.type),
        b"},",
    )


def _frame(item: Item, company_id: str, as_of: datetime, *, reasons: bool) -> _Frame:
    since = item.broken_since
    retry = {
        "action": item.action,
        "blocked_by": item.blocked_by,
        "not_before": _instant(item.not_before),
        "reason": item.advice,
        "verdict": item.verdict,
        "without": item.without,
    }
    words = {"customer_reason": item.customer_reason, "reason": item.reason}
    if not reasons:
        del retry["reason"]
        words = {}
    age = None if since is None else int((as_of - since).total_seconds())
    first_sent_at = _instant(item.first_sent_at)
    parts = (
        b'{"age_s":%b,"amount":' % _encode(age),
        _before(
            "currency",
            attempts=item.attempts,
            broken_since=_instant(since),
            cause=item.cause,
            company_id=company_id,
        ),
        _before(
            "issue_date",
            **_some(words, "customer_reason"),
            expected=item.expected,
            fingerprint=item.fingerprint,
            first_sent_at=first_sent_at,
            half_booked=item.half_booked,
        ),
        _before(
            "merchant",
            kind=item.kind,
            last_sent_at=_instant(item.last_sent_at),
            legs=[_leg(leg) for leg in item.legs],
        ),
        _before(
            "reference",
            overdue_at=_instant(overdue_at(item)),
            owner=item.owner,
            **_some(words, "reason"),
        ),
        _before(
            "transaction_id",
            resolution=_resolution(item, reasons=reasons),
            retry=retry,
            state=item.state,
        ),
    )
    return _Frame(*parts, b"null".join(parts))


def _resolution(item: Item, *, reasons: bool) -> dict[str, str] | None:
    decision = item.decision
    if decision is None or item.state is not ItemState.RESOLVED:
        return None
    data = {
        "actor": decision.actor,
        "at": format_instant(decision.at),
        "kind": decision.kind.value,
    }
    return {**data, "reason": decision.reason} if reasons else data


def overdue_at(item: Item) -> datetime | None:
    """Return when an open item is due: nobody has to do anything before."""
    return item.changes_at if item.state is ItemState.OPEN else None


def _some(words: Mapping[str, str | None], name: str) -> dict[str, str | None]:
    return {name: words[name]} if name in words else {}


def _before(name: str, **members: Any) -> bytes:
    """Return members of an object, between a value and that of the next member."""
    return b',%b,"%b":' % (_encode(members)[1:-1], name.encode())


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "integration_type": leg.integration_type,
        "message": leg.message,
        "reported_at": format_instant(leg.reported_at),
        "status": leg.status,
        "sync_id": leg.sync_id,
    }


def _totals(totals: Totals) -> dict[str, Any]:
    return {
        "items": totals.items,
        "expected": totals.expected,
        "open": totals.open,
        "matched": totals.matched,
        "break": totals.broken,
        "cleared": totals.cleared,
        "resolved": totals.resolved,
        "undated": totals.undated,
        "money": [
            {**key._asdict(), **sum_data(totals.money[key])}
            for key in sorted(totals.money, key=money_order)
        ],
        "ageing": [
            {**key._asdict(), **sum_data(totals.ageing[key])}
            for key in sorted(totals.ageing, key=age_order)
        ],
    }


def sum_data(found: Sum) -> dict[str, Any]:
    """Return a sum as plain data: items, unpriced, and the amount as text."""
    return {
        "items": found.items,
        "unpriced": found.unpriced,
        "amount": decimal_text(found.amount),
    }


def cause_data(group: Group) -> dict[str, Any]:
    """Return a group of breaks as plain data."""
    example = min(group.examples, key=lambda row: row.key)
    return {
        "fingerprint": group.fingerprint,
        "cause": group.cause,
        "title": group.title,
        "kind": group.kind,
        "owner": group.owner,
        "action": group.action,
        "items": group.items,
        "companies": group.companies,
        "money": [
            {"currency": currency, **sum_data(found)}
            for currency, found in currencies(group.money)
        ],
        "first_at": _instant(group.first_at),
        "last_at": _instant(group.last_at),
        "example": {
            "company_id": example.company_id,
            "transaction_id": example.transaction_id,
        },
        "mended": group.mended,
    }


def _sync(sync: SyncSummary) -> dict[str, Any]:
    return {
        "company_id": sync.company_id,
        "expected": sync.expected,
        "listing": sync.listing,
        "promised": sync.promised,
        "reported": sync.reported,
        "seen": sync.seen,
        "state": sync.state,
        "status": sync.status,
        "status_code": sync.status_code,
        "sync_id": sync.sync_id,
    }


def _finding(finding: Finding, *, reasons: bool) -> dict[str, Any]:
    data: dict[str, Any] = {
        "company_id": finding.company_id,
        "kind": finding.kind,
        "sync_id": finding.sync_id,
        "transaction_id": finding.transaction_id,
    }
    if reasons:
        data["reason"] = finding.reason
    return data


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
