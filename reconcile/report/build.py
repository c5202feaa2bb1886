"""Build a report: every item, sync and finding in order, with totals and causes."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Self

import attrs

from reconcile.domain.vocabulary import DecisionKind, FindingKind, ItemState
from reconcile.errors import UsageError
from reconcile.judgement.facts import Decision
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.groups import EXAMPLES_MAX, Causes, Group, Judged, groups_of
from reconcile.report.money import (
    AgeKey,
    StateKey,
    Sum,
    bucket_of,
    is_priced,
    sum_of,
)
from reconcile.report.selection import ALL, Selection


@attrs.frozen(kw_only=True)
class Totals:
    """How many items there are, in which state, and how much money that is.

    `undated` counts items without an issue date; where a report is of one month, they
    are beside its items, and not among them.
    """

    items: int = 0
    expected: int = 0
    open: int = 0
    matched: int = 0
    broken: int = 0
    cleared: int = 0
    resolved: int = 0
    undated: int = 0
    money: Mapping[StateKey, Sum] = attrs.field(factory=dict, repr=False)
    ageing: Mapping[AgeKey, Sum] = attrs.field(factory=dict, repr=False)


@attrs.frozen(kw_only=True)
class Share:
    """One company's share of a report; "" is of what belongs to none.

    `digest` is that of the whole share, where whoever made it has taken it.
    """

    company_id: str
    items: Sequence[Judged]
    syncs: Sequence[SyncSummary]
    findings: Sequence[Finding]
    totals: Totals
    digest: str | None = None

    @property
    def says_something(self) -> bool:
        """Return whether anything is told of the company."""
        return bool(self.items or self.syncs or self.findings or self.totals.undated)


@attrs.frozen(kw_only=True)
class Report:
    """A report as plain data; `position` is the last event it rests on.

    `groups` are the breaks by cause, or by kind where they have none. Without
    `settled`, `items` are those that are open or broken; every other figure is of all.
    """

    as_of: datetime
    known_at: datetime | None
    selection: Selection
    position: int
    ruleset: str
    policy: str
    totals: Totals
    items: Sequence[Judged]
    syncs: Sequence[SyncSummary]
    findings: Sequence[Finding]
    groups: Sequence[Group]
    shares: Sequence[Share]
    unprocessed: int
    poisoned: int
    settled: bool = True
    company_id: str | None = None  # where it was asked of this company alone

    @property
    def causes(self) -> Iterator[Group]:
        """Yield the groups that have a cause."""
        return (group for group in self.groups if group.cause is not None)

    def check_whole(self) -> None:
        """Raise a UsageError where the report lacks items."""
        if not self.settled:
            raise UsageError(
                "the report has open and broken expenses alone, expected all of them"
            )
        if len(self.items) < self.totals.items:
            raise UsageError(
                "the report was streamed and has no expenses any more, expected all of"
                " them"
            )


@attrs.define(kw_only=True)
class ReportStream:
    """A report that is made while it is read, a company at a time.

    `shares` are read once, and first; then `rest` returns the report, of which no item
    is held any more: its `items` are empty, and its shares without items.
    """

    as_of: datetime
    shares: Iterator[Share]
    rest: Callable[[], Report]

    @classmethod
    def of(cls, report: Report) -> Self:
        """Return a report that is whole as a stream.

        Raises:
            UsageError: it lacks items.

        """
        report.check_whole()
        return cls(as_of=report.as_of, shares=iter(report.shares), rest=lambda: report)


@attrs.define(kw_only=True)
class Part:
    """What is gathered of one company."""

    company_id: str
    items: Sequence[Judged]
    syncs: Iterable[SyncSummary]
    findings: Iterable[Finding]


@attrs.define(kw_only=True)
class ReportBuilder:
    """Makes a report's shares one by one; of what it has given it holds the breaks."""

    as_of: datetime
    selection: Selection = ALL
    more_findings: Iterable[Finding] = ()
    breaks: list[tuple[Judged, int]] = attrs.field(init=False, factory=list)
    _more: dict[str, set[Finding]] = attrs.field(init=False, factory=dict)

    def __attrs_post_init__(self) -> None:
        """Sort by company what was found besides."""
        for finding in self.more_findings:
            self._more.setdefault(finding.company_id or "", set()).add(finding)

    def shares(self, parts: Iterable[Part]) -> Iterator[Share]:
        """Yield the shares of companies, where there is something in them."""
        for part in parts:
            more = self._more.pop(part.company_id, set())
            share, broken = share_of(
                part, more, as_of=self.as_of, selection=self.selection
            )
            self.breaks += broken
            if share.says_something:
                yield share

    def rest(self) -> Iterator[Share]:
        """Yield the shares of what was found of companies that gave no part."""
        yield from self.shares(
            Part(company_id=company_id, items=(), syncs=(), findings=())
            for company_id in sorted(self._more)
        )


