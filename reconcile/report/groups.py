"""Breaks by why they are: one group for each cause and fingerprint, or for each kind.

A group is what somebody can work from: how many, how much, since when, whose move it
is, and what comes next.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple, Protocol, Self

import attrs

from reconcile.domain.money import ZERO
from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Owner, Verdict
from reconcile.judgement.facts import Content
from reconcile.judgement.item import Cause, Item
from reconcile.report.money import Sum

EXAMPLES_MAX: Final = 3
NOT_TAKEN_UP: Final = "It was handed over, and no sync has taken it up"
_TITLES: Final = {
    BreakKind.FAILED: "It failed",
    BreakKind.MISSING: "Its sync ended without it",
    BreakKind.UNEXPECTED: "A sync reported it, and nothing of ours sent it",
    BreakKind.CONFLICTING: "Codat's answers contradict each other",
    BreakKind.REGRESSED: "It was reported written, and failed afterwards",
    BreakKind.UPDATE_FAILED: "The update did not arrive; the books hold old values",
    BreakKind.STUCK: "Nothing has decided it in time",
    BreakKind.INDETERMINATE: "The answer to our request was lost",
    BreakKind.UNRECOGNISED: "Codat used a word that nobody has classed",
}


def title_of_kind(kind: BreakKind | None, *, taken_up: bool) -> str:
    """Return in plain words why breaks without a cause are.

    `taken_up` says whether some attempt at them has been made.
    """
    return _TITLES[kind or BreakKind.FAILED] if taken_up else NOT_TAKEN_UP


@attrs.define
class Judged:
    """One item of a report; items with the same facts share their `item`.

    `content` is what the books hold of it, else what was sent last; `differs` says that
    both are known and are not the same. It unpacks as company, transaction and item.
    """

    company_id: str
    transaction_id: str
    item: Item
    content: Content | None = None
    differs: bool = False

    def __iter__(self) -> Iterator[Any]:
        """Yield company, transaction and item."""
        yield self.company_id
        yield self.transaction_id
        yield self.item

    @property
    def key(self) -> tuple[str, str]:
        """Return company and transaction, which name it."""
        return self.company_id, self.transaction_id


class Causes(Protocol):
    """Finds a cause by its name, as a ruleset does."""

    def named(self, name: str) -> Cause | None:
        """Return the cause of that name, None where no rule has it any more."""
        ...


class GroupKey(NamedTuple):
    """What breaks have in common: a cause and its fingerprint, or a kind and a step."""

    cause: str | None
    fingerprint: str | None
    kind: BreakKind | None
    action: Action | None
    verdict: Verdict | None

    @classmethod
    def of(cls, item: Item) -> Self:
        """Return what a break has in common with those of its group."""
        if item.cause is None:
            return cls(None, None, item.kind, item.action, item.verdict)
        return cls(item.cause, item.fingerprint, None, None, None)

    @classmethod
    def of_group(cls, group: "Group") -> Self:
        """Return what the breaks of a group have in common."""
        if group.cause is None:
            return cls(None, None, group.kind, group.action, group.verdict)
        return cls(group.cause, group.fingerprint, None, None, None)


@attrs.frozen(kw_only=True)
class Group:
    """Breaks of one cause and fingerprint; where no rule is asked, of one kind."""

    cause: str | None
    title: str  # in plain words
    fingerprint: str | None
    kind: BreakKind | None  # where they have no cause
    owner: Owner | None
    action: Action
    verdict: Verdict
    advice: str
    items: int
    companies: int
    money: Mapping[str | None, Sum]  # by currency
    first_at: datetime | None
    last_at: datetime | None
    examples: Sequence[Judged]  # of the largest amounts
    released: int = 0  # of what had to be mended, so many may be sent again

    @property
    def mended(self) -> bool:
        """Return whether all of them were released."""
        return self.released == self.items


@attrs.define
class _Gathered:
    items: int = 0
    to_resend: int = 0
    companies: set[str] = attrs.field(factory=set)
    money: dict[str | None, Sum] = attrs.field(factory=dict)
    first_at: datetime | None = None
    last_at: datetime | None = None
    rows: list[Judged] = attrs.field(factory=list)

    def add(self, row: Judged, number: int) -> None:
        """Add a break, or several alike without content; 0: it is counted already."""
        self.items += number
        if row.item.verdict is Verdict.RESEND:
            self.to_resend += number
        self.companies.add(row.company_id)
        currency = row.content.currency if row.content else None
        self.money.setdefault(currency, Sum()).add(row.content, number)
        since = row.item.broken_since
        if since is not None:
            self.first_at = min(since, self.first_at or since)
            self.last_at = max(since, self.last_at or since)
        self.rows.append(row)


def groups_of(breaks: Iterable[tuple[Judged, int]], causes: Causes) -> list[Group]:
    """Return the groups of breaks that come with how many are like them, in order.

    Those of most items come first, then by fingerprint, then by kind.
    """
    gathered: dict[GroupKey, _Gathered] = {}
    for row, number in breaks:
        item = row.item
        if item.state is not ItemState.BREAK:
            continue
        gathered.setdefault(GroupKey.of(item), _Gathered()).add(row, number)
    found = [_group(key, some, causes) for key, some in gathered.items()]
    return sorted(found, key=_place)


def _group(key: GroupKey, some: _Gathered, causes: Causes) -> Group:
    examples = heapq.nsmallest(EXAMPLES_MAX, some.rows, key=_largest_first)
    item = min(some.rows, key=lambda row: row.key).item
    cause = causes.named(key.cause) if key.cause is not None else None
    return Group(
        cause=key.cause,
        title=cause.title
        if cause
        else title_of_kind(item.kind, taken_up=bool(item.attempts)),
        fingerprint=key.fingerprint,
        kind=key.kind,
        owner=cause.owner if cause else item.owner,
        action=cause.action if cause else item.action,
        verdict=cause.verdict if cause else item.verdict,
        advice=cause.advice if cause else _advice(item, some.rows),
        items=some.items,
        companies=len(some.companies),
        money=some.money,
        first_at=some.first_at,
        last_at=some.last_at,
        examples=examples,
        released=some.to_resend
        if cause is not None and cause.verdict is Verdict.FIX_FIRST
        else 0,
    )


def _advice(item: Item, rows: Iterable[Judged]) -> str:
    """Return what to do with all of them, which are of one sync or of several."""
    if item.sync_id is None or all(r.item.sync_id == item.sync_id for r in rows):
        return item.advice
    return item.advice.replace(f"sync {item.sync_id}", "its sync")


def _largest_first(row: Judged) -> tuple[object, ...]:
    amount = row.content.amount if row.content else None
    size = abs(Decimal(amount)) if amount is not None else ZERO
    return amount is None, -size, row.company_id, row.transaction_id


def _place(group: Group) -> tuple[object, ...]:
    kind = group.kind.value if group.kind else ""
    return -group.items, group.fingerprint or "", group.cause or "", kind, group.action
