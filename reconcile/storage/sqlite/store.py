"""The store: one file's application, opened for reading or writing, and its queries.

What is asked here by SQL is asked nowhere else; everything returns plain values.
"""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

from eventsourcing.application import Application
from eventsourcing.persistence import InfrastructureFactory, IntegrityError
from eventsourcing.utils import Environment, EnvType

from reconcile.domain.events import Recorded
from reconcile.domain.identity import stream_parts
from reconcile.errors import StoreError
from reconcile.storage.codec import Codec, Envelope, EventMapper
from reconcile.storage.evidence import (
    Evidence,
    digest_of,
    micros,
    moment_of,
    pack_all,
    unpack,
)
from reconcile.storage.sqlite.engine import (
    construct_factory,
    sqlite_environment,
    store_errors,
)

EVENTS_PER_READ = 500
BYTES_PER_READ = 8 * 2**20


class VersionConflictError(Exception):
    """Somebody else wrote to a stream, or recorded the same evidence, meanwhile."""


class _HistoryApplication(Application[str]):
    """Eventsourcing's application, built from what is given alone."""

    name = "reconcile"

    def construct_env(self, name: str, env: EnvType | None = None) -> Environment:
        return Environment(name, env)  # the host's os.environ must not leak in

    def construct_factory(self, env: Environment) -> InfrastructureFactory[Any]:
        return construct_factory(env)

    def construct_mapper(self) -> EventMapper:
        return EventMapper(Codec())


