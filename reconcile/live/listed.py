"""The transactions of a sync, from the pages that are stored: nothing is asked for."""

from collections.abc import Iterable

from reconcile.domain.events import Recorded
from reconcile.errors import HistoryError
from reconcile.projections.changes import changes
from reconcile.projections.folds import CompanyFacts, keys_reader
from reconcile.projections.rereads import RowsByEvent


def names_listed(
    company_id: str, sync_id: str, stream: Iterable[Recorded]
) -> frozenset[str] | None:
    """Return the transactions of a sync whose listing judgement calls complete.

    None where it is not, where later pages list something else, and where a row of it
    could not be read.
    """
    company, rows = CompanyFacts(company_id=company_id), RowsByEvent()
    try:
        for recorded in stream:
            company.apply(changes(recorded, original=rows.take(recorded)))
        context = company.contexts(keys_reader(rows.groups_at)).get(sync_id)
    except HistoryError:  # reports tell of it
        return None
    if context is None or any(read.unread for read in company.syncs[sync_id].readings):
        return None
    listing = context.listing
    if listing.complete_at is None or listing.drifted_at is not None:
        return None
    return frozenset(
        name
        for name, legs in company.legs.items()
        if listing.holds(name, read_from=min(leg.at for leg in legs))
    )
