"""What could not be read, as of a position: a fold of the case events."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import attrs

from reconcile.domain.case_events import (
    EvidenceQuarantined,
    EvidenceReleased,
    EvidenceSetAside,
)
from reconcile.domain.events import Recorded
from reconcile.domain.identity import stream_parts
from reconcile.errors import HistoryError
from reconcile.storage.ports import Store, StoredEvent


@attrs.frozen(kw_only=True)
class QuarantinedEvidence:
    """One piece of evidence in quarantine; without a company it is in every scope."""

    evidence: str
    company_id: str | None
    reason: str


@attrs.define(kw_only=True)
class Quarantine:
    """Digests of bytes that could not be read, with the evidence they belong to."""

    by_digest: dict[str, dict[str, QuarantinedEvidence]] = attrs.field(factory=dict)
    set_aside: set[str] = attrs.field(factory=set)

    def is_set_aside(self, digest: str) -> bool:
        """Return whether a person decided that the bytes need not be read."""
        return digest in self.set_aside

    def waiting(self) -> Iterator[tuple[str, QuarantinedEvidence]]:
        """Yield what waits to be read, by digest."""
        for digest, pieces in sorted(self.by_digest.items()):
            if digest not in self.set_aside:
                for _, piece in sorted(pieces.items()):
                    yield digest, piece

    def unprocessed(self, company_id: str | None = None) -> int:
        """Return how many distinct digests wait, in a company's scope or in all."""
        return len(
            {
                digest
                for digest, piece in self.waiting()
                if company_id is None or piece.company_id in (None, company_id)
            }
        )


QUARANTINE_TOPICS: Final = frozenset(
    (EvidenceQuarantined.TOPIC, EvidenceReleased.TOPIC, EvidenceSetAside.TOPIC)
)
"""The topics of the events that a quarantine is folded from."""


def quarantine_at(store: Store, *, until: int) -> Quarantine:
    """Return the quarantine as it stood at a position."""
    stored = store.stored_at(store.case_positions(until=until))
    return quarantine_of(stored, decode=store.recorded)


def quarantine_of(
    stored: Iterable[StoredEvent], *, decode: Callable[[StoredEvent], Recorded]
) -> Quarantine:
    """Return the quarantine by stored case events, in order of position."""
    quarantine = Quarantine()
    for row in stored:
        try:
            recorded = decode(row)
        except HistoryError:
            continue  # counted as poisoned where the views are built
        event = recorded.event
        match event:
            case EvidenceQuarantined():
                piece = QuarantinedEvidence(
                    evidence=event.evidence,
                    company_id=stream_parts(recorded.stream)[1] or None,
                    reason=event.reason,
                )
                pieces = quarantine.by_digest.setdefault(event.digest, {})
                pieces[event.evidence] = piece
            case EvidenceReleased():
                quarantine.by_digest.get(event.digest, {}).pop(event.evidence, None)
            case EvidenceSetAside():
                quarantine.set_aside.add(event.digest)
            case _:
                pass
    return quarantine
