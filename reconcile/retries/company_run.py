"""One company's part of a plan, line after line: judged anew, sent once, or dropped."""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.codat.requests import Request, start_sync
from reconcile.domain.instants import later, next_day
from reconcile.errors import (
    AlreadyMadeError,
    BusyError,
    InDoubtError,
    PayloadError,
    UsageError,
)
from reconcile.live.dispatch import Dispatch
from reconcile.projections.releases import Corrected
from reconcile.report.groups import Judged
from reconcile.retries.line_calls import PUSH, CallState, LineCalls, PlanChangedError
from reconcile.retries.plan import Operation, Plan, PlanLine
from reconcile.retries.planning import sent_instead
from reconcile.retries.standing import Ruling, probed, ruling, why_over

TRIES_MAX: Final = 5
_Check = Callable[[], None]
Standing = Callable[[str, Collection[str], Corrected], Mapping[str, Judged]]
"""Gives how some of a company's expenses stand now, with what is sent instead."""


class _ChangedError(Exception):
    """Something was heard while a call was prepared: judge again."""


@attrs.frozen(kw_only=True)
class WaitingLine:
    """A line that is not sent yet: why, and until when, where that is known."""

    n: int
    company_id: str
    reason: str
    until: datetime | None = None


class CompanyRun:
    """Runs the lines of one company: `load` first, then `run` each line in order."""

    def __init__(
        self,
        dispatch: Dispatch,
        plan: Plan,
        company_id: str,
        *,
        standing: Standing,
    ) -> None:
        self._now = dispatch.now
        self.plan = plan
        self.company_id = company_id
        self._standing = standing
        self.calls_left = 0
        self._store = dispatch.history.store
        self.lines = [line for line in plan.lines if line.company_id == company_id]
        self._lines_to_come = [*self.lines]
        self.calls = LineCalls(dispatch, plan, company_id)
        self._corrected: Corrected = sent_instead(plan.corrections, plan.as_of).get(
            company_id, {}
        )
        self.waiting: list[WaitingLine] = []

    def check(self) -> None:
        """Hold the plan against what was ever sent.

        Raises:
            UsageError: it is of another store.

        """
        self.calls.check(self.lines)

    def load(self) -> None:
        """Read how far the plan is; whoever does holds its lease."""
        self.calls.load()

    def wait_for_rest(self, reason: str, wait_s: float | None = None) -> None:
        """Take every line not come to as waiting, unless the plan has ended."""
        until = None
        if wait_s is not None:
            until = later(self._now(), timedelta(seconds=wait_s))
        if not self.calls.is_ended:
            rest = self._lines_to_come
            self.waiting += [self._waits(line, reason, until) for line in rest]

    def run(self, line: PlanLine) -> None:
        """Send a line, drop it, or take it as waiting.

        Raises:
            StoppedError: nothing more can be sent now.

        """
        for _ in range(TRIES_MAX):
            with suppress(PlanChangedError):
                waits = self._run(line)
                break
        else:
            waits = self._waits(line, "another worker sends it")
        self._lines_to_come.remove(line)
        if waits is not None:
            self.waiting.append(waits)

    def _run(self, line: PlanLine) -> WaitingLine | None:
        before = self.calls.progress(line).calls
        if not self.calls.left_of(line):
            return None
        if not before:
            return self._send(line, tried=False)
        last = before[-1]
        state = self.calls.state(last)
        if state is CallState.SAME:
            state = self.calls.make_again(line, last)
        if line.operation is Operation.PUSH:
            if last.operation == PUSH and state is CallState.ACCEPTED:
                return self._start(line, last.transaction_ids)
            if last.operation == PUSH and state is CallState.IN_DOUBT:
                state = CallState.NONE  # a dataset that nobody syncs does nothing
            elif last.operation != PUSH and state is CallState.NONE:
                return self._start(line, last.transaction_ids)
        return self._send(line, tried=True) if state is CallState.NONE else None

    def _send(self, line: PlanLine, *, tried: bool) -> WaitingLine | None:
        """Judge a line again, and make its call."""
        for _ in range(TRIES_MAX):
            waits = self._held(line) or self._not_yet(line)
            if waits is not None:
                return waits
            position = self._store.position()
            rulings = self._rulings(line, self.calls.left_of(line), tried=tried)
            self.calls.drop(line, {n: r.drop for n, r in rulings.items() if r.drop})
            later_on = [r.until for r in rulings.values() if r.until]
            rest = self.calls.left_of(line)
            if line.operation is Operation.START_SYNC and len(rest) < len(rulings):
                reason = "its dataset holds an expense that is not to be sent"
                self.calls.drop(line, dict.fromkeys(rest, reason))
                return None
            if later_on:
                return self._waits(line, "it is too early", max(later_on))
            expenses = self.calls.payloads.of_line(line, rest)
            gone = [name for name in rest if name not in expenses]
            self.calls.drop(line, dict.fromkeys(gone, "what was sent is not stored"))
            if not expenses:
                return None
            try:
                request = self.calls.request_of(line, expenses)
            except UsageError as error:
                self.calls.drop(line, dict.fromkeys(expenses, str(error)))
                return None
            names = tuple(expenses)
            check = self._check_again(line, names, tried=tried, position=position)
            try:
                return self._made(line, line.operation.value, names, request, check)
            except _ChangedError:
                continue
        return self._waits(line, "what is known of it keeps changing")

    def _check_again(
        self, line: PlanLine, names: Sequence[str], *, tried: bool, position: int
    ) -> _Check:
        """Return what judges once more, if anything was heard since a position."""

        def check() -> None:
            if self._store.position() != position:
                anew = self._rulings(line, names, tried=tried)
                if any(r.drop or r.until for r in anew.values()):
                    raise _ChangedError

        return check

    def _start(self, line: PlanLine, names: tuple[str, ...]) -> WaitingLine | None:
        """Start the sync of what a line pushed."""
        dataset_id = self.calls.dataset_of(line)
        if dataset_id is None:
            return self._waits(line, "the dataset of its push is not known yet")
        waits = self._not_yet(line)
        if waits is not None:
            return waits

        pushed_at = self.calls.pushed_at(line)

        def check() -> None:
            rows = self._rows(names)
            sent = self.calls.sent_since(line, names, pushed_at)
            for name in names:
                why = why_over(rows[name].item) if name in rows else "it is not known"
                if why is None and name in sent:
                    why = "it was sent after its dataset was pushed"
                if why is not None:
                    raise _ChangedError(f"of its dataset, {name} is in the way: {why}")

        request = start_sync(self.company_id, [dataset_id])
        try:
            check()
            starts = Operation.START_SYNC.value
            return self._made(line, starts, names, request, check)
        except _ChangedError as error:
            self.calls.drop(line, dict.fromkeys(names, str(error)))
            return None

    def _made(
        self,
        line: PlanLine,
        operation: str,
        names: tuple[str, ...],
        request: Request,
        check: _Check,
    ) -> WaitingLine | None:
        """Make a line's call, and the one that follows it."""
        try:
            state = self.calls.make(line, operation, names, request, check)
        except AlreadyMadeError:
            return self._waits(line, "another worker sends it")
        except (InDoubtError, BusyError, PayloadError) as error:
            return self._waits(line, str(error))
        if operation == PUSH and state is CallState.ACCEPTED:
            return self._start(line, names)
        return None

    # What keeps a line from being sent

    def _held(self, line: PlanLine) -> WaitingLine | None:
        """Return that a line waits for its probe; it is dropped where that failed."""
        if line.after is None:
            return None
        probe = next(each for each in self.lines if each.n == line.after)
        (name,) = probe.transactions
        row = self._rows([name]).get(name)
        progress = self.calls.progress(probe)
        is_closed = name in progress.dropped_ids or (
            bool(progress.calls)
            and self.calls.state(progress.calls[-1]) is not CallState.NONE
        )
        says = probed(name, None if row is None else row.item, is_closed=is_closed)
        if says.drop is not None:
            left = self.calls.left_of(line)
            self.calls.drop(line, dict.fromkeys(left, says.drop))
        if says.follows or says.drop is not None:
            return None
        return self._waits(line, f"the outcome of line {probe.n} is not known yet")

    def _not_yet(self, line: PlanLine) -> WaitingLine | None:
        now = self._now()
        if line.not_before is not None and line.not_before > now:
            return self._waits(line, "it is too early", line.not_before)
        awake = self.plan.policy.awake(now)
        if awake > now:
            return self._waits(line, "these are quiet hours", awake)
        if self.calls.sent >= self.calls_left:
            return self._waits(
                line, "the share of the day's calls is used", next_day(now)
            )
        return None

    def _rulings(
        self, line: PlanLine, names: Sequence[str], *, tried: bool
    ) -> dict[str, Ruling]:
        rows = self._rows(names)
        sent = self.calls.sent_since(line, names, self.plan.as_of)
        return {
            name: ruling(
                line,
                rows[name].item if name in rows else None,
                planned_at=self.plan.as_of,
                tried=tried,
                is_sent=name in sent,
                now=self._now(),
            )
            for name in names
        }

    def _rows(self, names: Sequence[str]) -> Mapping[str, Judged]:
        corrected = {n: sent for n, sent in self._corrected.items() if n in names}
        return self._standing(self.company_id, names, corrected)

    def _waits(
        self, line: PlanLine, reason: str, until: datetime | None = None
    ) -> WaitingLine:
        return WaitingLine(
            n=line.n, company_id=self.company_id, reason=reason, until=until
        )
