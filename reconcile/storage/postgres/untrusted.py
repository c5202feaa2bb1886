"""Refused deliveries in PostgreSQL: a table of its own, no part of the history."""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from reconcile.storage.evidence import headers_of, micros, moment_of, pack, unpack
from reconcile.storage.postgres.database import Database
from reconcile.storage.refused import BYTES_MAX, ROWS_MAX, UntrustedDelivery


class PostgresUntrusted:
    """The refused deliveries of one PostgreSQL store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, deliveries: Sequence[UntrustedDelivery]) -> None:
        """Store refused deliveries in one transaction, within the bounds."""
        rows = [
            (
                micros(delivery.received_at),
                delivery.reason,
                json.dumps(delivery.headers),
                delivery.body_bytes,
                delivery.body_digest,
                None if delivery.body is None else pack(delivery.body),
            )
            for delivery in deliveries
        ]
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
        rows = self._database.all(
            "SELECT received_at, reason, headers, body, body_bytes, body_digest"
            " FROM $.untrusted ORDER BY seq DESC"
        )
        for received_at, reason, headers, packed, body_bytes, body_digest in rows:
            yield UntrustedDelivery(
                received_at=moment_of(received_at),
                reason=reason,
                headers=headers_of(headers),
                body=None if packed is None else unpack(packed),
                body_bytes=body_bytes,
                body_digest=body_digest,
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


_INSERT: Final = """
    INSERT INTO $.untrusted (received_at, reason, headers, body_bytes, body_digest,
                             body)
    SELECT received_at, reason, headers, body_bytes, body_digest, body
      FROM unnest(%b::int8[], %b::text[], %b::text[], %b::int8[], %b::bytea[],
                  %b::bytea[]) WITH ORDINALITY
           AS d (received_at, reason, headers, body_bytes, body_digest, body, n)
     ORDER BY n
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
