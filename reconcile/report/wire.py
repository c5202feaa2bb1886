"""The report as JSON, and its digest; the shape is `reconcile.report/1`.

The digest is over the same JSON without `digest`, `position`, `known_at` and every
`reason`: wording is not judgement. Keys are sorted, so an item's `transaction_id` comes
last, and items that share a judgement share all bytes before it.
"""

import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import msgspec

from reconcile.domain.instants import format_instant
from reconcile.judgement.item import Item
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.build import Judged, Report

SCHEMA: Final = "reconcile.report/1"
_encode: Final = msgspec.json.Encoder(order="sorted").encode
_CHUNK: Final = 2048


def digest(report: Report) -> str:
    """Return the report's digest: the same facts and rules give the same, anywhere."""
    hashed = hashlib.sha256()
    for part in _canonical(report, reasons=False):
        hashed.update(part)
    return f"sha256:{hashed.hexdigest()}"


def to_json(report: Report) -> Iterator[bytes]:
    """Yield the whole report as JSON, in pieces of bounded size."""
    yield from _canonical(report, reasons=True, digest=digest(report))


def to_data(report: Report) -> dict[str, Any]:
    """Return the whole report as plain data."""
    data: dict[str, Any] = msgspec.json.decode(b"".join(to_json(report)))
    return data


def _canonical(
    report: Report, *, reasons: bool, digest: str | None = None
) -> Iterator[bytes]:
    """Yield the report's JSON in canonical form (RFC 8785)."""
    head: dict[str, Any] = {"as_of": format_instant(report.as_of)}
    if digest is not None:
        head["digest"] = digest
    head["findings"] = [_finding(row, reasons=reasons) for row in report.findings]
    yield _encode(head)[:-1] + b',"items":['
    yield from _items(report, reasons=reasons)
    totals = report.totals
    tail: dict[str, Any] = {
        "poisoned": report.poisoned,
        "ruleset": report.ruleset,
        "schema": SCHEMA,
        "syncs": [_sync(row) for row in report.syncs],
        "totals": {
            "items": totals.items,
            "expected": totals.expected,
            "open": totals.open,
            "matched": totals.matched,
            "break": totals.broken,
            "cleared": totals.cleared,
            "waived": totals.waived,
        },
        "unprocessed": report.unprocessed,
    }
    if digest is not None:
        tail["known_at"] = _instant(report.known_at)
        tail["position"] = report.position
    yield b"]," + _encode(tail)[1:]


class _Leg(msgspec.Struct, gc=False):
    integration_type: str | None
    message: str | None
    reported_at: str
    status: str
    sync_id: str


class _Retry(msgspec.Struct, gc=False):
    not_before: str | None
    reason: str | msgspec.UnsetType
    verdict: str


class _Item(msgspec.Struct, gc=False, rename={"failure_class": "class"}):
    """An item as JSON without its `transaction_id`; the fields stand in their order."""

    age_s: int | None
    attempts: int
    broken_since: str | None
    failure_class: str | None
    company_id: str
    expected: bool
    fingerprint: str | None
    kind: str | None
    legs: list[_Leg]
    owner: str | None
    reason: str | msgspec.UnsetType
    retry: _Retry
    state: str


_encode_item: Final = msgspec.json.Encoder().encode


def _items(report: Report, *, reasons: bool) -> Iterator[bytes]:
    """Yield the items, separated by commas, some thousands at a time."""
    as_of = report.as_of
    prefixes: dict[int, bytes] = {}  # one item object is of one company
    comma = b""
    for start in range(0, len(report.items), _CHUNK):
        some: list[bytes] = []
        for company_id, transaction_id, item in report.items[start : start + _CHUNK]:
            prefix = prefixes.get(id(item))
            if prefix is None:
                wire_item = _wire(item, company_id, as_of, reasons=reasons)
                prefix = _encode_item(wire_item)[:-1] + b',"transaction_id":'
                prefixes[id(item)] = prefix
            some += (prefix, _encode_item(transaction_id), b"},")
        some[-1] = b"}"
        yield comma + b"".join(some)
        comma = b","


def item_data(judged: Judged, *, as_of: datetime) -> dict[str, Any]:
    """Return one item as the report's JSON has it."""
    wire_item = _wire(judged.item, judged.company_id, as_of, reasons=True)
    data: dict[str, Any] = msgspec.to_builtins(wire_item)
    return {**data, "transaction_id": judged.transaction_id}


def _wire(item: Item, company_id: str, as_of: datetime, *, reasons: bool) -> _Item:
    since = item.broken_since
    return _Item(
        age_s=None if since is None else int((as_of - since).total_seconds()),
        attempts=item.attempts,
        broken_since=_instant(since),
        failure_class=item.cause,
        company_id=company_id,
        expected=item.expected,
        fingerprint=item.fingerprint,
        kind=item.kind,
        legs=[
            _Leg(
                leg.integration_type,
                leg.message,
                format_instant(leg.reported_at),
                leg.status,
                leg.sync_id,
            )
            for leg in item.legs
        ],
        owner=item.owner,
        reason=item.reason if reasons else msgspec.UNSET,
        retry=_Retry(None, item.advice if reasons else msgspec.UNSET, item.verdict),
        state=item.state,
    )


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
