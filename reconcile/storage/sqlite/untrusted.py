"""Deliveries that nothing shows to be Codat's: kept apart, bounded, in no report.

Without them, a secret that was mistyped or has expired would leave no trace here.
"""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs

from reconcile.storage.evidence import digest_of, micros, moment_of, pack, unpack
from reconcile.storage.sqlite.engine import store_errors
from reconcile.storage.sqlite.store import Store

ROWS_MAX: Final = 1000
BYTES_MAX: Final = 16 * 2**20
BODY_KEPT_BYTES_MAX: Final = 256 * 2**10


@attrs.frozen(kw_only=True)
class UntrustedDelivery:
    """A delivery that was refused: why, and as much of it as is kept.

    `headers` are those that evidence would keep; `body` is None where it was too long.
    Where nobody read the whole of it `body_digest` is empty, and `body_bytes` says how
    long it was declared, or else how much of it came.
    """

    received_at: datetime
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    body_bytes: int
    body_digest: bytes

    @classmethod
    def of(
        cls,
        body: bytes,
        *,
        received_at: datetime,
        reason: str,
        headers: tuple[tuple[str, str], ...],
    ) -> "UntrustedDelivery":
        """Return a delivery as it is kept: a long body by its digest alone."""
        return cls(
            received_at=received_at,
            reason=reason,
            headers=headers,
            body=body if len(body) <= BODY_KEPT_BYTES_MAX else None,
            body_bytes=len(body),
            body_digest=digest_of(body),
        )

    @classmethod
    def unread(
        cls,
        body_bytes: int,
        *,
        received_at: datetime,
        reason: str,
        headers: tuple[tuple[str, str], ...],
    ) -> "UntrustedDelivery":
        """Return a delivery whose body nobody has read to its end."""
        return cls(
            received_at=received_at,
            reason=reason,
            headers=headers,
            body=None,
            body_bytes=body_bytes,
            body_digest=b"",
        )


class Untrusted:
    """The refused deliveries of one store; the oldest make room for the newest."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, deliveries: Sequence[UntrustedDelivery]) -> None:
        """Keep refused deliveries in one transaction, within the bounds."""
        rows = [
            (
                micros(one.received_at),
                one.reason,
                json.dumps(one.headers),
                one.body_bytes,
                one.body_digest,
                None if one.body is None else pack(one.body),
            )
            for one in deliveries
        ]
        with (
            store_errors(self._store.path),
            self._store.datastore.transaction(commit=True) as cursor,
        ):
            cursor.execute(_TABLE)
            cursor.executemany(
                "INSERT INTO untrusted VALUES (NULL, ?, ?, ?, ?, ?, ?)", rows
            )
            cursor.execute(_TOO_MANY, (ROWS_MAX,))
            cursor.execute(_TOO_LONG, (BYTES_MAX,))

    def counted(self) -> int:
        """Return how many were ever kept, those included that made room since."""
        with self._store.reading() as cursor:
            if not _exists(cursor):
                return 0
            cursor.execute("SELECT MAX(seq) FROM untrusted")
            return cursor.fetchone()[0] or 0

    def held(self) -> Iterator[UntrustedDelivery]:
        """Yield those that are held, newest first."""
        with self._store.reading() as cursor:
            if not _exists(cursor):
                return
            cursor.execute("SELECT * FROM untrusted ORDER BY seq DESC")
            rows = cursor.fetchall()
        for row in rows:
            packed = row["body"]
            yield UntrustedDelivery(
                received_at=moment_of(row["received_at"]),
                reason=row["reason"],
                headers=tuple((n, v) for n, v in json.loads(row["headers"])),
                body=None if packed is None else unpack(packed),
                body_bytes=row["body_bytes"],
                body_digest=row["body_digest"],
            )


def _exists(cursor: sqlite3.Cursor) -> bool:
    """Return whether the table is there: it is made when it is first needed."""
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'untrusted'")
    return cursor.fetchone() is not None


_TABLE: Final = """CREATE TABLE IF NOT EXISTS untrusted (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    headers TEXT NOT NULL,
    body_bytes INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    body BLOB
)"""
_TOO_MANY: Final = (
    "DELETE FROM untrusted WHERE seq <= (SELECT MAX(seq) FROM untrusted) - ?"
)
_TOO_LONG: Final = """DELETE FROM untrusted WHERE seq IN (
    SELECT seq FROM (
        SELECT seq,
            SUM(COALESCE(LENGTH(body), 0) + LENGTH(headers)) OVER (ORDER BY seq DESC)
            AS kept
        FROM untrusted
    ) WHERE kept > ?
)"""
