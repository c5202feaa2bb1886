"""Run a plan: each line once, judged again just before its call.

A line's call goes through the ledger of requests under an id made of plan and line, and
is recorded in the plan's stream in the same transaction as its intent. So whoever runs
the plan again, after a crash or beside another worker, knows what was done.
"""

import uuid
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Final

import attrs

from reconcile.codat.client.quota import PER_DAY
from reconcile.domain.instants import format_instant
from reconcile.domain.retry_events import (
    LineDispatched,
    PlannedLine,
    RetryEnded,
    RetryPlanned,
)
from reconcile.errors import UsageError
from reconcile.live.dispatch import Dispatch
from reconcile.live.leases import lease_clock
from reconcile.retries.company_run import CompanyRun, Standing, WaitingLine
from reconcile.retries.line_calls import StoppedError
from reconcile.retries.plan import Plan
from reconcile.retries.progress import plan_progress, stream_of_plan
from reconcile.storage.ports import Leases, Store, VersionConflictError

LEASE: Final = timedelta(seconds=60)
"""Of a plan in one company: a worker that was killed holds it for no longer."""
CALLS_A_DAY: Final = 2 * PER_DAY
"""Of an account with one active company, until its headers tell more."""


@attrs.frozen(kw_only=True)
class RetryRun:
    """What came of running a plan now: calls made, expenses dropped, lines that wait.

    `stopped` says why nothing more could be sent now, where something did.
    """

    digest: str
    sent: int = 0
    dropped: int = 0
    waiting: tuple[WaitingLine, ...] = ()
    stopped: str | None = None

    def followed_by(self, later_run: "RetryRun") -> "RetryRun":
        """Return what came of this run and of one after it."""
        return attrs.evolve(
            later_run,
            sent=self.sent + later_run.sent,
            dropped=self.dropped + later_run.dropped,
        )

    @property
    def ended(self) -> bool:
        """Return whether each line is sent or dropped."""
        return not self.waiting

    @property
    def due(self) -> datetime | None:
        """Return when the first line that waits may go on, None where nobody knows."""
        return min((line.until for line in self.waiting if line.until), default=None)


@attrs.frozen
class Lease:
    """A plan in one company, which one worker runs at a time."""

    leases: Leases
    name: str
    now: Callable[[], datetime]

    def take(self) -> bool:
        """Return whether it is ours now, for `LEASE` from now on."""
        return self.leases.take(self.name, now=lease_clock(self.now), lasts=LEASE)

    def leave(self) -> None:
        """Give it back."""
        self.leases.leave(self.name, done=None)


