"""Finds out what came of requests whose answers were lost, by reading.

Nothing is sent again: the company's list of syncs is read, and the rows of those that
no request of ours is known to have started. A sync with just the rows of one lost
request, and of no other, is its sync.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.codat import requests
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.paging import PAGES_MAX, transactions
from reconcile.codat.payloads import read_exchange
from reconcile.codat.requests import PAGE_SIZE_MAX, Request
from reconcile.codat.routes import route_of
from reconcile.domain.events import SyncRecovered, SyncRequested
from reconcile.domain.identity import stream_name
from reconcile.domain.instants import parse_instant
from reconcile.domain.observations import Observation, StatusReport, TransactionPage
from reconcile.domain.request import RequestState
from reconcile.domain.vocabulary import CodeClass, code_class
from reconcile.errors import CodatUnavailable, PayloadError
from reconcile.live.dispatch import Dispatch
from reconcile.readmodels.requests import RequestLedger
from reconcile.storage.ports import VersionConflictError

CLOCKS_APART_MAX: Final = timedelta(hours=2)
"""How far Codat's clock and ours may differ: an hour, and as much again."""
_ENDED: Final = (CodeClass.ENDED_WELL, CodeClass.FAILED)


@attrs.frozen(kw_only=True)
class Recovered:
    """What became of one lost request; no `sync_id`: it is in doubt still."""

    company_id: str
    request_id: str
    sync_id: str | None


@attrs.frozen(kw_only=True)
class Recovery:
    """Looks for the syncs of lost requests. What it reads is recorded by `ask`."""

    dispatch: Dispatch
    ask: Callable[[Request], Answer]
    now: Callable[[], datetime]

    def recover(self, company_id: str) -> list[Recovered]:
        """Return every request of a company that was in doubt, and what was found.

        Raises:
            CodatUnavailable: the company's syncs could not be read.

        """
        self.dispatch.mark_stale_calls_lost(company_id)
        ledger = self.dispatch.ledger(company_id)
        doubtful = [one for one in ledger.in_doubt() if one.lost]
        if not doubtful:
            return []
        unknown = [
            self._candidate(company_id, one)
            for one in self._syncs(company_id)
            if one.sync_id not in ledger.known
        ]
        found = _matched(ledger, doubtful, unknown)
        for one in doubtful:
            if one.request_id in found:
                self._tell(company_id, one, found[one.request_id])
        return [
            Recovered(
                company_id=company_id,
                request_id=one.request_id,
                sync_id=found.get(one.request_id),
            )
            for one in doubtful
        ]

    def _syncs(self, company_id: str) -> list[StatusReport]:
        answer = self.ask(requests.statuses(company_id))
        answer.data()  # a refusal is no list of none
        told = _read(answer)
        return [one for one in told if isinstance(one, StatusReport)]

    def _candidate(self, company_id: str, told: StatusReport) -> "_Candidate":
        sync_id = told.sync_id
        store = self.dispatch.history.store
        heard = store.event_at(stream_name("sync", company_id, sync_id), 1)
        return _Candidate(
            sync_id=sync_id,
            names=self._names(company_id, sync_id),
            ended=told.code is not None and code_class(told.code) in _ENDED,
            heard_at=None if heard is None else heard.recorded_at,
            begun_at=parse_instant(told.sync_utc or ""),
        )

    def _names(self, company_id: str, sync_id: str) -> frozenset[str] | None:
        """Return the transactions of a sync, None where they cannot all be read."""
        paging = transactions(
            company_id, sync_id, first=1, page_size=PAGE_SIZE_MAX, most=PAGES_MAX
        )
        names: set[str] = set()
        try:
            while (request := paging.next()) is not None:
                answer = self.ask(request)
                paging.take(answer)
                for one in _read(answer):
                    if isinstance(one, TransactionPage):
                        names.update(row[0] for row in one.rows)
        except (CodatUnavailable, PayloadError):
            return None
        return frozenset(names)

    def _tell(self, company_id: str, one: RequestState, sync_id: str) -> None:
        if one.intent is None:
            return
        event = SyncRecovered(
            sync_id=sync_id,
            operation=one.intent.operation,
            dataset_ids=one.intent.dataset_ids,
            transactions=one.intent.transactions,
            requested_at=one.intent.at,
            at=self.now(),
        )
        history = self.dispatch.history
        stream = stream_name("request", company_id, one.request_id)
        try:
            history.append_one(stream, event, now=self.now(), after=one.version)
        except VersionConflictError:
            return  # somebody else found it, or heard of it


@attrs.frozen(kw_only=True)
class _Candidate:
    """A sync that no request of ours is known to have started."""

    sync_id: str
    names: frozenset[str] | None  # None: they could not all be read
    ended: bool
    heard_at: datetime | None  # when we first heard of it
    begun_at: datetime | None  # as Codat's clock has it

    def may_be_of(self, intent: SyncRequested) -> bool:
        """Return whether it is no older than a request: by our clock, or by Codat's."""
        if self.heard_at is not None and self.heard_at < intent.at:
            return False
        return self.begun_at is None or self.begun_at > intent.at - CLOCKS_APART_MAX


def _matched(
    ledger: RequestLedger, doubtful: list[RequestState], unknown: list[_Candidate]
) -> dict[str, str]:
    """Return request to sync where one sync has just the rows of one request.

    The rows of a sync that still runs may be those of a larger request in part.
    """
    wanted = {
        one.request_id: ledger.names(one.intent) for one in doubtful if one.intent
    }
    asked = Counter(wanted.values())
    found: dict[str, str] = {}
    for one in doubtful:
        names = wanted.get(one.request_id)
        if one.intent is None or not names or asked[names] > 1:
            continue
        since = one.intent.at - CLOCKS_APART_MAX
        if any(names == ledger.names(other) for other in ledger.abandoned(since=since)):
            continue  # what is listed may be the sync of that one
        part = any(names < others for others in wanted.values())
        same = [
            sync
            for sync in unknown
            if sync.names == names and sync.may_be_of(one.intent)
        ]
        if len(same) == 1 and (same[0].ended or not part):
            found[one.request_id] = same[0].sync_id
    return found


def _read(answer: Answer) -> tuple[Observation, ...]:
    route = route_of(answer.exchange.method, answer.exchange.url)
    return () if route is None else read_exchange(answer.exchange, route, request_id="")