def report_of(
    shares: Iterable[Share],
    breaks: Iterable[tuple[Judged, int]],
    *,
    as_of: datetime,
    known_at: datetime | None,
    selection: Selection,
    position: int,
    ruleset: str,
    policy: str,
    causes: Causes,
    unprocessed: int,
    poisoned: int,
    settled: bool = True,
    company_id: str | None = None,
) -> Report:
    """Return the report of companies' shares and of their breaks, in any order."""
    shares = sorted(shares, key=lambda share: share.company_id)
    return Report(
        as_of=as_of,
        known_at=known_at,
        selection=selection,
        position=position,
        ruleset=ruleset,
        policy=policy,
        totals=_added(share.totals for share in shares),
        items=[*chain.from_iterable(share.items for share in shares)],
        syncs=[*chain.from_iterable(share.syncs for share in shares)],
        findings=[*chain.from_iterable(share.findings for share in shares)],
        groups=groups_of(breaks, causes),
        shares=shares,
        unprocessed=unprocessed,
        poisoned=poisoned,
        settled=settled,
        company_id=company_id,
    )


def share_of(
    part: Part, more: Iterable[Finding], *, as_of: datetime, selection: Selection
) -> tuple[Share, list[tuple[Judged, int]]]:
    """Return a company's share, and its breaks with how many are like each."""
    items = part.items
    if selection.cause or selection.state:
        items = [*filter(selection.has_rest, items)]
    undated = sum(not (row.content and row.content.issue_date) for row in items)
    if selection.month:
        items = [*filter(selection.has_month, items)]
    counted = _counted(items)
    findings = {*part.findings, *more, *_of_items(items, counted)}
    if not selection.is_of_all:
        named = {row.transaction_id for row in items}
        findings = {f for f in findings if f.transaction_id in {None, *named}}
    share = Share(
        company_id=part.company_id,
        items=items,
        syncs=sorted(part.syncs, key=lambda sync: sync.sync_id),
        findings=sorted(findings, key=lambda finding: finding.order),
        totals=_totals(counted, as_of, undated),
    )
    breaks = [(row, n) for row, n in counted if row.item.state is ItemState.BREAK]
    if breaks:
        breaks += [(row, 0) for row in _more_examples(items)]
    return share, breaks


def _counted(items: Sequence[Judged]) -> list[tuple[Judged, int]]:
    """Return the items with how many are like each; alike are those without content.

    Items with the same facts are one object, and the first of them stands for all.
    """
    plain = [row for row in items if row.content is None]
    alike = Counter([id(row.item) for row in plain])
    first = {id(row.item): row for row in reversed(plain)}
    found = [(first[key], number) for key, number in alike.items()]
    if len(plain) < len(items):
        found += [(row, 1) for row in items if row.content is not None]
    return found


def _more_examples(items: Iterable[Judged]) -> Iterator[Judged]:
    """Yield breaks that others stand for in a count, as many as a group may show."""
    seen: Counter[int] = Counter()
    for row in items:
        if row.content is None and row.item.state is ItemState.BREAK:
            key = id(row.item)
            if 0 < seen[key] < EXAMPLES_MAX:
                yield row
            seen[key] += 1


