"""Finds out what came of requests whose answers were lost, by reading.

Nothing is sent again: the company's list of syncs is read, and the rows of those that
no request of ours is known to have started. A sync with just the rows of one lost
request, and of no other, is its sync.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime

import attrs

from reconcile.codat import requests
from reconcile.codat.answers import Answer
from reconcile.codat.paging import PAGES_MAX, transactions
from reconcile.codat.payloads import read_exchange
from reconcile.codat.requests import PAGE_SIZE_MAX, Request
from reconcile.codat.routes import route_of
from reconcile.desk import Desk, Standing
from reconcile.dispatch import Dispatch
from reconcile.domain.events import SyncRecovered
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import Observation, StatusReport, TransactionPage
from reconcile.errors import CodatUnavailable, PayloadError
from reconcile.history import Batch
from reconcile.storage.store import VersionConflictError


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
        self.dispatch.bury(company_id)
        desk = self.dispatch.desk(company_id)
        doubtful = [one for one in desk.doubtful() if one.lost]
        if not doubtful:
            return []
        unknown = [s for s in self._syncs(company_id) if s not in desk.known]
        rows = {sync_id: self._names(company_id, sync_id) for sync_id in unknown}
        found = _matched(desk, doubtful, rows)
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

    def _syncs(self, company_id: str) -> list[str]:
        answer = self.ask(requests.statuses(company_id))
        answer.data()  # a refusal is no list of none
        told = _read(answer)
        return [one.sync_id for one in told if isinstance(one, StatusReport)]

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

    def _tell(self, company_id: str, one: Standing, sync_id: str) -> None:
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
        batch = Batch()
        stream = stream_name("request", company_id, one.request_id)
        history.tell(batch, stream, event, after=one.version)
        try:
            history.commit(batch, now=self.now())
        except VersionConflictError:
            return  # somebody else found it, or heard of it


def _matched(
    desk: Desk, doubtful: list[Standing], rows: dict[str, frozenset[str] | None]
) -> dict[str, str]:
    """Return request to sync where one sync has just the rows of one request."""
    wanted = {one.request_id: desk.names(one.intent) for one in doubtful if one.intent}
    asked = Counter(wanted.values())
    listed = Counter(names for names in rows.values() if names)
    by_names = {names: sync_id for sync_id, names in rows.items() if names}
    return {
        request_id: by_names[names]
        for request_id, names in wanted.items()
        if asked[names] == 1 and listed[names] == 1
    }


def _read(answer: Answer) -> tuple[Observation, ...]:
    route = route_of(answer.exchange.method, answer.exchange.url)
    return () if route is None else read_exchange(answer.exchange, route, request_id="")
