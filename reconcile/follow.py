"""Follows every sync until nothing more can be learnt of it: decides, reads, waits.

What is due is decided from the history alone (`domain/pace.py`), so a follower that
starts after an outage goes on where the one before it stopped. A lease keeps two
followers from the same sync.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.codat.client import CodatClient
from reconcile.codat.quota import Priority
from reconcile.dispatch import Dispatch
from reconcile.domain.context import SyncContext
from reconcile.domain.dossier import SyncFacts
from reconcile.domain.instants import later
from reconcile.domain.pace import NextRead, Pace, Want, next_read
from reconcile.errors import CodatUnavailable, PayloadError
from reconcile.recovery import Recovery
from reconcile.storage.leases import Leases
from reconcile.storage.projector import Projector
from reconcile.storage.store import Store
from reconcile.storage.views import (
    contexts_by_key,
    syncs_by_key,
    unfinished_syncs,
)
from reconcile.views.rows import decode_context, decode_sync

_LOG: Final = logging.getLogger("reconcile.follow")
LEASE: Final = timedelta(minutes=5)
LIST_EVERY: Final = timedelta(hours=6)
"""How often a company's syncs are listed: for what nobody told us of."""
RECOVER_EVERY: Final = timedelta(minutes=5)
STEPS_MAX: Final = 1000  # between two looks at what is due
LOOK_EVERY: Final = timedelta(seconds=1)


@attrs.frozen(kw_only=True)
class Step:
    """One piece of work: a sync to read, or a company to list or to recover in."""

    due: datetime
    priority: Priority
    company_id: str
    sync_id: str = ""
    read: NextRead | None = None
    work: str = "sync"  # or "list", "recover"

    @property
    def name(self) -> str:
        """Return the name of its lease."""
        return f"{self.work}:{self.company_id}:{self.sync_id}"


