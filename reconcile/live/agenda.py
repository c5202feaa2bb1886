"""What there is to read, due or not: decided from the history and its views alone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.codat.client.quota import Priority
from reconcile.domain.events import DeliverySetAside
from reconcile.domain.instants import EPOCH, later
from reconcile.judgement.facts import RefusedRead, SyncFacts
from reconcile.judgement.sync_context import SyncContext
from reconcile.live.pace import NextRead, Pace, Want, next_read
from reconcile.projections.rows import decode_context, decode_refused, decode_sync
from reconcile.readmodels.projector import Projector
from reconcile.readmodels.requests import RequestsInDoubt
from reconcile.storage.ports import Leases, Store
from reconcile.storage.views import contexts_by_key, refused_by_key, syncs_by_key

LIST_EVERY: Final = timedelta(hours=6)
"""How often a company's syncs are listed: for what nobody told us of."""
RECOVER_EVERY: Final = timedelta(minutes=5)


@attrs.frozen(kw_only=True)
class Step:
    """One piece of work: a sync to read, or a company to list or to recover in.

    `covers` names the steps that it makes needless: the statuses a list tells.
    """

    due: datetime
    priority: Priority
    company_id: str
    sync_id: str = ""
    read: NextRead | None = None
    work: str = "sync"  # or "list", "recover"
    covers: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Return the name of its lease."""
        return f"{self.work}:{self.company_id}:{self.sync_id}"

    def postponed(self, until: datetime) -> "Step":
        """Return the step, due at another moment."""
        return attrs.evolve(self, due=until)

    @property
    def names(self) -> tuple[str, ...]:
        """Return its name, and those of the steps it covers."""
        return (self.name, *self.covers)

    @property
    def asks_status(self) -> bool:
        """Return whether it asks for one sync's status."""
        return self.read is not None and self.read.want is Want.STATUS


_Known = tuple[bytes, bytes, str | None, bytes, Step | None]
"""What a step was made of, and the step."""
_Refusals = dict[tuple[str, str], bytes]  # by company and sync, "" for its list


