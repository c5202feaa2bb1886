"""A PostgreSQL store's rows as they are stored, read and written to move a whole store.

Rows of many columns are sent as arrays, in one statement.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from reconcile.storage.movable import Ends, StoredBody, StoredEvent, StoredEvidence
from reconcile.storage.ports import VersionConflictError
from reconcile.storage.postgres.database import PostgresDatabase

ROWS_PER_READ: Final = 500


class PostgresMoving:
    """The part of a PostgreSQL store that is moved."""

    _database: PostgresDatabase

    def ends(self) -> Ends:
        """Return how far the store goes, in one read."""
        row = self._database.first("SELECT last, last_evidence FROM $.book")
        return Ends(*(row or (0, 0)))

    def evidence_after(self, seq: int, *, until: int) -> list[StoredEvidence]:
        """Return the next receipts of evidence, some hundred of them."""
        rows = self._database.all(
            f"SELECT {_COLUMNS} FROM $.evidence WHERE seq > %s AND seq <= %s"
            f" ORDER BY seq LIMIT {ROWS_PER_READ}",
            seq,
            until,
        )
        return [*map(StoredEvidence._make, rows)]

    def bodies(self, digests: Iterable[bytes]) -> list[StoredBody]:
        """Return those bodies that are there, by their digests."""
        rows = self._database.all(
            "SELECT digest, size, content FROM $.bodies WHERE digest = ANY(%b::bytea[])"
            " ORDER BY digest",
            sorted(set(digests)),
        )
        return [*map(StoredBody._make, rows)]

    def put_evidence(
        self, rows: Sequence[StoredEvidence], bodies: Sequence[StoredBody]
    ) -> None:
        """Write receipts with their bodies, as they were stored elsewhere.

        Bytes that came twice without a time are one receipt here.
        """
        with self._database.writing() as write:
            write.first("SELECT last FROM $.book FOR UPDATE")
            if bodies:
                write.run(
                    "INSERT INTO $.bodies (digest, size, content)"
                    " SELECT * FROM unnest(%b::bytea[], %b::int8[], %b::bytea[])"
                    " ON CONFLICT DO NOTHING",
                    *_columns(bodies),
                )
            if rows:
                write.run(
                    f"INSERT INTO $.evidence ({_COLUMNS}) SELECT * FROM unnest("
                    "%b::int8[], %b::bytea[], %b::int8[], %b::text[], %b::text[],"
                    " %b::text[], %b::text[], %b::int8[], %b::text[], %b::bytea[],"
                    " %b::bytea[], %b::int8[], %b::bool[]) ON CONFLICT DO NOTHING",
                    *_columns(rows),
                )
                write.run("UPDATE $.book SET last_evidence = %s", rows[-1].seq)

    def put_events(self, rows: Sequence[StoredEvent]) -> None:
        """Write events at the positions they had elsewhere, after all that are there.

        Raises:
            VersionConflictError: somebody else has written to the store meanwhile.

        """
        with self._database.writing() as write:
            found = write.first("SELECT last FROM $.book FOR UPDATE")
            last: int = found[0] if found else 0
            if rows and rows[0].position <= last:
                raise VersionConflictError(f"position {last} was written meanwhile")
            if rows:
                write.run(
                    "INSERT INTO $.stored_events (notification_id, originator_id,"
                    " originator_version, topic, state, recorded_at)"
                    " SELECT * FROM unnest(%b::int8[], %b::text[], %b::int8[],"
                    " %b::text[], %b::bytea[], %b::int8[])",
                    *_columns(rows),
                )
                write.run("UPDATE $.book SET last = %s", rows[-1].position)


_COLUMNS: Final = ", ".join(StoredEvidence._fields)


def _columns(rows: Sequence[tuple[object, ...]]) -> list[object]:
    """Return the columns of rows, without what PostgreSQL's text cannot hold."""
    return [
        [
            value.replace("\0", "\ufffd") if isinstance(value, str) else value
            for value in column
        ]
        for column in zip(*rows, strict=True)
    ]
