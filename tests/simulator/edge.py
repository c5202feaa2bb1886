"""What must hold of the live edge: its requests, its quotas, its reading to the end."""

from collections import Counter
from collections.abc import Iterator

from reconcile.domain.instants import EPOCH
from reconcile.domain.request import RequestState
from reconcile.domain.vocabulary import BreakKind, ItemState
from reconcile.readmodels.requests import RequestLedger
from reconcile.sandbox.world import Company, Sync
from tests.simulator.live import LiveOffice


def edge_violations(office: LiveOffice) -> Iterator[str]:
    """Yield everything that does not hold of an office that had its time to read."""
    yield from office.broken
    yield from _sent(office)
    yield from _over_quota(office)
    for company_id, company in office.sandbox.companies.items():
        ledger = office.ledger(company_id)
        for state in ledger.states:
            yield from _untrue(office, company, ledger, state)
        yield from _not_found(office, company, ledger)
    yield from _unread(office)
    yield from _undecided(office)


def _sent(office: LiveOffice) -> Iterator[str]:
    """Yield what was sent and not written down before, or sent twice."""
    begun = Counter(write.key for write in office.wire.writes if write.began)
    for write in office.wire.writes:
        if not write.known:
            yield f"{write.line} was sent, and nobody had stored that it would be"
    for key, syncs in begun.items():
        if syncs > 1:
            yield f"request {key} began {syncs} syncs"


def _over_quota(office: LiveOffice) -> Iterator[str]:
    """Yield the refusals of an account that nobody else uses.

    A process that follows another knows of neither quota's state: of each it may be
    told once.
    """
    result = Counter((process, words) for process, words in office.wire.used_up)
    for (process, _), times in result.items():
        if times > (0 if process == 1 else 1):
            yield f"process {process} asked {times} times more than a quota has"


def _untrue(
    office: LiveOffice, company: Company, ledger: RequestLedger, item: RequestState
) -> Iterator[str]:
    """Yield what is said of a request, and is not so."""
    began = office.wire.began(item.request_id)
    if not (item.accepted or item.in_doubt or item.abandoned) and began:
        yield f"request {item.request_id} is said not to have gone, and began {began}"
    if item.sync_id in (None, began):
        return
    sync = company.syncs[str(item.sync_id)]
    alike = item.intent is not None and ledger.names(item.intent) == _listed(sync)
    if sync.origin != "portal" or not alike:  # who could tell the portal's from ours?
        yield f"request {item.request_id} began {began}, not {sync.sync_id}"


def _not_found(
    office: LiveOffice, company: Company, ledger: RequestLedger
) -> Iterator[str]:
    """Yield the requests in doubt whose syncs can be told by their rows.

    A sync can, where its rows name just what one request in doubt does, and nobody
    knows the request of any other with such rows. One that a person gave up may be it.
    """
    given_up = {ledger.names(asked) for asked in ledger.abandoned(since=EPOCH)}
    doubtful = [item for item in ledger.in_doubt() if item.intent]
    asked = Counter(ledger.names(entry.intent) for entry in doubtful if entry.intent)
    strange = Counter(
        _listed(sync)
        for name, sync in company.syncs.items()
        if name not in ledger.known
    )
    for found in doubtful:
        began = office.wire.began(found.request_id)
        if began is None or found.intent is None:
            continue
        names = ledger.names(found.intent)
        if names in given_up:
            continue
        listed = _listed(company.syncs[began])
        if listed == names and asked[names] == 1 and strange[names] == 1:
            yield f"request {found.request_id} is in doubt, and {began} could be found"


def _listed(sync: Sync) -> frozenset[str]:
    return frozenset(row.transaction_id for row in sync.rows)


def _unread(office: LiveOffice) -> Iterator[str]:
    """Yield the syncs that were not read to their end."""
    known = {sync.sync_id: sync for sync in office.books.report().syncs}
    for company in office.sandbox.companies.values():
        for sync_id in company.syncs:
            item = known.get(sync_id)
            if item is None:
                yield f"sync {sync_id} was never heard of"
            elif item.listing != "complete":
                yield f"sync {sync_id} is {item.state}, its listing {item.listing}"


def _undecided(office: LiveOffice) -> Iterator[str]:
    """Yield what is undecided though a sync of it ended, and could be read.

    What a listing lacked when it was first complete, it never tells.
    """
    if office.sandbox.faults.scenario.pages_shrink:
        return
    synced = {
        (company.company_id, transaction.transaction_id)
        for company in office.sandbox.companies.values()
        for sync in company.syncs.values()
        for transaction in sync.transactions
    } - office.unsynced
    for item in office.books.report().items:
        undecided = (
            item.item.state is ItemState.OPEN or item.item.kind is BreakKind.STUCK
        )
        if undecided and (item.company_id, item.transaction_id) in synced:
            yield f"{item.transaction_id} is undecided, though all of it can be read"
