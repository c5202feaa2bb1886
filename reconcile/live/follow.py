"""Follows every sync until nothing more can be learnt of it: decides, reads, waits.

What is due is decided from the history alone (`agenda.py`), so a follower that starts
after an outage goes on where the one before it stopped. A lease keeps two followers
from the same sync. The trouble of one company delays that company alone: only a rate
limit and a refused key are the account's.
"""

import asyncio
import threading
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.quota import Priority
from reconcile.codat.requests import Request
from reconcile.domain.events import SyncGivenUp
from reconcile.domain.identity import stream_name
from reconcile.domain.instants import format_instant, later
from reconcile.errors import (
    CodatUnavailable,
    ReconcileError,
    StoreError,
    StoreLostError,
)
from reconcile.live.agenda import Agenda, Step
from reconcile.live.dispatch import Dispatch
from reconcile.live.leases import lease_clock
from reconcile.live.pace import Pace, Want
from reconcile.live.recovery import Recovery
from reconcile.quiet import logger
from reconcile.readmodels.projector import Projector

_LOG: Final = logger("follow")
LEASE: Final = timedelta(seconds=50)
"""Of one read after the other: a follower that was killed holds nothing for longer."""
TRIES_MAX: Final = 3
TRY_FOR_S: Final = 5.0
"""So often, and so long, one request is tried at once: others wait behind it."""
CALL_MAX_S: Final = 40.0
"""So long one call may take: with what was tried before, less than a lease lasts."""
STEPS_MAX: Final = 1000  # between two looks at what is due
LOOK_EVERY: Final = timedelta(seconds=1)
WAIT_MAX: Final = timedelta(days=1)  # whatever Codat says: its quotas are a day's
STORE_WAIT_MAX: Final = timedelta(minutes=1)


class _Postponed(NamedTuple):
    """Until when a step waits, after so many failures, unless it matters more."""

    times: int
    until: datetime
    priority: Priority

    def holds(self, step: Step) -> bool:
        """Return whether a step waits for it."""
        return self.priority >= step.priority


_ACCOUNT: Final = ""  # in place of a company: every one


