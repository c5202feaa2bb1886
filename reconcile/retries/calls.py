"""What was sent, call by call, as the history has it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, get_args

import attrs

from reconcile.domain.events import (
    DatasetPushed,
    SyncAbandoned,
    SyncAnswerLost,
    SyncInitiated,
    SyncRecovered,
    SyncRefused,
    SyncRequested,
    SyncThrottled,
    SyncUnsent,
)
from reconcile.domain.identity import stream_parts
from reconcile.errors import HistoryError
from reconcile.storage.ports import Store

Unsettled = (
    SyncRequested
    | SyncRefused
    | SyncAnswerLost
    | SyncThrottled
    | SyncUnsent
    | SyncAbandoned
    | SyncRecovered
)
_Event = DatasetPushed | SyncInitiated | Unsettled
_NOT_SENT: Final = (SyncRequested, SyncThrottled, SyncUnsent)
"""Where these are all that is known of a call, beside the first, it did nothing."""
_TOPICS: Final = tuple(
    kind.TOPIC for kind in get_args(DatasetPushed | SyncInitiated | Unsettled)
)


@attrs.define
class SentCall:
    """One call of ours that names expenses, or datasets; `evidence` is its identity."""

    operation: str
    at: datetime
    request_id: str | None = None
    sync_id: str | None = None
    dataset_id: str | None = None  # that came of a push
    dataset_ids: tuple[str, ...] = ()  # of a sync
    contents: dict[str, str] = attrs.field(factory=dict)  # by expense: its digest
    evidence: str = ""
    seen: set[type[object]] = attrs.field(factory=set)

    @property
    def was_sent(self) -> bool:
        """Return whether it may have reached Codat."""
        if self.sync_id is not None or self.dataset_id is not None:
            return True
        return self.seen == {SyncRequested} or not self.seen <= {*_NOT_SENT}

    def add(
        self,
        event: "_Event",
        wanted: Collection[str],
    ) -> None:
        """Take in one event of the call."""
        self.seen.add(SyncUnsent if _did_nothing(event) else type(event))
        self.at = min(self.at, event.at)
        self.evidence = self.evidence or event.evidence
        for named in event.transactions:
            if named.transaction_id in wanted:
                self.contents.setdefault(named.transaction_id, named.digest)


def calls_of(
    store: Store,
    company_id: str,
    *,
    wanted: Collection[str],
    until: int,
    as_of: datetime,
) -> list[SentCall]:
    """Return a company's calls that name some of its expenses, in order of time.

    With them all calls that start syncs. `until` is the last position that counts.
    """
    positions = store.positions_of(company_id, until=until, topics=_TOPICS)
    found: dict[str, SentCall] = {}
    for stored in store.stored_at(positions):
        try:
            recorded = store.recorded(stored)
        except HistoryError:
            continue  # reports count it
        event = recorded.event
        if (
            isinstance(event, DatasetPushed | SyncInitiated | Unsettled)
            and event.at <= as_of
        ):
            _take(found, recorded.stream, event, wanted)
    calls = [c for c in found.values() if c.contents or c.operation == "syncs"]
    return sorted(calls, key=lambda call: (call.at, call.operation, call.evidence))


def _did_nothing(event: _Event) -> bool:
    """Return whether our own key or plan was refused: it says nothing of an expense."""
    return isinstance(event, SyncRefused) and event.http_status in _OF_US


_OF_US: Final = (401, 402, 403)


def _take(
    found: dict[str, SentCall], stream: str, event: _Event, wanted: Collection[str]
) -> None:
    """Take an event in with the others of its call."""
    kind, _, name = stream_parts(stream)
    key = f"{kind} {name}"
    if isinstance(event, DatasetPushed | SyncInitiated) and event.request_id:
        key = f"request {event.request_id}"
    operation = "push" if isinstance(event, DatasetPushed) else event.operation
    call = found.get(key)
    if call is None:
        call = found[key] = SentCall(operation, event.at)
    if isinstance(event, DatasetPushed):
        call.dataset_id, call.request_id = name, event.request_id
        call.evidence = event.evidence  # of what was refused, it may be another's
    elif isinstance(event, SyncInitiated):
        call.sync_id, call.request_id = name, event.request_id
        call.dataset_ids, call.evidence = event.dataset_ids, event.evidence
    else:
        call.request_id, call.dataset_ids = name, event.dataset_ids
        if isinstance(event, SyncRecovered):
            call.sync_id = event.sync_id
    call.add(event, wanted)


_Calls = tuple[SentCall, ...]


@attrs.frozen(kw_only=True)
class Sendings:
    """A company's calls by expense; a push counts with the syncs of its dataset.

    Expenses that the same calls sent share one tuple of them.
    """

    calls: Mapping[str, _Calls]
    syncs: Mapping[str, _Calls]  # by dataset

    @classmethod
    def of(cls, calls: Collection[SentCall]) -> "Sendings":
        """Return the calls by the expenses that they name."""
        by_expense: dict[str, _Calls] = {}
        by_dataset: dict[str, list[SentCall]] = {}
        for call in calls:
            grown: dict[int, tuple[_Calls, _Calls]] = {}
            for name in call.contents:  # alike ones stay one object
                was = by_expense.get(name, ())
                found = grown.get(id(was))
                if found is None:
                    found = grown[id(was)] = was, (*was, call)
                by_expense[name] = found[1]
            for dataset_id in call.dataset_ids:
                by_dataset.setdefault(dataset_id, []).append(call)
        return cls(
            calls=by_expense,
            syncs={name: tuple(some) for name, some in by_dataset.items()},
        )

    def repeats(self, transaction_id: str) -> tuple[int, ...]:
        """Return for each call of an expense the place of the first that said the same.

        It is -1 of a call of which nobody knows what it said. Where one call alone sent
        the expense, nothing is repeated, and nothing returned.
        """
        some = self.calls.get(transaction_id, ())
        if len(some) < 2:
            return ()
        digests = [call.contents[transaction_id] for call in some]
        return tuple([digests.index(each) if each else -1 for each in digests])

    def tries(self, transaction_id: str) -> Iterator[tuple[datetime, str]]:
        """Yield when an expense was sent to be written, and its content's digest."""
        for call in self.calls.get(transaction_id, ()):
            digest = call.contents[transaction_id]
            if call.operation != "push":
                if call.was_sent:
                    yield call.at, digest
            elif call.dataset_id is not None:
                for sync in self.syncs.get(call.dataset_id, ()):
                    if sync.was_sent and sync.at >= call.at:
                        yield sync.at, digest

    def are_several(self, transaction_id: str) -> bool:
        """Return whether an expense may have been sent to be written more than once."""
        some = self.calls.get(transaction_id, ())
        return len(some) > 1 or any(call.operation == "push" for call in some)

    def of_attempt(
        self, transaction_id: str, attempt: str | None
    ) -> tuple[datetime, str] | None:
        """Return when an attempt was made, and its content's digest.

        It is a sync or a request by its id; None: its call is not known.
        """
        if attempt is None:
            return None
        for call in reversed(self.calls.get(transaction_id, ())):
            digest = call.contents[transaction_id]
            if attempt in (call.sync_id, call.request_id):
                return call.at, digest
            if call.dataset_id is not None:
                for sync in self.syncs.get(call.dataset_id, ()):
                    if attempt in (sync.sync_id, sync.request_id):
                        return sync.at, digest
        return None

    def was_pushed(self, transaction_id: str) -> bool:
        """Return whether an expense was pushed in a dataset, the way of v1."""
        some = self.calls.get(transaction_id, ())
        return any(call.operation == "push" for call in some)

    def with_bytes(
        self, transaction_id: str, operations: Collection[str]
    ) -> SentCall | None:
        """Return the last call that holds what was sent last; None: none has it."""
        found = self.by(transaction_id, operations)
        if not found:
            return None
        if len(found) == 1:
            return found[0] if found[0].evidence else None
        digest = found[-1].contents[transaction_id]
        return next(
            (
                call
                for call in reversed(found)
                if call.evidence and call.contents[transaction_id] == digest
            ),
            None,
        )

    def by(
        self, transaction_id: str, operations: Collection[str]
    ) -> Sequence[SentCall]:
        """Return the calls of some operations that sent an expense, oldest first."""
        some = self.calls.get(transaction_id, ())
        if len(some) == 1:
            return some if some[0].operation in operations else ()
        return [call for call in some if call.operation in operations]
