"""Refused deliveries in SQLite: a table of its own, no part of the history."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reconcile.storage.evidence import unpack
from reconcile.storage.refused import (
    BYTES_MAX,
    COLUMNS,
    ROWS_MAX,
    UntrustedDelivery,
    delivery_of,
    row_of,
)
from reconcile.storage.sqlite.database import Database


class SqliteUntrusted:
    """The refused deliveries of one SQLite store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, deliveries: Sequence[UntrustedDelivery]) -> None:
        """Store refused deliveries in one transaction, within the bounds."""
        rows = [row_of(delivery) for delivery in deliveries]
        with self._database.writing() as cursor:
            cursor.executemany(
                f"INSERT INTO untrusted ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows
            )
            cursor.execute(_TOO_MANY, (ROWS_MAX,))
            cursor.execute(_TOO_LONG, (BYTES_MAX,))

    def counted(self) -> int:
        """Return how many were ever stored, including those deleted since."""
        with self._database.reading() as cursor:
            if not _exists(cursor):
                return 0
            number: int | None = cursor.execute(
                "SELECT MAX(seq) FROM untrusted"
            ).fetchone()[0]
        return number or 0

    def newest_first(self) -> Iterator[UntrustedDelivery]:
        """Yield the stored ones."""
        with self._database.reading() as cursor:
            if not _exists(cursor):
                return
            rows = cursor.execute(
                f"SELECT {COLUMNS} FROM untrusted ORDER BY seq DESC"
            ).fetchall()
        yield from map(delivery_of, rows)

    def numbered(self) -> list[tuple[int, UntrustedDelivery]]:
        """Return the stored ones with their numbers, the oldest first."""
        with self._database.reading() as cursor:
            if not _exists(cursor):
                return []
            cursor.execute(f"SELECT seq, {COLUMNS} FROM untrusted ORDER BY seq")
            return [(row[0], delivery_of(row[1:])) for row in cursor]

    def keep_numbered(self, rows: Sequence[tuple[int, UntrustedDelivery]]) -> None:
        """Store deliveries under the numbers they had elsewhere, unless they are."""
        with self._database.writing() as cursor:
            cursor.executemany(
                f"INSERT OR IGNORE INTO untrusted (seq, {COLUMNS})"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                [(seq, *row_of(delivery)) for seq, delivery in rows],
            )

    def forget_bodies(self, *, unless: Callable[[bytes], bool]) -> int:
        """Take out the bodies that a test refuses; return how many."""
        with self._database.writing() as cursor:
            if not _exists(cursor):
                return 0
            cursor.execute("SELECT seq, body FROM untrusted WHERE body IS NOT NULL")
            seqs = [
                (n,) for n, packed in cursor.fetchall() if not unless(unpack(packed))
            ]
            cursor.executemany("UPDATE untrusted SET body = NULL WHERE seq = ?", seqs)
        return len(seqs)


def _exists(cursor: sqlite3.Cursor) -> bool:
    """Return whether the table is there: version 0.1.0 made it when first needed."""
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'untrusted'")
    return cursor.fetchone() is not None


_TOO_MANY: Final = (
    "DELETE FROM untrusted WHERE seq <= (SELECT MAX(seq) FROM untrusted) - ?"
)
_TOO_LONG: Final = """DELETE FROM untrusted WHERE seq IN (
    SELECT seq FROM (
        SELECT seq,
            SUM(COALESCE(LENGTH(body), 0) + LENGTH(headers)) OVER (ORDER BY seq DESC)
            AS bytes
        FROM untrusted
    ) WHERE bytes > ?
)"""
