"""The history in PostgreSQL, read: every query of the events."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote, unquote

from reconcile.domain.events import Recorded
from reconcile.storage.codec import Codec
from reconcile.storage.event_reads import (
    BYTES_PER_READ,
    EVENTS_PER_READ,
    DecodedEvents,
)
from reconcile.storage.evidence import micros
from reconcile.storage.ports import StoredEvent
from reconcile.storage.postgres.database import PostgresDatabase, Row


class PostgresEvents(DecodedEvents):
    """The part of a store that reads its events."""

    def __init__(self, database: PostgresDatabase, codec: Codec) -> None:
        super().__init__(codec)
        self._database = database

    def recall(
        self, wanted: Iterable[tuple[bytes, Sequence[str]]]
    ) -> tuple[dict[bytes, int | None], dict[str, list[Recorded]]]:
        """Return what is stored of some evidence, in one read: two queries a batch."""
        asked = [*wanted]
        if not asked:
            return {}, {}
        with self._database.reading() as read:
            known: dict[bytes, int | None] = dict(
                read.all(_KNOWN, [identity for identity, _ in asked])
            )
            streams: dict[str, list[Recorded]] = {
                stream: []
                for identity, named in asked
                if identity not in known
                for stream in named
            }
            for row in read.all(_OF_STREAMS, [*streams]) if streams else ():
                recorded = self.recorded(StoredEvent._make(row))
                streams[recorded.stream].append(recorded)
        return known, streams

    def stream(self, stream: str) -> list[Recorded]:
        """Return a stream's events, oldest first."""
        return self._all(f"{_SELECT} WHERE originator_id = %s{_BY_VERSION}", stream)

    def version_of(self, stream: str) -> int:
        """Return the version of a stream's last event, 0 for an empty stream."""
        return self._number(
            "SELECT MAX(originator_version) FROM $.stored_events"
            " WHERE originator_id = %s",
            stream,
        )

    def event_at(self, stream: str, version: int) -> Recorded | None:
        """Return one event of a stream, None where it has no such version."""
        named = "originator_id = %s AND originator_version = %s"
        found = self._all(f"{_SELECT} WHERE {named}", stream, version)
        return found[0] if found else None

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        if known_at is not None:
            first_later = self._number(
                "SELECT MIN(notification_id) FROM $.stored_events"
                " WHERE recorded_at > %s",
                micros(known_at),
            )
            if first_later:
                return first_later - 1
        return self._number("SELECT last FROM $.book")

    def companies(self) -> list[str]:
        """Return every company that has an event, sorted; "" for events of none."""
        return sorted(unquote(company) for (company,) in self._database.all(_COMPANIES))

    def positions_of(
        self, company_id: str, *, until: int, topics: Sequence[str] = ()
    ) -> list[int]:
        """Return the positions of a company's events up to one, in order."""
        values: list[object] = [quote(company_id, safe=""), until]
        return self._positions(
            "company_id = %s AND notification_id <= %s", values, topics
        )

    def positions_after(
        self, position: int, *, until: int, topics: Sequence[str]
    ) -> list[int]:
        """Return the positions of all events of some topics after one, in order."""
        condition = "notification_id > %s AND notification_id <= %s"
        return self._positions(condition, [position, until], topics, even_none=True)

    def companies_after(self, position: int, *, until: int) -> list[str]:
        """Return every company that has an event between two positions, sorted."""
        rows = self._database.all(_COMPANIES_BETWEEN, position, until)
        return sorted(unquote(company) for (company,) in rows)

    def case_positions(self, *, until: int) -> list[int]:
        """Return the positions of every case event: quarantine and what came of it."""
        condition = (
            "originator_id > 'case:' AND originator_id < 'case;'"
            " AND notification_id <= %s"
        )
        return self._positions(condition, [until], ())

    def stored_at(self, positions: Sequence[int]) -> Iterator[StoredEvent]:
        """Yield the stored events at positions, in order, some hundred a read."""
        for start in range(0, len(positions), _ROWS_PER_FETCH):
            some = [*positions[start : start + _ROWS_PER_FETCH]]
            yield from map(StoredEvent._make, self._database.all(_AT, some))

    def stored_after(self, position: int) -> list[StoredEvent]:
        """Return the next stored events, as many as one batch takes."""
        return [*map(StoredEvent._make, self._database.all(_AFTER, position))]

    def _positions(
        self,
        condition: str,
        values: Sequence[object],
        topics: Sequence[str],
        *,
        even_none: bool = False,
    ) -> list[int]:
        of_topics = " AND topic = ANY(%b::text[])" if topics or even_none else ""
        rows: list[Row] = self._database.all(
            f"SELECT notification_id FROM $.stored_events WHERE {condition}{of_topics}"
            " ORDER BY notification_id",
            *values,
            *([[*topics]] if of_topics else []),
        )
        return [position for (position,) in rows]

    def _all(self, query: str, *values: object) -> list[Recorded]:
        rows = self._database.all(query, *values)
        return [self.recorded(StoredEvent._make(row)) for row in rows]

    def _number(self, query: str, *values: object) -> int:
        """Return the one number that a query gives, 0 for null."""
        row = self._database.first(query, *values)
        number: int | None = row[0] if row else None
        return number or 0


_ROWS_PER_FETCH: Final = 500
_SELECT: Final = (
    "SELECT notification_id, originator_id, originator_version, topic, state,"
    " recorded_at FROM $.stored_events"
)
_BY_VERSION: Final = " ORDER BY originator_version"
_AT: Final = f"{_SELECT} WHERE notification_id = ANY(%b::int8[]) ORDER BY 1"
_OF_STREAMS: Final = (
    f"{_SELECT} WHERE originator_id = ANY(%b::text[])"
    " ORDER BY originator_id, originator_version"
)
_KNOWN: Final = (
    "SELECT identity, MIN(observed_at) FROM $.evidence"
    " WHERE identity = ANY(%b::bytea[]) GROUP BY identity"
)
_AFTER: Final = f"""
    SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
      FROM (SELECT *, SUM(octet_length(state)) OVER (ORDER BY notification_id)
                      - octet_length(state) AS bytes_before
              FROM $.stored_events WHERE notification_id > %s
             ORDER BY notification_id LIMIT {EVENTS_PER_READ}) AS next
     WHERE bytes_before < {BYTES_PER_READ} ORDER BY notification_id
"""
_COMPANIES: Final = """
    WITH RECURSIVE companies (company_id) AS (
        (SELECT MIN(company_id) FROM $.stored_events)
        UNION ALL
        SELECT (SELECT MIN(company_id) FROM $.stored_events
                WHERE company_id > companies.company_id)
        FROM companies WHERE company_id IS NOT NULL
    )
    SELECT company_id FROM companies WHERE company_id IS NOT NULL
"""  # one step a company, where DISTINCT would read the whole index
_COMPANIES_BETWEEN: Final = (
    "SELECT DISTINCT company_id FROM $.stored_events"
    " WHERE notification_id > %s AND notification_id <= %s"
)
