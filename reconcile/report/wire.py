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
from reconcile.domain.item import Item, Leg
from reconcile.report.build import Judged, Report
from reconcile.views.summaries import Finding, SyncSummary

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
    head["findings"] = [_finding(one, reasons=reasons) for one in report.findings]
    yield _encode(head)[:-1] + b',"items":['
    yield from _items(report, reasons=reasons)
    totals = report.totals
    tail: dict[str, Any] = {
        "poisoned": report.poisoned,
        "ruleset": report.ruleset,
        "schema": SCHEMA,
        "syncs": [_sync(one) for one in report.syncs],
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


def _items(report: Report, *, reasons: bool) -> Iterator[bytes]:
    """Yield the items, separated by commas, some thousands at a time."""
    prefixes: dict[tuple[int, str], bytes] = {}
    some: list[bytes] = []
    first = True
    for judged in report.items:
        key = (id(judged.item), judged.company_id)
        prefix = prefixes.get(key)
        if prefix is None:
            data = item_data(judged, as_of=report.as_of, reasons=reasons)
            del data["transaction_id"]
            prefix = prefixes[key] = _encode(data)[:-1] + b',"transaction_id":'
        some.append(prefix + _encode(judged.transaction_id) + b"}")
        if len(some) >= _CHUNK:
            yield (b"" if first else b",") + b",".join(some)
            some, first = [], False
    if some:
        yield (b"" if first else b",") + b",".join(some)


def item_data(
    judged: Judged, *, as_of: datetime, reasons: bool = True
) -> dict[str, Any]:
    """Return one item as the report's JSON has it."""
    item = judged.item
    retry: dict[str, Any] = {"verdict": item.verdict, "not_before": None}
    data: dict[str, Any] = {
        "age_s": _age_s(item, as_of),
        "attempts": item.attempts,
        "broken_since": _instant(item.broken_since),
        "class": item.failure_class,
        "company_id": judged.company_id,
        "expected": item.expected,
        "fingerprint": item.fingerprint,
        "kind": item.kind,
        "legs": [_leg(leg) for leg in item.legs],
        "owner": item.owner,
        "retry": retry,
        "state": item.state,
        "transaction_id": judged.transaction_id,
    }
    if reasons:
        data["reason"] = item.reason
        retry["reason"] = item.advice
    return data


def _leg(leg: Leg) -> dict[str, Any]:
    return {
        "integration_type": leg.integration_type,
        "message": leg.message,
        "reported_at": format_instant(leg.reported_at),
        "status": leg.status,
        "sync_id": leg.sync_id,
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


def _age_s(item: Item, as_of: datetime) -> int | None:
    if item.broken_since is None:
        return None
    return int((as_of - item.broken_since).total_seconds())


def _instant(moment: datetime | None) -> str | None:
    return None if moment is None else format_instant(moment)
