"""Replay: the whole working set of each company, folded from events up to a cut-off."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from reconcile.domain.events import DeliverySetAside, Recorded
from reconcile.domain.instants import END_OF_TIME
from reconcile.errors import HistoryError
from reconcile.projections.changes import changes
from reconcile.projections.contents import show
from reconcile.projections.folds import CompanyFacts, GroupsAt, gc_paused, keys_reader
from reconcile.projections.rereads import RowsByEvent
from reconcile.projections.rows import delivery_row, is_of
from reconcile.projections.summaries import SyncSummary, summarise
from reconcile.readmodels.company import CompanyState
from reconcile.storage.ports import Store, StoredEvent
from reconcile.storage.sources import EventSource, StoreEvents


def replay(
    store: Store,
    *,
    until: int,
    as_of: datetime = END_OF_TIME,
    company_id: str | None = None,
    besides: str | None = None,
) -> Iterator[CompanyState]:
    """Yield each company with events up to a position, sorted by its id.

    What a person set aside after `as_of` still counts. `company_id` is the only one;
    `besides` the only one that is left out.
    """
    source = StoreEvents(store)
    for name in source.companies():
        if name and name != besides and company_id in (None, name):
            yield replay_company(source, name, until=until, as_of=as_of)


def replay_company(
    source: EventSource,
    company_id: str,
    *,
    until: int,
    as_of: datetime = END_OF_TIME,
    heard: Callable[[StoredEvent], object] = lambda _: None,
) -> CompanyState:
    """Return one company, folded from its events up to a position.

    `heard` is called with every event, before it is folded.
    """
    company = CompanyFacts(company_id=company_id)
    rows = RowsByEvent()
    state = CompanyState(
        company=company,
        summaries=lambda at: _summaries(state, at, rows.groups_at),
        shown=lambda names, items, at: [
            show(company, name, item, at=at)
            for name, item in zip(names, items, strict=True)
        ],
        sent=lambda name: company.sent.get(name, ()),
    )
    with gc_paused():
        fold(
            _each(source.events_of(company_id, until=until), heard),
            state,
            rows,
            decode=source.recorded,
            as_of=as_of,
        )
        state.keys_of = keys_reader(rows.groups_at)
        state.contexts = company.contexts(state.keys_of)
    return state


def _each(
    events: Iterable[StoredEvent], heard: Callable[[StoredEvent], object]
) -> Iterator[StoredEvent]:
    for stored in events:
        heard(stored)
        yield stored


def fold(
    stored: Iterable[StoredEvent],
    state: CompanyState,
    rows: RowsByEvent,
    *,
    decode: Callable[[StoredEvent], Recorded],
    as_of: datetime = END_OF_TIME,
) -> None:
    """Fold all of a company's events, in order of position, into its state."""
    for stored_event in stored:
        try:
            recorded = decode(stored_event)
            change = changes(recorded, original=rows.take(recorded))
        except HistoryError:
            state.poisoned.append(stored_event.position)
            continue
        event = recorded.event
        if isinstance(event, DeliverySetAside) and event.at > as_of:
            continue
        state.company.apply(change)
        if change.set_aside is not None:
            is_silent = partial(is_of, change.sync_id, change.set_aside.body_digest)
            state.deliveries = [d for d in state.deliveries if not is_silent(d[1])]
        if change.delivery is not None:
            row = delivery_row(change.company_id, change.delivery)
            state.deliveries.append((change.delivery.at, row))


def _summaries(
    state: CompanyState, at: datetime, groups_at: GroupsAt
) -> Iterator[SyncSummary]:
    """Yield the syncs known by a moment."""
    for sync_id, context in state.contexts.items():
        summary = summarise(state.company, sync_id, context, at=at, groups_at=groups_at)
        if summary is not None:
            yield summary
