"""The live views, read back as the working sets that judgement takes."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

import attrs

from reconcile.judgement.facts import ItemFacts
from reconcile.projections.folds import NO_FACTS, CompanyFacts, gc_paused
from reconcile.projections.rows import (
    decode_context,
    decode_dataset,
    decode_item,
    decode_mended,
    decode_refused,
    decode_sync,
)
from reconcile.projections.summaries import SyncSummary
from reconcile.readmodels.company import CompanyState
from reconcile.storage.ports import Snapshot


def current(
    views: Snapshot, *, company_id: str | None = None
) -> Iterator[CompanyState]:
    """Yield each company that the views hold, sorted by its id."""
    for name in views.companies():
        if company_id is None or name == company_id:
            with gc_paused():
                state = _company(views, name)
            yield state


def current_companies(
    views: Snapshot, company_ids: Iterable[str]
) -> Iterator[CompanyState]:
    """Yield some companies in their order, as the views hold them."""
    for name in company_ids:
        with gc_paused():
            state = _company(views, name)
        yield state


def current_items(
    views: Snapshot, company_id: str, transaction_ids: Collection[str]
) -> CompanyState:
    """Return a company with some of its transactions and all of its syncs."""
    return _company(views, company_id, transaction_ids)


def is_past(views: Snapshot, as_of: datetime) -> bool:
    """Return whether the views hold all facts, and none that is later than a moment."""
    newest = views.newest()
    return views.is_even() and (newest is None or newest <= as_of)


_SUMMARY = tuple(field.name for field in attrs.fields(SyncSummary))


def _company(
    views: Snapshot, company_id: str, transaction_ids: Collection[str] | None = None
) -> CompanyState:
    company = CompanyFacts(company_id=company_id)
    known: dict[bytes, tuple[ItemFacts, ItemFacts | None]] = {}
    rests: dict[ItemFacts, ItemFacts] = {}
    for name, encoded in _items(views, company_id, transaction_ids):
        split = known.get(encoded)
        if split is None:
            facts = decode_item(encoded)
            rest = attrs.evolve(facts, legs=())
            rest = rests.setdefault(rest, rest)  # what is equal is judged once
            split = known[encoded] = (facts, None if rest == NO_FACTS else rest)
        if split[0].legs:
            company.legs[name] = split[0].legs
        if split[1] is not None:
            company.others[name] = split[1]
    for refused in views.refused(company_id):
        company.refused[refused.sync_id] = decode_refused(refused.facts)
    for mended in views.mended(company_id):
        company.mended[mended.fingerprint] = decode_mended(mended.facts)
    for dataset in views.datasets(company_id):
        company.datasets[dataset.dataset_id] = decode_dataset(dataset.facts)
    shown = dict(views.shown(company_id, transaction_ids))
    summaries: list[SyncSummary] = []
    state = CompanyState(
        company=company,
        summaries=lambda _: summaries,
        shown=lambda names, *_: [*map(shown.get, names)],
        sent=lambda name: next(
            (row.sent() for row in views.contents_named({company_id: [name]})), ()
        ),
    )
    for sync in views.syncs(company_id):
        company.syncs[sync.sync_id] = decode_sync(sync.facts)
        state.contexts[sync.sync_id] = decode_context(sync.context)
        columns = {name: getattr(sync, name) for name in _SUMMARY}
        summaries.append(SyncSummary(**columns))
    return state


def _items(
    views: Snapshot, company_id: str, transaction_ids: Collection[str] | None
) -> Iterator[tuple[str, bytes]]:
    """Yield each item's encoded facts, or those of some."""
    if transaction_ids is None:
        yield from views.each_facts("items", company_id)
        return
    for _, name, facts in views.facts("items", {company_id: transaction_ids}):
        yield name, facts
