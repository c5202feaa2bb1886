"""The views in SQLite, written: their tables, with the projector's position."""

import itertools
import re
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final

from reconcile.projections.rows import (
    DATASET_COLUMNS,
    ITEM_COLUMNS,
    SYNC_COLUMNS,
    Column,
    ItemRow,
    ItemRows,
    encode,
)
from reconcile.storage.evidence import micros
from reconcile.storage.ports import OvertakenError, ViewChanges, ViewTable
from reconcile.storage.sqlite.database import Database

PROJECTION: Final = "views"
VERSION: Final = 2
"""Of what the tables hold; another one makes every store fold its views anew."""
ROWS: Final[dict[ViewTable, tuple[Column, ...]]] = {
    "items": ITEM_COLUMNS,
    "syncs": SYNC_COLUMNS,
    "datasets": DATASET_COLUMNS,
}
KEYS: Final[dict[ViewTable, str]] = {
    table: columns[1].name for table, columns in ROWS.items()
}
ALIKE_MIN: Final = 4
"""How many items alike are written by one statement that binds their columns once."""


class SqliteViews:
    """The views of one SQLite store, as the projector writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        with database.reading() as cursor:
            there = _version(cursor) == VERSION
        if not there:
            with database.writing() as cursor:
                if _version(cursor) != VERSION:  # another process may be quicker
                    make_view_tables(cursor)

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views unless they were made under this label.

        Asked before every read, so it looks before it takes the write lock.
        """
        label = f"views {VERSION}; {label}"
        with self._database.reading() as cursor:
            if _label(cursor) == label:
                return
        with self._database.writing() as cursor:
            if _label(cursor) == label:
                return
            make_view_tables(cursor)
            cursor.execute("REPLACE INTO made_by VALUES (1, ?)", (label,))

    def write(self, changes: ViewChanges, *, after: int, position: int) -> None:
        """Write a batch's rows and the position they bring the views to, at once.

        Raises:
            OvertakenError: the views do not stand at `after` any more.

        """
        with self._database.writing() as cursor:
            if _position(cursor) != after:
                raise OvertakenError
            _write_items(cursor, changes.items)
            _replace(cursor, "syncs", changes.syncs)
            _replace(cursor, "datasets", changes.datasets)
            cursor.executemany(
                "INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?)",
                changes.deliveries,
            )
            cursor.executemany(
                "INSERT OR IGNORE INTO poisoned VALUES (?, ?)", changes.poisoned
            )
            if changes.newest is not None:
                cursor.execute(
                    "INSERT INTO newest VALUES (1, ?)"
                    " ON CONFLICT (one) DO UPDATE SET at = MAX(at, excluded.at)",
                    (micros(changes.newest),),
                )
            cursor.execute(
                "REPLACE INTO tracking VALUES (?, ?)", (PROJECTION, position)
            )


def make_view_tables(cursor: sqlite3.Cursor) -> None:
    """Make the tables of the views, empty, in place of those of any version."""
    for name in (*ROWS, "deliveries", "poisoned", "newest", "made_by", "tracking"):
        cursor.execute(f"DROP TABLE IF EXISTS {name}")
    for statement in _create_statements():
        cursor.execute(statement)
    cursor.execute("INSERT INTO made_by VALUES (1, ?)", (f"views {VERSION}",))


def _version(cursor: sqlite3.Cursor) -> int | None:
    """Return the version of the tables that are there, None for none."""
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'made_by'")
    label = _label(cursor) if cursor.fetchone() is not None else None
    found = re.match(r"views (\d+)", label or "")
    return int(found[1]) if found else None


def _label(cursor: sqlite3.Cursor) -> str | None:
    row = cursor.execute("SELECT label FROM made_by").fetchone()
    return None if row is None else str(row[0])


def _position(cursor: sqlite3.Cursor) -> int:
    row = cursor.execute(
        "SELECT notification_id FROM tracking WHERE application_name = ?",
        (PROJECTION,),
    ).fetchone()
    return 0 if row is None else int(row[0])


def _write_items(cursor: sqlite3.Cursor, groups: Sequence[ItemRows]) -> None:
    single: list[ItemRow] = []
    for alike in groups:
        if len(alike.transaction_ids) < ALIKE_MIN:
            single += alike.rows()
        else:
            _write_alike(cursor, alike)
    _replace(cursor, "items", single)


def _write_alike(cursor: sqlite3.Cursor, alike: ItemRows) -> None:
    """Write rows that differ in their id alone: their columns are bound once."""
    marks = ", ".join("?" for _ in alike.columns)
    cursor.execute(
        f"REPLACE INTO items SELECT ?, value, {marks}, ? FROM json_each(?)",
        (
            alike.company_id,
            *alike.columns,
            alike.facts,
            encode(alike.transaction_ids).decode(),
        ),
    )


def _replace(
    cursor: sqlite3.Cursor, table: ViewTable, rows: Sequence[tuple[object, ...]]
) -> None:
    marks = ", ".join("?" for _ in ROWS[table])
    cursor.executemany(f"REPLACE INTO {table} VALUES ({marks})", rows)


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
