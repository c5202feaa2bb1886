"""The list of expenses as files: every expense that its address asks for."""

from collections.abc import Iterator
from typing import Any, Final

from starlette.responses import Response

from reconcile.console.cuts import CUT_WORDS, cut_of, words_of_cut
from reconcile.console.files import Row, csv_file, json_file
from reconcile.console.filter import Filter
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.rows import ExpenseRow, row_of
from reconcile.console.spools import download
from reconcile.domain.money import decimal_text
from reconcile.report.money import money_order

SCHEMA: Final = "reconcile.expenses/1"
COLUMNS: Final = (
    "customer",
    "company_id",
    "transaction_id",
    "merchant",
    "reference",
    "type",
    "amount",
    "currency",
    "in_sums",
    "issue_date",
    "state",
    "kind",
    "cause",
    "why",
    "reason",
    "owner",
    "verdict",
    "action",
    "next_step",
    "not_before",
    "attempts",
    "half_booked",
    "fingerprint",
    "first_sent_at",
    "last_sent_at",
    "broken_since",
    "sync_id",
    "decision",
    "decided_by",
    "decided_at",
)
_FILE_WORDS: Final = (*CUT_WORDS, "as_of", "known_at")


def view_csv(visit: Visit) -> Response:
    """Return every expense as a line of a CSV file."""
    return download(
        expenses_csv(visit, cut_of(visit.asking)),
        name=f"{_name(visit)}.csv",
        media_type="text/csv; charset=utf-8",
    )


def view_json(visit: Visit) -> Response:
    """Return every expense in a JSON file, with the sums of all of them."""
    return download(
        _json(visit, cut_of(visit.asking)),
        name=f"{_name(visit)}.json",
        media_type="application/json",
    )


def _name(visit: Visit) -> str:
    return f"expenses-{visit.sheet.as_of:%Y-%m-%d}"


def expenses_csv(visit: Visit, cut: Filter) -> Iterator[bytes]:
    """Yield the expenses of a cut as a CSV file."""
    return csv_file(COLUMNS, (_fields(visit, row) for row in _rows(visit, cut)))


def _json(visit: Visit, cut: Filter) -> Iterator[bytes]:
    head = {
        "schema": SCHEMA,
        **visit.sheet.footing.data("ruleset", "policy", "unprocessed"),
        "filter": words_of_cut(cut),
        "items": visit.sheet.count(cut),
        "money": _money(visit, cut),
    }
    rows = (_fields(visit, row) for row in _rows(visit, cut))
    return json_file(head, "expenses", COLUMNS, rows)


def _money(visit: Visit, cut: Filter) -> list[dict[str, Any]]:
    sums = visit.sheet.sums(cut)
    return [
        {
            "state": key.state,
            "type": key.type,
            "currency": key.currency,
            "items": sums[key].items,
            "unpriced": sums[key].unpriced,
            "amount": decimal_text(sums[key].amount),
        }
        for key in sorted(sums, key=money_order)
    ]


def _rows(visit: Visit, cut: Filter) -> Iterator[ExpenseRow]:
    titles: dict[str, str] = {}
    as_of = visit.sheet.as_of
    for line in visit.sheet.every_line(cut):
        cause = line.cause
        if cause is not None and cause not in titles:
            titles[cause] = visit.title_of(cause)
        yield row_of(line, as_of=as_of, title=titles.get(cause or ""))


def _fields(visit: Visit, row: ExpenseRow) -> Row:
    """Return what a file says of an expense."""
    line = row.line
    return (
        visit.settings.customer(line.company_id),
        line.company_id,
        line.transaction_id,
        line.merchant,
        line.reference,
        line.type,
        line.amount,
        line.currency,
        line.priced,
        line.issue_date,
        line.state.value,
        line.kind,
        line.cause,
        row.why,
        line.reason,
        line.owner,
        line.verdict.value,
        line.action.value,
        row.step,
        line.not_before,
        line.attempts,
        line.half_booked,
        line.fingerprint,
        line.first_sent_at,
        line.last_sent_at,
        line.broken_since,
        line.sync_id,
        line.decision,
        line.decided_by,
        line.decided_at,
    )


CSV = Page(
    path="/expenses.csv",
    name="expenses_csv",
    view=view_csv,
    words=_FILE_WORDS,
    reads_sheet=True,
)
JSON = Page(
    path="/expenses.json",
    name="expenses_json",
    view=view_json,
    words=_FILE_WORDS,
    reads_sheet=True,
)
