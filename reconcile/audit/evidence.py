"""The history held against its evidence: each body, and each event that rests on it.

A body must have its digest, evidence its identity, and an event must be what its bytes
say when they are read again, after what its stream held by then.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import attrs
import msgspec

from reconcile.domain.case_events import (
    CaseEvent,
    DecisionEvent,
    EvidenceQuarantined,
    EvidenceScrubbed,
)
from reconcile.domain.decider import Decider
from reconcile.domain.events import Event, Recorded
from reconcile.domain.identity import stream_parts
from reconcile.domain.observations import Observation
from reconcile.domain.retry_events import RetryEvent
from reconcile.errors import HistoryError, StoreError
from reconcile.history import DECIDERS, DECIDERS_BY_KIND, evidence_of
from reconcile.storage.codec import Codec
from reconcile.storage.evidence import Evidence, EvidenceKey, Receipt, digest_of
from reconcile.storage.ports import Store, StoredEvent

DIFFERENCES_MAX: Final = 20
_REMEMBERED: Final = 64
_SHOWN_MAX: Final = 120
_ADDED: Final = frozenset({"request_id", "reference", "not_before"})
"""Fields that events had not at first: one that lacks them was not changed."""
_ABSENT: Final = "absent"
_OWN_WORDS: Final = re.compile(r"flaws \d+\.reason").fullmatch

SaidBy = Callable[[Evidence], tuple[bytes, str | None, str, Sequence[Observation]]]
"""Reads evidence anew: its identity, empty where it is nothing of ours; its company;
the digest under which it is quarantined, empty where it can be read; what it says."""


@attrs.define(kw_only=True)
class EvidenceCheck:
    """What was held against its evidence, and the first differences, in sentences.

    `decided` are events that rest on no evidence: intents, and what people decided.
    """

    evidence: int = 0
    events: int = 0
    decided: int = 0
    differences: int = 0
    first: list[str] = attrs.field(factory=list)

    def differs(self, sentence: str) -> None:
        """Note a difference."""
        self.differences += 1
        if self.differences <= DIFFERENCES_MAX:
            self.first.append(sentence)


def check_evidence(
    store: Store, said_by: SaidBy, *, progress: Callable[[int], None] = lambda _: None
) -> EvidenceCheck:
    """Hold every event against its evidence, then the evidence that made no event."""
    check = _Check(store, said_by)
    until = store.position()
    done = 0
    for company_id in store.companies():
        streams: dict[str, _Stream] = {}
        for stored in store.stored_at(store.positions_of(company_id, until=until)):
            check.event(stored, streams)
            done += 1
            progress(done)
    for _ in check.rest(store.evidence_keys()):
        done += 1
        progress(done)
    return check.result


def sample_evidence(store: Store, said_by: SaidBy, *, most: int) -> EvidenceCheck:
    """Hold so much of the evidence, evenly spread, against its digests."""
    check = _Check(store, said_by)
    keys = store.evidence_keys()
    for _ in check.rest(keys[:: max(1, len(keys) // most)]):
        pass
    return check.result


@attrs.define
class _Stream:
    """A stream as it stands after the events that were looked at."""

    version: int = 0
    state: Any = None
    due: list[Event] = attrs.field(factory=list)
    """What the last evidence says besides: the events that have to follow."""


class _Check:
    """One pass over a history."""

    def __init__(self, store: Store, said_by: SaidBy) -> None:
        self.result = EvidenceCheck()
        self._store = store
        self._said_by = said_by
        self._codec = Codec()
        self._scrubbed = _scrubbed(store)
        self._seen: set[str] = set()
        self._said: OrderedDict[str, list[_ByStream]] = OrderedDict()
        self._unread: dict[str, str] = {}

    def event(self, stored: StoredEvent, streams: dict[str, _Stream]) -> None:
        """Hold one event against its evidence; the streams go on with it."""
        try:
            recorded = self._store.recorded(stored)
        except HistoryError as error:
            self.result.differs(f"event {stored.position}: {error}")
            return
        stream = streams.setdefault(recorded.stream, _Stream())
        if recorded.version != stream.version + 1:
            self._differs(
                recorded,
                f"it is version {recorded.version}, expected {stream.version + 1}",
            )
        stream.version = recorded.version
        event = recorded.event
        if isinstance(event, CaseEvent):
            self._case(recorded, event)
            return
        if isinstance(event, DecisionEvent | RetryEvent):
            self.result.decided += 1
            return
        decider = DECIDERS_BY_KIND[stream_parts(recorded.stream)[0]]
        if stream.state is None:
            stream.state = decider.initial
        if event.evidence:
            self.result.events += 1
            self._compare(recorded, stored, stream, decider)
        else:
            self.result.decided += 1
        stream.state = decider.evolve(stream.state, event)

    def evidence(self, identity: str) -> list["_ByStream"]:
        """Return what evidence says at each receipt, having looked at its bytes."""
        known = self._said.get(identity)
        if known is None:
            known = self._said[identity] = self._read(identity)
            if len(self._said) > _REMEMBERED:
                self._said.popitem(last=False)
        return known

    def rest(self, keys: Iterable[EvidenceKey]) -> Iterator[None]:
        """Look at the evidence that was not looked at yet."""
        for key in keys:
            identity = key.identity.hex()
            if identity not in self._seen:
                self._read(identity)
            yield

    def _read(self, identity: str) -> list["_ByStream"]:
        is_new = identity not in self._seen
        self._seen.add(identity)
        self.result.evidence += is_new
        try:
            receipts = self._store.receipts(bytes.fromhex(identity))
            for receipt in receipts:
                receipt.check()
        except StoreError as error:
            if is_new:
                self.result.differs(f"evidence {identity}: {error}")
            return []
        except ValueError:
            if is_new:
                self.result.differs(
                    f"evidence {identity}: its name is malformed, expected hex digits"
                )
            return []
        found = []
        for receipt in receipts:
            its_own, company_id, unread, seen = self._said_by(receipt.evidence)
            found.append(_by_stream(seen))
            if unread:
                self._unread[identity] = unread
            why = self._why_another(identity, receipt, its_own, company_id)
            if is_new and why is not None:
                self.result.differs(f"evidence {identity}: {why}")
        return found

    def _why_another(
        self, identity: str, receipt: Receipt, its_own: bytes, company_id: str | None
    ) -> str | None:
        """Return why what is stored of evidence is not what came."""
        evidence = receipt.evidence
        scrubbed = self._scrubbed.get(identity)
        if scrubbed is not None:
            if digest_of(evidence.request_body or b"").hex() != scrubbed:
                return "its bytes are not those that were written in place of others"
            return None
        if its_own.hex() != identity:
            return (
                "what is stored of it is not what came: its address, status, headers,"
                " time or bytes are others"
            )
        if evidence.kind != "bytes" and evidence.company_id != company_id:
            return (
                f"its company is {_shown(evidence.company_id)}, and its bytes say"
                f" {_shown(company_id)}"
            )
        return None

    def _case(self, recorded: Recorded, event: CaseEvent) -> None:
        """Look for the evidence that a case event names."""
        self.result.decided += 1
        if not isinstance(event, EvidenceQuarantined):
            return
        if not self.evidence(event.evidence):
            self._differs(recorded, f"its evidence {event.evidence} cannot be read")
            return
        unread = self._unread.get(event.evidence, event.digest)
        if event.digest != unread and event.evidence not in self._scrubbed:
            what = f"its digest is {event.digest!r}, and its bytes say {unread!r}"
            self._differs(recorded, what)

    def _compare(
        self,
        recorded: Recorded,
        stored: StoredEvent,
        stream: _Stream,
        decider: Decider[Any],
    ) -> None:
        """Hold an event against what its evidence says when it is read again."""
        identity = evidence_of(recorded.event)
        payload = self._codec.payload(stored.topic, stored.state)
        due = [stream.due] if stream.due else []
        stream.due = []
        receipts = self.evidence(identity)
        due += [_decided(seen, recorded, stream, decider) for seen in receipts]
        why = f"its evidence {identity} says nothing of {recorded.stream}"
        if not receipts:
            why = f"its evidence {identity} cannot be read"
        for events in due:
            if not events:
                continue
            again = events[0]
            difference = self._difference(recorded, payload, again)
            if difference is None:
                stream.due = [e for e in events[1:] if evidence_of(e) == identity]
                return
            why = difference
        self._differs(recorded, why)

    def _difference(self, recorded: Recorded, payload: Any, again: Event) -> str | None:
        """Return in what an event differs from the same, read again."""
        topic = type(recorded.event).TOPIC
        if topic != again.TOPIC:
            return f"it is {topic}, and its bytes say {again.TOPIC}"
        read = msgspec.json.decode(self._codec.encode(again)[1])
        for path, stored, anew in _unequal(payload, read, ""):
            return f"its {path} is {_shown(stored)}, and its bytes say {_shown(anew)}"
        return None

    def _differs(self, recorded: Recorded, why: str) -> None:
        what = f"event {recorded.position} ({recorded.stream})"
        self.result.differs(f"{what}: {why}")


def _scrubbed(store: Store) -> dict[str, str]:
    """Return the evidence that was rewritten, with the digest of what stands there."""
    found = {}
    for stored in store.stored_at(store.case_positions(until=store.position())):
        if stored.topic == EvidenceScrubbed.TOPIC:
            event = store.recorded(stored).event
            if isinstance(event, EvidenceScrubbed):
                found[event.evidence] = event.replacement
    return found


_ByStream = Mapping[str, Sequence[Observation]]


def _by_stream(seen: Sequence[Observation]) -> _ByStream:
    """Return what evidence says by stream: a list of syncs speaks of thousands."""
    found: dict[str, list[Observation]] = {}
    for observation in seen:
        stream = DECIDERS[type(observation)].stream_of(observation)
        found.setdefault(stream, []).append(observation)
    return found


def _decided(
    seen: _ByStream,
    recorded: Recorded,
    stream: _Stream,
    decider: Decider[Any],
) -> list[Event]:
    """Return the events that evidence is news for in one stream, as it stood."""
    state = stream.state
    events: list[Event] = []
    identity = evidence_of(recorded.event)
    for observation in seen.get(recorded.stream, ()):
        for event in decider.decide(state, observation, evidence=identity):
            state = decider.evolve(state, event)
            events.append(event)
    return events


def _unequal(stored: Any, again: Any, path: str) -> Iterator[tuple[str, Any, Any]]:
    """Yield where what is stored differs: our own wording of a flaw may."""
    if isinstance(stored, dict) and isinstance(again, dict):
        for name in {**stored, **again}:
            inner = f"{path}.{name}" if path else name
            if _OWN_WORDS(inner) or (name not in stored and name in _ADDED):
                continue
            value, anew = stored.get(name, _ABSENT), again.get(name, _ABSENT)
            yield from _unequal(value, anew, inner)
    elif (
        isinstance(stored, list)
        and isinstance(again, list)
        and len(stored) == len(again)
    ):
        for number, (value, anew) in enumerate(zip(stored, again, strict=True), 1):
            yield from _unequal(value, anew, f"{path} {number}")
    elif stored != again:
        yield path, stored, again


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"
