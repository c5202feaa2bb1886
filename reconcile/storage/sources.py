"""Where a replay reads events, by its address: a store, or an export of one.

A task that another process or machine works on carries an address and nothing open, so
whoever works on it opens the source itself.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Protocol, Self

import attrs

from reconcile.domain.events import Recorded
from reconcile.storage.exports.read import ExportedEvents
from reconcile.storage.opening import open_store
from reconcile.storage.ports import Store, StoredEvent

_EXPORT: Final = "parquet:"


class EventSource(Protocol):
    """A history to be read company by company. Close it, or use it in a `with`."""

    def __enter__(self) -> Self:
        """Return the source."""
        ...

    def __exit__(self, *_: object) -> None:
        """Close the source."""
        ...

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        ...

    def companies(self) -> list[str]:
        """Return every company that has an event, sorted; "" for events of none."""
        ...

    def events_of(self, company_id: str, *, until: int) -> Iterator[StoredEvent]:
        """Yield a company's stored events up to a position, in order."""
        ...

    def recorded(self, stored: StoredEvent) -> Recorded:
        """Return a stored event, decoded, in its envelope.

        Raises:
            HistoryError: the event cannot be decoded.

        """
        ...


@attrs.frozen
class StoreEvents:
    """The events of an open store, which whoever opened it closes."""

    store: Store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.store.close()

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        return self.store.position(known_at=known_at)

    def companies(self) -> list[str]:
        """Return every company that has an event, sorted; "" for events of none."""
        return self.store.companies()

    def events_of(self, company_id: str, *, until: int) -> Iterator[StoredEvent]:
        """Yield a company's stored events up to a position, in order."""
        return self.store.stored_at(self.store.positions_of(company_id, until=until))

    def recorded(self, stored: StoredEvent) -> Recorded:
        """Return a stored event, decoded, in its envelope."""
        return self.store.recorded(stored)


@attrs.frozen(kw_only=True)
class Address:
    """What a worker opens: a store by its URL, or an export by its folder.

    `digest` is that of the export's manifest: another export in the same folder is
    refused. An executor may log a task that failed, so the URL is not shown.
    """

    url: str = attrs.field(repr=False)
    digest: str = ""

    @classmethod
    def of_export(cls, events: ExportedEvents) -> Self:
        """Return the address of an export that is open."""
        return cls(url=f"{_EXPORT}{events.folder}", digest=events.manifest.digest)

    def open(self) -> EventSource:
        """Return the source, which the caller closes.

        Raises:
            UsageError: it names no source, or an export that is not whole.
            StoreError: there is no such store, or it cannot be used.

        """
        if self.url.startswith(_EXPORT):
            folder = self.url.removeprefix(_EXPORT)
            return ExportedEvents.open(folder, digest=self.digest)
        return StoreEvents(open_store(self.url, create=False))
