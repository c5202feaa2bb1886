"""The tables of a SQLite store, as SQL: of its history, its views, and all else.

`HISTORY`, `LEASES` and `UNTRUSTED` are as version 0.1.0 made them, and stay so:
`layout.py` brings them up to date, in a new file as in an old one. The tables of the
views have a version of their own, for they can always be made anew.
"""

import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from reconcile.projections.rows import Column
from reconcile.storage.tables import ROWS

PROJECTION: Final = "views"
HISTORY: Final = (
    """CREATE TABLE IF NOT EXISTS stored_events (
        rowid INTEGER PRIMARY KEY AUTOINCREMENT,
        originator_id TEXT NOT NULL,
        originator_version INTEGER NOT NULL,
        topic TEXT NOT NULL,
        state BLOB NOT NULL,
        recorded_at INTEGER NOT NULL,
        UNIQUE (originator_id, originator_version)
    )""",
    "CREATE INDEX IF NOT EXISTS events_by_time ON stored_events (recorded_at)",
    """CREATE TABLE IF NOT EXISTS evidence (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        identity BLOB NOT NULL,
        observed_at INTEGER,
        kind TEXT NOT NULL,
        company_id TEXT,
        method TEXT NOT NULL,
        url TEXT NOT NULL,
        status INTEGER NOT NULL,
        headers TEXT NOT NULL,
        request_body BLOB,
        response_body BLOB,
        recorded_at INTEGER NOT NULL,
        UNIQUE (identity, observed_at)
    )""",
    """CREATE TABLE IF NOT EXISTS bodies (
        digest BLOB PRIMARY KEY,
        size INTEGER NOT NULL,
        content BLOB NOT NULL
    )""",
)

LEASES: Final = (
    "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL,"
    " until INTEGER NOT NULL, done INTEGER) WITHOUT ROWID"
)
UNTRUSTED: Final = """CREATE TABLE IF NOT EXISTS untrusted (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    received_at INTEGER NOT NULL,
    reason TEXT NOT NULL,
    headers TEXT NOT NULL,
    body_bytes INTEGER NOT NULL,
    body_digest BLOB NOT NULL,
    body BLOB
)"""


def make_view_tables(cursor: sqlite3.Cursor) -> None:
    """Make the tables of the views, empty, in place of those of any version."""
    cursor.execute("DROP VIEW IF EXISTS causes")
    for name in (*ROWS, "deliveries", "poisoned", "newest", "made_by", "tracking"):
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in _create_statements():
        cursor.execute(statement)
    cursor.execute(_CAUSES)


def _create_statements() -> Iterator[str]:
    """Yield what makes the tables of tracking and of the views."""
    yield (
        "CREATE TABLE tracking (application_name TEXT,"
        " notification_id INTEGER, PRIMARY KEY (application_name)) WITHOUT ROWID"
    )
    for table, columns in ROWS.items():
        yield _table(table, columns)
    yield (
        "CREATE INDEX items_undecided ON items"
        " (company_id, undecided, kind) WHERE undecided IS NOT NULL"
    )
    yield (
        "CREATE TABLE deliveries ("
        "delivery_id TEXT NOT NULL, body_digest TEXT NOT NULL,"
        " company_id TEXT NOT NULL, sync_id TEXT NOT NULL,"
        " PRIMARY KEY (delivery_id, body_digest)) WITHOUT ROWID"
    )
    yield ("CREATE TABLE poisoned (position INTEGER PRIMARY KEY, reason TEXT NOT NULL)")
    yield (
        "CREATE TABLE newest ("
        "one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL)"
    )
    yield (
        "CREATE TABLE made_by ("
        "one INTEGER PRIMARY KEY CHECK (one = 1), label TEXT NOT NULL)"
    )


def _table(name: str, columns: Sequence[Column]) -> str:
    """Return a table whose rows lie in the order of their writing.

    A table ordered by its key is split in halves by every row between two others: with
    rows as wide as these it is twice as large, and slower to write, than key and rows
    apart.
    """
    key = ", ".join(column.name for column in itertools.islice(columns, 2))
    defined = ", ".join(
        f"{column.name} {_KINDS[column.kind]}{'' if column.null else ' NOT NULL'}"
        for column in columns
    )
    return f"CREATE TABLE {name} ({defined}, PRIMARY KEY ({key}))"


_KINDS: Final[dict[type, str]] = {str: "TEXT", int: "INTEGER", bytes: "BLOB"}

# A sum of decimals in whole units and whole billionths: SQLite has no exact decimals.
_CAUSES: Final = """
CREATE VIEW causes AS
WITH broken AS (
    SELECT items.company_id, items.cause, items.fingerprint, items.owner,
           CASE WHEN items.cause IS NULL THEN items.kind END AS kind,
           items.broken_since, contents.currency,
           CASE WHEN contents.currency IS NOT NULL OR contents.type = 'Transfer'
                THEN contents.amount END AS amount
      FROM items LEFT JOIN contents USING (company_id, transaction_id)
     WHERE items.state = 'break'
), split AS (
    SELECT *, substr(amount, 1, instr(amount || '.', '.') - 1) AS whole,
           substr(amount, instr(amount || '.', '.') + 1) AS decimals
      FROM broken
), counted AS (
    SELECT *,
           CASE WHEN length(ltrim(whole, '-')) <= 15 AND length(decimals) <= 9
                THEN CAST(whole AS INTEGER) END AS units,
           CASE WHEN length(ltrim(whole, '-')) <= 15 AND length(decimals) <= 9
                THEN CAST(CASE WHEN amount LIKE '-%' THEN '-' ELSE '' END
                          || substr(decimals || '000000000', 1, 9) AS INTEGER)
            END AS billionths
      FROM split
), summed AS (
    SELECT company_id, cause, kind, fingerprint, owner, currency,
           count(*) AS items, count(*) - count(units) AS unpriced,
           total_units + total_billionths / 1000000000 AS units,
           total_billionths % 1000000000 AS billionths,
           min(broken_since) AS first_at, max(broken_since) AS last_at
      FROM (SELECT *,
                   sum(units) OVER grouped AS total_units,
                   sum(billionths) OVER grouped AS total_billionths
              FROM counted
            WINDOW grouped AS (PARTITION BY company_id, cause, kind, fingerprint,
                               owner, currency))
     GROUP BY company_id, cause, kind, fingerprint, owner, currency
), carried AS (
    SELECT *,
           CASE WHEN units > 0 AND billionths < 0 THEN units - 1
                WHEN units < 0 AND billionths > 0 THEN units + 1
                ELSE units END AS whole,
           CASE WHEN units > 0 AND billionths < 0 THEN billionths + 1000000000
                WHEN units < 0 AND billionths > 0 THEN billionths - 1000000000
                ELSE billionths END AS rest
      FROM summed
)
SELECT company_id, cause, kind, fingerprint, owner, currency, items, unpriced,
       CASE WHEN whole < 0 OR rest < 0 THEN '-' ELSE '' END || abs(whole)
       || rtrim(rtrim('.' || printf('%09d', abs(rest)), '0'), '.') AS amount,
       first_at, last_at
  FROM carried
"""
