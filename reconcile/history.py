"""The only writer of events: observations in, news out, one transaction a batch."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import reduce
from typing import Final

import attrs

from reconcile.domain import dataset, request, sync
from reconcile.domain.events import CaseEvent, Event, Recorded
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import (
    DatasetReceipt,
    Observation,
    WriteUnsettled,
)
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from reconcile.storage.ports import Store, VersionConflictError

STREAMS_HELD_MAX: Final = 1024

State = dataset.Dataset | request.SyncRequest | sync.SyncRun


@attrs.define
class Batch:
    """What one transaction will write, decided but not yet kept."""

    events: list[Envelope] = attrs.field(factory=list)
    evidence: list[Evidence] = attrs.field(factory=list)
    ahead: dict[str, State] = attrs.field(factory=dict)
    versions: dict[str, int] = attrs.field(factory=dict)


class History:
    """Decides what is news of each stream and appends it, with its evidence.

    The states of the streams touched last are held, so that a file read in order costs
    no reading back; a conflict with another writer forgets them all.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._held: OrderedDict[str, State] = OrderedDict()

    def recall(
        self, batch: Batch, wanted: Iterable[tuple[bytes, Sequence[Observation]]]
    ) -> dict[bytes, int | None]:
        """Return which evidence is held already, with its earliest time (µs).

        `wanted` are identities, each with what its evidence says. The streams that new
        evidence speaks of are read in the same go, so that `observe` reads none.
        """
        spoken: dict[str, Observation] = {}
        asked = []
        for identity, seen in wanted:
            streams_of = (
                (_stream_of(observation), observation) for observation in seen
            )
            named = {
                stream: observation
                for stream, observation in streams_of
                if stream not in self._held
            }
            spoken |= named
            asked.append((identity, [*named]))
        known, streams = self.store.recall(asked)
        for stream, recorded in streams.items():
            batch.ahead[stream] = _folded(spoken[stream], recorded)
        return known

    def observe(
        self, batch: Batch, evidence: Evidence, seen: Sequence[Observation]
    ) -> None:
        """Add evidence and the news it brings to a batch."""
        batch.evidence.append(evidence)
        identity = evidence.identity.hex()
        for observation in seen:
            stream = _stream_of(observation)
            state = batch.ahead.get(stream) or self._state(stream, observation)
            state, events = _decide(state, observation, identity)
            for version, event in enumerate(
                events, start=state.version + 1 - len(events)
            ):
                batch.events.append(Envelope(stream, version, event))
            batch.ahead[stream] = state

    def add_case_event(
        self, batch: Batch, company_id: str | None, digest: str, event: CaseEvent
    ) -> None:
        """Add what became of evidence that could not be read."""
        self.add(batch, stream_name("case", company_id or "", digest), event)

    def add(
        self, batch: Batch, stream: str, event: Event, *, after: int | None = None
    ) -> None:
        """Add an event that rests on no evidence; `after` a version, or at the end."""
        version = after
        if version is None:
            version = batch.versions.get(stream) or self.store.version_of(stream)
        batch.versions[stream] = version + 1
        batch.events.append(Envelope(stream, version + 1, event))
        self._held.pop(stream, None)

    def append_one(
        self, stream: str, event: Event, *, now: datetime, after: int | None = None
    ) -> None:
        """Keep one event that rests on no evidence; see `add` and `commit`."""
        batch = Batch()
        self.add(batch, stream, event, after=after)
        self.commit(batch, now=now)

    def commit(self, batch: Batch, *, now: datetime) -> None:
        """Keep a batch.

        Raises:
            VersionConflictError: somebody else wrote meanwhile; decide the batch again.

        """
        if not batch.events and not batch.evidence:
            return
        try:
            self.store.append(batch.events, batch.evidence, recorded_at=now)
        except VersionConflictError:
            self._held.clear()
            raise
        for stream, state in batch.ahead.items():
            self._held[stream] = state
            self._held.move_to_end(stream)
        while len(self._held) > STREAMS_HELD_MAX:
            self._held.popitem(last=False)

    def _state(self, stream: str, seen: Observation) -> State:
        known = self._held.get(stream)
        if known is not None:
            return known
        recorded = self.store.stream(stream)
        return _folded(seen, recorded)


def _stream_of(seen: Observation) -> str:
    match seen:
        case DatasetReceipt():
            return stream_name("dataset", seen.company_id, seen.dataset_id)
        case WriteUnsettled():
            return stream_name("request", seen.company_id, seen.request_id)
        case _:
            return stream_name("sync", seen.company_id, seen.sync_id)


def _folded(seen: Observation, recorded: Sequence[Recorded]) -> State:
    events = [event.event for event in recorded]
    match seen:
        case DatasetReceipt():
            return reduce(dataset.evolve, events, dataset.Dataset())  # type: ignore[arg-type]  # a stream holds its own kind
        case WriteUnsettled():
            return reduce(request.evolve, events, request.SyncRequest())  # type: ignore[arg-type]  # as above
        case _:
            return reduce(sync.evolve, events, sync.SyncRun())  # type: ignore[arg-type]  # as above


def _decide(
    state: State, seen: Observation, evidence: str
) -> tuple[State, Sequence[Event]]:
    """Return the stream's state after the news, and the news."""
    match seen, state:
        case DatasetReceipt(), dataset.Dataset():
            pushed = dataset.decide(state, seen, evidence=evidence)
            return reduce(dataset.evolve, pushed, state), pushed
        case WriteUnsettled(), request.SyncRequest():
            unsettled = request.decide(state, seen, evidence=evidence)
            return reduce(request.evolve, unsettled, state), unsettled
        case _, sync.SyncRun():
            assert not isinstance(seen, DatasetReceipt | WriteUnsettled)
            news = sync.decide(state, seen, evidence=evidence)
            return reduce(sync.evolve, news, state), news
        case _:  # pragma: no cover
            raise AssertionError("a stream holds its own kind")
