"""Sends what Codat is to write, and never loses track of a request.

What we mean to do is stored before the call, and the answer after it, joined by the key
that the call carries. While one is in doubt, nothing that it names is sent again.
"""

import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import attrs

from reconcile.cases.requests import abandon
from reconcile.codat.client.answers import Answer
from reconcile.codat.requests import Request
from reconcile.codat.writes import named_by
from reconcile.domain.concurrency import CODATS, Concurrency
from reconcile.domain.events import (
    Event,
    LockTaken,
    SyncAnswerLost,
    SyncRequested,
    SyncUnsent,
)
from reconcile.domain.identity import canonical_id, stream_name
from reconcile.domain.observations import ExpectedTransaction
from reconcile.domain.policy import DELIVERY_SCHEDULE
from reconcile.domain.request import UNDER_WAY, RequestState
from reconcile.domain.vocabulary import Action, BreakKind, Verdict
from reconcile.errors import (
    AlreadyMadeError,
    BusyError,
    CodatUnavailable,
    InDoubtError,
    NotToBeSentError,
    UsageError,
)
from reconcile.history import Batch, History
from reconcile.judgement.item import Item
from reconcile.quiet import logger
from reconcile.readmodels.requests import (
    PUSH,
    RequestLedger,
    lock_stream,
    request_ledger,
    running,
)
from reconcile.storage.ports import VersionConflictError

_LOG: Final = logger("dispatch")
TRIES_MAX: Final = 20
UPDATES: Final = ("update", "put")  # of what may still be on its way into the books


NotToBeSent = Callable[[str, Collection[str]], Mapping[str, str]]
"""Gives those of a company's expenses that are not to be created again, and why."""


def _nothing(_: str, __: Collection[str]) -> Mapping[str, str]:
    return {}


IN_THE_BOOKS: Final = "is in the books"


def why_not_to_be_sent(item: Item) -> str | None:
    """Return why an expense is not to be created again now; None: it may be."""
    if item.verdict is Verdict.NEVER:
        return IN_THE_BOOKS
    if item.kind is BreakKind.INDETERMINATE:
        return "is in doubt"
    if item.verdict is Verdict.WAIT and item.waits:
        return "waits: what became of it is not known yet"
    if item.action is Action.LOOK_IN_BOOKS or item.kind is BreakKind.UNRECOGNISED:
        return "may be in the books, expected somebody to look there first"
    return None


_Named = tuple[str, tuple[str, ...], tuple[ExpectedTransaction, ...]]


def _named(request: Request) -> _Named:
    return named_by(request.method, request.path, request.body)


def _asked_for(intent: SyncRequested) -> _Named:
    return intent.operation, intent.dataset_ids, intent.transactions


@attrs.frozen(kw_only=True)
class Sent:
    """A request that was sent, and the answer that came."""

    request_id: str
    answer: Answer


