"""Evidence in PostgreSQL: its rows and its bodies, read and rewritten."""

from collections.abc import Iterable
from functools import partial
from typing import Any

from reconcile.errors import StoreError
from reconcile.storage.evidence import (
    RECEIPT_COLUMNS,
    EvidenceKey,
    Receipt,
    pack,
    receipt_of,
    unpack,
)
from reconcile.storage.postgres.database import PostgresDatabase, Queries


def receipts(
    database: PostgresDatabase, identity: bytes, *, most: int | None = None
) -> list[Receipt]:
    """Return one piece of evidence as it came each time, the earliest first."""
    with database.reading() as read:
        rows = read.all(
            f"SELECT {RECEIPT_COLUMNS}, bool_or(body_dropped) OVER ()"
            " FROM $.evidence WHERE identity = %s"
            " ORDER BY observed_at NULLS FIRST LIMIT %s",
            identity,
            most,
        )
        body = partial(_body, read)
        return [
            receipt_of(identity, row, dropped=dropped, body=body)
            for *row, dropped in rows
        ]


def stored_body(read: Queries, digest: bytes) -> bytes | None:
    """Return the body that has that SHA-256, None where no such is stored."""
    row = read.first("SELECT content FROM $.bodies WHERE digest = %s", digest)
    return None if row is None else unpack(row[0])


def _body(read: Queries, digest: bytes | None) -> bytes | None:
    if digest is None:
        return None
    body = stored_body(read, digest)
    if body is None:
        raise StoreError(f"the body {digest.hex()} is missing from the store")
    return body


def evidence_keys(database: PostgresDatabase) -> list[EvidenceKey]:
    """Return what all evidence is known by, in the order of its coming."""
    rows = database.all(
        "SELECT DISTINCT ON (identity) identity, kind, method, url, seq"
        " FROM $.evidence ORDER BY identity, seq"
    )
    return [EvidenceKey(*row[:4]) for row in sorted(rows, key=lambda row: row[4])]


def evidence_counts(database: PostgresDatabase) -> dict[tuple[str, str], int]:
    """Return how many pieces of evidence there are, by kind and HTTP method."""
    rows = database.all(
        "SELECT kind, method, COUNT(DISTINCT identity) FROM $.evidence GROUP BY 1, 2"
    )
    return {(kind, method): number for kind, method, number in rows}


def rewrite_evidence(
    write: Queries, rows: Iterable[tuple[Any, ...]], bodies: dict[bytes, bytes]
) -> None:
    """Put rows of `evidence_row` in place of those of the same identity.

    When it was observed and recorded stays as it is.
    """
    write.run(
        "INSERT INTO $.bodies (digest, size, content)"
        " SELECT * FROM unnest(%b::bytea[], %b::int8[], %b::bytea[])"
        " ON CONFLICT DO NOTHING",
        [*bodies],
        [len(body) for body in bodies.values()],
        [pack(body) for body in bodies.values()],
    )
    for row in rows:
        write.run(
            "UPDATE $.evidence SET company_id = %s, url = %s, headers = %s,"
            " request_body = %s, response_body = %s WHERE identity = %s",
            *(row[3], row[5], row[7], row[8], row[9], row[0]),
        )


def compact(write: Queries) -> None:
    """Delete the bodies that nothing refers to."""
    write.run(
        "DELETE FROM $.bodies AS b WHERE NOT EXISTS (SELECT 1 FROM $.evidence AS e"
        " WHERE e.request_body = b.digest OR e.response_body = b.digest)"
    )
