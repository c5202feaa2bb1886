"""Is everything flowing? What the store knows of webhooks, readings and evidence."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.console.sheet import Sheet
from reconcile.domain.events import (
    LegsReported,
    LegsReread,
    Recorded,
    SyncCompleted,
    SyncFailed,
    SyncStarted,
    SyncUnrecognised,
)
from reconcile.domain.vocabulary import FindingKind
from reconcile.errors import HistoryError
from reconcile.storage.ports import Store, StoredEvent

LOOKED_AT: Final = 500
"""So many of the last events are looked at; what came before them is long ago."""

SILENT_AFTER: Final = timedelta(hours=24)
"""Webhooks come within minutes: after a day without one, somebody should look."""

_PER_READ: Final = 20

_REPORTS: Final = (SyncCompleted, SyncFailed, SyncStarted, SyncUnrecognised)
_LEGS: Final = (LegsReported, LegsReread)
_TOPICS: Final = [kind.TOPIC for kind in (*_REPORTS, *_LEGS)]


@attrs.frozen(kw_only=True)
class Flow:
    """When Codat last said something, and what has not been read."""

    heard_at: datetime | None  # the last webhook of the latest events
    read_at: datetime | None  # the last answer to a read of ours
    syncs: int
    unread_syncs: int  # of which no page was read
    part_read_syncs: int
    refused: int  # deliveries, ever
    findings: Mapping[FindingKind, int]  # of most first

    def is_silent(self, as_of: datetime) -> bool:
        """Return whether webhooks have stopped, while answers to reads go on."""
        if self.heard_at is None or self.read_at is None:
            return False
        return (
            as_of - self.heard_at > SILENT_AFTER
            and timedelta(0) <= as_of - self.read_at < SILENT_AFTER
        )


def flow_of(
    store: Store, sheet: Sheet, *, until: int, customers: Sequence[str] = ()
) -> Flow:
    """Return how things flow, by the store up to a position and by a worksheet."""
    listings = sheet.syncs_by_listing(customers=customers)
    heard, read = _last(store, until)
    return Flow(
        heard_at=heard,
        read_at=read,
        syncs=sum(listings.values()),
        unread_syncs=listings.get("unread", 0),
        part_read_syncs=listings.get("incomplete", 0),
        refused=store.untrusted().counted(),
        findings=sheet.findings_by_kind(customers=customers),
    )


def _last(store: Store, until: int) -> tuple[datetime | None, datetime | None]:
    """Return when the last webhook came and the last read was answered."""
    after = max(0, until - LOOKED_AT)
    positions = store.positions_after(after, until=until, topics=_TOPICS)
    heard: datetime | None = None
    read: datetime | None = None
    for stored in _latest_first(store, positions):
        if heard is not None and read is not None:
            break
        try:
            recorded = store.recorded(stored)
        except HistoryError:
            continue  # counted as poisoned where the views are built
        if _is_of_webhook(recorded):
            heard = heard or _at(recorded)
        else:
            read = read or _at(recorded)
    return heard, read


def _latest_first(store: Store, positions: Sequence[int]) -> Iterator[StoredEvent]:
    """Yield the events at positions, the last one first, a few of them a read."""
    for end in range(len(positions), 0, -_PER_READ):
        some = positions[max(0, end - _PER_READ) : end]
        yield from reversed([*store.stored_at(some)])


def _is_of_webhook(recorded: Recorded) -> bool:
    event = recorded.event
    if isinstance(event, _REPORTS):
        return event.notice is not None
    return isinstance(event, _LEGS) and event.origin == "webhook"


def _at(recorded: Recorded) -> datetime:
    at: datetime = getattr(recorded.event, "at", recorded.recorded_at)
    return at
