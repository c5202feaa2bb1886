"""Facts of the views by key, decoded: whichever engine read them."""

from collections.abc import Iterable

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
from reconcile.storage.ports import Snapshot


def items_by_key(
    snapshot: Snapshot, company_id: str, transaction_ids: Iterable[str]
) -> dict[str, ItemFacts]:
    """Return the facts of those transactions that have any; equal ones are shared."""
    known: dict[bytes, ItemFacts] = {}
    found: dict[str, ItemFacts] = {}
    for name, facts in snapshot.facts("items", company_id, transaction_ids):
        if facts not in known:
            known[facts] = decode_item(facts)
        found[name] = known[facts]
    return found


def syncs_by_key(
    snapshot: Snapshot, company_id: str, sync_ids: Iterable[str]
) -> dict[str, SyncFacts]:
    """Return the facts of those syncs that have any."""
    found = snapshot.facts("syncs", company_id, sync_ids)
    return {name: decode_sync(facts) for name, facts in found}


def contexts_by_key(
    snapshot: Snapshot, company_id: str, sync_ids: Iterable[str]
) -> dict[str, SyncContext]:
    """Return those syncs as judgement saw them last."""
    found = snapshot.contexts(company_id, sync_ids)
    return {name: decode_context(context) for name, context in found}


def datasets_by_key(
    snapshot: Snapshot, company_id: str, dataset_ids: Iterable[str]
) -> dict[str, DatasetFacts]:
    """Return the facts of those datasets that have any."""
    found = snapshot.facts("datasets", company_id, dataset_ids)
    return {name: decode_dataset(facts) for name, facts in found}


def mended_by_key(
    snapshot: Snapshot, company_id: str, fingerprints: Iterable[str]
) -> dict[str, tuple[MendedBy, ...]]:
    """Return what people said is mended, of those fingerprints."""
    found = snapshot.facts("mended", company_id, fingerprints)
    return {name: decode_mended(facts) for name, facts in found}


def refused_by_key(
    snapshot: Snapshot, company_id: str, sync_ids: Iterable[str]
) -> dict[str, tuple[RefusedRead, ...]]:
    """Return what Codat refused to tell of those syncs, "" for the company's list."""
    found = snapshot.facts("refused", company_id, sync_ids)
    return {name: decode_refused(facts) for name, facts in found}
