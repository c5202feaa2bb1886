"""Facts of the views by company and key, decoded: whichever engine read them."""

from collections.abc import Callable
from typing import TypeVar

from reconcile.judgement.facts import (
    DatasetFacts,
    ItemFacts,
    MendedBy,
    RefusedRead,
    SyncFacts,
)
from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.rows import (
    decode_context,
    decode_dataset,
    decode_item,
    decode_mended,
    decode_refused,
    decode_sync,
)
from reconcile.storage.ports import Named, Snapshot, ViewTable

_Facts = TypeVar("_Facts")
ByCompany = dict[str, dict[str, _Facts]]
"""What was found, by company and name; without companies that have nothing of it."""


def items_by_key(snapshot: Snapshot, wanted: Named) -> ByCompany[ItemFacts]:
    """Return the facts of those transactions that have any; equal ones are shared."""
    known: dict[bytes, ItemFacts] = {}
    found: ByCompany[ItemFacts] = {}
    for company_id, name, facts in snapshot.facts("items", wanted):
        if facts not in known:
            known[facts] = decode_item(facts)
        found.setdefault(company_id, {})[name] = known[facts]
    return found


def syncs_by_key(snapshot: Snapshot, wanted: Named) -> ByCompany[SyncFacts]:
    """Return the facts of those syncs that have any."""
    return _decoded(snapshot, "syncs", wanted, decode_sync)


def contexts_by_key(snapshot: Snapshot, wanted: Named) -> ByCompany[SyncContext]:
    """Return those syncs as judgement saw them last."""
    found: ByCompany[SyncContext] = {}
    for company_id, name, context in snapshot.contexts(wanted):
        found.setdefault(company_id, {})[name] = decode_context(context)
    return found


def datasets_by_key(snapshot: Snapshot, wanted: Named) -> ByCompany[DatasetFacts]:
    """Return the facts of those datasets that have any."""
    return _decoded(snapshot, "datasets", wanted, decode_dataset)


def mended_by_key(snapshot: Snapshot, wanted: Named) -> ByCompany[tuple[MendedBy, ...]]:
    """Return what people said is mended, of those fingerprints."""
    return _decoded(snapshot, "mended", wanted, decode_mended)


def refused_by_key(
    snapshot: Snapshot, wanted: Named
) -> ByCompany[tuple[RefusedRead, ...]]:
    """Return what Codat refused to tell of those syncs, "" for a company's list."""
    return _decoded(snapshot, "refused", wanted, decode_refused)


def _decoded(
    snapshot: Snapshot,
    table: ViewTable,
    wanted: Named,
    decode: Callable[[bytes], _Facts],
) -> ByCompany[_Facts]:
    found: ByCompany[_Facts] = {}
    for company_id, name, facts in snapshot.facts(table, wanted):
        found.setdefault(company_id, {})[name] = decode(facts)
    return found
