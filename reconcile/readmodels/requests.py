"""What a company's requests stand at: asked, in doubt, accepted; which syncs run.

Read from the history alone, so that a process that starts after a crash knows what the
one before it was doing.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import attrs

from reconcile.domain.events import (
    DatasetPushed,
    LockTaken,
    Recorded,
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
from reconcile.domain.vocabulary import OF_ONE_TRY
from reconcile.errors import HistoryError
from reconcile.readmodels.replay import replay
from reconcile.storage.sqlite.store import Store

PUSH = "push"
_DOUBTED = tuple(
    one.TOPIC
    for one in (
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


@attrs.define(kw_only=True)
class RequestState:
    """One intent, and what is known of it."""

    request_id: str
    version: int = 0  # of its stream
    intent: SyncRequested | None = None
    lost: bool = False
    answered: bool = False  # refused, throttled or never sent: nothing came of it
    abandoned: bool = False  # a person decided so
    sync_id: str | None = None
    accepted: bool = False

    @property
    def in_doubt(self) -> bool:
        """Return whether it may have been carried out, and nobody knows."""
        settled = self.accepted or self.abandoned
        return not settled and (self.lost or not self.answered)

    @property
    def unheard(self) -> bool:
        """Return whether nothing at all was heard of it: it is, or was, under way."""
        return not (self.accepted or self.lost or self.answered or self.abandoned)


@attrs.frozen(kw_only=True)
class RequestLedger:
    """A company's intents at one position of the history."""

    company_id: str
    lock_version: int  # of its lock stream: whoever takes the next knows of all before
    states: tuple[RequestState, ...]
    held: dict[str, frozenset[str]]  # the transactions of each dataset
    known: frozenset[str]  # syncs whose request is known
    ended: frozenset[str]  # syncs that Codat said have ended

    def in_doubt(self) -> Iterator[RequestState]:
        """Yield the intents to sync that may have been carried out."""
        for one in self.states:
            if one.intent and one.intent.operation != PUSH and one.in_doubt:
                yield one

    def abandoned(self, *, since: datetime) -> Iterator[SyncRequested]:
        """Yield the intents to sync since a moment that a person gave up."""
        for one in self.states:
            asked = one.intent if one.abandoned and not one.accepted else None
            if asked and asked.operation != PUSH and asked.at > since:
                yield asked

    def under_way(self, *, since: datetime) -> Iterator[RequestState]:
        """Yield the intents since a moment whose sync has begun, and not ended."""
        for one in self.states:
            begun = one.intent and one.intent.at > since and one.sync_id
            if begun and one.sync_id not in self.ended:
                yield one

    def names(self, intent: SyncRequested) -> frozenset[str]:
        """Return every transaction an intent names, by its datasets too."""
        named = {one.transaction_id for one in intent.transactions}
        for dataset_id in intent.dataset_ids:
            named |= self.held.get(dataset_id, frozenset())
        return frozenset(named)


def request_ledger(store: Store, company_id: str) -> RequestLedger:
    """Return how a company's requests stand."""
    until = store.position()
    positions = store.positions_of(company_id, until=until, topics=_TOPICS)
    states: dict[str, RequestState] = {}
    held: dict[str, set[str]] = {}
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
            one = states.setdefault(name, RequestState(request_id=name))
            evolve(one, event)
            one.version = recorded.version
            if isinstance(event, SyncRecovered):
                known.add(event.sync_id)
        elif isinstance(event, SyncCompleted | SyncFailed):
            ended.add(name)
        elif isinstance(event, SyncInitiated):
            known.add(name)
            _accept(states, event.request_id, name)
        elif isinstance(event, DatasetPushed):
            held.setdefault(name, set()).update(
                [one.transaction_id for one in event.transactions]
            )
            _accept(states, event.request_id, None)
    return RequestLedger(
        company_id=company_id,
        lock_version=lock_version,
        states=tuple(one for one in states.values() if one.intent is not None),
        held={name: frozenset(ids) for name, ids in held.items()},
        known=frozenset(known),
        ended=frozenset(ended),
    )


class RequestsInDoubt:
    """Every company's requests to sync that are in doubt, brought up to date by news.

    It holds no more than was never accepted, so that a service may look again as often
    as it likes.
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
        for row in self._store.stored_at(positions):
            try:
                self._take(self._store.recorded(row))
            except HistoryError:
                continue  # reports count it
        self._position = until

    def of(self, company_id: str) -> list[RequestState]:
        """Return a company's, as of the last catching up."""
        held = self._open.get(company_id, {}).values()
        return [one for one in held if one.in_doubt]

    def companies(self) -> list[str]:
        """Return the companies that have some, sorted."""
        return sorted(company_id for company_id in self._open if self.of(company_id))

    def _take(self, recorded: Recorded) -> None:
        _, company_id, name = stream_parts(recorded.stream)
        held = self._open.setdefault(company_id, {})
        match recorded.event:
            case SyncRequested(operation=operation):
                if operation != PUSH:
                    held[name] = RequestState(request_id=name, intent=recorded.event)
            case SyncInitiated(request_id=request_id):
                held.pop(request_id or "", None)
            case event if name in held:
                evolve(held[name], event)
                if held[name].accepted:
                    del held[name]


def lock_stream(company_id: str) -> str:
    """Return the stream of the locks that a company's requests take."""
    return stream_name("request", company_id, "turn")


def evolve(one: RequestState, event: object) -> None:
    """Bring a request's state up to date with one more event of its stream."""
    match event:
        case SyncRequested():
            one.intent = event
        case SyncAnswerLost():
            one.lost = True
        case SyncRecovered():
            one.accepted, one.sync_id = True, event.sync_id
        case SyncAbandoned():
            one.abandoned = True  # whatever is told: a lost answer says nothing new
        case SyncUnsent():
            one.answered, one.lost = True, False
        case SyncRefused(http_status=status) if status not in OF_ONE_TRY:
            one.answered, one.lost = True, False  # it speaks for every attempt
        case SyncRefused():
            one.answered = True
        case _:
            pass


def _accept(
    states: dict[str, RequestState], request_id: str | None, sync_id: str | None
) -> None:
    if request_id is not None:
        one = states.setdefault(request_id, RequestState(request_id=request_id))
        one.accepted, one.sync_id = True, sync_id


def running(
    store: Store, company_id: str, *, now: datetime, patience: timedelta
) -> Iterator[str]:
    """Yield a company's syncs that have not ended.

    One of which nothing was heard for `patience` is not waited for.
    """
    until = store.position()
    for replayed in replay(store, until=until, company_id=company_id):
        for sync_id, context in replayed.contexts.items():
            began = context.requested_at or context.first_seen
            if context.ended_at is None and began and now - began < patience:
                yield sync_id
