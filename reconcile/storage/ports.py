"""What a store offers, whichever engine keeps it: the protocols an engine implements.

No cursor, row id or driver's error leaves an engine. Its reads give the named values of
this module, its failures are a `StoreError`, a `VersionConflictError` or an
`OvertakenError`.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Literal, NamedTuple, Protocol, Self

import attrs

from reconcile.domain.events import Recorded
from reconcile.judgement.facts import Content
from reconcile.projections.contents import ContentRow
from reconcile.projections.rows import (
    DatasetRow,
    DeliveryRow,
    ItemRow,
    ItemRows,
    MendedRow,
    RefusedRow,
    SyncRow,
)
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence, EvidenceKey, Receipt
from reconcile.storage.refused import Untrusted


class VersionConflictError(Exception):
    """Another writer has moved a stream on, or stored the same evidence, meanwhile."""


class OvertakenError(Exception):
    """Another projector was quicker: its rows stand, ours are not needed."""


class StoredEvent(NamedTuple):
    """One event as it is stored; `Store.recorded` decodes it."""

    position: int
    stream: str
    version: int
    topic: str
    state: bytes
    recorded_at: int  # µs since 1970, UTC


Unsettled = Literal["open", "conflicting"]
"""Why a sync is read again: an item of it waits for a decision, or sources disagree."""


class UnfinishedSync(NamedTuple):
    """A sync that is not read to its end, or has a row that is not settled.

    `facts` and `context` are encoded as in the table: a follower that looks often
    compares them, and decodes only what has changed.
    """

    company_id: str
    sync_id: str
    facts: bytes
    context: bytes
    unsettled: Unsettled | None


ViewTable = Literal["items", "contents", "syncs", "datasets", "refused", "mended"]
"""A view table that has a row for each thing of a company, and a column `facts`."""


@attrs.define(kw_only=True)
class ViewChanges:
    """Everything that one batch of events writes to the views."""

    items: list[ItemRows] = attrs.field(factory=list)
    contents: list[ContentRow] = attrs.field(factory=list)
    syncs: list[SyncRow] = attrs.field(factory=list)
    datasets: list[DatasetRow] = attrs.field(factory=list)
    refused: list[RefusedRow] = attrs.field(factory=list)
    mended: list[MendedRow] = attrs.field(factory=list)
    deliveries: list[DeliveryRow] = attrs.field(factory=list)
    silenced: list[tuple[str, str, str]] = attrs.field(factory=list)  # deliveries
    gone: list[tuple[ViewTable, str, str]] = attrs.field(factory=list)  # by its key
    poisoned: list[tuple[int, str]] = attrs.field(factory=list)
    newest: datetime | None = None


class Snapshot(Protocol):
    """The views in one consistent read."""

    def position(self) -> int:
        """Return the position of the last event the views contain, 0 for none."""
        ...

    def newest(self) -> datetime | None:
        """Return the latest effective time of any fact in the views."""
        ...

    def poisoned(self) -> list[tuple[int, str]]:
        """Return the position of each event that cannot be read, and why not."""
        ...

    def deliveries(self) -> list[DeliveryRow]:
        """Return the deliveries whose id came with several bodies."""
        ...

    def companies(self, *tables: ViewTable) -> list[str]:
        """Return every company that has a row in any table, or in these, sorted."""
        ...

    def items(self, company_id: str, *, name: str | None = None) -> Iterator[ItemRow]:
        """Yield a company's items by their ids, or one of them."""
        ...

    def contents(self, company_id: str) -> Iterator[ContentRow]:
        """Yield what a company's items say, and each sending, by their ids."""
        ...

    def shown(
        self, company_id: str, *, name: str | None = None
    ) -> Iterator[tuple[str, Content, bool]]:
        """Yield what stands for each item, or one; and if something else was sent."""
        ...

    def contents_named(
        self, company_id: str, transaction_ids: Iterable[str]
    ) -> Iterable[ContentRow]:
        """Return what those transactions say that have a row."""
        ...

    def written(self, transaction_ids: Iterable[str]) -> Iterable[tuple[str, str, str]]:
        """Return company, transaction and digest of those that are in any books."""
        ...

    def syncs(self, company_id: str) -> Iterator[SyncRow]:
        """Yield a company's syncs by their ids."""
        ...

    def datasets(self, company_id: str) -> Iterator[DatasetRow]:
        """Yield a company's datasets by their ids."""
        ...

    def refused(self, company_id: str | None = None) -> Iterator[RefusedRow]:
        """Yield what Codat refused to tell of a company, or of all, by sync."""
        ...

    def mended(self, company_id: str) -> Iterator[MendedRow]:
        """Yield what people said is mended in a company, by fingerprint."""
        ...

    def facts(
        self, table: ViewTable, company_id: str, names: Iterable[str]
    ) -> Iterable[tuple[str, bytes]]:
        """Return name and encoded facts of those rows that exist."""
        ...

    def contexts(
        self, company_id: str, sync_ids: Iterable[str]
    ) -> Iterable[tuple[str, bytes]]:
        """Return name and encoded context of those syncs that have a row."""
        ...

    def unfinished_syncs(self, *, now: datetime) -> Iterator[UnfinishedSync]:
        """Yield every sync that a follower may have to read again: not read by now."""
        ...


class Views(Protocol):
    """The views of one store, as the projector writes them."""

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views unless they were made under this label.

        The label names ruleset and deadlines; the engine adds its tables' version.
        """
        ...

    def write(self, changes: ViewChanges, *, after: int, position: int) -> None:
        """Write a batch's rows and the position they bring the views to, at once.

        Raises:
            OvertakenError: the views do not stand at `after` any more.

        """
        ...


class Leases(Protocol):
    """One holder's leases, and when each piece of work was done: none does it twice."""

    def take(self, name: str, *, now: datetime, lasts: timedelta) -> bool:
        """Return whether the work is ours now: no other holder's lease is running."""
        ...

    def leave(self, name: str, *, done: datetime | None) -> None:
        """Give work back; `done` is when it was done, None where it was not."""
        ...

    def all_done(self) -> dict[str, datetime]:
        """Return when each piece of work was last done."""
        ...

    def done(self, name: str) -> datetime | None:
        """Return when a piece of work was last done, None for never."""
        ...


class Store(Protocol):
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

    def copy_to(self, target: Path) -> None:
        """Copy everything to a new file, as one moment has it; its owner's alone."""
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

    def rewrite(self, evidence: Iterable[Evidence]) -> None:
        """Put other addresses, companies and bodies in place of those of evidence."""
        ...

    def compact(self) -> None:
        """Leave nothing of what was rewritten; a `StoreError` while it is in use."""
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
