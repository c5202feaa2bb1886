"""The history in one SQLite file, read: every query of the events."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final

from reconcile.domain.events import Recorded
from reconcile.storage.codec import Codec
from reconcile.storage.event_reads import (
    BYTES_PER_READ,
    EVENTS_PER_READ,
    DecodedEvents,
)
from reconcile.storage.evidence import micros
from reconcile.storage.ports import StoredEvent
from reconcile.storage.sqlite.database import Database
from reconcile.storage.sqlite.layout import (
    companies_in,
    events_by_topic,
    events_of_company,
)


class EventReads(DecodedEvents):
    """The part of a store that reads its events."""

    def __init__(self, database: Database, codec: Codec) -> None:
        super().__init__(codec)
        self._database = database

    def recall(
        self, wanted: Iterable[tuple[bytes, Sequence[str]]]
    ) -> tuple[dict[bytes, int | None], dict[str, list[Recorded]]]:
        """Return what is stored of some evidence, in one read."""
        known: dict[bytes, int | None] = {}
        streams: dict[str, list[Recorded]] = {}
        with self._database.reading() as cursor:
            for identity, named in wanted:
                cursor.execute(
                    "SELECT 1, MIN(observed_at) FROM evidence WHERE identity = ?"
                    " GROUP BY identity",
                    (identity,),
                )
                for _, observed_at in cursor.fetchall():
                    known[identity] = observed_at
                if identity not in known:
                    for stream in named:
                        if stream not in streams:
                            streams[stream] = self._stream(cursor, stream)
        return known, streams

    def stream(self, stream: str) -> list[Recorded]:
        """Return a stream's events, oldest first."""
        with self._database.reading() as cursor:
            return self._stream(cursor, stream)

    def _stream(self, cursor: sqlite3.Cursor, stream: str) -> list[Recorded]:
        cursor.execute(
            f"{_SELECT} WHERE originator_id = ? ORDER BY originator_version", (stream,)
        )
        return [self.recorded(stored) for stored in _events(cursor)]

    def version_of(self, stream: str) -> int:
        """Return the version of a stream's last event, 0 for an empty stream."""
        return self._number(
            "SELECT MAX(originator_version) FROM stored_events WHERE originator_id = ?",
            stream,
        )

    def event_at(self, stream: str, version: int) -> Recorded | None:
        """Return one event of a stream, None where it has no such version."""
        with self._database.reading() as cursor:
            cursor.execute(
                f"{_SELECT} WHERE originator_id = ? AND originator_version = ?",
                (stream, version),
            )
            found = _events(cursor)
        return self.recorded(found[0]) if found else None

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        if known_at is not None:
            first_later = self._number(
                "SELECT MIN(rowid) FROM stored_events WHERE recorded_at > ?",
                micros(known_at),
            )
            if first_later:
                return first_later - 1
        last = self._number("SELECT MAX(rowid) FROM stored_events")
        return self._database.relied_on(last)

    def companies(self) -> list[str]:
        """Return every company that has an event, sorted; "" for events of none."""
        with self._database.reading() as cursor:
            return companies_in(cursor, layout=self._database.layout(cursor))

    def positions_of(
        self, company_id: str, *, until: int, topics: Sequence[str] = ()
    ) -> list[int]:
        """Return the positions of a company's events up to one, in order."""
        of_topics = _OF_TOPICS if topics else ""
        with self._database.reading() as cursor:
            layout = self._database.layout(cursor)
            condition, values = events_of_company(company_id, layout=layout)
            cursor.execute(
                f"SELECT rowid FROM stored_events WHERE {condition}"
                f" AND +rowid <= :until{of_topics}",
                {**values, "until": until, "topics": json.dumps(topics)},
            )
            return sorted([position for (position,) in cursor.fetchall()])

    def positions_after(
        self, position: int, *, until: int, topics: Sequence[str]
    ) -> list[int]:
        """Return the positions of all events of some topics after one, in order."""
        with self._database.reading() as cursor:
            layout = self._database.layout(cursor)
            many = until - position > _MANY_EVENTS
            cursor.execute(
                f"SELECT rowid FROM {events_by_topic(layout, many=many)}"
                f" WHERE rowid > :after AND rowid <= :until{_OF_TOPICS}",
                {"after": position, "until": until, "topics": json.dumps(topics)},
            )
            return sorted([position for (position,) in cursor.fetchall()])

    def companies_after(self, position: int, *, until: int) -> list[str]:
        """Return every company that has an event between two positions, sorted."""
        with self._database.reading() as cursor:
            return companies_in(
                cursor, layout=self._database.layout(cursor), span=(position, until)
            )

    def case_positions(self, *, until: int) -> list[int]:
        """Return the positions of every case event: quarantine and what came of it."""
        with self._database.reading() as cursor:
            cursor.execute(
                "SELECT rowid FROM stored_events"
                " WHERE originator_id > 'case:' AND originator_id < 'case;'"
                " AND +rowid <= ? ORDER BY +rowid",
                (until,),
            )
            return [position for (position,) in cursor.fetchall()]

    def stored_at(self, positions: Sequence[int]) -> Iterator[StoredEvent]:
        """Yield the stored events at positions, in order, some hundred a read."""
        for start in range(0, len(positions), _ROWS_PER_FETCH):
            some = positions[start : start + _ROWS_PER_FETCH]
            with self._database.reading() as cursor:
                cursor.execute(
                    f"{_SELECT} WHERE rowid IN"
                    " (SELECT value FROM json_each(?)) ORDER BY rowid",
                    (json.dumps(some),),
                )
                stored = _events(cursor)
            yield from stored

    def stored_after(self, position: int) -> list[StoredEvent]:
        """Return the next stored events, as many as one batch takes."""
        with self._database.reading() as cursor:
            cursor.execute(
                f"{_SELECT} WHERE rowid > ? ORDER BY rowid LIMIT ?",
                (position, EVENTS_PER_READ),
            )
            batch: list[StoredEvent] = []
            size = 0
            for stored in map(StoredEvent._make, cursor):
                batch.append(stored)
                size += len(stored.state)
                if size >= BYTES_PER_READ:
                    break
            if batch:
                self._database.relied_on(batch[-1].position)
            return batch

    def _number(self, query: str, *values: object) -> int:
        """Return the one number that a query gives, 0 for null."""
        with self._database.reading() as cursor:
            cursor.execute(query, values)
            number: int | None = cursor.fetchone()[0]
        return number or 0


_ROWS_PER_FETCH: Final = 200
_MANY_EVENTS: Final = 1_000
_OF_TOPICS: Final = " AND topic IN (SELECT value FROM json_each(:topics))"
_SELECT: Final = (
    "SELECT rowid, originator_id, originator_version, topic, state, recorded_at"
    " FROM stored_events"
)


def _events(cursor: sqlite3.Cursor) -> list[StoredEvent]:
    return [*map(StoredEvent._make, cursor)]
