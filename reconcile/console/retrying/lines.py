"""A plan as a page shows it: its lines by sync, and what is left out by reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from reconcile.console.figures import ExpenseLine
from reconcile.console.filter import Filter
from reconcile.console.sheet import Sheet
from reconcile.domain.vocabulary import Owner
from reconcile.report.html import words
from reconcile.report.html.tally import MoneyKey
from reconcile.report.money import Sum, sum_of
from reconcile.retries.plan import LeftOut, LeftOutReason, Plan, PlanLine

SHOWN_MAX: Final = 200
PRICED_MAX: Final = 5000
"""Of more expenses than these no money is looked up."""

Titled = Callable[[str], str]


@attrs.frozen(kw_only=True)
class SyncGroup:
    """One line of a plan: a call with the expenses that it sends."""

    line: PlanLine
    rows: Sequence[tuple[str, ExpenseLine | None]]


@attrs.frozen(kw_only=True)
class LeftOutGroup:
    """What is left out for one reason: how many, how much, and what lets it in.

    `query` has the words of the list that shows the same expenses, None where no list
    does. `until` is when the first of them may change by itself.
    """

    reason: LeftOutReason
    owner: Owner | None
    number: int
    money: Mapping[MoneyKey, Sum] | None
    until: datetime | None
    query: Mapping[str, str] | None
    causes: str

    @property
    def name(self) -> str:
        """Return why, in words."""
        if self.reason is LeftOutReason.NOT_RELEASED:
            return _NOT_RELEASED.get(self.owner, _MEND)[0]
        return REASONS[self.reason][0]

    @property
    def lets_in(self) -> str:
        """Return what has to happen for it to be sent."""
        if self.reason is LeftOutReason.NOT_RELEASED:
            return _NOT_RELEASED.get(self.owner, _MEND)[1]
        return REASONS[self.reason][1]


REASONS: Final[Mapping[LeftOutReason, tuple[str, str]]] = {
    LeftOutReason.IN_BOOKS: (
        "It is in the books",
        "Nothing: it must not be sent again",
    ),
    LeftOutReason.WAITS: (
        "It is still being decided",
        "Wait: sending now could book it twice",
    ),
    LeftOutReason.IN_DOUBT: (
        "It may be in the books already",
        "Look in the books; recover the request, or abandon it",
    ),
    LeftOutReason.BUDGET: (
        "It was sent as often as the policy allows",
        "Ask why it still fails; then say that it is mended, or correct it",
    ),
    LeftOutReason.NO_PAYLOAD: (
        "What was sent is not stored",
        "Give it anew, by the command line",
    ),
    LeftOutReason.HELD_FOR_PROBE: (
        "One of its kind is tried first",
        "That one is in the books",
    ),
    LeftOutReason.ELSEWHERE: (
        "It is in the books of another company",
        "Say that it was moved",
    ),
    LeftOutReason.UNREADABLE: (
        "What Codat said of it cannot be read",
        "Look at the evidence",
    ),
}
_MEND: Final = ("It has to be mended first", "Mark the cause as mended")
_NOT_RELEASED: Final[Mapping[Owner | None, tuple[str, str]]] = {
    Owner.CUSTOMER: ("The customer has to act first", "Mark the cause as mended"),
    Owner.US: (
        "We have to change something first",
        "Correct it, or mark the cause as mended",
    ),
    Owner.CODAT: ("Codat has to act first", "Mark the cause as mended"),
    Owner.ACCOUNTING_SOFTWARE: (
        "The accounting software's maker has to act first",
        "Mark the cause as mended",
    ),
}
_OVER: Final = (LeftOutReason.RESOLVED, LeftOutReason.MOVED)


@attrs.frozen(kw_only=True)
class PlanFigures:
    """What a plan comes to: expenses with their money, calls, and who is left out.

    Lines and what is left out are together what is broken or open, `unbooked`; what a
    person ended stands beside it.
    """

    number: int
    money: Mapping[MoneyKey, Sum] | None
    groups: Sequence[SyncGroup]
    more: int
    left_out: Sequence[LeftOutGroup]
    left_number: int
    ended: int
    unbooked: int

    @property
    def first_at(self) -> datetime | None:
        """Return when the first of what is left out may go, where a moment lets it."""
        moments = [group.until for group in self.left_out if group.until is not None]
        return min(moments, default=None)


def figures_of(plan: Plan, sheet: Sheet, titled: Titled) -> PlanFigures:
    """Return what a page shows of a plan; `titled` gives causes their titles."""
    pairs = [(line.company_id, n) for line in plan.lines for n in line.transactions]
    groups: list[SyncGroup] = []
    shown = 0
    for line in plan.lines:
        names = line.transactions[: max(0, SHOWN_MAX - shown)]
        shown += len(names)
        if names:
            rows = [(name, sheet.line(line.company_id, name)) for name in names]
            groups.append(SyncGroup(line=line, rows=rows))
    left_out = [row for row in plan.left_out if row.reason not in _OVER]
    return PlanFigures(
        number=len(pairs),
        money=_money(sheet, pairs),
        groups=groups,
        more=len(pairs) - shown,
        left_out=[*_left_out(left_out, sheet, titled)],
        left_number=len(left_out),
        ended=len(plan.left_out) - len(left_out),
        unbooked=len(pairs) + len(left_out),
    )


def _left_out(
    rows: Sequence[LeftOut], sheet: Sheet, titled: Titled
) -> Iterator[LeftOutGroup]:
    groups: dict[tuple[LeftOutReason, Owner | None], list[LeftOut]] = {}
    for row in rows:
        owner = row.owner if row.reason is LeftOutReason.NOT_RELEASED else None
        groups.setdefault((row.reason, owner), []).append(row)
    for (reason, owner), some in sorted(
        groups.items(), key=lambda each: (-len(each[1]), each[0][0], each[0][1] or "")
    ):
        moments = [row.until for row in some if row.until is not None]
        yield LeftOutGroup(
            reason=reason,
            owner=owner,
            number=len(some),
            money=_money(sheet, [(r.company_id, r.transaction_id) for r in some]),
            until=min(moments, default=None),
            query=_query(reason, owner, len(some), sheet),
            causes=_causes(sheet, some, titled),
        )


def _query(
    reason: LeftOutReason, owner: Owner | None, number: int, sheet: Sheet
) -> Mapping[str, str] | None:
    """Return the words of a list of just these, None where no list is."""
    tries: list[dict[str, str]] = []
    if reason is LeftOutReason.NOT_RELEASED and owner is not None:
        tries = [{"state": "break", "verdict": "FIX_FIRST", "owner": owner.value}]
    if reason is LeftOutReason.WAITS:
        tries = [{"verdict": "WAIT", "booked": "no"}, {"state": "open"}]
    for query in tries:
        cut = Filter(**{word: (value,) for word, value in query.items()})
        if sheet.count(cut) == number:
            return query
    return None


def _money(
    sheet: Sheet, pairs: Sequence[tuple[str, str]]
) -> Mapping[MoneyKey, Sum] | None:
    """Return sums by type and currency; None where there are too many to look up."""
    if len(pairs) > PRICED_MAX:
        return None
    found: dict[MoneyKey, Sum] = {}
    for company_id, name in pairs:
        row = sheet.line(company_id, name)
        kind, currency = (row.type, row.currency) if row else (None, None)
        amount = row.amount if row is not None and row.priced else None
        found.setdefault(MoneyKey(kind, currency), Sum()).include(sum_of([amount]))
    return dict(sorted(found.items(), key=lambda each: _order(each[0])))


def _order(key: MoneyKey) -> tuple[bool, str, str]:
    """Return where a sum stands: payments first, by currency."""
    return key.type != "Payment", key.type or "", key.currency or ""


def _causes(sheet: Sheet, rows: Sequence[LeftOut], titled: Titled) -> str:
    """Return what they failed for, in a few words; "" where that says nothing."""
    if len(rows) > PRICED_MAX:
        return ""
    numbers: dict[str, int] = {}
    for row in rows:
        line = sheet.line(row.company_id, row.transaction_id)
        if line is not None and line.kind is not None:
            name = titled(line.cause) if line.cause else words.BREAKS[line.kind].name
            numbers[name] = numbers.get(name, 0) + 1
    first = sorted(numbers.items(), key=lambda each: (-each[1], each[0]))[:_CAUSES_MAX]
    return "; ".join(f"{name}: {number:,}" for name, number in first)


_CAUSES_MAX: Final = 4