@attrs.frozen(kw_only=True)
class Dispatch:
    """Sends one account's writes. Safe to use from several processes on one store.

    `ask` sends a request and has its exchange recorded, as `CodatClient.ask` does.
    """

    history: History
    ask: Callable[[Request], Answer]
    actor: str
    now: Callable[[], datetime]
    concurrency: Concurrency = CODATS
    not_to_be_sent: NotToBeSent = _nothing

    def send(
        self,
        request: Request,
        *,
        request_id: str | None = None,
        insist: bool = False,
        check: Callable[[], None] | None = None,
        beside: Sequence[tuple[str, Any]] = (),
    ) -> Sent:
        """Store what is meant, send it, and return the answer.

        A `request_id`, a GUID, names the request: of several that use one, the first
        alone is sent. What is in the books, or waits, is not created again, unless
        the caller insists; an update may be of what is in the books. A `check` of the
        caller's takes the place of that: it is made under the company's lock, and what
        it raises is raised. `beside` are events, each with its stream, that are stored
        with the intent or not at all.

        Raises:
            InDoubtError: what it names is in doubt already.
            NotToBeSentError: expenses it names are in the books, or wait.
            BusyError: a sync runs that exclude it, or that writes the same expenses.
            UsageError: the id was used before, or the request is no write we know.
            CodatUnavailable: no answer; unless `safe_to_resend`, it is now in doubt.

        """
        name = request_id or str(uuid.uuid4())
        called = request.called(name)
        if check is None and not insist:
            check = partial(self._check_items, request)
        intent = self._intend(request, name, check=check, beside=beside)
        return self._asked(called, name, intent)

    def send_same(self, request: Request, *, request_id: str) -> Sent:
        """Ask again under the same key for what got no answer, or lost it.

        Codat carries it out now, or tells what came of it: within `REPLAYED_FOR`, and
        not of an update, which passes keys over. Whoever asks sees to both.

        Raises:
            UsageError: no such request was made, or another one.
            CodatUnavailable: as `send`.

        """
        called = request.called(request_id)
        company_id = canonical_id(request.company_id)
        states = self.ledger(company_id).states
        intent = next((s.intent for s in states if s.request_id == request_id), None)
        if intent is None or _named(request) != _asked_for(intent):
            raise UsageError(
                f"request {request_id} is not to be made again, expected one that was"
                " made with the same content"
            )
        return self._asked(called, request_id, intent)

    def _asked(self, called: Request, name: str, intent: SyncRequested) -> Sent:
        """Make the call of a request whose intent is stored."""
        fields = {
            "codat_company_id": called.company_id,
            "codat_operation": intent.operation,
            "codat_request_id": name,
        }
        try:
            answer = self.ask(called)
        except CodatUnavailable as error:
            _LOG.warning("no answer: %s", error, extra=fields)
            if error.safe_to_resend:
                self._unsent(canonical_id(called.company_id), name, intent, str(error))
            raise
        _LOG.info("answered", extra={**fields, "codat_status": answer.status})
        return Sent(request_id=name, answer=answer)

    def abandon(
        self, company_id: str, request_id: str, *, actor: str, reason: str
    ) -> None:
        """Decide that a request in doubt was not carried out; nothing is sent.

        Raises:
            UsageError: as `Reconciler.abandon`.

        """
        abandon(
            self.history,
            company_id,
            request_id,
            actor=actor,
            reason=reason,
            now=self.now,
        )

    def in_doubt(self, company_id: str) -> list[RequestState]:
        """Return the company's requests that may have been carried out."""
        return [*self.ledger(company_id).in_doubt()]

    def mark_stale_calls_lost(
        self, company_id: str, *, older_than: timedelta = UNDER_WAY
    ) -> int:
        """Tell of calls whose process died under way that their answers are lost.

        Returns how many there were.
        """
        marked = 0
        now = self.now()
        for state in self.ledger(company_id).states:
            intent = state.intent
            if intent is None or not state.unanswered or now - intent.at < older_than:
                continue
            lost = SyncAnswerLost(
                operation=intent.operation,
                http_status=0,
                words=None,
                dataset_ids=intent.dataset_ids,
                transactions=intent.transactions,
                at=now,
                evidence="",
            )
            stream = stream_name("request", company_id, state.request_id)
            try:
                self.history.append_one(stream, lost, now=now, after=state.version)
            except VersionConflictError:
                continue  # something was heard of it after all
            marked += 1
        return marked

    def _intend(
        self,
        request: Request,
        name: str,
        *,
        check: Callable[[], None] | None,
        beside: Sequence[tuple[str, Event]],
    ) -> SyncRequested:
        """Store an intent under the company's lock, so what was checked still holds."""
        company_id = canonical_id(request.company_id)
        operation, dataset_ids, transactions = _named(request)
        for _ in range(TRIES_MAX):
            now = self.now()
            intent = SyncRequested(
                operation=operation,
                dataset_ids=dataset_ids,
                transactions=transactions,
                actor=self.actor,
                at=now,
            )
            ledger = self.ledger(company_id)
            self._check(ledger, intent, name, now)
            if check is not None:
                check()
            batch = Batch()
            stream = stream_name("request", company_id, name)
            self.history.add(batch, stream, intent, after=0)
            taken = LockTaken(request_id=name, at=now)
            self.history.add(
                batch, lock_stream(company_id), taken, after=ledger.lock_version
            )
            for other, event in beside:
                self.history.add(batch, other, event)
            try:
                self.history.commit(batch, now=now)
            except VersionConflictError:
                continue  # another worker took the lock: look again
            return intent
        raise BusyError(
            f"other processes keep taking the lock of {company_id}", sync_id=None
        )

    def _check(
        self, ledger: RequestLedger, intent: SyncRequested, name: str, now: datetime
    ) -> None:
        if any(state.request_id == name for state in ledger.states):
            raise AlreadyMadeError(f"request {name} was made before, expected a new id")
        if intent.operation == PUSH:
            return  # it writes nothing into any books
        exclusive = self.concurrency.at(now) == "exclusive"
        named = ledger.names(intent)
        for state in ledger.in_doubt():
            same = state.asked and named & ledger.names(state.asked)
            if same or (exclusive and state.intent):
                raise InDoubtError(
                    f"the outcome of request {state.request_id} is not known yet",
                    request_id=state.request_id,
                )
        for state in ledger.under_way(since=now - DELIVERY_SCHEDULE):
            same = state.asked and named & ledger.names(state.asked)
            if same and intent.operation not in UPDATES:
                raise BusyError(
                    f"sync {state.sync_id} writes the same expenses and has not ended",
                    sync_id=state.sync_id,
                )
        if exclusive:
            self._wait_for_none(ledger.company_id, now)

    def _check_items(self, request: Request) -> None:
        """Refuse to create what is not to be created again."""
        operation, _, transactions = _named(request)
        if operation != "create":
            return
        names = {named.transaction_id for named in transactions}
        stopped = self.not_to_be_sent(canonical_id(request.company_id), names)
        if stopped:
            (name, reason), *others = sorted(stopped.items())
            more = f", and {len(others)} more are not to be sent" if others else ""
            raise NotToBeSentError(
                f"expense {name} {reason}{more}; expected others, or `insist`",
                transaction_ids=tuple(sorted(stopped)),
            )

    def _wait_for_none(self, company_id: str, now: datetime) -> None:
        store = self.history.store
        for sync_id in running(store, company_id, now=now, patience=DELIVERY_SCHEDULE):
            raise BusyError(
                f"sync {sync_id} of company {company_id} is still running",
                sync_id=sync_id,
            )

    def _unsent(
        self, company_id: str, name: str, intent: SyncRequested, words: str
    ) -> None:
        event = SyncUnsent(
            operation=intent.operation,
            http_status=0,
            words=words,
            dataset_ids=intent.dataset_ids,
            transactions=intent.transactions,
            at=self.now(),
            evidence="",
        )
        stream = stream_name("request", company_id, name)
        self.history.append_one(stream, event, now=self.now())

    def ledger(self, company_id: str) -> RequestLedger:
        """Return how the company's requests stand now."""
        return request_ledger(self.history.store, company_id)