class Follower:
    """One follower of a store. `run` it in a thread, or call `step` now and then.

    `then` is done after each step, and says when it has more to do.
    """

    def __init__(
        self,
        *,
        client: CodatClient,
        dispatch: Dispatch,
        projector: Projector,
        holder: str,
        now: Callable[[], datetime],
        pace: Pace | None = None,
        then: Callable[[], datetime | None] | None = None,
    ) -> None:
        self._client = client.trying(
            attempts_max=TRIES_MAX, wait_all_max_s=TRY_FOR_S, deadline_s=CALL_MAX_S
        )
        self._dispatch = dispatch
        self._now = now
        self._then = then
        self._pace = pace or Pace()
        store = dispatch.history.store
        self._leases = store.leases(f"{holder}:{uuid.uuid4().hex}")  # none is twice
        self._agenda = Agenda(
            store, projector=projector, leases=self._leases, pace=self._pace, now=now
        )
        self._postponed: dict[str, _Postponed] = {}  # by a step's name
        self._closed: dict[str, _Postponed] = {}  # by company, or the account
        self._troubled: set[str] = set()  # companies, in this round
        self.failed = 0  # so many reads, since it was made

    def run(self, stop: threading.Event) -> None:
        """Follow until told to stop; work begun is ended first.

        A store that cannot be used, as while another locks it, is tried again.
        """
        failed = 0
        while not stop.is_set():
            try:
                due = self.step(stop)
                wait = min(due - self._now(), LOOK_EVERY) if due else LOOK_EVERY
                failed = 0
            except StoreError as error:
                if not isinstance(error, StoreLostError):  # the store logs that
                    _LOG.error("not followed: %s", error)
                wait = min(self._pace.wait(failed), STORE_WAIT_MAX)
                failed += 1
            stop.wait(max(wait.total_seconds(), 0))

    async def run_async(self) -> None:
        """Follow, in a thread, until the task is cancelled; work begun is ended first.

        Reading and storing never hold up the event loop.
        """
        stop = threading.Event()
        running = asyncio.create_task(asyncio.to_thread(self.run, stop))
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set()
            while not running.done():
                with suppress(asyncio.CancelledError):  # once is enough
                    await asyncio.wait([running])
            raise

    def step(self, stop: threading.Event | None = None) -> datetime | None:
        """Do what is due, and return when there is more; None: nothing is known of."""
        steps = [*self.plan()]
        now = self._now()
        due = self._agenda.merged([each for each in steps if each.due <= now])
        due.sort(key=lambda each: (-each.priority, each.due, each.name))
        for step in self._round(due[:STEPS_MAX]):
            if stop is not None and stop.is_set():
                break
            if self._waits_until(step) <= self._now():
                self._do(step)
        following = [each.due for each in (self.plan() if due else steps)]
        if self._then is not None and not (stop is not None and stop.is_set()):
            sends_at = self._then()
            following += [] if sends_at is None else [sends_at]
        return min(following, default=None)

    def _round(self, due: Sequence[Step]) -> Iterator[Step]:
        """Yield steps in order; those of a company in trouble after all others."""
        self._troubled.clear()
        behind = []
        for step in due:
            if step.company_id in self._troubled:
                behind.append(step)
            else:
                yield step
        yield from behind

    def plan(self) -> Iterator[Step]:
        """Yield everything there is to do, due or not, in no order."""
        for step in self._agenda.steps():
            yield self._later(step)

    def _later(self, step: Step) -> Step:
        """Return a step, postponed if it failed lately and matters no more by now.

        So is one of a company, or an account, that Codat said to ask later.
        """
        own = self._postponed.get(step.name)
        if own is not None and own.until <= step.due:  # something was learnt since
            del self._postponed[step.name]
        until = self._waits_until(step)
        return step if until <= step.due else step.postponed(until)

    def _waits_until(self, step: Step) -> datetime:
        """Return until when a step waits, for what was to be waited for so far."""
        keys = (step.company_id, _ACCOUNT)
        delays = [self._postponed.get(step.name), *map(self._closed.get, keys)]
        latest = later(self._now(), WAIT_MAX)  # beyond, a clock had jumped ahead
        return max(
            (d.until for d in delays if d and d.holds(step) and d.until <= latest),
            default=step.due,
        )

    def _do(self, step: Step) -> None:
        """Do one step, under its lease."""
        if not self._take(step):
            self._put_off(step, LEASE)
            return
        done: datetime | None = None
        fresh: Step | None = None
        try:
            fresh = self._agenda.remaining(step)
            if fresh is not None:
                self._carry_out(fresh)
            done = None if step.read else self._now()  # a sync's facts tell of it
        except StoreError:
            raise
        except CodatUnavailable as error:
            self._unavailable(step, error)
            return
        except Exception as error:  # noqa: BLE001 - no sync keeps others from being read
            self._fail(step)
            by_us = not isinstance(error, ReconcileError)
            _LOG.warning("not read: %s", error, extra=_fields(step), exc_info=by_us)
            return
        finally:
            self._leases.leave(step.name, done=done)
        if fresh is not None and fresh.read is not None and self._same(fresh):
            self._postpone(step)  # it taught nothing
        else:
            self._postponed.pop(step.name, None)
            _LOG.debug("read", extra=_fields(step))

    def _unavailable(self, step: Step, error: CodatUnavailable) -> None:
        """Put off a step, and all that the same trouble keeps from being read."""
        wait = self._fail(step, error.wait_s)
        self._troubled.add(step.company_id)
        says = str(error)
        whole = _is_the_accounts(error)
        if whole or error.wait_s is not None:
            until = later(self._now(), wait)
            key = _ACCOUNT if whole else step.company_id
            self._closed[key] = _Postponed(0, until, step.priority)
            of = "the account" if whole else "the company"
            says = f"{says}; nothing of {of} is asked until {format_instant(until)}"
        _LOG.warning("not read: %s", says, extra=_fields(step))

    def _same(self, step: Step) -> bool:
        """Return whether just the same is to be read as before."""
        again = self._agenda.remaining(step)
        return again is not None and again.read == step.read

    def _fail(self, step: Step, wait_s: float | None = None) -> timedelta:
        self.failed += 1
        asked = timedelta(seconds=min(wait_s or 0.0, WAIT_MAX.total_seconds()))
        return self._postpone(step, asked)

    def _postpone(self, step: Step, least: timedelta = timedelta()) -> timedelta:
        """Postpone a step, longer each time; return for how long."""
        delay = self._postponed.get(step.name)
        times = 1 if delay is None else delay.times + 1
        wait = max(least, self._pace.wait(times))
        self._put_off(step, wait, times=times)
        return wait

    def _put_off(self, step: Step, wait: timedelta, *, times: int = 0) -> None:
        until = later(self._now(), wait)
        for name in step.names:
            self._postponed[name] = _Postponed(times, until, step.priority)

    def _carry_out(self, step: Step) -> None:
        """Read; what is read is recorded by the client as it comes.

        Raises:
            CodatUnavailable: no usable answer came, or a refusal.
            PayloadError: the answer is none that can be read.

        """
        company_id, client = step.company_id, self._client
        if step.work == "list":
            client.statuses(company_id, priority=step.priority).data()
        elif step.work == "recover":
            recovery = Recovery(
                dispatch=self._dispatch, ask=self._asking(step), now=self._now
            )
            recovery.recover(company_id)
        elif step.read is not None and step.read.want is Want.NOTHING:
            self._give_up(step, since=step.read.due - self._pace.give_up)
        elif step.asks_status:
            answer = client.sync_status(
                company_id, step.sync_id, priority=step.priority
            )
            answer.data()
        elif step.read is not None:
            for _ in client.transaction_pages(
                company_id,
                step.sync_id,
                first=step.read.first,
                page_size=self._pace.page_size,
                priority=step.priority,
            ):
                self._renew(step)

    def _give_up(self, step: Step, *, since: datetime) -> None:
        """Record that a sync is read no more: reports tell it."""
        now = self._now()
        stream = stream_name("sync", step.company_id, step.sync_id)
        event = SyncGivenUp(since=since, at=now)
        self._dispatch.history.append_one(stream, event, now=now)
        _LOG.warning("read no more: in vain since %s", since, extra=_fields(step))

    def _asking(self, step: Step) -> Callable[[Request], Answer]:
        """Return what asks for a recovery: behind all that is fresh."""

        def ask(request: Request) -> Answer:
            self._renew(step)
            return self._client.ask(request, priority=Priority.SWEEP)

        return ask

    def _renew(self, step: Step) -> None:
        self._take(step)

    def _take(self, step: Step) -> bool:
        return self._leases.take(step.name, now=lease_clock(self._now), lasts=LEASE)


def _is_the_accounts(error: CodatUnavailable) -> bool:
    """Return whether no company can be asked: a limit, ours or Codat's, or a key."""
    ours = error.status == 0 and error.wait_s is not None
    return ours or error.status in (401, 429)


def _fields(step: Step) -> dict[str, Any]:
    """Return what a log record tells of a step."""
    return {
        "codat_work": step.work,
        "codat_company_id": step.company_id,
        "codat_sync_id": step.sync_id,
    }
