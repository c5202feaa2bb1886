"""The overview's figures: of a few counts, each figure with the words of its list."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

import attrs
from markupsafe import Markup

from reconcile.console.causes import (
    BY,
    CauseStanding,
    OwnerShare,
    cause_rows,
    new_of,
    owner_shares,
)
from reconcile.console.figures import DayFigure, PartFigure
from reconcile.console.filter import NONE, Filter
from reconcile.console.sheet import Sheet
from reconcile.console.worths import Words, Worths, worths_of
from reconcile.domain.vocabulary import ItemState, Owner
from reconcile.report.html import charts, words
from reconcile.report.money import BUCKETS
from reconcile.rules.ruleset import Ruleset

BOOKED: Final = (ItemState.MATCHED, ItemState.CLEARED)
UNBOOKED: Final = (ItemState.BREAK, ItemState.OPEN)
CAUSES_MAX: Final = 12
CUSTOMERS_MAX: Final = 20
EVERY_CUSTOMER_MAX: Final = 2000
BARS_MAX: Final = 6
_LABELS_MAX: Final = 31


@attrs.frozen(kw_only=True)
class CurrencyRow:
    """Payments of one currency that are not in the books."""

    currency: str
    broken: Decimal | None  # None: there are none
    open: Decimal | None
    both: Decimal


@attrs.frozen(kw_only=True)
class CurrencyBars:
    """Payments in breaks of one currency, by cause; bars by the largest of them."""

    currency: str
    total: Decimal
    bars: Sequence[tuple[CauseStanding, Decimal, Markup]]
    more: int  # causes that are not shown


@attrs.frozen(kw_only=True)
class CustomerRow:
    """One customer's expenses by state, and what of them is not in the books."""

    company_id: str
    states: Mapping[ItemState, int]
    unbooked: Worths
    oldest: datetime | None

    @property
    def items(self) -> int:
        """Return how many expenses there are."""
        return sum(self.states.values())


@attrs.frozen(kw_only=True)
class PeriodRow:
    """A day, week, month or year of issue, and the words that cut a list to it."""

    period: charts.Period
    words: Words


@attrs.frozen(kw_only=True)
class TimeCharts:
    """Expenses over time in two charts with scales of their own."""

    unit: str
    span: str  # which days they cover
    rows: Sequence[PeriodRow]
    undated: Mapping[ItemState, int]
    labels: Sequence[str]  # under the bars; some are empty
    booked: Markup
    unbooked: Markup
    booked_top: int
    unbooked_top: int


@attrs.frozen(kw_only=True)
class Overview:
    """How much is not booked: by cause, owner, currency, age, customer and day."""

    states: Mapping[ItemState, int]
    causes: Sequence[CauseStanding]
    new: Mapping[str, int]  # of each cause, the breaks of the last day
    owners: Sequence[OwnerShare]  # all of them, in a fixed order
    currencies: Sequence[CurrencyRow]
    unbooked: Worths
    ages: Sequence[tuple[str, Worths, Markup]]
    bars: Sequence[CurrencyBars]
    time: TimeCharts | None
    customers: Sequence[CustomerRow]
    due_at: datetime | None  # when the first turns into a break, where none is one yet

    @property
    def items(self) -> int:
        """Return how many expenses there are."""
        return sum(self.states.values())

    @property
    def booked(self) -> int:
        """Return how many are in the books."""
        return sum(self.states[state] for state in BOOKED)

    @property
    def broken(self) -> int:
        """Return how many somebody has to act for."""
        return self.states[ItemState.BREAK]

    @property
    def ours(self) -> int:
        """Return how many of the breaks are our move."""
        return sum(share.items for share in self.owners if share.owner is Owner.US)


def overview_of(sheet: Sheet, scope: Filter, rules: Ruleset) -> Overview:
    """Return the figures of some customers and months, from four counts."""
    parts = sheet.parts(scope, ["company_id", "state"])
    broken = attrs.evolve(scope, state=(ItemState.BREAK.value,))
    breaks = sheet.parts(broken, BY)
    states = dict.fromkeys(words.STATES, 0)
    for part in parts:
        states[ItemState(part.by[1])] += part.sum.items
    causes = cause_rows(breaks, rules)
    unbooked = [part for part in parts if part.by[1] in UNBOOKED]
    return Overview(
        states=states,
        causes=causes,
        new=new_of(sheet, scope),
        owners=_every_owner(owner_shares(breaks)),
        currencies=_currency_rows(unbooked),
        unbooked=worths_of(unbooked),
        ages=_ages(sheet.parts_by_age(scope)),
        bars=_bars(causes),
        time=_time(sheet.by_day(scope), scope.month),
        customers=_customers(parts),
        due_at=None if breaks or not states[ItemState.OPEN] else sheet.due_at(scope),
    )


def _every_owner(shares: Sequence[OwnerShare]) -> list[OwnerShare]:
    """Return who has to move, also those who have nothing to do."""
    found: dict[Owner | None, OwnerShare] = {
        owner: OwnerShare(owner=owner, items=0, verdicts={}) for owner in _OWNERS
    }
    for share in shares:
        found[share.owner] = share
    return [*found.values()]


_OWNERS: Final = (
    Owner.CUSTOMER,
    Owner.US,
    Owner.CODAT,
    Owner.ACCOUNTING_SOFTWARE,
    Owner.NOBODY,
)


