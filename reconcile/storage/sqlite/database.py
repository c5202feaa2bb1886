"""Transactions on one SQLite file: every failure of the file is a StoreError."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from reconcile.errors import StoreError
from reconcile.storage.sqlite.engine import Datastore, store_errors
from reconcile.storage.sqlite.layout import LAYOUT, bring_up_to_date, layout_of


class Database:
    """One SQLite file, for those who read and write its tables.

    A file of an older layout is read as it is, and brought up to date before the first
    write; a new file is given its tables at once.
    """

    def __init__(self, path: str, datastore: Datastore) -> None:
        self.path = path
        self._datastore = datastore
        self._up_to_date = False
        with self.reading() as cursor:
            layout = layout_of(cursor)
        if layout is None:
            self.bring_up_to_date()
        elif layout > LAYOUT:
            raise StoreError(
                f"{path} was written by a later version: its layout is {layout},"
                f" and this version knows {LAYOUT} and older"
            )

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor whose rows are tuples, in one transaction with the write lock.

        It is committed at the end, and rolled back where an exception comes through.
        """
        self.bring_up_to_date()
        with self._transaction(commit=True) as cursor:
            yield cursor

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor whose rows are tuples, in one consistent read."""
        with self._transaction(commit=False) as cursor:
            yield cursor

    def check_writable(self) -> None:
        """Take the lock for writing and let go of it; nothing is changed."""
        with self._transaction(commit=True):
            pass

    def bring_up_to_date(self) -> None:
        """Give the file the newest layout, unless it has that already."""
        if self._up_to_date:
            return
        with self.reading() as cursor:
            if self.is_up_to_date(cursor):
                return
        with self._transaction(commit=True) as cursor:
            bring_up_to_date(cursor)
        self._up_to_date = True

    def is_up_to_date(self, cursor: sqlite3.Cursor) -> bool:
        """Return whether the file has the newest layout, in the cursor's read."""
        if not self._up_to_date:  # no layout ever becomes an older one
            self._up_to_date = layout_of(cursor) == LAYOUT
        return self._up_to_date

    def layout(self, cursor: sqlite3.Cursor) -> int:
        """Return the file's layout, in the cursor's read."""
        return LAYOUT if self.is_up_to_date(cursor) else layout_of(cursor) or 0

    def relied_on(self, position: int) -> int:
        """Return a position, remembered: no file that lacks it is the store."""
        presence = self._datastore.presence
        presence.seen = max(presence.seen, position)
        return position

    @contextmanager
    def _transaction(self, *, commit: bool) -> Iterator[sqlite3.Cursor]:
        with (
            store_errors(self.path),
            self._datastore.transaction(commit=commit) as cursor,
        ):
            plain = cursor.sqlite_cursor
            plain.row_factory = None  # the library's connections make sqlite3.Row
            yield plain
