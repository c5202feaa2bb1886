"""The live views, read back as the working sets that judgement takes."""

import sqlite3
from collections.abc import Iterator

import attrs

from reconcile.judgement.facts import ItemFacts
from reconcile.projections.folds import CompanyFacts, gc_paused
from reconcile.projections.rows import (
    SYNC_COLUMNS,
    decode_context,
    decode_dataset,
    decode_item,
    decode_sync,
)
from reconcile.projections.summaries import SyncSummary
from reconcile.readmodels.company import CompanyState
from reconcile.storage.sqlite.tables import companies_in, rows_in


def current(
    cursor: sqlite3.Cursor, *, company_id: str | None = None
) -> Iterator[CompanyState]:
    """Yield each company that the views hold, sorted by its id."""
    for name in companies_in(cursor):
        if company_id is None or name == company_id:
            with gc_paused():
                state = _company(cursor, name)
            yield state


def current_item(
    cursor: sqlite3.Cursor, company_id: str, transaction_id: str
) -> CompanyState:
    """Return a company with one of its transactions and all of its syncs."""
    return _company(cursor, company_id, transaction_id)


_SUMMARY = tuple(field.name for field in attrs.fields(SyncSummary))
_PLACES = {name: place for place, (name, _) in enumerate(SYNC_COLUMNS)}


def _company(
    cursor: sqlite3.Cursor, company_id: str, transaction_id: str | None = None
) -> CompanyState:
    company = CompanyFacts(company_id=company_id)
    known: dict[bytes, tuple[ItemFacts, ItemFacts | None]] = {}
    for row in rows_in(cursor, "items", company_id, name=transaction_id):
        named, blob = row[1], row[-1]
        split = known.get(blob)
        if split is None:
            facts = decode_item(blob)
            rest = attrs.evolve(facts, legs=())
            split = known[blob] = (facts, None if rest == ItemFacts() else rest)
        if split[0].legs:
            company.legs[named] = split[0].legs
        if split[1] is not None:
            company.others[named] = split[1]
    for row in rows_in(cursor, "datasets", company_id):
        company.datasets[row[1]] = decode_dataset(row[-1])
    summaries: list[SyncSummary] = []
    state = CompanyState(company=company, summaries=lambda _: summaries)
    for row in rows_in(cursor, "syncs", company_id):
        company.syncs[row[1]] = decode_sync(row[-2])
        state.contexts[row[1]] = decode_context(row[-1])
        summaries.append(SyncSummary(**{name: row[_PLACES[name]] for name in _SUMMARY}))
    return state
