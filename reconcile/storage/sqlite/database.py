"""Transactions on one SQLite file: every failure of the file is a StoreError."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from reconcile.storage.sqlite.engine import Datastore, store_errors


class Database:
    """One SQLite file, for those who read and write its tables."""

    def __init__(self, path: str, datastore: Datastore) -> None:
        self.path = path
        self._datastore = datastore

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor whose rows are tuples, in one transaction with the write lock.

        It is committed at the end, and rolled back where an exception comes through.
        """
        with self._transaction(commit=True) as cursor:
            yield cursor

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Cursor]:
        """Give a cursor whose rows are tuples, in one consistent read."""
        with self._transaction(commit=False) as cursor:
            yield cursor

    @contextmanager
    def _transaction(self, *, commit: bool) -> Iterator[sqlite3.Cursor]:
        with (
            store_errors(self.path),
            self._datastore.transaction(commit=commit) as cursor,
        ):
            plain = cursor.sqlite_cursor
            plain.row_factory = None  # the library's connections make sqlite3.Row
            yield plain
