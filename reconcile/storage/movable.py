"""What an engine offers so that a whole store can be moved to another: rows as stored.

Events keep their positions and evidence its order, so that the copy is the same
history: its reports have the same digests, and what names a position names the same.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol


class StoredEvent(NamedTuple):
    """One event as it is stored; `Store.recorded` decodes it."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes
    recorded_at: int  # µs since 1970, UTC


class StoredEvidence(NamedTuple):
    """One receipt of evidence as it is stored; its bodies are named by digest."""

    seq: int
    identity: bytes
    observed_at: int | None  # µs since 1970, UTC
    kind: str
    company_id: str | None
    method: str
    url: str
    status: int
    headers: str
    request_body: bytes | None
    response_body: bytes | None
    recorded_at: int  # µs since 1970, UTC
    body_dropped: bool


class StoredBody(NamedTuple):
    """One body as it is stored: compressed, under the SHA-256 of what it was."""

    digest: bytes
    size: int
    content: bytes


class Ends(NamedTuple):
    """How far a store goes: the last position, and the last number of its evidence."""

    position: int = 0
    evidence: int = 0


class Movable(Protocol):
    """The part of a store that is read to be moved, and written as it was elsewhere."""

    def ends(self) -> Ends:
        """Return how far the store goes, in one read."""
        ...

    def evidence_after(self, seq: int, *, until: int) -> list[StoredEvidence]:
        """Return the next receipts of evidence, some hundred of them."""
        ...

    def bodies(self, digests: Iterable[bytes]) -> list[StoredBody]:
        """Return those bodies that are there, by their digests."""
        ...

    def put_evidence(
        self, rows: Sequence[StoredEvidence], bodies: Sequence[StoredBody]
    ) -> None:
        """Write receipts with their bodies, as they were stored elsewhere."""
        ...

    def put_events(self, rows: Sequence[StoredEvent]) -> None:
        """Write events at the positions they had elsewhere, after all that are there.

        Raises:
            VersionConflictError: somebody else has written to the store meanwhile.

        """
        ...
