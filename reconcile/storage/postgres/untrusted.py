"""Refused deliveries in PostgreSQL: a table of its own, no part of the history."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reconcile.storage.evidence import unpack
from reconcile.storage.postgres.database import PostgresDatabase
from reconcile.storage.refused import (
    BYTES_MAX,
    COLUMNS,
    ROWS_MAX,
    UntrustedDelivery,
    delivery_of,
    row_of,
)


class PostgresUntrusted:
    """The refused deliveries of one PostgreSQL store."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database

    def keep(self, deliveries: Sequence[UntrustedDelivery]) -> None:
        """Store refused deliveries in one transaction, within the bounds."""
        rows = [row_of(delivery) for delivery in deliveries]
        if not rows:
            return
        with self._database.writing() as write:
            write.run("SELECT last FROM $.book FOR UPDATE")  # one at a time
            write.run(_INSERT, *map(list, zip(*rows, strict=True)))
            write.run(_TOO_MANY, ROWS_MAX)
            write.run(_TOO_LONG, BYTES_MAX)

    def counted(self) -> int:
        """Return how many were ever stored, including those deleted since."""
        row = self._database.first("SELECT MAX(seq) FROM $.untrusted")
        number: int | None = row[0] if row else None
        return number or 0

    def newest_first(self) -> Iterator[UntrustedDelivery]:
        """Yield the stored ones."""
        query = f"SELECT {COLUMNS} FROM $.untrusted ORDER BY seq DESC"
        yield from map(delivery_of, self._database.all(query))

    def numbered(self) -> list[tuple[int, UntrustedDelivery]]:
        """Return the stored ones with their numbers, the oldest first."""
        rows = self._database.all(f"SELECT seq, {COLUMNS} FROM $.untrusted ORDER BY 1")
        return [(row[0], delivery_of(row[1:])) for row in rows]

    def keep_numbered(self, rows: Sequence[tuple[int, UntrustedDelivery]]) -> None:
        """Store deliveries under the numbers they had elsewhere, unless they are."""
        with self._database.writing() as write:
            for seq, delivery in rows:
                write.run(
                    f"INSERT INTO $.untrusted (seq, {COLUMNS})"
                    " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
                    *(seq, *row_of(delivery)),
                )

    def forget_bodies(self, *, unless: Callable[[bytes], bool]) -> int:
        """Take out the bodies that a test refuses; return how many."""
        with self._database.writing() as write:
            rows = write.all("SELECT seq, body FROM $.untrusted WHERE body IS NOT NULL")
            seqs = [seq for seq, packed in rows if not unless(unpack(packed))]
            write.run(
                "UPDATE $.untrusted SET body = NULL WHERE seq = ANY(%b::int8[])", seqs
            )
        return len(seqs)


_INSERT: Final = f"""
    INSERT INTO $.untrusted (seq, {COLUMNS})
    SELECT (SELECT COALESCE(MAX(seq), 0) FROM $.untrusted) + n, {COLUMNS}
      FROM unnest(%b::int8[], %b::text[], %b::text[], %b::int8[], %b::bytea[],
                  %b::bytea[]) WITH ORDINALITY AS d ({COLUMNS}, n)
"""
_TOO_MANY: Final = (
    "DELETE FROM $.untrusted WHERE seq <= (SELECT MAX(seq) FROM $.untrusted) - %s"
)
_TOO_LONG: Final = """DELETE FROM $.untrusted WHERE seq IN (
    SELECT seq FROM (
        SELECT seq,
            SUM(COALESCE(octet_length(body), 0) + octet_length(headers))
            OVER (ORDER BY seq DESC) AS bytes
        FROM $.untrusted
    ) AS sized WHERE bytes > %s
)"""