class Agenda:
    """Everything there is to do for one store, by the views and the leases."""

    def __init__(
        self,
        store: Store,
        *,
        projector: Projector,
        leases: Leases,
        pace: Pace,
        now: Callable[[], datetime],
    ) -> None:
        self._store = store
        self._projector = projector
        self._leases = leases
        self._pace = pace
        self._now = now
        self._known: dict[tuple[str, str], _Known] = {}
        self._doubts = RequestsInDoubt(store)
        self._seen: tuple[int, datetime, list[Step]] = (-1, EPOCH, [])
        """The syncs' steps, by the position and the time they were worked out at."""
        self._companies: tuple[int, list[str]] = (-1, [])
        self._refused: _Refusals = {}

    def steps(self) -> Iterator[Step]:
        """Yield everything there is to do, due or not, in no order."""
        position = self._projector.catch_up()
        now = self._now()
        if position != self._seen[0] or now < self._seen[1]:  # it had jumped ahead
            if now < self._seen[1]:
                self._known.clear()
            self._seen = position, now, [*self._syncs()]
        yield from self._seen[2]
        self._doubts.catch_up()
        done = self._leases.all_done()
        if position != self._companies[0]:
            self._companies = position, [*self._companies_at(position)]
        for company_id in self._companies[1]:
            yield from self._of_company(company_id, done)

    def _companies_at(self, position: int) -> Iterator[str]:
        """Yield each company, but those of which all that spoke was set aside."""
        with self._store.reading() as views:
            known = {*views.companies("items", "syncs", "datasets")}
        for company_id in self._store.companies():
            if company_id in known or (
                company_id
                and not self._store.positions_of(
                    company_id, until=position, topics=[DeliverySetAside.TOPIC]
                )
            ):
                yield company_id

    def remaining(self, step: Step) -> Step | None:
        """Return what is still to be done of a step: somebody may have done it."""
        if step.read is None:
            done = self._leases.done(step.name)
            ahead = done is not None and done > self._now()
            return step if done is None or ahead or done < step.due else None
        self._projector.catch_up()
        company_id, sync_id = step.company_id, step.sync_id
        named = {company_id: [sync_id]}
        with self._store.reading() as views:
            facts = syncs_by_key(views, named).get(company_id, {})
            contexts = contexts_by_key(views, named).get(company_id, {})
            refused = refused_by_key(views, named).get(company_id, {})
        if sync_id not in facts:  # a person set aside what spoke of it
            return None
        known = self._known.get((company_id, sync_id))
        fresh = self._step(
            (company_id, sync_id),
            facts[sync_id],
            contexts[sync_id],
            unsettled=known[2] if known is not None else None,
            refused=refused.get(sync_id, ()),
        )
        return fresh if fresh is not None and fresh.due <= self._now() else None

    def merged(self, due: list[Step]) -> list[Step]:
        """Return steps with one list of a company's syncs for several of its statuses.

        Codat gives every status of a company in one answer, which is not paged. What
        was due when the company was listed last was not in that list: it is asked for
        by itself, as is each where Codat refuses to list.
        """
        statuses: dict[str, list[Step]] = {}
        done = self._leases.all_done()
        for step in due:
            if step.asks_status:
                company_id = step.company_id
                listed = self._listed(company_id, done)
                if self._refused_lists(company_id):
                    continue
                if listed is None or step.due > listed:
                    statuses.setdefault(step.company_id, []).append(step)
        lists = [
            attrs.evolve(
                _listing(company_id),
                due=max(step.due for step in steps),
                priority=max(step.priority for step in steps),
                covers=tuple(step.name for step in steps),
            )
            for company_id, steps in statuses.items()
            if len(steps) > 1
        ]
        covered = {name for step in lists for name in step.names}
        return lists + [step for step in due if step.name not in covered]

    def _syncs(self) -> Iterator[Step]:
        with self._store.reading() as views:
            rows = list(views.unfinished_syncs(now=self._now()))
            self._refused = {row[:2]: row.facts for row in views.refused()}
        unfinished: dict[tuple[str, str], _Known] = {}  # what is read is forgotten
        for company_id, sync_id, facts, context, unsettled in rows:
            key = company_id, sync_id
            known = self._known.get(key)
            state = facts, context, unsettled, self._refused.get(key, _NONE)
            if known is None or known[:4] != state:
                step = self._step(
                    key,
                    decode_sync(facts),
                    decode_context(context),
                    unsettled=unsettled,
                    refused=decode_refused(state[3]),
                )
                known = (*state, step)
            unfinished[key] = known
            if known[4] is not None:
                yield known[4]
        self._known = unfinished

    def _step(
        self,
        key: tuple[str, str],
        facts: SyncFacts,
        context: SyncContext,
        *,
        unsettled: str | None,
        refused: Sequence[RefusedRead],
    ) -> Step | None:
        read = next_read(
            facts,
            context,
            pace=self._pace,
            unsettled=unsettled,
            now=self._now(),
            refused=refused,
        )
        if read is None:
            return None
        usual = Priority.SWEEP if read.again else Priority.FOLLOW
        priority = Priority.WEBHOOK if read.heard else usual
        return Step(
            due=read.due,
            priority=priority,
            company_id=key[0],
            sync_id=key[1],
            read=read,
        )

    def _of_company(
        self, company_id: str, done: Mapping[str, datetime]
    ) -> Iterator[Step]:
        """Yield what is due for a company as a whole: its list, its lost requests."""
        listing = _listing(company_id)
        due = self._list_due(company_id, done)
        if due is None:
            return
        yield listing.postponed(due)
        asked = max(
            (state.asked.at for state in self._doubts.of(company_id) if state.asked),
            default=None,
        )
        if asked is not None:
            now = self._now()
            asked = min(asked, now)
            finding = attrs.evolve(listing, work="recover", priority=Priority.FOLLOW)
            looked = done.get(finding.name)
            if looked is not None and looked <= now:
                asked = looked + _patience(looked - asked)
            yield finding.postponed(asked)

    def _list_due(
        self, company_id: str, done: Mapping[str, datetime]
    ) -> datetime | None:
        """Return when a company is to be listed; None: Codat refuses to, for long."""
        listed = self._listed(company_id, done)
        refused = [
            read.at
            for read in self._refused_lists(company_id)
            if listed is None or read.at > listed
        ]
        if not refused:
            return EPOCH if listed is None else later(listed, LIST_EVERY)
        wait = self._pace.wait(len(refused), refused=True)
        due = later(max(refused), wait)
        return due if due <= later(min(refused), self._pace.give_up) else None

    def _listed(self, company_id: str, done: Mapping[str, datetime]) -> datetime | None:
        """Return when a company was listed last; not by a clock that was ahead."""
        listed = done.get(_listing(company_id).name)
        return None if listed is None or listed > self._now() else listed

    def _refused_lists(self, company_id: str) -> list[RefusedRead]:
        """Return Codat's refusals to list a company's syncs, since it last did."""
        reads = decode_refused(self._refused.get((company_id, ""), _NONE))
        answered = max((r.at for r in reads if r.is_answer), default=EPOCH)
        now = self._now()
        return [read for read in reads if answered < read.at <= now]


_NONE: Final = b"[]"


def _patience(doubted: timedelta) -> timedelta:
    """Return the wait before a request is looked for again: longer as doubt lasts."""
    return min(max(RECOVER_EVERY, doubted / 2), LIST_EVERY)


def _listing(company_id: str) -> Step:
    """Return the list of a company's syncs, as it stands that was never read."""
    return Step(due=EPOCH, priority=Priority.SWEEP, company_id=company_id, work="list")
