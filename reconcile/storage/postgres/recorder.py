"""Events put into PostgreSQL: at positions in the order of commits, with evidence.

A counter row a book is raised in the statement that inserts the events. So writers of
one book take turns, a reader never passes a position that is still to come, and the
positions are dense: `count(*) = max(position)`.
"""

import random
import time
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from eventsourcing.persistence import InfrastructureFactory, StoredEvent
from eventsourcing.postgres import PostgresApplicationRecorder, PostgresFactory
from eventsourcing.utils import Environment
from psycopg.errors import UniqueViolation

from reconcile.storage.evidence import pack_all
from reconcile.storage.ports import VersionConflictError
from reconcile.storage.postgres.database import PooledDatastore, PostgresDatabase
from reconcile.storage.postgres.errors import is_lost
from reconcile.storage.postgres.location import location_of

PATIENCE_S: Final = 10.0
"""How long an append is tried again while the server is away."""
_FIRST_WAIT_S: Final = 0.05
_WAIT_MAX_S: Final = 2.0
_APPEND: Final = """
WITH book AS (
    UPDATE $.book SET last = last + %b::int8, last_evidence = last_evidence + %b::int8
    RETURNING last, last_evidence
), new_bodies AS (
    INSERT INTO $.bodies (digest, size, content)
    SELECT body.* FROM book,
           unnest(%b::bytea[], %b::int8[], %b::bytea[]) AS body
    ON CONFLICT DO NOTHING
), new_evidence AS (
    INSERT INTO $.evidence (seq, identity, observed_at, kind, company_id, method, url,
                            status, headers, request_body, response_body, recorded_at,
                            body_dropped)
    SELECT book.last_evidence - %b::int8 + e.n, e.identity, e.observed_at, e.kind,
           e.company_id, e.method, e.url, e.status, e.headers, e.request_body,
           e.response_body, e.recorded_at, e.body_dropped
      FROM book, unnest(%b::bytea[], %b::int8[], %b::text[], %b::text[], %b::text[],
                        %b::text[], %b::int8[], %b::text[], %b::bytea[], %b::bytea[],
                        %b::int8[], %b::bool[]) WITH ORDINALITY
           AS e (identity, observed_at, kind, company_id, method, url, status, headers,
                 request_body, response_body, recorded_at, body_dropped, n)
), new_events AS (
    INSERT INTO $.stored_events (notification_id, originator_id, originator_version,
                                 topic, state, recorded_at)
    SELECT book.last - %b::int8 + e.n, e.stream, e.version, e.topic, e.state, %b::int8
      FROM book, unnest(%b::text[], %b::int8[], %b::text[], %b::bytea[])
           WITH ORDINALITY AS e (stream, version, topic, state, n)
)
SELECT last FROM book
"""

_APPEND_EVENTS: Final = """
WITH book AS (
    UPDATE $.book SET last = last + %b::int8 RETURNING last
), new_events AS (
    INSERT INTO $.stored_events (notification_id, originator_id, originator_version,
                                 topic, state, recorded_at)
    SELECT book.last - %b::int8 + e.n, e.stream, e.version, e.topic, e.state, %b::int8
      FROM book, unnest(%b::text[], %b::int8[], %b::text[], %b::bytea[])
           WITH ORDINALITY AS e (stream, version, topic, state, n)
)
SELECT last FROM book
"""


class BookRecorder(PostgresApplicationRecorder):
    """Events, and the evidence behind them, in one statement that is a transaction."""

    def create_table(self) -> None:
        """Make nothing: tables are made by a migration."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int]:
        """Write; where the answer was lost, find out whether it was written.

        Raises:
            VersionConflictError: a stream has moved on, or evidence is stored already.

        """
        database: PostgresDatabase = kwargs["database"]
        rows: Sequence[tuple[Any, ...]] = kwargs["evidence"]
        bodies: dict[bytes, bytes] = kwargs["bodies"]
        recorded_at: int = kwargs["recorded_at"]
        number = len(stored_events)
        values = [number, recorded_at, *_columns(stored_events)]
        statement = _APPEND_EVENTS
        if rows:  # decisions, and what we do ourselves, rest on no evidence
            values = [*_evidence(number, rows, bodies), *values]
            statement = _APPEND
        else:
            values = [number, *values]
        in_doubt = False
        give_up_at = time.monotonic() + PATIENCE_S
        wait = _FIRST_WAIT_S
        while True:
            try:
                row = database.alone(statement, values)
            except UniqueViolation as error:
                if in_doubt and _is_stored(database, stored_events, rows, recorded_at):
                    return ()
                raise VersionConflictError(str(error)) from error
            except psycopg.Error as error:
                if not is_lost(error) or time.monotonic() > give_up_at:
                    raise
                in_doubt = True
                time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
                wait = min(_WAIT_MAX_S, 2 * wait)
            else:
                last: int = row[0] if row else 0
                return range(last - len(stored_events) + 1, last + 1)


def _evidence(
    events: int, rows: Sequence[tuple[Any, ...]], bodies: dict[bytes, bytes]
) -> list[object]:
    """Return the values of a statement up to those of its events."""
    return [
        *(events, len(rows)),
        *([*bodies], [len(body) for body in bodies.values()]),
        pack_all([*bodies.values()]),
        len(rows),
        *map(list, zip(*rows, strict=True)),
    ]


def _columns(stored_events: Sequence[StoredEvent]) -> list[object]:
    return [
        [event.originator_id for event in stored_events],
        [event.originator_version for event in stored_events],
        [event.topic for event in stored_events],
        [event.state for event in stored_events],
    ]


def _is_stored(
    database: PostgresDatabase,
    stored_events: Sequence[StoredEvent],
    rows: Sequence[tuple[Any, ...]],
    recorded_at: int,
) -> bool:
    """Return whether exactly this was written, by the call whose answer was lost."""
    if stored_events:
        found = database.all(
            "SELECT s.originator_id, s.originator_version, s.topic, s.state,"
            " s.recorded_at FROM unnest(%b::text[], %b::int8[]) AS e (stream, version)"
            " JOIN $.stored_events AS s ON s.originator_id = e.stream"
            " AND s.originator_version = e.version",
            [event.originator_id for event in stored_events],
            [event.originator_version for event in stored_events],
        )
        wanted = {(*event_row, recorded_at) for event_row in map(_row, stored_events)}
        return {tuple(row) for row in found} == wanted
    found = database.all(
        "SELECT 1 FROM unnest(%b::bytea[], %b::int8[]) AS e (identity, observed_at)"
        " JOIN $.evidence AS s ON s.identity = e.identity"
        " AND s.observed_at IS NOT DISTINCT FROM e.observed_at"
        " AND s.recorded_at = %b::int8",
        [row[0] for row in rows],
        [row[1] for row in rows],
        recorded_at,
    )
    return len(found) == len(rows)


def _row(event: StoredEvent) -> tuple[str, int, str, bytes]:
    return (
        str(event.originator_id),
        event.originator_version,
        event.topic,
        event.state,
    )


class BookFactory(PostgresFactory):
    """Builds our recorder on our datastore."""

    application_recorder_class = BookRecorder

    def __init__(self, env: Environment) -> None:
        InfrastructureFactory.__init__(self, env)  # the library's takes URLs apart
        self.datastore = PooledDatastore(location_of(env["RECONCILE_STORE"]))
