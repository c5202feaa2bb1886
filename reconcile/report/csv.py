"""The report as CSV: one line for each leg of each item, for a spreadsheet."""

import csv
import io
import re
from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Final

from reconcile.domain.instants import format_instant
from reconcile.domain.money import amount_of, decimal_text
from reconcile.foreign import one_line
from reconcile.judgement.facts import Content
from reconcile.report.build import Report, ReportStream
from reconcile.report.groups import Judged
from reconcile.report.money import currencies
from reconcile.report.wire import overdue_at

BYTE_ORDER_MARK: Final = "\ufeff"
"""What a CSV *file* begins with, so that a spreadsheet reads it as UTF-8."""
COLUMNS: Final = (
    "company_id",
    "transaction_id",
    "state",
    "kind",
    "reason",
    "cause",
    "owner",
    "fingerprint",
    "half_booked",
    "type",
    "amount",
    "currency",
    "issue_date",
    "merchant",
    "reference",
    "attempts",
    "first_sent_at",
    "last_sent_at",
    "broken_since",
    "overdue_at",
    "verdict",
    "action",
    "verdict_reason",
    "not_before",
    "without",
    "blocked_by",
    "customer_reason",
    "integration_type",
    "status",
    "sync_id",
    "message",
    "reported_at",
)


def to_csv(report: Report | ReportStream) -> Iterator[str]:
    r"""Yield the header and then lines; an item without a leg has one line.

    Text that a spreadsheet would compute is preceded by an apostrophe; line breaks and
    other controls in it are written out, as `\n`.

    Raises:
        UsageError: the report lacks items.

    """
    stream = ReportStream.of(report) if isinstance(report, Report) else report
    yield csv_line(COLUMNS)
    for row in chain.from_iterable(share.items for share in stream.shares):
        item = row.item
        head = _head(row)
        for leg in item.legs:
            yield csv_line(
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
            yield csv_line((*head, "", "", "", "", ""))


def _head(row: Judged) -> tuple[str, ...]:
    """Return what stands in every line of an item."""
    item, content = row.item, row.content
    return (
        row.company_id,
        row.transaction_id,
        item.state.value,
        item.kind.value if item.kind else "",
        item.reason,
        item.cause or "",
        item.owner or "",
        item.fingerprint or "",
        "yes" if item.half_booked else "",
        *(
            part or ""
            for part in (content or _NO_CONTENT)[: _NO_CONTENT._fields.index("digest")]
        ),
        str(item.attempts),
        _instant(item.first_sent_at),
        _instant(item.last_sent_at),
        _instant(item.broken_since),
        _instant(overdue_at(item)),
        item.verdict.value,
        item.action.value,
        item.advice,
        _instant(item.not_before),
        " ".join(item.without),
        item.blocked_by or "",
        item.customer_reason or "",
    )


_NO_CONTENT: Final = Content(None, None, None, None, None, None, "")


def _instant(moment: datetime | None) -> str:
    return "" if moment is None else format_instant(moment)


def csv_line(fields: tuple[str, ...]) -> str:
    """Return a line whose cells no spreadsheet computes."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([_cell(f) for f in fields])
    return out.getvalue()


def _cell(field: str) -> str:
    """Return a cell of one line that no spreadsheet computes; a number is none."""
    if not field or amount_of(field) == field:
        return field
    return _FORMULA.sub(r"\1'", one_line(field))


# A sign that begins a formula, in every width, after blanks of any kind: at the start,
# or where a spreadsheet that splits cells at semicolons would start another.
_FORMULA: Final = re.compile(
    r"((?:\A|[;|\uff1b])(?=(?:\s|\\[xu][0-9a-f]{2,8}|\\[tnr])*"
    r"[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u207a\u207b\u207c"
    r"\u208a\u208b\u208c\u2212]))"
)


CAUSE_COLUMNS: Final = (
    "cause",
    "title",
    "kind",
    "fingerprint",
    "owner",
    "action",
    "verdict",
    "currency",
    "items",
    "unpriced",
    "amount",
    "first_at",
    "last_at",
    "advice",
    "example_company_id",
    "example_transaction_id",
)


def causes_csv(report: Report) -> Iterator[str]:
    """Yield the header and then a line for each cause and currency."""
    yield csv_line(CAUSE_COLUMNS)
    for group in report.groups:
        example = group.examples[0]
        for currency, found in currencies(group.money):
            yield csv_line(
                (
                    group.cause or "",
                    group.title,
                    group.kind.value if group.kind else "",
                    group.fingerprint or "",
                    group.owner or "",
                    group.action.value,
                    group.verdict.value,
                    currency or "",
                    str(found.items),
                    str(found.unpriced),
                    decimal_text(found.amount) if found.items > found.unpriced else "",
                    _instant(group.first_at),
                    _instant(group.last_at),
                    group.advice,
                    example.company_id,
                    example.transaction_id,
                )
            )
