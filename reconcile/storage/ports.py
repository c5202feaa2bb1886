"""What a store offers, whichever engine keeps it: the protocols an engine implements.

No cursor, row id or driver's error leaves an engine. Its reads give the named values of
this module, its failures are a `StoreError`, a `VersionConflictError` or an
`OvertakenError`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Protocol, Self

from reconcile.domain.events import Recorded
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence, EvidenceKey, Receipt
from reconcile.storage.movable import Movable, StoredEvent
from reconcile.storage.refused import Untrusted
from reconcile.storage.view_ports import (
    Claim,
    Named,
    OvertakenError,
    Snapshot,
    UnfinishedSync,
    Unsettled,
    ViewChanges,
    Views,
    ViewTable,
    relabelled,
)

__all__ = [
    "Claim",
    "Leases",
    "Named",
    "OvertakenError",
    "Snapshot",
    "Store",
    "StoredEvent",
    "UnfinishedSync",
    "Unsettled",
    "VersionConflictError",
    "ViewChanges",
    "ViewTable",
    "Views",
    "relabelled",
]


class VersionConflictError(Exception):
    """Another writer has moved a stream on, or stored the same evidence, meanwhile."""


class Leases(Protocol):
    """One holder's leases, and when each piece of work was done: none does it twice."""

    def take(self, name: str, *, now: datetime | None, lasts: timedelta) -> bool:
        """Return whether the work is ours now: no other holder's lease is running.

        `now` is None for the clock of the store, which all machines share.
        """
        ...

    def leave(self, name: str, *, done: datetime | None) -> None:
        """Give work back; `done` is when it was done, None where it was not."""
        ...

    def put_done(self, name: str, done: datetime) -> None:
        """Write when a piece of work was last done, as another store has it."""
        ...

    def all_done(self) -> dict[str, datetime]:
        """Return when each piece of work was last done."""
        ...

    def done(self, name: str) -> datetime | None:
        """Return when a piece of work was last done, None for never."""
        ...


class Store(Movable, Protocol):
    """One history with its evidence and views. Close it, or use it in a `with`."""

    @property
    def path(self) -> str:
        """Where the store is, for messages."""
        ...

    def __enter__(self) -> Self:
        """Return the store."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close the store."""
        ...

    def close(self) -> None:
        """Release what the engine uses."""
        ...

    # Writing

    def append(
        self,
        events: Sequence[Envelope],
        evidence: Iterable[Evidence],
        *,
        recorded_at: datetime,
    ) -> None:
        """Write events and evidence in one transaction.

        Raises:
            VersionConflictError: a stream has moved on, or evidence is stored already.

        """
        ...

    def bring_up_to_date(self) -> None:
        """Give a file the newest layout; a server's store has it, or is not opened."""
        ...

    def engine(self) -> str:
        """Return the engine and its version: `SQLite 3.51.3`."""
        ...

    def check_writable(self) -> None:
        """Take the lock for writing and let go of it, or raise a StoreError."""
        ...

    # Reading the history

    def recall(
        self, wanted: Iterable[tuple[bytes, Sequence[str]]]
    ) -> tuple[dict[bytes, int | None], dict[str, list[Recorded]]]:
        """Return what is stored of some evidence, in one read.

        `wanted` are identities, each with the streams its evidence is about. Returned
        are the identities already stored, with their earliest time (µs), and the events
        of the other identities' streams, oldest first.
        """
        ...

    def stream(self, stream: str) -> list[Recorded]:
        """Return a stream's events, oldest first."""
        ...

    def version_of(self, stream: str) -> int:
        """Return the version of a stream's last event, 0 for an empty stream."""
        ...

    def event_at(self, stream: str, version: int) -> Recorded | None:
        """Return one event of a stream, None where it has no such version."""
        ...

    def confirm(self) -> None:
        """Make sure that what was written is where it belongs, before anybody is told.

        Raises:
            StoreLostError: the store was deleted, moved or replaced.

        """
        ...

    def lost(self) -> str | None:
        """Return what became of the store where it is lost; try to take it up."""
        ...

    def check(self) -> None:
        """Look for damage in what answers are made of; bodies are not looked at.

        Raises:
            StoreError: something is damaged.

        """
        ...

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        ...

    def wait_for_news(self, position: int, *, timeout_s: float) -> None:
        """Wait until there may be an event after a position, or the time is over."""
        ...

    def companies(self) -> list[str]:
        """Return every company that has an event, sorted; "" for events of none."""
        ...

    def positions_of(
        self, company_id: str, *, until: int, topics: Sequence[str] = ()
    ) -> list[int]:
        """Return the positions of a company's events up to one, in order.

        With topics: of the events of those topics alone.
        """
        ...

    def positions_after(
        self, position: int, *, until: int, topics: Sequence[str]
    ) -> list[int]:
        """Return the positions of all events of some topics after one, in order."""
        ...

    def companies_after(self, position: int, *, until: int) -> list[str]:
        """Return every company that has an event between two positions, sorted.

        After the first, up to the last; "" for events of none.
        """
        ...

    def case_positions(self, *, until: int) -> list[int]:
        """Return the positions of every case event: quarantine and what came of it."""
        ...

    def stored_at(self, positions: Sequence[int]) -> Iterator[StoredEvent]:
        """Yield the stored events at positions, in order, some hundred a read."""
        ...

    def stored_after(self, position: int) -> list[StoredEvent]:
        """Return the next stored events, as many as one batch takes."""
        ...

    def recorded(self, stored: StoredEvent) -> Recorded:
        """Return a stored event, decoded, in its envelope.

        Raises:
            HistoryError: the event cannot be decoded.

        """
        ...

    def evidence(self, identity: bytes) -> Evidence | None:
        """Return one piece of evidence with its bodies, at its earliest receipt."""
        ...

    def deliveries_of(self, digest: bytes) -> dict[bytes, str | None]:
        """Return the deliveries whose body has that SHA-256: identity and company."""
        ...

    def evidence_keys(self) -> list[EvidenceKey]:
        """Return what all evidence is known by, in the order of its coming."""
        ...

    def evidence_counts(self) -> dict[tuple[str, str], int]:
        """Return how many pieces of evidence there are, by kind and HTTP method."""
        ...

    def rewrite(self, evidence: Iterable[Evidence]) -> None:
        """Put other addresses, companies and bodies in place of those of evidence."""
        ...

    def compact(self) -> str:
        """Leave nothing of what was rewritten; a `StoreError` while it is in use.

        Where the engine lets go of old bytes later, return the SQL that makes it.
        """
        ...

    def body(self, digest: bytes) -> bytes | None:
        """Return the body that has that SHA-256, None where no such is stored.

        Raises:
            StoreError: it is damaged.

        """
        ...

    def receipts(self, identity: bytes) -> list[Receipt]:
        """Return one piece of evidence as it came each time, the earliest first.

        Raises:
            StoreError: a body is missing, or damaged.

        """
        ...

    # The rest of the store

    def reading(self) -> AbstractContextManager[Snapshot]:
        """Give the views in one consistent read."""
        ...

    def views(self) -> Views:
        """Return the views, to write them."""
        ...

    def leases(self, holder: str) -> Leases:
        """Return the leases, as a holder sees them."""
        ...

    def untrusted(self) -> Untrusted:
        """Return the deliveries that were refused."""
        ...
