"""Make a plan's lines of what is not in the books. Pure.

Rules: `docs/explanation/retries.md`.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby, islice
from operator import attrgetter, itemgetter
from typing import Final, NamedTuple

from reconcile.domain.instants import END_OF_TIME, EPOCH, later, next_day
from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    DecisionKind,
    ItemState,
    Verdict,
)
from reconcile.retries.candidates import Alike, CompanyCandidates, Payload
from reconcile.retries.plan import LeftOut, LeftOutReason, Operation, PlanLine
from reconcile.retries.policy import BATCH_MAX, RetryPolicy, RetryWait


def lines_and_rest(
    companies: Iterable[CompanyCandidates], *, policy: RetryPolicy, as_of: datetime
) -> tuple[tuple[PlanLine, ...], tuple[LeftOut, ...]]:
    """Return the lines of a plan, and everything that is in none of them."""
    lines: list[PlanLine] = []
    rest: list[LeftOut] = []
    for company in sorted(companies, key=lambda c: c.company_id):
        of_company = _OfCompany(company, policy, as_of)
        lines += of_company.lines(first=len(lines) + 1)
        rest += sorted(of_company.left_out, key=attrgetter("transaction_id"))
    return tuple(lines), tuple(rest)


class _Ready(NamedTuple):
    """An expense that may be sent, with those that are alike, its payload, and when."""

    since: datetime  # the longest broken comes first
    transaction_id: str
    content: str
    alike: Alike
    payload: Payload
    not_before: datetime | None


_PLACE: Final = itemgetter(0, 1)  # among others: since when, and the id


class _OfCompany:
    """The lines of one company, and what is left out of them."""

    def __init__(
        self, company: CompanyCandidates, policy: RetryPolicy, as_of: datetime
    ) -> None:
        self.company = company
        self.policy = policy
        self.as_of = as_of
        self.left_out: list[LeftOut] = []
        self._startable: frozenset[str] = frozenset()

    def lines(self, *, first: int) -> list[PlanLine]:
        """Return the lines, numbered from `first` on."""
        groups: dict[str | None, list[_Ready]] = {}
        for alike in self.company.candidates:
            rows = groups.setdefault(alike.item.fingerprint, [])
            rows += self._ready(alike)
        for fingerprint, rows in groups.items():
            rows.sort(key=_PLACE)
            self._keep_within_the_day(fingerprint, rows)
        self._startable = self._datasets_to_start(groups.get(None, ()))
        found: list[PlanLine] = []
        for fingerprint in sorted(groups, key=lambda name: (name is not None, name)):
            rows = groups[fingerprint]
            free = [row for row in rows if not row.alike.probes]
            probing = [row for row in rows if row.alike.probes]
            for batch in self._batches(free):
                found.append(self._line(batch, n=first + len(found)))
            if probing and fingerprint is not None:
                found += self._probed(fingerprint, probing, first=first + len(found))
        return found

    def _probed(
        self, fingerprint: str, rows: list[_Ready], *, first: int
    ) -> list[PlanLine]:
        """Return a line of one expense, and lines of all others that are held for it.

        The whole group waits for as long as any of it has to.
        """
        latest = max((r.not_before for r in rows if r.not_before), default=None)
        rows = [row._replace(not_before=latest) for row in rows]
        if fingerprint in self.company.probed:
            self._leave_rows(rows, LeftOutReason.HELD_FOR_PROBE)
            return []
        probe = min(rows, key=lambda row: (row.alike.sent, *_PLACE(row)))
        others = [row for row in rows if row is not probe]
        number = len(others)
        some = "1 other" if number == 1 else f"{number} others"
        why = f"It probes for {some} that failed as it did." if number else ""
        lines = [self._line([probe], n=first, probe_for=fingerprint, why=why)]
        for batch in self._batches(others):
            why = f"Held until line {first} is in the books."
            n = first + len(lines)
            lines.append(self._line(batch, n=n, after=first, why=why))
        return lines

    # What may be sent

    def _ready(self, alike: Alike) -> Iterable[_Ready]:
        """Return expenses that may be sent; others are left out with their reason."""
        reason = _why_not(alike) or self._why_not_now(alike)
        if reason is not None:
            self._leave(alike, alike.contents, reason)
            return ()
        payload = alike.payload
        if payload is None:
            return ()
        since = alike.item.broken_since or alike.item.first_sent_at or EPOCH
        not_before = self._not_before(alike)
        return [
            _Ready(since, name, content, alike, payload, not_before)
            for name, content in alike.contents.items()
        ]

    def _why_not_now(self, alike: Alike) -> LeftOutReason | None:
        """Return what keeps expenses that might be sent from being sent."""
        if not alike.in_scope:
            return LeftOutReason.NOT_RELEASED
        is_disproved = alike.item.fingerprint in self.company.disproved
        shown_otherwise = alike.proven or alike.changed
        if alike.released_by and is_disproved and not shown_otherwise:
            return LeftOutReason.NOT_RELEASED
        if alike.payload is None:
            if alike.readable:
                return LeftOutReason.NO_PAYLOAD
            return LeftOutReason.UNREADABLE
        most = self.policy.per_content
        if not alike.released_by:
            most = min(most, self._wait(alike).tries_max)
        return LeftOutReason.BUDGET if alike.sent >= most else None

    def _wait(self, alike: Alike) -> RetryWait:
        return self.policy.wait(alike.item.cause, alike.cause_owner)

    def _not_before(self, alike: Alike) -> datetime | None:
        """Return when expenses may be sent, None for at once."""
        item = alike.item
        moments = [item.not_before] if item.not_before else []
        sent_at = alike.last_sent_at
        if sent_at is not None and alike.sent and item.fingerprint is not None:
            moments.append(later(sent_at, self._wait(alike).after(alike.sent)))
        earliest = max([self.as_of, *moments])
        due = self.policy.awake(earliest)
        return None if due <= self.as_of else due

    def _keep_within_the_day(self, fingerprint: str | None, rows: list[_Ready]) -> None:
        """Leave out what the budget of the day is not enough for, by fingerprint."""
        if fingerprint is None:
            return
        spent = self.company.sent_today.get(fingerprint, 0)
        rest = max(self.policy.per_cause_and_day - spent, 0)
        until = next_day(self.as_of)
        self._leave_rows(rows[rest:], LeftOutReason.BUDGET, until=until)
        del rows[rest:]

    def _leave_rows(
        self,
        rows: Iterable[_Ready],
        reason: LeftOutReason,
        *,
        until: datetime | None = None,
    ) -> None:
        """Leave out what might have been sent, those that are alike together."""
        for alike, some in groupby(rows, key=attrgetter("alike")):
            names = [row.transaction_id for row in some]
            self._leave(alike, names, reason, until=until)

    def _leave(
        self,
        alike: Alike,
        names: Iterable[str],
        reason: LeftOutReason,
        *,
        until: datetime | None = None,
    ) -> None:
        """Leave out some of the expenses that are alike."""
        item = alike.item
        if until is None and reason is LeftOutReason.WAITS:
            until = alike.read_again_at or item.not_before or item.changes_at
            if until is not None and until <= self.as_of:
                until = None  # a read is awaited, and nobody knows when it is made
        owner = item.owner
        if reason is LeftOutReason.NOT_RELEASED and item.verdict is Verdict.RESEND:
            owner = alike.cause_owner or owner
        self.left_out += [
            LeftOut(
                company_id=self.company.company_id,
                transaction_id=name,
                reason=reason,
                until=None if until == END_OF_TIME else until,
                owner=owner,
            )
            for name in names
        ]

    # Batches

    def _batches(self, rows: Sequence[_Ready]) -> Iterator[list[_Ready]]:
        """Yield rows that go together in one call."""
        kinds: dict[tuple[object, ...], list[_Ready]] = {}
        for row in rows:
            kinds.setdefault(self._kind(row), []).append(row)
        for kind in sorted(kinds, key=repr):
            some = iter(kinds[kind])
            size = min(self.policy.batch_size, BATCH_MAX)
            while batch := [*islice(some, size)]:
                yield batch

    def _kind(self, row: _Ready) -> tuple[object, ...]:
        """Return what the expenses of one call have in common."""
        payload, alike = row.payload, row.alike
        alone = ""
        if payload.operation in (Operation.UPDATE, Operation.PUT):
            alone = row.transaction_id  # its URL names it
        elif alike.poisoned >= _POISONED_MAX:
            alone = row.transaction_id
        return (
            payload.dialect,
            self._operation(alike, payload).value,
            payload.noun,
            row.not_before or EPOCH,
            payload.evidence == "",
            alike.dataset_id if self._starts(alike) else "",
            alone,
        )

    def _operation(self, alike: Alike, payload: Payload) -> Operation:
        if self._starts(alike):
            return Operation.START_SYNC
        return payload.operation

    def _starts(self, alike: Alike) -> bool:
        """Return whether a sync of its dataset is all that it needs."""
        return _only_pushed(alike) and alike.dataset_id in self._startable

    def _datasets_to_start(self, ready: Iterable[_Ready]) -> frozenset[str]:
        """Return the datasets of which each expense needs nothing but a sync.

        One expense in the books would spoil the sync for all others: then what is left
        of the dataset is pushed anew.
        """
        found: dict[str, set[str]] = {}
        for row in ready:
            if _only_pushed(row.alike) and row.alike.dataset_id is not None:
                names = found.setdefault(row.alike.dataset_id, set())
                names.add(row.transaction_id)
        return frozenset(
            dataset_id
            for dataset_id, names in found.items()
            if names == {*self.company.pushed.get(dataset_id, ())}
            and len(names) <= self.policy.batch_size
        )

    def _line(
        self,
        rows: Sequence[_Ready],
        *,
        n: int,
        probe_for: str | None = None,
        after: int | None = None,
        why: str = "",
    ) -> PlanLine:
        rows = sorted(rows, key=lambda row: row.transaction_id)
        first = rows[0]
        operation = self._operation(first.alike, first.payload)
        item = first.alike.item
        starts = operation is Operation.START_SYNC
        return PlanLine(
            n=n,
            company_id=self.company.company_id,
            dialect=first.payload.dialect,
            operation=operation,
            noun=first.payload.noun,
            transactions=tuple(row.transaction_id for row in rows),
            contents=tuple(row.content for row in rows),
            payload_from="evidence" if first.payload.evidence else "correction",
            not_before=first.not_before,
            probe_for=probe_for,
            after=after,
            cause=item.cause,
            fingerprint=item.fingerprint,
            datasets=(first.alike.dataset_id or "",) if starts else (),
            why=why or _why(first.alike),
        )


_POISONED_MAX = 2


def _only_pushed(alike: Alike) -> bool:
    """Return whether nothing ever tried to write what was pushed last."""
    if alike.changed or alike.item.fingerprint is not None:
        return False
    return alike.item.action is Action.START_SYNC


def _why(alike: Alike) -> str:
    if alike.changed:
        return "It has been corrected since it failed."
    return alike.item.advice


def _why_not(alike: Alike) -> LeftOutReason | None:
    """Return why an expense is not to be sent by what is known of it, None if it is."""
    item = alike.item
    decision = item.decision
    if item.state is ItemState.RESOLVED:
        is_moved = decision is not None and decision.kind is DecisionKind.MOVED
        return LeftOutReason.MOVED if is_moved else LeftOutReason.RESOLVED
    if alike.is_elsewhere:
        return LeftOutReason.ELSEWHERE
    if item.waits:
        return LeftOutReason.WAITS
    if item.kind is BreakKind.INDETERMINATE:
        return LeftOutReason.IN_DOUBT
    if item.kind is BreakKind.UNEXPECTED or item.verdict is Verdict.NEVER:
        in_books = item.kind is BreakKind.UNEXPECTED or item.written_by
        return LeftOutReason.IN_BOOKS if in_books else LeftOutReason.IN_DOUBT
    if item.verdict is Verdict.WAIT:
        is_lost = item.action is Action.READ_AGAIN
        return LeftOutReason.IN_DOUBT if is_lost else LeftOutReason.WAITS
    if alike.is_claimed:
        return LeftOutReason.IN_DOUBT
    if item.verdict is Verdict.FIX_FIRST:
        if item.kind is BreakKind.UNRECOGNISED:
            return LeftOutReason.UNREADABLE
        return LeftOutReason.NOT_RELEASED
    return None if alike.read_again_at is None else LeftOutReason.WAITS