def _of_items(
    items: Sequence[Judged], counted: Iterable[tuple[Judged, int]]
) -> Iterator[Finding]:
    """Yield what is found of items that are in the books."""
    if not any(
        row.differs
        or row.item.update_unsettled
        or row.item.written_twice
        or row.item.decision is not None
        for row, _ in counted
    ):
        return
    for row in items:
        if row.item.written_twice:
            yield Finding(
                kind=FindingKind.WRITTEN_TWICE,
                company_id=row.company_id,
                transaction_id=row.transaction_id,
                reason="two syncs report it written: look for a second entry in the"
                " books",
            )
        elif row.item.decision is not None and row.item.state in _IN_BOOKS:
            yield from _of_decided(row, row.item.decision)
        if row.item.update_unsettled:
            yield Finding(
                kind=FindingKind.UPDATE_UNSETTLED,
                company_id=row.company_id,
                transaction_id=row.transaction_id,
                reason="it is in the books; whether its update is too is not known",
            )
        elif row.differs and row.item.state in _IN_BOOKS and not row.item.waits:
            yield Finding(
                kind=FindingKind.CONTENT_DIFFERS,
                company_id=row.company_id,
                transaction_id=row.transaction_id,
                reason="the books hold another content than was sent last: send an"
                " update (PUT)",
            )


def _of_decided(row: Judged, decision: Decision) -> Iterator[Finding]:
    """Yield that Codat wrote what was entered elsewhere too."""
    if decision.kind is DecisionKind.WAIVED:
        return
    where = "by hand" if decision.kind is DecisionKind.BOOKED else decision.to
    yield Finding(
        kind=FindingKind.WRITTEN_TWICE,
        company_id=row.company_id,
        transaction_id=row.transaction_id,
        reason=f"it was {decision.kind.value} ({where}) by {decision.actor}, and Codat"
        " wrote it here too",
    )


_IN_BOOKS = (ItemState.MATCHED, ItemState.CLEARED)


def _totals(
    counted: Iterable[tuple[Judged, int]], as_of: datetime, undated: int
) -> Totals:
    """Return the totals of items that come with how many are like them."""
    expected = 0
    amounts: dict[StateKey, list[str | None]] = {}
    ageing: dict[AgeKey, Sum] = {}
    for row, number in counted:
        item, content = row.item, row.content
        if item.expected:
            expected += number
        if content is None:
            amounts.setdefault(StateKey(item.state, None, None), []).extend(
                [None] * number
            )
        else:
            key = StateKey(item.state, content.type, content.currency)
            if key in amounts:
                amounts[key].append(content.amount)
            else:
                amounts[key] = [content.amount]
        if item.state is ItemState.BREAK:
            currency = content.currency if content else None
            age = AgeKey(bucket_of(item.broken_since, as_of), currency)
            ageing.setdefault(age, Sum()).add(content, number)
    money = {
        key: sum_of(found if is_priced(key.type, key.currency) else [None] * len(found))
        for key, found in amounts.items()
    }
    states = dict.fromkeys(ItemState, 0)
    for key, some in money.items():
        states[ItemState(key.state)] += some.items
    return Totals(
        items=sum(states.values()),
        expected=expected,
        open=states[ItemState.OPEN],
        matched=states[ItemState.MATCHED],
        broken=states[ItemState.BREAK],
        cleared=states[ItemState.CLEARED],
        resolved=states[ItemState.RESOLVED],
        undated=undated,
        money=money,
        ageing=ageing,
    )


def _added(some: Iterable[Totals]) -> Totals:
    """Return the totals of several companies together."""
    counts = dict.fromkeys(_COUNTS, 0)
    money: dict[StateKey, Sum] = {}
    ageing: dict[AgeKey, Sum] = {}
    for totals in some:
        for name in _COUNTS:
            counts[name] += getattr(totals, name)
        for state, found in totals.money.items():
            money.setdefault(state, Sum()).include(found)
        for age, found in totals.ageing.items():
            ageing.setdefault(age, Sum()).include(found)
    return Totals(**counts, money=money, ageing=ageing)


_COUNTS = (
    "items",
    "expected",
    "open",
    "matched",
    "broken",
    "cleared",
    "resolved",
    "undated",
)
