"""Replay: the whole working set of each company, folded from events up to a cut-off."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial

from reconcile.domain.events import LegsReported, LegsReread, Recorded
from reconcile.domain.rows import Groups
from reconcile.errors import HistoryError
from reconcile.projections.changes import changes
from reconcile.projections.folds import CompanyFacts, GroupsAt, gc_paused, keys_reader
from reconcile.projections.rows import delivery_row
from reconcile.projections.summaries import SyncSummary, summarise
from reconcile.readmodels.company import CompanyState
from reconcile.storage.ports import Store, StoredEvent


def replay(
    store: Store, *, until: int, company_id: str | None = None
) -> Iterator[CompanyState]:
    """Yield each company with events up to a position, sorted by its id."""
    for name in store.companies():
        if name and (company_id is None or name == company_id):
            with gc_paused():
                state = _company(store, name, until)
            yield state


def _company(store: Store, company_id: str, until: int) -> CompanyState:
    company = CompanyFacts(company_id=company_id)
    groups: dict[int, Groups] = {}
    state = CompanyState(
        company=company,
        summaries=lambda at: _summaries(state, at, groups.__getitem__),
    )
    positions = store.positions_of(company_id, until=until)
    fold(store, store.stored_at(positions), state, groups)
    state.contexts = company.contexts(keys_reader(groups.__getitem__))
    return state


def fold(
    store: Store,
    stored: Iterable[StoredEvent],
    state: CompanyState,
    groups: dict[int, Groups],
) -> None:
    """Fold stored events, in order of position, into a company.

    `groups` receives the rows of each event that holds some, by its position.
    """
    holders: dict[tuple[str, int], Recorded] = {}
    for stored_event in stored:
        try:
            recorded = store.recorded(stored_event)
            event = recorded.event
            original: Recorded | None = None
            if isinstance(event, LegsReported):
                groups[recorded.position] = event.groups
                holders[recorded.stream, recorded.version] = recorded
            elif isinstance(event, LegsReread):
                original = holders.get((recorded.stream, event.same_as))
            change = changes(recorded, original=original)
        except HistoryError:
            state.poisoned.append(stored_event.position)
            continue
        state.company.apply(change)
        if change.delivery is not None:
            row = delivery_row(change.company_id, change.delivery)
            state.deliveries.append((change.delivery.at, row))


def _summaries(
    state: CompanyState, at: datetime, groups_at: GroupsAt
) -> Iterator[SyncSummary]:
    """Yield the syncs known by a moment."""
    summary_of = partial(summarise, state.company, at=at, groups_at=groups_at)
    for sync_id, context in state.contexts.items():
        summary = summary_of(sync_id, context)
        if summary is not None:
            yield summary
