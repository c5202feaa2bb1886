"""Make a plan's lines of what is not in the books. Pure.

Rules: `docs/explanation/retries.md`.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from operator import itemgetter
from typing import NamedTuple

from reconcile.domain.instants import END_OF_TIME, EPOCH, later, next_day
from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    DecisionKind,
    ItemState,
    Verdict,
)
from reconcile.retries.candidates import Candidate, CompanyCandidates, Payload
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
        rest += of_company.left_out
    rest.sort(key=lambda row: (row.company_id, row.transaction_id))
    return tuple(lines), tuple(rest)


class _Ready(NamedTuple):
    """A candidate that may be sent, its payload, and when."""

    place: tuple[datetime, str]  # among others: the longest broken comes first
    candidate: Candidate
    payload: Payload
    not_before: datetime | None

    @property
    def probes(self) -> bool:
        """Return whether one of its kind is to be tried before the others."""
        candidate = self.candidate
        if candidate.proven or candidate.changed or candidate.item.fingerprint is None:
            return False
        return candidate.passes or candidate.released_by is not None


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
        self._moments: dict[object, datetime | None] = {}
        self._waits: dict[int, RetryWait] = {}

    def lines(self, *, first: int) -> list[PlanLine]:
        """Return the lines, numbered from `first` on."""
        ready = sorted(self._ready(), key=itemgetter(0))
        ready = [*self._within_the_day(ready)]
        self._startable = self._datasets_to_start(ready)
        groups: dict[str | None, list[_Ready]] = {}
        for row in ready:
            groups.setdefault(row.candidate.item.fingerprint, []).append(row)
        found: list[PlanLine] = []
        for fingerprint in sorted(groups, key=lambda name: (name is not None, name)):
            rows = groups[fingerprint]
            free = [row for row in rows if not row.probes]
            probing = [row for row in rows if row.probes]
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
            for row in rows:
                self._leave(row.candidate, LeftOutReason.HELD_FOR_PROBE)
            return []
        probe = min(rows, key=lambda row: (row.candidate.sent, row.place))
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

    def _ready(self) -> Iterator[_Ready]:
        """Yield what may be sent; the rest is left out with its reason."""
        for candidate in self.company.candidates:
            reason = _why_not(candidate) or self._why_not_now(candidate)
            if reason is not None:
                self._leave(candidate, reason)
            elif candidate.payload is not None:
                item = candidate.item
                since = item.broken_since or item.first_sent_at or EPOCH
                yield _Ready(
                    (since, candidate.transaction_id),
                    candidate,
                    candidate.payload,
                    self._not_before(candidate),
                )

    def _why_not_now(self, candidate: Candidate) -> LeftOutReason | None:
        """Return what keeps one that might be sent from being sent."""
        item = candidate.item
        if not candidate.in_scope:
            return LeftOutReason.NOT_RELEASED
        is_disproved = item.fingerprint in self.company.disproved
        shown_otherwise = candidate.proven or candidate.changed
        if candidate.released_by and is_disproved and not shown_otherwise:
            return LeftOutReason.NOT_RELEASED
        if candidate.payload is None:
            if candidate.readable:
                return LeftOutReason.NO_PAYLOAD
            return LeftOutReason.UNREADABLE
        most = self.policy.per_content
        if not candidate.released_by:
            most = min(most, self._wait(candidate).tries_max)
        return LeftOutReason.BUDGET if candidate.sent >= most else None

    def _wait(self, candidate: Candidate) -> RetryWait:
        """Return the waits of a candidate's cause; what shares an item shares them."""
        key = id(candidate.item)
        found = self._waits.get(key)
        if found is None:
            cause, owner = candidate.item.cause, candidate.cause_owner
            found = self._waits[key] = self.policy.wait(cause, owner)
        return found

    def _not_before(self, candidate: Candidate) -> datetime | None:
        """Return when it may be sent, None for at once; what is alike shares it."""
        key = id(candidate.item), candidate.sent, candidate.last_sent_at
        if key not in self._moments:
            self._moments[key] = self._earliest(candidate)
        return self._moments[key]

    def _earliest(self, candidate: Candidate) -> datetime | None:
        item = candidate.item
        moments = [item.not_before] if item.not_before else []
        sent_at = candidate.last_sent_at
        if sent_at is not None and candidate.sent and item.fingerprint is not None:
            wait = self._wait(candidate)
            moments.append(later(sent_at, wait.after(candidate.sent)))
        earliest = max([self.as_of, *moments])
        due = self.policy.awake(earliest)
        return None if due <= self.as_of else due

    def _within_the_day(self, ready: Sequence[_Ready]) -> Iterator[_Ready]:
        """Yield what the budget of the day is enough for, by fingerprint."""
        spent = Counter(self.company.sent_today)
        until = next_day(self.as_of)
        for row in ready:
            fingerprint = row.candidate.item.fingerprint
            if fingerprint is not None:
                if spent[fingerprint] >= self.policy.per_cause_and_day:
                    self._leave(row.candidate, LeftOutReason.BUDGET, until=until)
                    continue
                spent[fingerprint] += 1
            yield row

    def _leave(
        self,
        candidate: Candidate,
        reason: LeftOutReason,
        *,
        until: datetime | None = None,
    ) -> None:
        item = candidate.item
        if until is None and reason is LeftOutReason.WAITS:
            until = candidate.read_again_at or item.not_before or item.changes_at
            if until is not None and until <= self.as_of:
                until = None  # a read is awaited, and nobody knows when it is made
        owner = item.owner
        if reason is LeftOutReason.NOT_RELEASED and item.verdict is Verdict.RESEND:
            owner = candidate.cause_owner or owner
        self.left_out.append(
            LeftOut(
                company_id=self.company.company_id,
                transaction_id=candidate.transaction_id,
                reason=reason,
                until=None if until == END_OF_TIME else until,
                owner=owner,
            )
        )

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
        payload, candidate = row.payload, row.candidate
        alone = ""
        if payload.operation in (Operation.UPDATE, Operation.PUT):
            alone = candidate.transaction_id  # its URL names it
        elif candidate.poisoned >= _POISONED_MAX:
            alone = candidate.transaction_id
        return (
            payload.dialect,
            self._operation(candidate, payload).value,
            payload.noun,
            row.not_before or EPOCH,
            payload.evidence == "",
            candidate.dataset_id if self._starts(candidate) else "",
            alone,
        )

    def _operation(self, candidate: Candidate, payload: Payload) -> Operation:
        if self._starts(candidate):
            return Operation.START_SYNC
        return payload.operation

    def _starts(self, candidate: Candidate) -> bool:
        """Return whether a sync of its dataset is all that it needs."""
        return _only_pushed(candidate) and candidate.dataset_id in self._startable

    def _datasets_to_start(self, ready: Iterable[_Ready]) -> frozenset[str]:
        """Return the datasets of which each expense needs nothing but a sync.

        One expense in the books would spoil the sync for all others: then what is left
        of the dataset is pushed anew.
        """
        found: dict[str, set[str]] = {}
        for row in ready:
            if _only_pushed(row.candidate) and row.candidate.dataset_id is not None:
                names = found.setdefault(row.candidate.dataset_id, set())
                names.add(row.candidate.transaction_id)
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
        rows = sorted(rows, key=lambda row: row.candidate.transaction_id)
        first = rows[0]
        operation = self._operation(first.candidate, first.payload)
        item = first.candidate.item
        starts = operation is Operation.START_SYNC
        return PlanLine(
            n=n,
            company_id=self.company.company_id,
            dialect=first.payload.dialect,
            operation=operation,
            noun=first.payload.noun,
            transactions=tuple(row.candidate.transaction_id for row in rows),
            contents=tuple(row.payload.content for row in rows),
            payload_from="evidence" if first.payload.evidence else "correction",
            not_before=first.not_before,
            probe_for=probe_for,
            after=after,
            cause=item.cause,
            fingerprint=item.fingerprint,
            datasets=(first.candidate.dataset_id or "",) if starts else (),
            why=why or _why(first.candidate),
        )


_POISONED_MAX = 2


def _only_pushed(candidate: Candidate) -> bool:
    """Return whether nothing ever tried to write what was pushed last."""
    if candidate.changed or candidate.item.fingerprint is not None:
        return False
    return candidate.item.action is Action.START_SYNC


def _why(candidate: Candidate) -> str:
    if candidate.changed:
        return "It has been corrected since it failed."
    return candidate.item.advice


def _why_not(candidate: Candidate) -> LeftOutReason | None:
    """Return why an expense is not to be sent by what is known of it, None if it is."""
    item = candidate.item
    decision = item.decision
    if item.state is ItemState.RESOLVED:
        is_moved = decision is not None and decision.kind is DecisionKind.MOVED
        return LeftOutReason.MOVED if is_moved else LeftOutReason.RESOLVED
    if candidate.is_elsewhere:
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
    if candidate.is_claimed:
        return LeftOutReason.IN_DOUBT
    if item.verdict is Verdict.FIX_FIRST:
        if item.kind is BreakKind.UNRECOGNISED:
            return LeftOutReason.UNREADABLE
        return LeftOutReason.NOT_RELEASED
    return None if candidate.read_again_at is None else LeftOutReason.WAITS
