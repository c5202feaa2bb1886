"""A SQLite store's rows as they are stored, read and written to move a whole store."""

from collections.abc import Iterable, Sequence
from typing import Final

from reconcile.storage.movable import Ends, StoredBody, StoredEvent, StoredEvidence
from reconcile.storage.ports import VersionConflictError
from reconcile.storage.sqlite.database import Database

ROWS_PER_READ: Final = 500


class SqliteMoving:
    """The part of a SQLite store that is moved; the file has the newest layout."""

    _database: Database

    def ends(self) -> Ends:
        """Return how far the store goes, in one read."""
        with self._database.reading() as cursor:
            row = cursor.execute(
                "SELECT (SELECT MAX(rowid) FROM stored_events),"
                " (SELECT MAX(seq) FROM evidence)"
            ).fetchone()
        return Ends(row[0] or 0, row[1] or 0)

    def evidence_after(self, seq: int, *, until: int) -> list[StoredEvidence]:
        """Return the next receipts of evidence, some hundred of them."""
        self._database.bring_up_to_date()
        with self._database.reading() as cursor:
            cursor.execute(
                f"SELECT {_COLUMNS} FROM evidence WHERE seq > ? AND seq <= ?"
                f" ORDER BY seq LIMIT {ROWS_PER_READ}",
                (seq, until),
            )
            return [StoredEvidence._make((*row[:-1], bool(row[-1]))) for row in cursor]

    def bodies(self, digests: Iterable[bytes]) -> list[StoredBody]:
        """Return those bodies that are there, by their digests."""
        found = []
        with self._database.reading() as cursor:
            for digest in dict.fromkeys(digests):
                cursor.execute(
                    "SELECT digest, size, content FROM bodies WHERE digest = ?",
                    (digest,),
                )
                found += [*map(StoredBody._make, cursor.fetchall())]
        return found

    def put_evidence(
        self, rows: Sequence[StoredEvidence], bodies: Sequence[StoredBody]
    ) -> None:
        """Write receipts with their bodies, as they were stored elsewhere."""
        with self._database.writing() as cursor:
            cursor.executemany("INSERT OR IGNORE INTO bodies VALUES (?, ?, ?)", bodies)
            marks = ", ".join("?" for _ in StoredEvidence._fields)
            cursor.executemany(
                f"INSERT INTO evidence ({_COLUMNS}) VALUES ({marks})", rows
            )

    def put_events(self, rows: Sequence[StoredEvent]) -> None:
        """Write events at the positions they had elsewhere, after all that are there.

        Raises:
            VersionConflictError: somebody else has written to the store meanwhile.

        """
        with self._database.writing() as cursor:
            cursor.execute("SELECT MAX(rowid) FROM stored_events")
            last: int = cursor.fetchone()[0] or 0
            if rows and rows[0].position <= last:
                raise VersionConflictError(f"position {last} was written meanwhile")
            cursor.executemany(
                "INSERT INTO stored_events (rowid, originator_id, originator_version,"
                " topic, state, recorded_at) VALUES (?, ?, ?, ?, ?, ?)",
                rows,
            )


_COLUMNS: Final = ", ".join(StoredEvidence._fields)
