"""The page's template, filled in: text in, bytes out, a piece at a time."""

from collections.abc import Iterator, Mapping
from typing import Any, Final
from zoneinfo import ZoneInfo

from markupsafe import Markup

from reconcile.domain.vocabulary import ItemState
from reconcile.report.build import Report, ReportStream
from reconcile.report.html import charts, tally, view, words
from reconcile.report.html.environment import environment
from reconcile.report.wire import digest, overdue_at

_PIECE: Final = 65_536  # characters, before they are encoded
_LABELS_MAX: Final = 31  # under the bars
_BOOKED: Final = (ItemState.MATCHED, ItemState.CLEARED, ItemState.RESOLVED)
_UNBOOKED: Final = (ItemState.BREAK, ItemState.OPEN)


def pieces(
    report: Report | ReportStream,
    *,
    customers: Mapping[str, str] | None,
    zone: ZoneInfo | None,
) -> Iterator[bytes]:
    """Yield the page in UTF-8; what is foreign in it was cleaned and escaped.

    Raises:
        UsageError: the report lacks items.

    """
    whole, counted = tally.tallied(report)
    template = environment(zone=zone).get_template("report/page.html")
    ready: list[str] = []
    length = 0
    for text in template.generate(_values(whole, counted, customers)):
        ready.append(text)
        length += len(text)
        if length >= _PIECE:
            yield "".join(ready).encode()
            ready, length = [], 0
    yield "".join(ready).encode()


def _values(
    report: Report, counted: tally.PageTally, customers: Mapping[str, str] | None
) -> dict[str, Any]:
    breaks = view.break_blocks(report, counted)
    ranked = view.customers_of(counted)
    unbooked = tally.Amounts()
    unbooked.include(counted.breaks.amounts)
    unbooked.include(counted.open.amounts)
    return {
        "report": report,
        "tally": counted,
        "digest": digest(report),
        "heading": view.heading_of(report),
        "command": view.command_of(report),
        "name_of": view.namer(customers),
        "counts": view.state_counts(report),
        "unbooked": view.prices_of(unbooked.sums),
        "totals_rows": view.totals_rows(report),
        "meter": charts.meter(view.state_counts(report)),
        "time": _over_time(counted),
        "causes": view.cause_rows(report, counted, breaks),
        "causes_more": view.Rest(
            number=len(report.groups[view.CAUSES_MAX :]),
            items=sum(group.items for group in report.groups[view.CAUSES_MAX :]),
        ),
        "broken": view.prices_of(counted.breaks.amounts.sums),
        "ages": view.age_table(counted),
        "customers": ranked[: view.CUSTOMERS_MAX],
        "customers_more": view.rest_of(ranked[view.CUSTOMERS_MAX :]),
        "anchors": {company.company_id: company.anchor for company in breaks},
        "breaks": breaks,
        "open": view.by_company(counted.open.rows),
        "resolved": view.by_company(counted.resolved.rows),
        "findings": [*view.findings_by_kind(report)],
        "longest": view.text_length(counted),
        "prices_of": view.prices_of,
        "overdue_at": overdue_at,
        "step": words.step,
        "ItemState": ItemState,
    }


def _over_time(counted: tally.PageTally) -> dict[str, Any] | None:
    """Return the two charts over time, None where nothing has a date."""
    found = charts.periods(counted.days)
    if not found:
        return None
    return {
        "periods": found,
        "span": charts.span_of(found),
        "every": -(-len(found) // _LABELS_MAX),
        "undated": sum(counted.undated.values()),
        "unit": charts.unit_of(found),
        "booked_top": charts.scale(max(period.of(_BOOKED) for period in found)),
        "unbooked_top": charts.scale(max(period.of(_UNBOOKED) for period in found)),
        "booked": _chart(found, _BOOKED, "Expenses in the books or resolved", 88),
        "unbooked": _chart(found, _UNBOOKED, "Open and broken expenses", 52),
    }


def _chart(
    found: list[charts.Period], states: tuple[ItemState, ...], label: str, height: int
) -> Markup:
    unit = charts.unit_of(found)
    name = f"{label}, by {unit} of issue"
    return charts.columns(found, states, label=name, height=height)
