"""Runs of plans, each in a thread with books of its own; what they do is in the store.

Only what nothing else knows is here: that a thread runs, that it was told to stop, and
why it stopped.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Final

import attrs

from reconcile.codat.client.clients import CodatClient
from reconcile.console.retrying.shelf import PlanShelf, digits_of
from reconcile.errors import ReconcileError
from reconcile.foreign import one_line
from reconcile.live.follow import CALL_MAX_S, TRIES_MAX, TRY_FOR_S
from reconcile.reconciler import Reconciler
from reconcile.retries.line_calls import StoppedError
from reconcile.retries.outcome import RetryOutcome
from reconcile.retries.plan import Plan
from reconcile.retries.run import RetryRun

Opener = Callable[[], Reconciler]
ClientFor = Callable[[Reconciler], AbstractContextManager[CodatClient]]
READ_FOR_S: Final = 600.0
"""So long a run reads what comes of its lines; a follower does that afterwards."""
LOOK_EVERY_S: Final = 1.0
RUNS_MAX: Final = 64
"""So many runs that have ended are remembered."""
_END_IN_S: Final = 60.0
_log: Final = logging.getLogger("reconcile.console")


@attrs.define(kw_only=True)
class PlanRun:
    """A plan that is run here: `result` is of its lines so far, `why` why it ended."""

    digits: str
    actor: str
    began_at: datetime
    ended_at: datetime | None = None
    stopped_by: str | None = None
    result: RetryRun | None = None
    why: str | None = None
    stop: threading.Event = attrs.field(factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def is_under_way(self) -> bool:
        """Return whether it goes on."""
        return self.ended_at is None


class Retrying:
    """What the console knows of plans: those frozen, those that run, who may run them.

    Without `send` or `may_run` nobody can run any from here. `plans` is a folder for
    those frozen, which may be thrown away.
    """

    def __init__(
        self,
        opener: Opener,
        *,
        send: ClientFor | None,
        may_run: Callable[[str], bool] | None,
        now: Callable[[], datetime],
        plans: Path | None = None,
        read_for_s: float = READ_FOR_S,
    ) -> None:
        self.shelf = PlanShelf(plans)
        self._opener = opener
        self._send = send
        self._may_run = may_run
        self._now = now
        self._read_for_s = read_for_s
        self._runs: dict[str, PlanRun] = {}
        self._lock = threading.Lock()

    @property
    def can_send(self) -> bool:
        """Return whether plans are run from here at all."""
        return self._send is not None

    def may(self, actor: str | None) -> bool:
        """Return whether somebody may run a plan from here."""
        if actor is None or self._send is None or self._may_run is None:
            return False
        return self._may_run(actor)

    def run_of(self, digits: str) -> PlanRun | None:
        """Return the latest run of a plan here, None where none was."""
        with self._lock:
            return self._runs.get(digits)

    def under_way(self) -> list[PlanRun]:
        """Return the runs that go on, the latest first."""
        with self._lock:
            runs = [run for run in self._runs.values() if run.is_under_way]
        return sorted(runs, key=lambda run: run.began_at, reverse=True)

    def start(self, plan: Plan, actor: str) -> PlanRun | None:
        """Run a plan in a thread; None where it is run here already."""
        digits = digits_of(plan.digest)
        with self._lock:
            before = self._runs.get(digits)
            if before is not None and before.is_under_way:
                return None
            run = PlanRun(digits=digits, actor=actor, began_at=self._now())
            self._runs[digits] = run
            self._forget()
            run.thread = threading.Thread(
                target=self._work, args=(run, plan), name=f"run {digits[:8]}"
            )
            run.thread.start()
        return run

    def stop(self, digits: str, actor: str) -> bool:
        """Have a run stop after its line; return whether it goes on here."""
        run = self.run_of(digits)
        if run is None or not run.is_under_way:
            return False
        run.stopped_by = run.stopped_by or actor
        run.stop.set()
        return True

    def close(self) -> None:
        """Stop every run after its line, and wait for that."""
        runs = self.under_way()
        for run in runs:
            run.stop.set()
        for run in runs:
            if run.thread is not None:
                run.thread.join(_END_IN_S)

    def _forget(self) -> None:
        ended = [digits for digits, run in self._runs.items() if not run.is_under_way]
        for digits in ended[: max(0, len(self._runs) - RUNS_MAX)]:
            del self._runs[digits]

    def _work(self, run: PlanRun, plan: Plan) -> None:
        """Run a plan, in its thread; whatever happens, it ends."""
        try:
            if self._send is not None:
                with self._opener() as books, self._send(books) as client:
                    self._sent(run, plan, books, client)
        except ReconcileError as error:
            run.why = one_line(str(error))
        except Exception:
            _log.exception("a run failed", extra={"codat_plan": plan.digest})
            run.why = "it failed for a reason of its own; the server's log has it"
            raise
        finally:
            run.ended_at = self._now()

    def _sent(
        self, run: PlanRun, plan: Plan, books: Reconciler, full: CodatClient
    ) -> None:
        """Send what may be sent, and read what comes of it, for so long."""
        client = full.trying(  # for less than a plan's lease lasts, as a follower does
            attempts_max=TRIES_MAX, wait_all_max_s=TRY_FOR_S, deadline_s=CALL_MAX_S
        )
        dispatch = books.dispatch(
            client.ask,
            actor=run.actor,
            calls_a_day=lambda: client.quota.figures(self._now()).limit,
        )
        follower = books.follower(client, holder=_holder())
        give_up_at = time.monotonic() + self._read_for_s

        def between_lines(_: int) -> None:
            if run.stop.is_set():
                raise StoppedError(_why_stopped(run))

        while not run.stop.is_set():
            if run.result is None or not run.result.ended:
                result = dispatch.run(plan, progress=between_lines)
                before = run.result
                run.result = result if before is None else before.followed_by(result)
                run.why = result.stopped
            is_over = run.result.ended and not _undecided(books, plan)
            if run.why is not None or is_over or time.monotonic() > give_up_at:
                break
            follower.step()
            run.stop.wait(LOOK_EVERY_S)
        if run.stop.is_set():
            run.why = run.why or _why_stopped(run)


def _undecided(books: Reconciler, plan: Plan) -> bool:
    (outcome,) = books.retries(plan.digest)
    return bool(outcome.counts.get(RetryOutcome.UNDECIDED))


def _why_stopped(run: PlanRun) -> str:
    return f"stopped by {run.stopped_by}" if run.stopped_by else "the console was ended"


def _holder() -> str:
    """Return the name under which this process takes a follower's leases."""
    return f"{socket.gethostname()}:{os.getpid()}:console"
