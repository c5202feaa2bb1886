"""The report as a template takes it: plain values, sorted, cut to what is listed."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from shlex import quote
from typing import Any, Final

import attrs

from reconcile.domain.identity import canonical_id
from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import FindingKind, ItemState
from reconcile.foreign import one_line
from reconcile.judgement.reasons import plain
from reconcile.projections.summaries import Finding
from reconcile.report.build import Report
from reconcile.report.groups import Group, GroupKey, Judged
from reconcile.report.html import figures, words
from reconcile.report.html.tally import Amounts, Customer, MoneyKey, PageTally
from reconcile.report.money import TRANSFER, Sum, money_order

CAUSES_MAX: Final = 200
CUSTOMERS_MAX: Final = 500
FINDINGS_MAX: Final = 300
PLACES_MAX: Final = 6
"""So many customers are named beside a cause."""
_SHORT: Final = 40
_MANY: Final = 1000  # rows listed in all; beyond, their texts are cut shorter


@attrs.frozen
class Price:
    """A sum of one type and currency, as it is shown: money, or a count alone."""

    type: str | None
    currency: str | None
    items: int  # that have an amount
    amount: Decimal | None  # None where amounts must not be added up

    @property
    def is_payment(self) -> bool:
        """Return whether it stands for itself; all else is named."""
        return self.type == "Payment" and self.amount is not None


@attrs.frozen
class Prices:
    """The sums of some expenses, apart by type and currency."""

    items: int
    payments: Sequence[Price]
    others: Sequence[Price]
    unpriced: int


def prices_of(sums: Mapping[MoneyKey, Sum]) -> Prices:
    """Return sums as they are shown, each expense in one of them."""
    found: list[Price] = []
    unpriced = 0
    for key in sorted(sums, key=money_order):
        some = sums[key]
        unpriced += some.unpriced
        if some.items > some.unpriced:
            number = some.items - some.unpriced
            is_bare = key.type == TRANSFER and key.currency is None
            amount = None if is_bare else some.amount
            found.append(Price(key.type, key.currency, number, amount))
    return Prices(
        items=sum(some.items for some in sums.values()),
        payments=[price for price in found if price.is_payment],
        others=[price for price in found if not price.is_payment],
        unpriced=unpriced,
    )


@attrs.frozen
class TotalsRow:
    """Expenses of one type and currency, by state; None: none of that state."""

    name: str
    note: str
    currency: str | None
    by_state: Mapping[ItemState, Price]
    all: Price


def totals_rows(report: Report) -> list[TotalsRow]:
    """Return the money of a report: a row for each type and currency, then the rest."""
    rows: dict[tuple[str | None, str | None], dict[ItemState, Price]] = {}
    unpriced: dict[ItemState, int] = {}
    for key, some in report.totals.money.items():
        state = ItemState(key.state)
        prices = prices_of({MoneyKey(key.type, key.currency): some})
        for price in (*prices.payments, *prices.others):
            rows.setdefault((price.type, price.currency), {})[state] = price
        if prices.unpriced:
            unpriced[state] = unpriced.get(state, 0) + prices.unpriced
    shown = [_totals_row(*key, rows[key]) for key in sorted(rows, key=_payments_first)]
    if unpriced:
        lacking = {s: Price(None, None, n, None) for s, n in unpriced.items()}
        number = sum(unpriced.values())
        whole = Price(None, None, number, None)
        shown.append(TotalsRow("Without an amount", "", None, lacking, whole))
    return shown


def _payments_first(key: tuple[str | None, str | None]) -> tuple[object, ...]:
    kind, currency = key
    place = 0 if kind == "Payment" else 2 if kind == TRANSFER else 1
    return place, kind or "", currency or ""


def _totals_row(
    kind: str | None, currency: str | None, by_state: Mapping[ItemState, Price]
) -> TotalsRow:
    number = sum(price.items for price in by_state.values())
    amounts = [price.amount for price in by_state.values() if price.amount is not None]
    whole = Sum()
    for amount in amounts:
        whole.include(Sum(0, 0, amount))
    name = words.types(kind) + (f", {currency}" if currency else "")
    note = "" if currency else "carry no currency"
    total = whole.amount if amounts else None
    return TotalsRow(
        name, note, currency, by_state, Price(kind, currency, number, total)
    )


@attrs.frozen
class CauseRow:
    """One cause: what it is, whose move, how much, and where."""

    group: Group
    step: str
    prices: Prices
    places: Sequence[tuple[str, str, int]]  # company, anchor or "", breaks
    more_places: int
    example: str | None  # of its failures, in Codat's words without their envelope


@attrs.frozen
class Block:
    """Rows of one cause in one company, or of a company alone."""

    anchor: str
    title: str
    prices: Prices
    rows: Sequence[Judged]

    @property
    def more(self) -> int:
        """Return how many of them are not listed."""
        return self.prices.items - len(self.rows)


@attrs.frozen
class CompanyBlock:
    """The rows of one company, by cause."""

    anchor: str
    company_id: str
    items: int
    blocks: Sequence[Block]


def break_blocks(report: Report, tally: PageTally) -> list[CompanyBlock]:
    """Return the breaks that are listed: by company, the worst first, then by cause."""
    titles = {GroupKey.of_group(group): group.title for group in report.groups}
    order = {key: place for place, key in enumerate(titles)}
    numbers: dict[str, int] = {}
    for places in tally.causes.values():
        for company_id, amounts in places.items():
            numbers[company_id] = numbers.get(company_id, 0) + amounts.items
    listed: dict[str, dict[GroupKey, list[Judged]]] = {}
    for row in tally.breaks.rows:
        of_company = listed.setdefault(row.company_id, {})
        of_company.setdefault(GroupKey.of(row.item), []).append(row)
    found = []
    for n, company_id in enumerate(sorted(listed, key=lambda c: (-numbers[c], c)), 1):
        some = listed[company_id]
        blocks = [
            Block(
                anchor=f"b-{n}-{order[key] + 1}",
                title=titles[key],
                prices=prices_of(tally.causes[key][company_id].sums),
                rows=some[key],
            )
            for key in sorted(some, key=lambda key: order[key])
        ]
        found.append(CompanyBlock(f"b-{n}", company_id, numbers[company_id], blocks))
    return found


def cause_rows(
    report: Report, tally: PageTally, breaks: Iterable[CompanyBlock]
) -> list[CauseRow]:
    """Return why expenses are broken, those of most breaks first."""
    anchors = {company.company_id: company.anchor for company in breaks}
    return [
        _cause_row(
            group, place, tally.causes.get(GroupKey.of_group(group), {}), anchors
        )
        for place, group in enumerate(report.groups[:CAUSES_MAX], 1)
    ]


def _cause_row(
    group: Group,
    place: int,
    found: Mapping[str, Amounts],
    anchors: Mapping[str, str],
) -> CauseRow:
    whole = Amounts()
    for amounts in found.values():
        whole.include(amounts)
    worst = sorted(found, key=lambda company: (-found[company].items, company))
    places = [
        (company, anchors.get(company, ""), found[company].items)
        for company in worst[:PLACES_MAX]
    ]
    messages = [
        leg.message for row in group.examples for leg in row.item.legs if leg.message
    ]
    step = (
        "Send them again: it is mended"
        if group.mended
        else words.step(group.action, group.cause)
    )
    return CauseRow(
        group=group,
        step=step,
        prices=prices_of(whole.sums),
        places=[(c, a and f"{a}-{place}", n) for c, a, n in places],
        more_places=len(worst) - len(places),
        example=plain(messages[0]) if messages else None,
    )


def by_company(rows: Iterable[Judged]) -> list[tuple[str, list[Judged]]]:
    """Return rows by their company, in the order in which companies come."""
    found: dict[str, list[Judged]] = {}
    for row in rows:
        found.setdefault(row.company_id, []).append(row)
    return [*found.items()]


def customers_of(tally: PageTally) -> list[Customer]:
    """Return customers, those of most breaks first."""
    return sorted(
        tally.customers,
        key=lambda c: (-c.totals.broken, -c.totals.items, c.company_id),
    )


@attrs.define
class Rest:
    """What is not listed of a long table, counted together."""

    number: int = 0
    items: int = 0
    booked: int = 0
    open: int = 0
    broken: int = 0
    resolved: int = 0
    unbooked: Prices = attrs.field(factory=lambda: prices_of({}))


def rest_of(customers: Sequence[Customer]) -> Rest:
    """Return what customers are together."""
    rest = Rest(number=len(customers))
    unbooked = Amounts()
    for customer in customers:
        totals = customer.totals
        rest.items += totals.items
        rest.booked += totals.matched + totals.cleared
        rest.open += totals.open
        rest.broken += totals.broken
        rest.resolved += totals.resolved
        unbooked.include(customer.unbooked)
    rest.unbooked = prices_of(unbooked.sums)
    return rest


def findings_by_kind(
    report: Report,
) -> Iterator[tuple[FindingKind, int, list[Finding]]]:
    """Yield what was found besides: each kind, how many, and the first of them."""
    left = FINDINGS_MAX
    in_order = sorted(report.findings, key=lambda finding: finding.kind.value)
    for kind, alike in groupby(in_order, key=lambda finding: finding.kind):
        some = [*alike]
        yield kind, len(some), some[:left]
        left = max(left - len(some), 0)


def command_of(report: Report) -> str:
    """Return the command that gives the same report as data, with its digest."""
    selection = report.selection
    options = {
        "--as-of": format_instant(report.as_of),
        "--known-at": None
        if report.known_at is None
        else format_instant(report.known_at),
        "--company": report.company_id,
        "--month": selection.month,
        "--cause": selection.cause,
        "--state": selection.state and selection.state.value,
    }
    given = " ".join(
        f"{name} {quote(one_line(value))}" for name, value in options.items() if value
    )
    return f"reconcile --store STORE report {given} --format json"


def heading_of(report: Report) -> str:
    """Return what the page is of, in a few words."""
    month = report.selection.month
    return "All expenses" if month is None else figures.month(month)


def namer(customers: Mapping[str, str] | None) -> Callable[[str], str]:
    """Return what names a company: by its display name, or else by its id."""
    names = {canonical_id(name): shown for name, shown in (customers or {}).items()}
    return lambda company_id: names.get(company_id) or company_id


def text_length(tally: PageTally) -> int:
    """Return how long foreign texts are in lists, so that long lists stay small."""
    lists = (tally.breaks, tally.open, tally.resolved)
    listed = sum(len(some.rows) for some in lists)
    return _SHORT if listed > _MANY else figures.TEXT_MAX


def state_counts(report: Report) -> dict[ItemState, int]:
    """Return how many expenses are in each state, in the order of the words."""
    totals = report.totals
    counts = {
        ItemState.MATCHED: totals.matched,
        ItemState.CLEARED: totals.cleared,
        ItemState.OPEN: totals.open,
        ItemState.BREAK: totals.broken,
        ItemState.RESOLVED: totals.resolved,
    }
    return {state: counts[state] for state in words.STATES}


def age_table(tally: PageTally) -> dict[str, Any]:
    """Return the ages of breaks with the currencies of payments as columns."""
    shown = {bucket: prices_of(some.sums) for bucket, some in tally.ages.items()}
    whole = prices_of(tally.breaks.amounts.sums)
    columns = [price.currency for price in whole.payments]
    apart = bool(whole.others or whole.unpriced)
    return {"rows": shown, "all": whole, "columns": columns, "apart": apart}