class Store:
    """One history with its evidence and views. Close it, or use it in a `with`."""

    def __init__(self, path: str, *, codec: Codec | None = None) -> None:
        self.path = path
        self.codec = codec or Codec()
        with store_errors(path):
            self._app = _HistoryApplication(env=dict(sqlite_environment(path)))
        self.datastore = self._app.factory.datastore  # type: ignore[attr-defined]  # the library types the factory by its base

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._app.close()

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
            VersionConflictError: a stream has moved on, or evidence is held already.

        """
        now = micros(recorded_at)
        rows: list[tuple[Any, ...]] = []
        bodies: dict[bytes, bytes] = {}
        for one in evidence:
            digests = [
                _keep(bodies, one.request_body, one.request_digest),
                _keep(bodies, one.response_body, one.response_digest),
            ]
            rows.append(
                (
                    one.identity,
                    None if one.observed_at is None else micros(one.observed_at),
                    one.kind,
                    one.company_id,
                    one.method,
                    one.url,
                    one.status,
                    json.dumps(one.headers),
                    *digests,
                    now,
                )
            )
        try:
            with store_errors(self.path):
                self._app.events.put(
                    events,
                    evidence=rows,
                    bodies=[
                        (digest, len(body), packed)
                        for (digest, body), packed in zip(
                            bodies.items(), pack_all([*bodies.values()]), strict=True
                        )
                    ],
                    recorded_at=now,
                )
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError | sqlite3.IntegrityError):
                raise VersionConflictError(str(error)) from error
            raise

    # Reading

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor in one consistent read."""
        with (
            store_errors(self.path),
            self.datastore.transaction(commit=False) as cursor,
        ):
            yield cursor.sqlite_cursor

    def recall(
        self, wanted: Iterable[tuple[bytes, Sequence[str]]]
    ) -> tuple[dict[bytes, int | None], dict[str, list[Recorded]]]:
        """Return what is held of some evidence, in one read.

        `wanted` are identities, each with the streams it speaks of. Returned are the
        identities that are held, with their earliest time (µs), and the events of the
        streams that the others speak of, oldest first.
        """
        held: dict[bytes, int | None] = {}
        streams: dict[str, list[Recorded]] = {}
        with self.reading() as cursor:
            for identity, named in wanted:
                cursor.execute(
                    "SELECT 1, MIN(observed_at) FROM evidence WHERE identity = ?"
                    " GROUP BY identity",
                    (identity,),
                )
                for row in cursor.fetchall():
                    held[identity] = row[1]
                if identity not in held:
                    for stream in named:
                        if stream not in streams:
                            streams[stream] = self._stream(cursor, stream)
        return held, streams

    def stream(self, stream: str) -> list[Recorded]:
        """Return a stream's events, oldest first."""
        with self.reading() as cursor:
            return self._stream(cursor, stream)

    def _stream(self, cursor: sqlite3.Cursor, stream: str) -> list[Recorded]:
        cursor.execute(
            f"{_SELECT} WHERE originator_id = ? ORDER BY originator_version", (stream,)
        )
        return [self.recorded(row) for row in cursor.fetchall()]

    def version_of(self, stream: str) -> int:
        """Return the version of a stream's last event, 0 where there is none."""
        with self.reading() as cursor:
            cursor.execute(
                "SELECT MAX(originator_version) FROM stored_events"
                " WHERE originator_id = ?",
                (stream,),
            )
            return cursor.fetchone()[0] or 0

    def position(self, *, known_at: datetime | None = None) -> int:
        """Return the last position, or that of the longest prefix known by a moment."""
        with self.reading() as cursor:
            if known_at is not None:
                cursor.execute(
                    "SELECT MIN(rowid) FROM stored_events WHERE recorded_at > ?",
                    (micros(known_at),),
                )
                first: int | None = cursor.fetchone()[0]
                if first is not None:
                    return first - 1
            cursor.execute("SELECT MAX(rowid) FROM stored_events")
            return cursor.fetchone()[0] or 0

    def companies(self) -> list[str]:
        """Return every company that has a stream, sorted; "" for what has none."""
        with self.reading() as cursor:
            cursor.execute("SELECT DISTINCT originator_id FROM stored_events")
            return sorted({stream_parts(row[0])[1] for row in cursor.fetchall()})

    def positions_of(
        self, company_id: str, *, until: int, topics: Sequence[str] = ()
    ) -> list[int]:
        """Return the positions of a company's events up to one, in order.

        Of those topics alone, where some are given.
        """
        part = quote(company_id, safe="")
        positions: list[int] = []
        of_topics = _OF_TOPICS if topics else ""
        with self.reading() as cursor:
            for kind in ("case", "dataset", "request", "sync"):
                cursor.execute(
                    "SELECT rowid FROM stored_events WHERE originator_id > :first"
                    f" AND originator_id < :last AND rowid <= :until{of_topics}",
                    {
                        "first": f"{kind}:{part}:",
                        "last": f"{kind}:{part};",
                        "until": until,
                        "topics": json.dumps(topics),
                    },
                )
                positions += [row[0] for row in cursor.fetchall()]
        return sorted(positions)

    def positions_after(
        self, position: int, *, until: int, topics: Sequence[str]
    ) -> list[int]:
        """Return the positions of all events of some topics after one, in order."""
        with self.reading() as cursor:
            cursor.execute(
                "SELECT rowid FROM stored_events WHERE rowid > :after"
                f" AND rowid <= :until{_OF_TOPICS} ORDER BY rowid",
                {"after": position, "until": until, "topics": json.dumps(topics)},
            )
            return [row[0] for row in cursor.fetchall()]

    def stored_at(self, positions: Sequence[int]) -> Iterator[sqlite3.Row]:
        """Yield the stored events at positions, in order, some hundred a read."""
        for start in range(0, len(positions), _ROWS_PER_FETCH):
            some = positions[start : start + _ROWS_PER_FETCH]
            with self.reading() as cursor:
                cursor.execute(
                    f"{_SELECT} WHERE rowid IN"
                    " (SELECT value FROM json_each(?)) ORDER BY rowid",
                    (json.dumps(some),),
                )
                rows = cursor.fetchall()
            yield from rows

    def stored_after(self, position: int) -> list[sqlite3.Row]:
        """Return the next stored events, as many as one batch takes."""
        with self.reading() as cursor:
            cursor.execute(
                f"{_SELECT} WHERE rowid > ? ORDER BY rowid LIMIT ?",
                (position, EVENTS_PER_READ),
            )
            rows: list[sqlite3.Row] = []
            size = 0
            while size < BYTES_PER_READ and (row := cursor.fetchone()) is not None:
                rows.append(row)
                size += len(row["state"])
            return rows

    def event_at(self, stream: str, version: int) -> Recorded | None:
        """Return one event of a stream, None where there is none."""
        with self.reading() as cursor:
            cursor.execute(
                f"{_SELECT} WHERE originator_id = ? AND originator_version = ?",
                (stream, version),
            )
            row = cursor.fetchone()
        return None if row is None else self.recorded(row)

    def recorded(self, row: sqlite3.Row) -> Recorded:
        """Return a stored row as an event in its envelope.

        Raises:
            HistoryError: the event cannot be decoded.

        """
        return Recorded(
            stream=row["originator_id"],
            version=row["originator_version"],
            position=row["rowid"],
            recorded_at=moment_of(row["recorded_at"]),
            event=self.codec.decode(row["topic"], row["state"]),
        )

    def case_positions(self, *, until: int) -> list[int]:
        """Return the positions of every case event: quarantine and what came of it."""
        with self.reading() as cursor:
            cursor.execute(
                "SELECT rowid FROM stored_events"
                " WHERE originator_id > 'case:' AND originator_id < 'case;'"
                " AND +rowid <= ? ORDER BY +rowid",
                (until,),
            )
            return [row[0] for row in cursor.fetchall()]

    def evidence(self, identity: bytes) -> Evidence | None:
        """Return one piece of evidence with its bodies, at its earliest receipt."""
        with self.reading() as cursor:
            cursor.execute(
                "SELECT * FROM evidence WHERE identity = ?"
                " ORDER BY observed_at LIMIT 1",
                (identity,),
            )
            row = cursor.fetchone()
            if row is None:
                return None
            bodies = [_body(cursor, row[c]) for c in ("request_body", "response_body")]
        return Evidence(
            identity=identity,
            kind=row["kind"],
            observed_at=None
            if row["observed_at"] is None
            else moment_of(row["observed_at"]),
            company_id=row["company_id"],
            method=row["method"],
            url=row["url"],
            status=row["status"],
            headers=tuple((n, v) for n, v in json.loads(row["headers"])),
            request_body=bodies[0],
            response_body=bodies[1],
        )

    def body_digest(self, identity: bytes) -> str:
        """Return the SHA-256 (hex) of the bytes that a piece of evidence rests on.

        Of an exchange, its answer; of a delivery, or a request without one, what was
        sent. Empty where there was neither.
        """
        with self.reading() as cursor:
            cursor.execute(
                "SELECT kind, request_body, response_body FROM evidence"
                " WHERE identity = ? LIMIT 1",
                (identity,),
            )
            row = cursor.fetchone()
        if row is None:
            return ""
        kind, sent, answered = row
        digest: bytes | None = sent if kind == "delivery" else answered or sent
        return "" if digest is None else digest.hex()


_ROWS_PER_FETCH = 200
_OF_TOPICS = " AND topic IN (SELECT value FROM json_each(:topics))"
_SELECT = (
    "SELECT rowid, originator_id, originator_version, topic, state, recorded_at"
    " FROM stored_events"
)


def _keep(
    bodies: dict[bytes, bytes], body: bytes | None, digest: bytes | None
) -> bytes | None:
    if body is None:
        return None
    digest = digest or digest_of(body)
    bodies[digest] = body
    return digest


def _body(cursor: sqlite3.Cursor, digest: bytes | None) -> bytes | None:
    if digest is None:
        return None
    cursor.execute("SELECT content FROM bodies WHERE digest = ?", (digest,))
    return unpack(cursor.fetchone()[0])
