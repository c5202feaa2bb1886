"""Two moments held against each other: what changed state, and because of what.

Between the first moment and the second, time went on and news came in. The state as of
the first moment by what was known at the second tells the one from the other.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

import attrs

from reconcile.console.figures import ExpenseLine
from reconcile.console.filter import VALUES_MAX, Filter
from reconcile.console.sheet import Sheet
from reconcile.domain.vocabulary import ItemState

UNKNOWN: Final = "unknown"
"""Stands for the state of an expense that was not known at a moment."""


class Reason(StrEnum):
    """Because of what a state changed, where it can be told exactly."""

    LATER_FACTS = "later"
    LATE_NEWS = "late"
    DECISIONS = "decision"
    DEADLINES = "deadline"


class Move(NamedTuple):
    """From which state to which; `UNKNOWN` where it was not known."""

    before: str
    after: str

    @property
    def word(self) -> str:
        """Return the move as addresses have it."""
        return f"{self.before}-{self.after}"


@attrs.frozen(kw_only=True)
class Change:
    """One expense in another state at the second moment; `because` None: not told."""

    before: ExpenseLine | None
    after: ExpenseLine | None
    because: Reason | None

    @property
    def line(self) -> ExpenseLine:
        """Return the expense as it stood last."""
        found = self.after or self.before
        if found is None:
            raise RuntimeError("no line in a change, expected one or two")
        return found

    @property
    def move(self) -> Move:
        """Return from which state to which."""
        return Move(_state(self.before), _state(self.after))


@attrs.frozen(kw_only=True)
class Sheets:
    """The worksheets of two moments, and of the time between them.

    `between` is as of the first moment, by what was known at the second: the first
    itself where nothing more was known, the second itself where no time went by.
    """

    first: Sheet
    between: Sheet
    second: Sheet

    def changes(self, cut: Filter) -> Iterator[Change]:
        """Yield what is in another state at the second moment, by company and id."""
        changed = self._changed(cut)
        if changed is None:
            return
        since, until = self.first.as_of, self.second.as_of
        for key, was, stands in _merged(
            self.first.stands(changed), self.second.stands(changed)
        ):
            if was == stands:
                continue
            before = self.first.line(*key) if was else None
            after = self.second.line(*key) if stands else None
            if _state(before) != _state(after):
                then = self.between.line(*key)
                because = because_of(before, then, after, since=since, until=until)
                yield Change(before=before, after=after, because=because)

    def _changed(self, cut: Filter) -> Filter | None:
        """Return a filter of those companies alone that changed; None for none."""
        first, second = self.first.marks(), self.second.marks()
        names = {
            name
            for name in first.keys() | second.keys()
            if first.get(name) != second.get(name)
            and (not cut.customer or name in cut.customer)
        }
        if not names:
            return None
        if len(names) > VALUES_MAX:
            return cut
        return attrs.evolve(cut, customer=tuple(sorted(names)))


def because_of(
    before: ExpenseLine | None,
    between: ExpenseLine | None,
    after: ExpenseLine | None,
    *,
    since: datetime,
    until: datetime,
) -> Reason | None:
    """Return because of what one expense changed; None where several had a part."""
    is_late = _state(before) != _state(between)
    is_later = _state(between) != _state(after)
    if is_late and is_later:
        return None
    if is_late:
        return Reason.LATE_NEWS
    if after is None or between is None:
        return Reason.LATER_FACTS if between is None else None
    if after.state is ItemState.RESOLVED:
        decided = after.decided_at
        is_of_then = decided is not None and since < decided <= until
        return Reason.DECISIONS if is_of_then else None
    if between.state is ItemState.RESOLVED:
        return None  # reopened, or written after all
    due = between.changes_at
    if due is None or due > until or after.state in _WRITTEN:
        return Reason.LATER_FACTS
    if after.kind == between.changes_to and after.broken_since == due:
        return Reason.DEADLINES
    return None


_WRITTEN: Final = (ItemState.MATCHED, ItemState.CLEARED)


def _state(line: ExpenseLine | None) -> str:
    return UNKNOWN if line is None else line.state.value


_Stand = tuple[str, str, bytes]


def _merged(
    first: Iterable[_Stand], second: Iterable[_Stand]
) -> Iterator[tuple[tuple[str, str], bytes | None, bytes | None]]:
    """Yield each expense with how it stood first and second; both are in order."""
    earlier, later = iter(first), iter(second)
    left, right = next(earlier, None), next(later, None)
    while left is not None or right is not None:
        key = min(each[:2] for each in (left, right) if each is not None)
        was = left[2] if left is not None and left[:2] == key else None
        stands = right[2] if right is not None and right[:2] == key else None
        yield key, was, stands
        if was is not None:
            left = next(earlier, None)
        if stands is not None:
            right = next(later, None)


@attrs.define(kw_only=True)
class Comparison:
    """What changed between two moments: how many, because of what, and the first."""

    number: int = 0
    moves: Counter[tuple[Move, Reason | None]] = attrs.field(factory=Counter)
    listed: list[Change] = attrs.field(factory=list)
    wanted: int = 0

    @property
    def reasons(self) -> Mapping[Reason | None, int]:
        """Return how many changed because of what."""
        found: Counter[Reason | None] = Counter()
        for (_, because), number in self.moves.items():
            found[because] += number
        return found


@attrs.frozen(kw_only=True)
class Wanted:
    """Which changes are listed; () for all."""

    moves: tuple[str, ...] = ()
    because: tuple[str, ...] = ()

    def has(self, change: Change) -> bool:
        """Return whether a change is one of them."""
        reason = change.because.value if change.because else UNKNOWN
        return (not self.moves or change.move.word in self.moves) and (
            not self.because or reason in self.because
        )


def compared(found: Iterable[Change], wanted: Wanted, *, most: int) -> Comparison:
    """Return all changes in figures, and the first of those that are wanted."""
    comparison = Comparison()
    for change in found:
        comparison.number += 1
        comparison.moves[change.move, change.because] += 1
        if wanted.has(change):
            comparison.wanted += 1
            if len(comparison.listed) < most:
                comparison.listed.append(change)
    return comparison
