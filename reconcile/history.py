"""The only writer of events: observations in, news out, one transaction a batch."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import reduce
from typing import Any, Final

import attrs

from reconcile.domain import dataset, reading, request, sync
from reconcile.domain.case_events import CaseEvent, EvidenceSetAside
from reconcile.domain.decider import Decider
from reconcile.domain.events import Event, Recorded
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import Observation
from reconcile.domain.sync import SyncRun
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from reconcile.storage.ports import Store, VersionConflictError

STREAMS_HELD_MAX: Final = 1024

State = dataset.Dataset | request.RequestState | sync.SyncRun | reading.Reading


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
        deciders: dict[str, Decider[Any]] = {}
        asked = []
        for identity, seen in wanted:
            named: list[str] = []
            for observation in seen:
                decider = DECIDERS[type(observation)]
                stream = decider.stream_of(observation)
                if stream not in self._held:
                    deciders[stream] = decider
                    named.append(stream)
            asked.append((identity, named))
        known, streams = self.store.recall(asked)
        for stream, recorded in streams.items():
            batch.ahead[stream] = _folded(deciders[stream], recorded)
        return known

    def observe(
        self,
        batch: Batch,
        evidence: Evidence,
        seen: Sequence[Observation],
        *,
        live: bool = False,
    ) -> None:
        """Add evidence and the news it brings to a batch.

        What is `live` comes in the order of its time: of what only says again how a
        sync ended, the evidence is kept, and no event is made.
        """
        batch.evidence.append(evidence)
        identity = evidence.identity.hex()
        for observation in seen:
            decider = DECIDERS[type(observation)]
            stream = decider.stream_of(observation)
            state = batch.ahead.get(stream) or self._state(stream, decider)
            if live and isinstance(state, SyncRun) and sync.repeats(state, observation):
                continue
            for event in decider.decide(state, observation, evidence=identity):
                state = decider.evolve(state, event)
                batch.events.append(Envelope(stream, state.version, event))
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

    def _state(self, stream: str, decider: Decider[Any]) -> State:
        known = self._held.get(stream)
        if known is not None:
            return known
        return _folded(decider, self.store.stream(stream))


def _folded(decider: Decider[Any], recorded: Iterable[Recorded]) -> State:
    events = (record.event for record in recorded)
    state: State = reduce(decider.evolve, events, decider.initial)
    return state


def evidence_of(event: Event) -> str:
    """Return the identity (hex) of the evidence an event rests on, "" for none."""
    return "" if isinstance(event, EvidenceSetAside) else event.evidence


DECIDERS_BY_KIND: Final[Mapping[str, Decider[Any]]] = {
    "dataset": dataset.DECIDER,
    "read": reading.DECIDER,
    "request": request.DECIDER,
    "sync": sync.DECIDER,
}
"""The functions of each kind of stream that evidence is news for."""
DECIDERS: Final[Mapping[type[Any], Decider[Any]]] = {
    observed: decider
    for decider in DECIDERS_BY_KIND.values()
    for observed in decider.observations
}
"""The functions of the stream that each type of observation speaks of."""
