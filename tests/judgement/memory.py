"""A history in memory: the package's own intake, replay and report on lists."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import cast

import attrs

from reconcile.codat.har import read_lines
from reconcile.domain.events import Event, Recorded
from reconcile.domain.identity import stream_parts
from reconcile.domain.policy import DEFAULT
from reconcile.history import History
from reconcile.intake.take import take
from reconcile.judgement.item import Item
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.replay import replay
from reconcile.report.build import Report
from reconcile.report.gather import Reporting
from reconcile.rules import BUILT_IN
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence, micros
from reconcile.storage.ports import Store, StoredEvent
from tests.builders import NINE


@attrs.define
class MemoryStore:
    """What intake and replay ask of a store: events and evidence in lists."""

    _events: list[Recorded] = attrs.field(factory=list)
    _streams: dict[str, list[Recorded]] = attrs.field(factory=lambda: defaultdict(list))
    _observed: dict[bytes, int | None] = attrs.field(factory=dict)

    def append(
        self,
        events: Iterable[Envelope],
        evidence: Iterable[Evidence],
        *,
        recorded_at: datetime,
    ) -> None:
        for piece in evidence:
            at = piece.observed_at
            self._observed[piece.identity] = None if at is None else micros(at)
        for event in events:
            recorded = Recorded(
                stream=event.originator_id,
                version=event.originator_version,
                position=len(self._events) + 1,
                recorded_at=recorded_at,
                event=event.event,
            )
            self._events.append(recorded)
            self._streams[recorded.stream].append(recorded)

    def recall(
        self, wanted: Iterable[tuple[bytes, Sequence[str]]]
    ) -> tuple[dict[bytes, int | None], dict[str, list[Recorded]]]:
        known: dict[bytes, int | None] = {}
        streams: dict[str, list[Recorded]] = {}
        for identity, names in wanted:
            if identity in self._observed:
                known[identity] = self._observed[identity]
            else:
                streams.update((name, self.stream(name)) for name in names)
        return known, streams

    def stream(self, stream: str) -> list[Recorded]:
        return list(self._streams[stream])

    def version_of(self, stream: str) -> int:
        return len(self._streams[stream])

    def position(self, *, known_at: datetime | None = None) -> int:
        assert known_at is None
        return len(self._events)

    def companies(self) -> list[str]:
        return sorted({stream_parts(name)[1] for name in self._streams})

    def positions_of(self, company_id: str, *, until: int) -> list[int]:
        return [
            event.position
            for event in self._events[:until]
            if stream_parts(event.stream)[1] == company_id
        ]

    def case_positions(self, *, until: int) -> list[int]:
        return [
            event.position
            for event in self._events[:until]
            if stream_parts(event.stream)[0] == "case"
        ]

    def stored_at(self, positions: Iterable[int]) -> Iterator[StoredEvent]:
        for position in positions:
            event = self._events[position - 1]
            yield StoredEvent(position, event.stream, event.version, "", b"", 0)

    def recorded(self, stored: StoredEvent) -> Recorded:
        return self._events[stored.position - 1]


class Memory:
    """A history on a store in memory, and what is reported of it."""

    def __init__(self) -> None:
        self.store = cast("Store", MemoryStore())  # the rest of it nobody asks for here

    def take(self, lines: Iterable[bytes]) -> None:
        """Take in captured lines."""
        take(History(self.store), read_lines(lines), now=lambda: NINE)

    def record(self, stream: str, event: Event) -> None:
        """Record an event as it is."""
        History(self.store).append_one(stream, event, now=NINE)

    def companies(self) -> list[CompanyState]:
        """Return every company, replayed."""
        return list(replay(self.store, until=self.store.position()))

    def report(self, as_of: datetime) -> Report:
        """Return the report as of a moment; its position says nothing here."""
        reporting = Reporting(store=self.store, policy=DEFAULT, rules=BUILT_IN)
        report = reporting.replayed(as_of=as_of, known_at=None, company_id=None)
        return attrs.evolve(report, position=0)

    def items(self, as_of: datetime) -> dict[str, Item]:
        """Return every expense's item as of a moment; ids are of one company here."""
        return {row.transaction_id: row.item for row in self.report(as_of).items}


def reports_of(lines: Iterable[bytes], moments: Iterable[datetime]) -> list[Report]:
    """Return the reports of captured lines as of several moments."""
    memory = Memory()
    memory.take(lines)
    return [memory.report(moment) for moment in moments]