def _currency_rows(unbooked: Iterable[PartFigure]) -> list[CurrencyRow]:
    by_state = {state: [*_of(unbooked, state)] for state in UNBOOKED}
    broken, opened = (_payments(by_state[state]) for state in UNBOOKED)
    return [
        CurrencyRow(
            currency=currency,
            broken=broken.get(currency),
            open=opened.get(currency),
            both=both,
        )
        for currency, both in _payments(unbooked).items()
    ]


def _of(parts: Iterable[PartFigure], state: ItemState) -> Iterable[PartFigure]:
    return (part for part in parts if part.by[1] == state.value)


def _payments(parts: Iterable[PartFigure]) -> dict[str, Decimal]:
    return {
        worth.currency: worth.amount
        for worth in worths_of(parts).payments
        if worth.currency is not None and worth.amount is not None
    }


def _ages(parts: Sequence[PartFigure]) -> list[tuple[str, Worths, Markup]]:
    ages = {
        name: worths_of(part for part in parts if part.by[0] == name)
        for name in BUCKETS
    }
    most = max(worths.items for worths in ages.values())
    return [
        (name, worths, charts.across(worths.items, most))
        for name, worths in ages.items()
    ]


def _bars(causes: Sequence[CauseStanding]) -> list[CurrencyBars]:
    """Return the money of payments by cause, each currency by its own scale."""
    found: dict[str, list[tuple[CauseStanding, Decimal]]] = {}
    for row in causes:
        for worth in row.worths.payments:
            if worth.currency is not None and worth.amount is not None:
                found.setdefault(worth.currency, []).append((row, worth.amount))
    shown = []
    for currency, some in sorted(found.items()):
        some.sort(key=lambda bar: -bar[1])
        most = max((amount for _, amount in some), default=Decimal(0))
        shown.append(
            CurrencyBars(
                currency=currency,
                total=sum((amount for _, amount in some), Decimal(0)),
                bars=[
                    (row, amount, charts.across(*_ratio(amount, most)))
                    for row, amount in some[:BARS_MAX]
                ],
                more=max(0, len(some) - BARS_MAX),
            )
        )
    return shown


def _ratio(amount: Decimal, most: Decimal) -> tuple[int, int]:
    """Return an amount's share of the largest, in thousandths; none below zero."""
    if most <= 0:
        return 0, 1000
    return int(max(amount, Decimal(0)) / most * 1000), 1000


def _customers(parts: Sequence[PartFigure]) -> list[CustomerRow]:
    by_company: dict[str, list[PartFigure]] = {}
    for part in parts:
        by_company.setdefault(part.by[0], []).append(part)
    rows = [_customer(name, some) for name, some in by_company.items()]
    return sorted(
        rows, key=lambda r: (-r.states[ItemState.BREAK], -r.items, r.company_id)
    )


def _customer(company_id: str, parts: Sequence[PartFigure]) -> CustomerRow:
    states = dict.fromkeys(words.STATES, 0)
    for part in parts:
        states[ItemState(part.by[1])] += part.sum.items
    broken = [part.first_at for part in _of(parts, ItemState.BREAK)]
    return CustomerRow(
        company_id=company_id,
        states=states,
        unbooked=worths_of(part for part in parts if part.by[1] in UNBOOKED),
        oldest=min((moment for moment in broken if moment), default=None),
    )


def _time(days: Sequence[DayFigure], months: tuple[str, ...]) -> TimeCharts | None:
    """Return the charts over time, None where nothing has a date."""
    dated = {day.day: day.states for day in days if day.day}
    undated: Counter[ItemState] = Counter()
    for day in days:
        if not day.day:
            undated.update(day.states)
    found = charts.periods(dated)
    if not found:
        return None
    booked = (*BOOKED, ItemState.RESOLVED)
    unit = charts.unit_of(found)
    name = f", by {unit} of issue"
    return TimeCharts(
        unit=unit,
        span=charts.span_of(found),
        rows=[
            PeriodRow(period=period, words=_words_of(period, unit, months))
            for period in found
            if period.counts
        ],
        undated=undated,
        labels=_labels(found),
        booked_top=charts.scale(max(period.of(booked) for period in found)),
        unbooked_top=charts.scale(max(period.of(UNBOOKED) for period in found)),
        booked=charts.columns(
            found, booked, label=f"Expenses in the books or resolved{name}", height=104
        ),
        unbooked=charts.columns(
            found, UNBOOKED, label=f"Broken and open expenses{name}", height=62
        ),
    )


def _labels(found: Sequence[charts.Period]) -> list[str]:
    """Return what stands under the bars, so thinned that it has room."""
    every = -(-len(found) // _LABELS_MAX)
    return [p.label if place % every == 0 else "" for place, p in enumerate(found)]


def _words_of(period: charts.Period, unit: str, months: tuple[str, ...]) -> Words:
    """Return what cuts a list to a period: its days, or its months that are asked."""
    if unit in ("day", "week"):
        number = (period.last - period.first).days + 1
        every = (period.first + timedelta(days=n) for n in range(number))
        return {"day": tuple(day.isoformat() for day in every)}
    covered = tuple(_months(period.first, period.last))
    return {"month": tuple(m for m in covered if not months or m in months)}


def _months(first: date, last: date) -> Iterable[str]:
    number = (last.year - first.year) * 12 + last.month - first.month + 1
    for n in range(number):
        year, month = divmod(first.year * 12 + first.month - 1 + n, 12)
        yield f"{year:04}-{month + 1:02}"


UNDATED: Final[Words] = {"day": NONE}
"""What cuts a list to the expenses without a day of issue."""
