"""The views in SQLite, written: a batch's rows, with the projector's position."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from reconcile.projections.rows import ItemRow, ItemRows, encode
from reconcile.storage.evidence import micros
from reconcile.storage.ports import (
    OvertakenError,
    StoredEvent,
    ViewChanges,
    ViewTable,
    relabelled,
)
from reconcile.storage.sqlite.database import Database
from reconcile.storage.sqlite.events import EventReads
from reconcile.storage.sqlite.schema import PROJECTION, make_view_tables
from reconcile.storage.sqlite.snapshot import SqliteSnapshot
from reconcile.storage.tables import KEYS, MADE_BY, ROWS

ALIKE_MIN: Final = 4
"""How many items alike are written by one statement that binds their columns once."""


class SqliteViews:
    """The views of one SQLite store, as the projector writes them."""

    def __init__(self, database: Database, events: EventReads) -> None:
        self._database = database
        self._events = events
        self._label: str | None = None

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views unless they were made under this label.

        Asked before every read, so it looks before it takes the write lock.
        """
        self._label = label = f"{MADE_BY}{label}"
        with self._database.reading() as cursor:
            if self._database.is_up_to_date(cursor) and _label(cursor) == label:
                return
        with self._database.writing() as cursor:
            if _label(cursor) == label:
                return
            make_view_tables(cursor)
            cursor.execute("REPLACE INTO made_by VALUES (1, ?)", (label,))

    @contextmanager
    def claim(self, *, until: int) -> Iterator["SqliteClaim | None"]:
        """Give the next events, where the views do not stand at `until` yet.

        Two that fold the same are told apart when they write: one was overtaken.
        """
        with self._database.reading() as cursor:
            after = SqliteSnapshot(self._database, cursor).position()
        stored = self._events.stored_after(after) if after < until else []
        claim = SqliteClaim(self._database, self._label, after, stored)
        yield claim if stored else None


class SqliteClaim:
    """The next events of a SQLite store."""

    def __init__(
        self,
        database: Database,
        label: str | None,
        after: int,
        stored: Sequence[StoredEvent],
    ) -> None:
        self._database = database
        self._label = label
        self._after = after
        self.stored = stored

    @contextmanager
    def reading(self) -> Iterator[SqliteSnapshot]:
        """Give the views as they stand before the events that are not yet written."""
        with self._database.reading() as cursor:
            yield SqliteSnapshot(self._database, cursor)

    def write(self, changes: ViewChanges, *, position: int) -> None:
        """Write the rows of events up to a position, and that position, at once.

        Raises:
            OvertakenError: somebody else has written them meanwhile.
            StoreError: the views are made under another label by now.

        """
        with self._database.writing() as cursor:
            if self._label and _label(cursor) != self._label:
                raise relabelled(self._database.path)
            if _position(cursor) != self._after:
                raise OvertakenError
            for table, *key in changes.gone:
                _delete(cursor, table, key)
            _write_items(cursor, changes.items)
            _replace(cursor, "contents", changes.contents)
            _replace(cursor, "syncs", changes.syncs)
            _replace(cursor, "datasets", changes.datasets)
            _replace(cursor, "refused", changes.refused)
            _replace(cursor, "mended", changes.mended)
            cursor.executemany(
                "DELETE FROM deliveries WHERE company_id = ? AND sync_id = ?"
                " AND body_digest = ?",
                changes.silenced,
            )
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
        self._after = position


def _delete(cursor: sqlite3.Cursor, table: ViewTable, key: Sequence[str]) -> None:
    name = KEYS[table]
    cursor.execute(f"DELETE FROM {table} WHERE company_id = ? AND {name} = ?", key)


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