@attrs.frozen(kw_only=True)
class RetryDispatch(Dispatch):
    """Sends one account's writes, and runs plans of them.

    `calls_a_day` gives how many calls the account has a day, of which the policy gives
    plans a share.
    """

    standing: Standing
    ruleset: str
    judged_by: str
    calls_a_day: Callable[[], int] = lambda: CALLS_A_DAY

    def run(
        self,
        plan: Plan,
        *,
        anyway: bool = False,
        progress: Callable[[int], None] = lambda _: None,
    ) -> RetryRun:
        """Send all of a plan that may be sent now; nothing is waited for.

        Run it again for what waits: a line is sent once, however often and by how many
        workers. `anyway`: although rules or policy are others than the plan's.

        Raises:
            UsageError: the plan is of another store, from the future, was run to its
                end, or was made by other rules or another policy.

        """
        self._check_plan(plan, anyway=anyway)
        total = RetryRun(digest=plan.digest)
        calls_left = self._calls_left(plan)
        companies = [
            CompanyRun(self, plan, company_id, standing=self.standing)
            for company_id in plan.companies
        ]
        for company in companies:
            company.check()
        for company in companies:
            company.calls_left = calls_left - total.sent
            if total.stopped is not None:
                company.wait_for_rest(total.stopped)
                total = _with_company(total, company)
                continue
            lease = lease_of(self, plan.digest, company.company_id)
            stopped = None
            if not lease.take():
                company.wait_for_rest("another worker runs the plan")
            else:
                counted = partial(_counted, progress, total.sent)
                stopped = self._run_company(company, lease, counted)
            total = _with_company(total, company, stopped)
        return total

    def _run_company(
        self, company: CompanyRun, lease: "Lease", progress: Callable[[int], None]
    ) -> str | None:
        """Run a plan's lines of one company; return why it was stopped, if it was."""
        plan, digest = company.plan, company.plan.digest
        try:
            self._begin(plan, company.company_id, digest)
            company.load()
            for line in company.lines:
                lease.take()
                company.run(line)
                progress(company.calls.sent)
            if not company.waiting:
                self._end(company.company_id, digest)
        except StoppedError as error:
            company.wait_for_rest(str(error), error.wait_s)
            return str(error)
        finally:
            lease.leave()
        return None

    def _check_plan(self, plan: Plan, *, anyway: bool) -> None:
        """Refuse a plan that is not this store's, or not today's."""
        store, now, digest = self.history.store, self.now(), plan.digest
        if plan.as_of > now:
            raise UsageError(
                f"plan {digest} is as of {format_instant(plan.as_of)}, which is in the"
                " future, expected a moment that has passed"
            )
        known = {*store.companies()}
        strange = [name for name in plan.companies if name not in known]
        if plan.position > store.position() or strange:
            raise _of_another_store(digest)
        ended = [
            plan_progress(store, company_id, digest).ended_at
            for company_id in plan.companies
        ]
        if ended and all(ended):
            when = max(at for at in ended if at)
            raise UsageError(
                f"plan {digest} was run already, and ended at {format_instant(when)},"
                " expected a new plan"
            )
        if anyway:
            return
        for what, planned, here in (
            ("rules", plan.ruleset, self.ruleset),
            ("policy", plan.judged_by, self.judged_by),
        ):
            if planned != here:
                raise UsageError(
                    f"plan {digest} was made by the {what} {planned}, and {here} is in"
                    " force, expected a new plan"
                )

    def _begin(self, plan: Plan, company_id: str, digest: str) -> None:
        """Record that the plan is run, once."""
        store, now = self.history.store, self.now()
        if plan_progress(store, company_id, digest).planned is not None:
            return
        lines = [line for line in plan.lines if line.company_id == company_id]
        event = RetryPlanned(
            digest=digest,
            as_of=plan.as_of,
            ruleset=plan.ruleset,
            policy=plan.policy.label,
            lines=tuple(
                PlannedLine(
                    n=line.n,
                    operation=line.operation.value,
                    transaction_ids=line.transactions,
                    fingerprint=line.fingerprint,
                    after=line.after,
                    is_probe=line.probe_for is not None,
                )
                for line in lines
            ),
            actor=self.actor,
            at=now,
        )
        stream = stream_of_plan(company_id, digest)
        try:
            self.history.append_one(stream, event, now=now, after=0)
        except VersionConflictError:
            return  # another worker has begun

    def _end(self, company_id: str, digest: str) -> None:
        now = self.now()
        if plan_progress(self.history.store, company_id, digest).ended_at is not None:
            return
        stream = stream_of_plan(company_id, digest)
        self.history.append_one(stream, RetryEnded(at=now), now=now)

    def _calls_left(self, plan: Plan) -> int:
        """Return how many calls plans may still make today, by the history."""
        most = max(1, int(plan.policy.quota_share * self.calls_a_day()))
        return most - calls_on_day(self.history.store, self.now())


def _counted(progress: Callable[[int], None], before: int, sent: int) -> None:
    progress(before + sent)


def _with_company(
    run: RetryRun, company: CompanyRun, stopped: str | None = None
) -> RetryRun:
    """Return a run with what came of one company more."""
    return attrs.evolve(
        run,
        sent=run.sent + company.calls.sent,
        dropped=run.dropped + company.calls.dropped,
        waiting=(*run.waiting, *company.waiting),
        stopped=run.stopped or stopped,
    )


def lease_of(dispatch: Dispatch, digest: str, company_id: str) -> Lease:
    """Return the lease of a plan in one company, for a worker of its own."""
    leases = dispatch.history.store.leases(f"{dispatch.actor}:{uuid.uuid4().hex}")
    return Lease(leases, f"plan:{digest}:{company_id}", dispatch.now)


def _of_another_store(digest: str) -> UsageError:
    return UsageError(
        f"plan {digest} is of another store, or of a later copy of this one, expected a"
        " plan that was made of it"
    )


def calls_on_day(store: Store, moment: datetime) -> int:
    """Return how many calls plans made on the UTC day of a moment."""
    day = datetime.combine(moment.astimezone(UTC).date(), time(), UTC)
    positions: Sequence[int] = store.positions_after(
        store.position(known_at=day - timedelta(microseconds=1)),
        until=store.position(),
        topics=(LineDispatched.TOPIC,),
    )
    return len(positions)
