"""Sends again by itself what failed for a cause that passes, and nothing else.

What needs a person, or was mended by one, is for a plan that somebody runs. Of each
plan the lines that are due are run; what is to wait is planned anew when its time has
come.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import attrs

from reconcile.domain.instants import later
from reconcile.domain.retry_events import LineDropped, RetryEnded, RetryPlanned
from reconcile.errors import ReconcileError, StoreError
from reconcile.quiet import logger
from reconcile.retries.plan import LeftOut, LeftOutReason, Plan
from reconcile.retries.progress import (
    PlanProgress,
    plan_progress,
    plans_begun,
    stream_of_plan,
)
from reconcile.retries.run import RetryDispatch, RetryRun, lease_of
from reconcile.storage.ports import VersionConflictError

_LOG: Final = logger("retries")
LOOK_EVERY: Final = timedelta(minutes=1)
"""So long after a plan was made, or something stopped one, the next is made."""
STOPPED: Final = "the follower that ran its plan was stopped"


class PassingRetries:
    """Plans and runs what passes; call `step` now and then, from one thread.

    `make_plan` makes a plan of what passes, and `dispatch` runs it.
    """

    def __init__(self, dispatch: RetryDispatch, make_plan: Callable[[], Plan]) -> None:
        self._dispatch = dispatch
        self._make_plan = make_plan
        self._plans: dict[str, Plan] = {}  # those that have not ended
        self._look_at: datetime | None = None
        self._seen = -1  # the position at which the last plan was made

    def step(self) -> datetime | None:
        """Send what may be sent now; return when there may be more, if that is known.

        Raises:
            StoreError: the store cannot be used.

        """
        now = self._dispatch.now()
        if self._look_at is None:
            self._end_what_was_left()
        elif now < self._look_at:
            return self._look_at
        self._look_at = later(now, LOOK_EVERY)
        for plan in [*self._plans.values()]:
            if not self._run(plan):
                return self._look_at
        if self._dispatch.history.store.position() == self._seen:
            return self._look_at
        plan = due_of(self._make_plan())
        waiting = [row.until for row in plan.left_out if row.until is not None]
        if not waiting:  # nothing is to be sent before something is heard
            self._seen = self._dispatch.history.store.position()
        if plan.lines:
            self._plans[plan.digest] = plan
            self._run(plan)
        return self._look_at

    def _run(self, plan: Plan) -> bool:
        """Run a plan; return whether nothing stopped it."""
        try:
            result = self._dispatch.run(plan)
        except StoreError:
            raise
        except ReconcileError as error:
            _LOG.warning("not run: %s", error, extra=_fields(plan))
            del self._plans[plan.digest]
            return True
        if result.sent or result.dropped:
            _LOG.info("sent again", extra={**_fields(plan), **_figures(result)})
        if result.stopped is not None:
            _LOG.warning("stopped: %s", result.stopped, extra=_fields(plan))
            due = result.due
            if due is not None and self._look_at is not None:
                self._look_at = max(due, self._look_at)
        if result.ended:
            del self._plans[plan.digest]
        return result.stopped is None

    def _end_what_was_left(self) -> None:
        """End plans of a follower that is no more: what they held is planned anew."""
        store, history = self._dispatch.history.store, self._dispatch.history
        for company_id, digest in plans_begun(store):
            progress = plan_progress(store, company_id, digest)
            planned = progress.planned
            if planned is None or progress.ended_at is not None:
                continue
            if planned.actor != self._dispatch.actor:
                continue
            lease = lease_of(self._dispatch, digest, company_id)
            if not lease.take():
                continue  # it is alive
            now = self._dispatch.now()
            stream = stream_of_plan(company_id, digest)
            try:
                for event in _rest(planned, progress, now):
                    history.append_one(stream, event, now=now)
                history.append_one(stream, RetryEnded(at=now), now=now)
            except VersionConflictError:
                pass  # another follower does the same
            finally:
                lease.leave()


def due_of(plan: Plan) -> Plan:
    """Return a plan with those of its lines that may be sent now."""
    due = [line for line in plan.lines if line.not_before is None]
    later_on = [
        LeftOut(
            company_id=line.company_id,
            transaction_id=name,
            reason=LeftOutReason.WAITS,
            until=line.not_before,
        )
        for line in plan.lines
        if line.not_before is not None
        for name in line.transactions
    ]
    rest = sorted(
        [*plan.left_out, *later_on], key=lambda r: (r.company_id, r.transaction_id)
    )
    return attrs.evolve(plan, lines=tuple(due), left_out=tuple(rest))


def _rest(
    planned: RetryPlanned, progress: PlanProgress, now: datetime
) -> Iterator[LineDropped]:
    """Yield that what no call was made of is dropped."""
    for line in planned.lines:
        of_line = progress.line(line.n)
        rest = [n for n in line.transaction_ids if n not in of_line.dropped_ids]
        if rest and not of_line.calls:
            yield LineDropped(
                line=line.n, transaction_ids=tuple(rest), reason=STOPPED, at=now
            )


def _fields(plan: Plan) -> dict[str, Any]:
    return {"codat_plan": plan.digest}


def _figures(result: RetryRun) -> dict[str, Any]:
    return {"codat_calls": result.sent, "codat_dropped": result.dropped}
