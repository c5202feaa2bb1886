"""The report as CSV: one line for each leg of each item, for a spreadsheet."""

import csv
import io
from collections.abc import Iterator
from typing import Final

from reconcile.domain.instants import format_instant
from reconcile.report.build import Report

COLUMNS: Final = (
    "company_id",
    "transaction_id",
    "state",
    "kind",
    "reason",
    "class",
    "owner",
    "fingerprint",
    "attempts",
    "broken_since",
    "verdict",
    "verdict_reason",
    "integration_type",
    "status",
    "sync_id",
    "message",
    "reported_at",
)


def to_csv(report: Report) -> Iterator[str]:
    """Yield the header and then lines; an item without a leg has one line.

    Text that a spreadsheet would take for a formula is preceded by an apostrophe.
    """
    yield _line(COLUMNS)
    for company_id, transaction_id, item in report.items:
        since = "" if item.broken_since is None else format_instant(item.broken_since)
        head = (
            company_id,
            transaction_id,
            item.state.value,
            item.kind.value if item.kind else "",
            item.reason,
            item.cause or "",
            item.owner or "",
            item.fingerprint or "",
            str(item.attempts),
            since,
            item.verdict.value,
            item.advice,
        )
        for leg in item.legs:
            yield _line(
                (
                    *head,
                    leg.integration_type or "",
                    leg.status,
                    leg.sync_id,
                    leg.message or "",
                    format_instant(leg.reported_at),
                )
            )
        if not item.legs:
            yield _line((*head, "", "", "", "", ""))


def _line(fields: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_harmless(f) for f in fields])
    return out.getvalue()


def _harmless(field: str) -> str:
    return f"'{field}" if field[:1] in _FORMULA else field


_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
