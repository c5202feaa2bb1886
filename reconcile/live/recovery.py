"""Finds out what came of requests whose answers were lost, by reading.

Nothing is sent again: the company's list of syncs is read, and the rows of those that
no request of ours is known to have started and that are no older than one that is lost.
Rows that are held are not asked for again, and a visit asks for so many pages at most:
fresh work is not kept waiting. A sync with just the rows of one lost request, and of no
other, is its sync.
"""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.codat import requests
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.paging import PAGES_MAX, transactions
from reconcile.codat.read import read
from reconcile.codat.requests import PAGE_SIZE_MAX, Request
from reconcile.domain.events import (
    SyncRecovered,
)
from reconcile.domain.identity import stream_name
from reconcile.domain.instants import EPOCH, parse_instant
from reconcile.domain.observations import Observation, StatusReport, TransactionPage
from reconcile.domain.request import Asked, RequestState
from reconcile.domain.vocabulary import CodeClass, code_class
from reconcile.errors import CodatUnavailable, PayloadError
from reconcile.live.dispatch import Dispatch
from reconcile.live.listed import names_listed
from reconcile.readmodels.requests import RequestLedger
from reconcile.storage.ports import VersionConflictError

CLOCKS_APART_MAX: Final = timedelta(hours=2)
"""How far Codat's clock and ours may differ: an hour, and as much again."""
PAGES_A_VISIT: Final = 20
"""So many pages of old syncs are asked for at a time; the rest is at the next visit."""
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
        in_doubt = [state for state in ledger.in_doubt() if state.lost]
        if not in_doubt:
            return []
        asked = [state.asked for state in in_doubt if state.asked]
        others = [
            self._candidate(company_id, report)
            for report in self._syncs(company_id)
            if report.sync_id not in ledger.known
        ]
        possible = [sync for sync in others if any(map(sync.may_be_of, asked))]
        unknown = self._with_names(company_id, possible)
        found = _matched(ledger, in_doubt, unknown)
        for state in in_doubt:
            if state.request_id in found:
                self._tell(company_id, state, found[state.request_id])
        return [
            Recovered(
                company_id=company_id,
                request_id=state.request_id,
                sync_id=found.get(state.request_id),
            )
            for state in in_doubt
        ]

    def _syncs(self, company_id: str) -> list[StatusReport]:
        answer = self.ask(requests.statuses(company_id))
        answer.data()  # a refusal is no list of none
        observations = _read(answer)
        return [
            observation
            for observation in observations
            if isinstance(observation, StatusReport)
        ]

    def _candidate(self, company_id: str, report: StatusReport) -> "_Candidate":
        sync_id = report.sync_id
        store = self.dispatch.history.store
        heard = store.event_at(stream_name("sync", company_id, sync_id), 1)
        return _Candidate(
            sync_id=sync_id,
            names=None,
            ended=report.code is not None and code_class(report.code) in _ENDED,
            heard_at=None if heard is None else heard.recorded_at,
            begun_at=parse_instant(report.sync_utc or ""),
        )

    def _with_names(
        self, company_id: str, possible: list["_Candidate"]
    ) -> list["_Candidate"]:
        """Return syncs with their transactions: held ones, else read, latest first."""
        left = PAGES_A_VISIT
        found: list[_Candidate] = []
        store = self.dispatch.history.store
        for sync in sorted(possible, key=lambda sync: sync.order, reverse=True):
            stream = stream_name("sync", company_id, sync.sync_id)
            names = names_listed(company_id, sync.sync_id, store.stream(stream))
            if names is None and left > 0:
                names, pages = self._names(company_id, sync.sync_id, most=left)
                left -= pages
            found.append(attrs.evolve(sync, names=names))
        return found

    def _names(
        self, company_id: str, sync_id: str, *, most: int
    ) -> tuple[frozenset[str] | None, int]:
        """Return the transactions of a sync, and how many pages were asked for.

        None where they cannot all be read, or not in so many pages.
        """
        paging = transactions(
            company_id, sync_id, first=1, page_size=PAGE_SIZE_MAX, most=PAGES_MAX
        )
        names: set[str] = set()
        pages = 0
        try:
            while (request := paging.next()) is not None:
                if pages == most:
                    return None, pages
                pages += 1
                answer = self.ask(request)
                paging.take(answer)
                for page in _read(answer):
                    if isinstance(page, TransactionPage):
                        names.update(row[0] for row in page.rows)
        except (CodatUnavailable, PayloadError):
            return None, pages
        return frozenset(names), pages

    def _tell(self, company_id: str, state: RequestState, sync_id: str) -> None:
        if state.asked is None:
            return
        event = SyncRecovered(
            sync_id=sync_id,
            operation=state.asked.operation,
            dataset_ids=state.asked.dataset_ids,
            transactions=state.asked.transactions,
            requested_at=state.asked.at,
            at=self.now(),
        )
        history = self.dispatch.history
        stream = stream_name("request", company_id, state.request_id)
        try:
            history.append_one(stream, event, now=self.now(), after=state.version)
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

    @property
    def order(self) -> tuple[datetime, str]:
        """Return the place among others: the latest may be a request's first of all."""
        return self.begun_at or self.heard_at or EPOCH, self.sync_id

    def may_be_of(self, asked: Asked) -> bool:
        """Return whether it is no older than a request: by our clock, or by Codat's."""
        if self.heard_at is not None and self.heard_at < asked.at:
            return False
        return self.begun_at is None or self.begun_at > asked.at - CLOCKS_APART_MAX


def _matched(
    ledger: RequestLedger, in_doubt: list[RequestState], unknown: list[_Candidate]
) -> dict[str, str]:
    """Return request to sync where one sync has just the rows of one request.

    The rows of a sync that still runs may be those of a larger request in part.
    """
    wanted = {
        state.request_id: ledger.names(state.asked) for state in in_doubt if state.asked
    }
    asked = Counter(wanted.values())
    found: dict[str, str] = {}
    for state in in_doubt:
        names = wanted.get(state.request_id)
        if state.asked is None or not names or asked[names] > 1:
            continue
        since = state.asked.at - CLOCKS_APART_MAX
        if any(names == ledger.names(other) for other in ledger.abandoned(since=since)):
            continue  # what is listed may be the sync of that one
        part = any(names < others for others in wanted.values())
        same = [
            sync
            for sync in unknown
            if sync.names == names and sync.may_be_of(state.asked)
        ]
        if len(same) == 1 and (same[0].ended or not part):
            found[state.request_id] = same[0].sync_id
    return found


def _read(answer: Answer) -> tuple[Observation, ...]:
    found = read(answer.exchange)
    return () if found is None else found.observations()
