"""What a company's requests stand at: asked, in doubt, accepted; which syncs run.

Read from the history alone, so that a process that starts after a crash knows what the
one before it was doing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import cast

import attrs

from reconcile.domain.events import (
    DatasetPushed,
    LockTaken,
    Recorded,
    RequestEvent,
    SyncAbandoned,
    SyncAnswerLost,
    SyncCompleted,
    SyncFailed,
    SyncInitiated,
    SyncRecovered,
    SyncRefused,
    SyncRequested,
    SyncThrottled,
    SyncUnsent,
)
from reconcile.domain.identity import stream_name, stream_parts
from reconcile.domain.request import Asked, RequestState, evolve
from reconcile.errors import HistoryError
from reconcile.readmodels.replay import replay
from reconcile.storage.ports import Store

PUSH = "push"
_DOUBTED = tuple(
    kind.TOPIC
    for kind in (
        SyncRequested,
        SyncAnswerLost,
        SyncInitiated,
        SyncRecovered,
        SyncRefused,
        SyncThrottled,
        SyncUnsent,
        SyncAbandoned,
    )
)
_TOPICS = (
    *_DOUBTED,
    DatasetPushed.TOPIC,
    SyncCompleted.TOPIC,
    SyncFailed.TOPIC,
    LockTaken.TOPIC,
)


@attrs.frozen(kw_only=True)
class RequestLedger:
    """A company's requests at one position of the history, ours and captured ones."""

    company_id: str
    lock_version: int  # of its lock stream: whoever takes the next knows of all before
    states: tuple[RequestState, ...]
    pushed: dict[str, frozenset[str]]  # the transactions of each dataset
    known: frozenset[str]  # syncs whose request is known
    ended: frozenset[str]  # syncs that have ended, by Codat's word

    def in_doubt(self) -> Iterator[RequestState]:
        """Yield the requests to sync that may have been carried out."""
        for state in self.states:
            if state.asked and state.asked.operation != PUSH and state.in_doubt:
                yield state

    def abandoned(self, *, since: datetime) -> Iterator[Asked]:
        """Yield the requests to sync since a moment that a person gave up."""
        for state in self.states:
            asked = state.asked if state.abandoned and not state.accepted else None
            if asked and asked.operation != PUSH and asked.at > since:
                yield asked

    def under_way(self, *, since: datetime) -> Iterator[RequestState]:
        """Yield the intents since a moment whose sync has begun, and not ended."""
        for state in self.states:
            begun = state.intent and state.intent.at > since and state.sync_id
            if begun and state.sync_id not in self.ended:
                yield state

    def names(self, asked: Asked) -> frozenset[str]:
        """Return every transaction a request names, by its datasets too."""
        named = {expected.transaction_id for expected in asked.transactions}
        for dataset_id in asked.dataset_ids:
            named |= self.pushed.get(dataset_id, frozenset())
        return frozenset(named)


def request_ledger(store: Store, company_id: str) -> RequestLedger:
    """Return how a company's requests stand."""
    until = store.position()
    positions = store.positions_of(company_id, until=until, topics=_TOPICS)
    states: dict[str, RequestState] = {}
    pushed: dict[str, set[str]] = {}
    known: set[str] = set()
    ended: set[str] = set()
    lock_version = 0
    for row in store.stored_at(positions):
        try:
            recorded = store.recorded(row)
        except HistoryError:
            continue  # reports count it
        kind, _, name = stream_parts(recorded.stream)
        event = recorded.event
        if isinstance(event, LockTaken):
            lock_version = recorded.version
        elif kind == "request":
            state = states.get(name) or RequestState(request_id=name)
            state = evolve(state, cast("RequestEvent", event))
            states[name] = attrs.evolve(state, version=recorded.version)
            if isinstance(event, SyncRecovered):
                known.add(event.sync_id)
        elif isinstance(event, SyncCompleted | SyncFailed):
            ended.add(name)
        elif isinstance(event, SyncInitiated):
            known.add(name)
            _accept(states, event, name)
        elif isinstance(event, DatasetPushed):
            pushed.setdefault(name, set()).update(
                [expected.transaction_id for expected in event.transactions]
            )
            _accept(states, event, None)
    return RequestLedger(
        company_id=company_id,
        lock_version=lock_version,
        states=tuple(s for s in states.values() if s.asked is not None),
        pushed={name: frozenset(ids) for name, ids in pushed.items()},
        known=frozenset(known),
        ended=frozenset(ended),
    )


class RequestsInDoubt:
    """Every company's requests to sync that are in doubt, brought up to date by news.

    It remembers unaccepted requests alone, so that a service may look again as often as
    it likes.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._position = 0
        self._open: dict[str, dict[str, RequestState]] = {}

    def catch_up(self) -> None:
        """Read what was recorded since the last time."""
        until = self._store.position()
        if until == self._position:
            return
        positions = self._store.positions_after(
            self._position, until=until, topics=_DOUBTED
        )
        captured: set[str] = set()
        for row in self._store.stored_at(positions):
            try:
                recorded = self._store.recorded(row)
            except HistoryError:
                continue  # reports count it
            captured.update(self._take(recorded))
        for company_id in captured:
            for state in request_ledger(self._store, company_id).in_doubt():
                self._open.setdefault(company_id, {})[state.request_id] = state
        self._position = until

    def of(self, company_id: str) -> list[RequestState]:
        """Return a company's requests in doubt, as of the last `catch_up`."""
        states = self._open.get(company_id, {}).values()
        return [state for state in states if state.in_doubt]

    def companies(self) -> list[str]:
        """Return the companies that have requests in doubt, sorted."""
        return sorted(company_id for company_id in self._open if self.of(company_id))

    def _take(self, recorded: Recorded) -> Iterator[str]:
        """Take in an event; yield its company where the ledger has to say more.

        A lost answer of a call that was captured may come after its acceptance.
        """
        _, company_id, name = stream_parts(recorded.stream)
        states = self._open.setdefault(company_id, {})
        match recorded.event:
            case SyncRequested(operation=operation) as intent:
                if operation != PUSH:
                    states[name] = evolve(RequestState(request_id=name), intent)
            case SyncInitiated(request_id=request_id):
                states.pop(request_id or "", None)
            case event if name in states:
                states[name] = evolve(states[name], cast("RequestEvent", event))
                if states[name].accepted:
                    del states[name]
            case SyncAnswerLost():
                yield company_id


def lock_stream(company_id: str) -> str:
    """Return the stream of the locks that a company's requests take."""
    return stream_name("request", company_id, "turn")


def _accept(
    states: dict[str, RequestState],
    event: SyncInitiated | DatasetPushed,
    sync_id: str | None,
) -> None:
    """Record in a request's state that a sync or a dataset came of it."""
    request_id = event.request_id
    if request_id is not None:
        state = states.get(request_id) or RequestState(request_id=request_id)
        operation = PUSH if isinstance(event, DatasetPushed) else event.operation
        states[request_id] = state.with_acceptance(
            operation, at=event.at, sync_id=sync_id
        )


def running(
    store: Store, company_id: str, *, now: datetime, patience: timedelta
) -> Iterator[str]:
    """Yield a company's syncs that have not ended.

    A sync that began longer than `patience` ago is not waited for.
    """
    until = store.position()
    for state in replay(store, until=until, company_id=company_id):
        for sync_id, context in state.contexts.items():
            began = context.requested_at or context.first_seen
            if context.ended_at is None and began and now - began < patience:
                yield sync_id
