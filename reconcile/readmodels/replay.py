"""Replay: the whole working set of each company, folded from events up to a cut-off."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime

import attrs

from reconcile.domain.events import LegsReported, LegsReread, Recorded
from reconcile.domain.rows import Groups
from reconcile.errors import HistoryError
from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.changes import changes
from reconcile.projections.folds import CompanyFacts, gc_paused, keys_reader
from reconcile.projections.summaries import SyncSummary, summarise
from reconcile.storage.sqlite.store import Store


@attrs.define(kw_only=True)
class Replayed:
    """One company as its events tell it."""

    company: CompanyFacts
    contexts: dict[str, SyncContext] = attrs.field(factory=dict)
    groups: dict[int, Groups] = attrs.field(factory=dict)
    deliveries: list[tuple[datetime, tuple[str, str, str, str]]] = attrs.field(
        factory=list
    )
    poisoned: list[int] = attrs.field(factory=list)

    def groups_at(self, position: int) -> Groups:
        """Return the rows of the event at a position, in groups."""
        return self.groups[position]

    def summaries(self, at: datetime) -> Iterator[SyncSummary]:
        """Yield the syncs known by a moment."""
        for sync_id, context in self.contexts.items():
            told = summarise(
                self.company, sync_id, context, at=at, groups_at=self.groups_at
            )
            if told is not None:
                yield told


def replay(
    store: Store, *, until: int, company_id: str | None = None
) -> Iterator[Replayed]:
    """Yield each company with events up to a position, sorted by its id."""
    for one in store.companies():
        if one and (company_id is None or one == company_id):
            with gc_paused():
                replayed = _company(store, one, until)
            yield replayed


def _company(store: Store, company_id: str, until: int) -> Replayed:
    replayed = Replayed(company=CompanyFacts(company_id=company_id))
    positions = store.positions_of(company_id, until=until)
    fold(store, store.stored_at(positions), replayed)
    replayed.contexts = replayed.company.contexts(keys_reader(replayed.groups_at))
    return replayed


def fold(store: Store, stored: Iterable[sqlite3.Row], replayed: Replayed) -> None:
    """Fold stored events, in order of position, into a company."""
    holders: dict[tuple[str, int], Recorded] = {}
    for row in stored:
        try:
            recorded = store.recorded(row)
            event = recorded.event
            original: Recorded | None = None
            if isinstance(event, LegsReported):
                replayed.groups[recorded.position] = event.groups
                holders[recorded.stream, recorded.version] = recorded
            elif isinstance(event, LegsReread):
                original = holders.get((recorded.stream, event.same_as))
            change = changes(recorded, original=original)
        except HistoryError:
            replayed.poisoned.append(row["rowid"])
            continue
        replayed.company.apply(change)
        if change.delivery is not None:
            one = change.delivery
            named = (one.delivery_id, one.body_digest, change.company_id, one.sync_id)
            replayed.deliveries.append((one.at, named))