class Follower:
    """One follower of a store. `run` it in a thread, or call `step` now and then."""

    def __init__(
        self,
        *,
        client: CodatClient,
        dispatch: Dispatch,
        projector: Projector,
        holder: str,
        now: Callable[[], datetime],
        pace: Pace | None = None,
    ) -> None:
        self._client = client
        self._dispatch = dispatch
        self._projector = projector
        self._now = now
        self._pace = pace or Pace()
        self._store: Store = dispatch.history.store
        self._leases = Leases(self._store, holder)
        self._known: dict[tuple[str, str], tuple[bytes, bytes, bool, Step | None]] = {}
        self._doubts: dict[str, tuple[int, datetime | None]] = {}  # by position
        self._put_off: dict[str, tuple[int, datetime]] = {}  # after a failure

    def run(self, stop: threading.Event) -> None:
        """Follow until told to stop; work begun is ended first."""
        while not stop.is_set():
            due = self.step(stop)
            wait = min(due - self._now(), LOOK_EVERY) if due else LOOK_EVERY
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
            await running
            raise

    def step(self, stop: threading.Event | None = None) -> datetime | None:
        """Do what is due, and return when there is more; None: nothing is known of."""
        now = self._now()
        due = _together([one for one in self.plan() if one.due <= now])
        due.sort(key=lambda one: (-one.priority, one.due, one.name))
        for step in due[:STEPS_MAX]:
            if stop is not None and stop.is_set():
                break
            if not self._done(step):
                break
        return min((one.due for one in self.plan()), default=None)

    def plan(self) -> Iterator[Step]:
        """Yield everything there is to do, due or not, in no order."""
        self._projector.catch_up()
        for step in self._syncs():
            yield self._later(step)
        for company_id in self._store.companies():
            if company_id:
                yield from self._of_company(company_id)

    def _syncs(self) -> Iterator[Step]:
        with self._store.reading() as cursor:
            rows = list(unfinished_syncs(cursor))
        for company_id, sync_id, facts, context, undecided in rows:
            key = company_id, sync_id
            held = self._known.get(key)
            state = facts, context, undecided
            if held is None or held[:3] != state:
                made = self._step(
                    key,
                    decode_sync(facts),
                    decode_context(context),
                    undecided=undecided,
                )
                held = self._known[key] = (*state, made)
            if held[3] is not None:
                yield held[3]

    def _step(
        self,
        key: tuple[str, str],
        facts: SyncFacts,
        context: SyncContext,
        *,
        undecided: bool,
    ) -> Step | None:
        read = next_read(facts, context, pace=self._pace, undecided=undecided)
        if read is None:
            return None
        priority = Priority.WEBHOOK if read.heard else Priority.FOLLOW
        return Step(
            due=read.due,
            priority=priority,
            company_id=key[0],
            sync_id=key[1],
            read=read,
        )

    def _of_company(self, company_id: str) -> Iterator[Step]:
        """Yield what is due for a company as a whole: its list, its lost requests."""
        now = self._now()
        listing = Step(
            due=now, priority=Priority.SWEEP, company_id=company_id, work="list"
        )
        listed = self._leases.done(listing.name)
        due = now if listed is None else later(listed, LIST_EVERY)
        yield self._later(attrs.evolve(listing, due=due))
        if self._store.asked_of(company_id):
            finding = attrs.evolve(listing, work="recover", priority=Priority.FOLLOW)
            looked = self._leases.done(finding.name)
            asked = self._doubt(company_id)
            if asked is not None:
                due = (
                    now if looked is None else later(looked, _patience(looked - asked))
                )
                yield self._later(attrs.evolve(finding, due=due))

    def _doubt(self, company_id: str) -> datetime | None:
        """Return when the latest request in doubt was asked, None where none is."""
        position = self._store.position()
        held = self._doubts.get(company_id)
        if held is None or held[0] != position:
            doubtful = self._dispatch.doubtful(company_id)
            asked = max((one.intent.at for one in doubtful if one.intent), default=None)
            held = self._doubts[company_id] = position, asked
        return held[1]

    def _later(self, step: Step) -> Step:
        """Return a step, put off where it failed lately."""
        until = self._put_off.get(step.name)
        if until is None or until[1] <= step.due:
            return step
        return attrs.evolve(step, due=until[1])

    def _done(self, step: Step) -> bool:
        """Do one step, under its lease; return False where Codat takes no more now."""
        now = self._now()
        if not self._leases.take(step.name, now=now, lasts=LEASE):
            self._fail(step, LEASE)
            return True
        done: datetime | None = None
        try:
            fresh = self._fresh(step)
            if fresh is not None:
                self._carry_out(fresh)
            done = self._now()
            self._put_off.pop(step.name, None)
        except (CodatUnavailable, PayloadError) as error:
            _LOG.warning("follow: %s failed: %s", step.work, error)
            wait_s = error.wait_s if isinstance(error, CodatUnavailable) else None
            self._fail(step, None if wait_s is None else timedelta(seconds=wait_s))
            return wait_s is None
        finally:
            self._leases.leave(step.name, done=done)
        return True

    def _fail(self, step: Step, wait: timedelta | None) -> None:
        times = self._put_off.get(step.name, (0, self._now()))[0] + 1
        wait = max(wait or timedelta(), self._pace.wait(times))
        self._put_off[step.name] = times, later(self._now(), wait)

    def _fresh(self, step: Step) -> Step | None:
        """Return what is to be done now: somebody else may have done it meanwhile."""
        if step.read is None:
            done = self._leases.done(step.name)
            return step if done is None or done < step.due else None
        self._projector.catch_up()
        company_id, sync_id = step.company_id, step.sync_id
        with self._store.reading() as cursor:
            facts = syncs_by_key(cursor, company_id, [sync_id])
            contexts = contexts_by_key(cursor, company_id, [sync_id])
        fresh = self._step(
            (company_id, sync_id),
            facts[sync_id],
            contexts[sync_id],
            undecided=self._known[company_id, sync_id][2],
        )
        return fresh if fresh is not None and fresh.due <= self._now() else None

    def _carry_out(self, step: Step) -> None:
        company_id, client = step.company_id, self._client
        if step.work == "list":
            client.statuses(company_id, priority=step.priority)
        elif step.work == "recover":
            ask = client.ask
            Recovery(dispatch=self._dispatch, ask=ask, now=self._now).recover(
                company_id
            )
        elif step.read is not None and step.read.want is Want.STATUS:
            client.sync_status(company_id, step.sync_id, priority=step.priority)
        elif step.read is not None:
            for _ in client.transaction_pages(
                company_id,
                step.sync_id,
                first=step.read.first,
                page_size=self._pace.page_size,
                priority=step.priority,
            ):
                pass  # each page is recorded as it comes


def _patience(doubted: timedelta) -> timedelta:
    """Return the wait before a request is looked for again: longer as doubt lasts."""
    return min(max(RECOVER_EVERY, doubted / 2), LIST_EVERY)


def _together(due: list[Step]) -> list[Step]:
    """Return the steps with one list of a company's syncs for several of its statuses.

    Codat gives every status of a company in one answer, which is not paged.
    """
    statuses: dict[str, list[Step]] = {}
    for step in due:
        if step.read is not None and step.read.want is Want.STATUS:
            statuses.setdefault(step.company_id, []).append(step)
    several = {name: some for name, some in statuses.items() if len(some) > 1}
    lists = [
        Step(
            due=max(one.due for one in some),
            priority=max(one.priority for one in some),
            company_id=company_id,
            work="list",
        )
        for company_id, some in several.items()
    ]
    return lists + [
        step
        for step in due
        if step.company_id not in several
        or not (step.work == "list" or (step.read and step.read.want is Want.STATUS))
    ]
