"""What the page counts and lists of a report, share by share, without holding it all.

Sums are by type and currency, so that no refund is set off and no currency blended;
lists hold what is listed at most, and how many more there are.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, Final, NamedTuple

import attrs

from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.vocabulary import ItemState
from reconcile.report.build import Report, ReportStream, Share, Totals
from reconcile.report.groups import GroupKey, Judged
from reconcile.report.money import BUCKETS, Sum, bucket_of
from reconcile.report.wire import overdue_at

LISTED_MAX: Final = 2000
"""So many breaks are listed at most, so many open ones, and so many resolved ones."""


class MoneyKey(NamedTuple):
    """Expenses whose amounts may be added up: of one type and currency."""

    type: str | None
    currency: str | None


@attrs.define
class Amounts:
    """How many expenses there are, and their sums by type and currency."""

    items: int = 0
    sums: dict[MoneyKey, Sum] = attrs.field(factory=dict)

    def add(self, row: Judged) -> None:
        """Add an expense."""
        content = row.content
        kind, currency = (content.type, content.currency) if content else (None, None)
        self.items += 1
        self.sums.setdefault(MoneyKey(kind, currency), Sum()).add(content)

    def include(self, other: "Amounts") -> None:
        """Add what another holds."""
        self.items += other.items
        for key, found in other.sums.items():
            self.sums.setdefault(key, Sum()).include(found)


@attrs.define
class Listed:
    """The first rows of an order, as many as are listed; `amounts` are of all."""

    order: Callable[[Judged], Any]
    rows: list[Judged] = attrs.field(factory=list)
    amounts: Amounts = attrs.field(factory=Amounts)

    def add(self, some: Iterable[Judged]) -> None:
        """Add rows, in any order."""
        rows = [*some]
        for row in rows:
            self.amounts.add(row)
        self.rows = heapq.nsmallest(LISTED_MAX, [*self.rows, *rows], key=self.order)

    @property
    def more(self) -> int:
        """Return how many rows are not listed."""
        return self.amounts.items - len(self.rows)


class Customer(NamedTuple):
    """One company: its totals, and the money that is not in its books."""

    company_id: str
    totals: Totals
    unbooked: Amounts


def _oldest_first(row: Judged) -> tuple[object, ...]:
    return row.item.broken_since or END_OF_TIME, *row.key


def _due_first(row: Judged) -> tuple[object, ...]:
    return overdue_at(row.item) or END_OF_TIME, *row.key


def _latest_first(row: Judged) -> tuple[object, ...]:
    decision = row.item.decision
    return -decision.at.timestamp() if decision else 0.0, *row.key


@attrs.define
class PageTally:
    """What is counted and listed of all shares of a report."""

    as_of: datetime
    days: dict[str, Counter[ItemState]] = attrs.field(factory=dict)
    undated: Counter[ItemState] = attrs.field(factory=Counter)
    customers: list[Customer] = attrs.field(factory=list)
    causes: dict[GroupKey, dict[str, Amounts]] = attrs.field(factory=dict)
    ages: dict[str, Amounts] = attrs.field(
        factory=lambda: {name: Amounts() for name in BUCKETS}
    )
    breaks: Listed = attrs.field(factory=lambda: Listed(_oldest_first))
    open: Listed = attrs.field(factory=lambda: Listed(_due_first))
    resolved: Listed = attrs.field(factory=lambda: Listed(_latest_first))

    def add(self, share: Share) -> None:
        """Count and list one company's share."""
        rows: dict[ItemState, list[Judged]] = {state: [] for state in ItemState}
        for row in share.items:
            state = row.item.state
            rows[state].append(row)
            issued = row.content.issue_date if row.content else None
            counts = self.undated
            if issued is not None:
                counts = self.days.setdefault(issued, Counter())
            counts[state] += 1
        unbooked = Amounts()
        for row in (*rows[ItemState.OPEN], *rows[ItemState.BREAK]):
            unbooked.add(row)
        for row in rows[ItemState.BREAK]:
            self._count_break(row)
        self.breaks.add(rows[ItemState.BREAK])
        self.open.add(rows[ItemState.OPEN])
        self.resolved.add(rows[ItemState.RESOLVED])
        if share.items:
            self.customers.append(Customer(share.company_id, share.totals, unbooked))

    def _count_break(self, row: Judged) -> None:
        of_cause = self.causes.setdefault(GroupKey.of(row.item), {})
        of_cause.setdefault(row.company_id, Amounts()).add(row)
        self.ages[bucket_of(row.item.broken_since, self.as_of)].add(row)


def tallied(report: Report | ReportStream) -> tuple[Report, PageTally]:
    """Return a report, of which items need not be held, and the tally of its shares.

    Raises:
        UsageError: the report lacks items.

    """
    stream = ReportStream.of(report) if isinstance(report, Report) else report
    tally = PageTally(stream.as_of)
    for share in stream.shares:
        tally.add(share)
    return stream.rest(), tally
