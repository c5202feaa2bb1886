"""Evidence in SQLite: its rows and its bodies, written and read."""

import sqlite3
from collections.abc import Iterable
from functools import partial
from typing import Any

from reconcile.errors import StoreError
from reconcile.storage.evidence import (
    RECEIPT_COLUMNS,
    Evidence,
    EvidenceKey,
    Receipt,
    pack,
    receipt_of,
    unpack,
)
from reconcile.storage.sqlite.layout import body_dropped


def evidence_at(
    cursor: sqlite3.Cursor, identity: bytes, *, layout: int
) -> Evidence | None:
    """Return one piece of evidence with its bodies, at its earliest receipt."""
    found = receipts(cursor, identity, layout=layout, most=1)
    return found[0].evidence if found else None


def receipts(
    cursor: sqlite3.Cursor, identity: bytes, *, layout: int, most: int = -1
) -> list[Receipt]:
    """Return one piece of evidence as it came each time, the earliest first."""
    cursor.execute(
        f"SELECT {RECEIPT_COLUMNS} FROM evidence WHERE identity = ?"
        " ORDER BY observed_at LIMIT ?",
        (identity, most),
    )
    rows = cursor.fetchall()
    dropped = bool(rows) and body_dropped(cursor, identity, layout=layout)
    body = partial(_body, cursor)
    return [receipt_of(identity, row, dropped=dropped, body=body) for row in rows]


def deliveries_of(cursor: sqlite3.Cursor, digest: bytes) -> dict[bytes, str | None]:
    """Return the deliveries whose body has that SHA-256: identity and company."""
    cursor.execute(
        "SELECT identity, company_id FROM evidence"
        " WHERE kind = 'delivery' AND request_body = ?",
        (digest,),
    )
    return dict(cursor.fetchall())


def evidence_keys(cursor: sqlite3.Cursor) -> list[EvidenceKey]:
    """Return what all evidence is known by, in the order of its coming."""
    cursor.execute(
        "SELECT identity, kind, method, url FROM evidence GROUP BY identity"
        " ORDER BY MIN(seq)"
    )
    return [EvidenceKey(*row) for row in cursor.fetchall()]


def evidence_counts(cursor: sqlite3.Cursor) -> dict[tuple[str, str], int]:
    """Return how many pieces of evidence there are, by kind and HTTP method."""
    cursor.execute(
        "SELECT kind, method, COUNT(DISTINCT identity) FROM evidence GROUP BY 1, 2"
    )
    return {(kind, method): number for kind, method, number in cursor.fetchall()}


def rewrite_evidence(
    cursor: sqlite3.Cursor, rows: Iterable[tuple[Any, ...]], bodies: dict[bytes, bytes]
) -> None:
    """Put rows of `evidence_row` in place of those of the same identity.

    When it was observed and recorded stays as it is.
    """
    cursor.executemany(
        "INSERT OR IGNORE INTO bodies VALUES (?, ?, ?)",
        [(digest, len(body), pack(body)) for digest, body in bodies.items()],
    )
    cursor.executemany(
        "UPDATE evidence SET company_id = ?, url = ?, headers = ?,"
        " request_body = ?, response_body = ? WHERE identity = ?",
        [(row[3], row[5], row[7], row[8], row[9], row[0]) for row in rows],
    )


def compact(db: sqlite3.Connection) -> None:
    """Delete bodies that nothing refers to, and write the file anew without them."""
    db.isolation_level = None
    db.execute("PRAGMA secure_delete = ON")
    db.execute(
        "DELETE FROM bodies WHERE digest NOT IN ("
        "SELECT request_body FROM evidence WHERE request_body IS NOT NULL"
        " UNION SELECT response_body FROM evidence WHERE response_body IS NOT NULL)"
    )
    db.execute("VACUUM")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def stored_body(cursor: sqlite3.Cursor, digest: bytes) -> bytes | None:
    """Return the body that has that SHA-256, None where no such is stored."""
    cursor.execute("SELECT content FROM bodies WHERE digest = ?", (digest,))
    row = cursor.fetchone()
    return None if row is None else unpack(row[0])


def _body(cursor: sqlite3.Cursor, digest: bytes | None) -> bytes | None:
    if digest is None:
        return None
    body = stored_body(cursor, digest)
    if body is None:
        raise StoreError(f"the body {digest.hex()} is missing from the store")
    return body
