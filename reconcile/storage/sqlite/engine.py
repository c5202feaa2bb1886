"""The SQLite engine: eventsourcing's recorders, extended where a history needs more.

Three things the library does not do: positions that are never used again, write
transactions that take the lock when they begin, and evidence in the same transaction
as its events.
"""

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import attrs
from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    InterfaceError,
    PersistenceError,
    StoredEvent,
)
from eventsourcing.sqlite import (
    SQLiteApplicationRecorder,
    SQLiteConnection,
    SQLiteConnectionPool,
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteFactory,
    SQLiteTransaction,
)
from eventsourcing.utils import Environment

from reconcile.errors import StoreError, StoreLostError
from reconcile.storage.sqlite.presence import BESIDE, GONE, REPLACED, Mark, Presence

LOCK_TIMEOUT_S = 60
CREATION_WAIT_MAX_S = 5.0
PAGE_BYTES = 8192
"""A page of rows as an event is about 10 kB: larger pages spare it an overflow chain,
and smaller ones make a webhook's commit smaller. Measured, the middle serves both."""

WAL_PAGES_MAX = 4096
"""When the write-ahead log is folded into the file: at 32 MiB, for a batch of views is
about 10 MiB, and folding after each of them writes most pages twice."""


class _WriteTransaction(SQLiteTransaction):
    """Takes the write lock at once: read-then-write must never be refused half way."""

    def __enter__(self) -> SQLiteCursor:
        cursor = self.connection.cursor()
        cursor.execute("BEGIN IMMEDIATE" if self.commit else "BEGIN")
        return cursor


class _Connection(SQLiteConnection):
    generation = 0  # of those that the pool has let go of together

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _WriteTransaction(self, commit=commit) as cursor, cursor:
            yield cursor


class _Pool(SQLiteConnectionPool):
    """Connections to one file, none of which makes it where the pool knew it before."""

    def __init__(self, *, db_name: str, lock_timeout: int | None) -> None:
        super().__init__(db_name=db_name, lock_timeout=lock_timeout)
        self.presence = Presence(db_name)
        if not self.is_sqlite_memory_mode:
            self.db_name = f"{Path(self.presence.path).as_uri()}?mode=rw"
        self._generation = 0
        self._may_create = True
        self._asking = threading.local()

    @staticmethod
    def detect_memory_mode(db_name: str) -> bool:
        """Return whether a name is SQLite's for no file; a path is one, whatever it is.

        The library looks for ":memory:" anywhere in it.
        """
        return db_name == ":memory:" or (
            db_name.startswith("file:")
            and SQLiteConnectionPool.detect_memory_mode(db_name)
        )

    def get_connection(
        self, timeout: float | None = None, *, is_writer: bool | None = None
    ) -> SQLiteConnection:
        """Return a connection of the pool's."""
        self._asking.is_writer = is_writer
        return super().get_connection(timeout, is_writer=is_writer)

    def _get_connection(self, timeout: float = 0.0) -> SQLiteConnection:
        try:
            return super()._get_connection(timeout)
        except BaseException:  # the library would keep the lock of the writer for ever
            is_writer, self._asking.is_writer = self._asking.is_writer, None
            if is_writer is True:
                self._num_writers -= 1
                self._writer_lock.release()
            elif is_writer is False:
                with self._no_readers:
                    self._num_readers -= 1
            raise

    def put_connection(self, conn: SQLiteConnection) -> None:
        """Take a connection back, or close it where it was let go of meanwhile."""
        if getattr(conn, "generation", None) != self._generation:
            conn.close()
        super().put_connection(conn)

    def let_go(self) -> None:
        """Close what is idle now, and what is in use as it comes back."""
        with self._put_condition:
            self._generation += 1
            self.is_journal_mode_wal = False
            while self._pool:
                self._pool.popleft().close()

    def _create_connection(self) -> SQLiteConnection:
        try:
            plain = self._connected()
        except sqlite3.DatabaseError as error:
            raise InterfaceError(error) from error
        if not self.is_sqlite_memory_mode:
            self._recognise(plain)
        connection = plain._sqlite_conn  # noqa: SLF001 - the library has no hook here
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA cell_size_check=ON")  # damage is told, not read
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES_MAX}")
        own = _Connection(connection, self.max_age)
        own.generation = self._generation
        return own

    def _recognise(self, connection: SQLiteConnection) -> None:
        """Refuse a connection to another file than the one that is known."""
        try:
            stands = os.stat(self.presence.path)
        except OSError as error:
            connection.close()
            raise self.presence.lost(GONE) from error
        if self.presence.file not in (None, (stands.st_dev, stands.st_ino)):
            connection.close()
            raise self.presence.lost(REPLACED)
        self.presence.learn(stands)
        self._may_create = False

    def _connected(self) -> SQLiteConnection:
        """Connect; SQLite does not wait for another that turns on the log just now."""
        give_up_at = time.monotonic() + CREATION_WAIT_MAX_S
        while True:
            try:
                self._lay_out()
                return super()._create_connection()
            except sqlite3.OperationalError as error:
                busy = error.sqlite_errorcode == sqlite3.SQLITE_BUSY
                if not busy or time.monotonic() > give_up_at:
                    raise
            time.sleep(0.01)

    def _lay_out(self) -> None:
        """Choose the page size of a file that is new; later it can no longer be."""
        if self.is_sqlite_memory_mode or not self._may_create:
            return
        file = Path(self.presence.path)
        if file.exists() and file.stat().st_size:
            return
        with closing(sqlite3.connect(file)) as new:
            new.execute(f"PRAGMA page_size={PAGE_BYTES}")
            new.execute("PRAGMA journal_mode=WAL")


class Datastore(SQLiteDatastore):
    """One SQLite file, with connections of our kind, that must stay where it is."""

    def __init__(self, db_name: str, **settings: Any) -> None:
        super().__init__(db_name, **settings)
        self.pool.close()
        self.pool: _Pool = _Pool(
            db_name=db_name, lock_timeout=settings.get("lock_timeout")
        )
        self.presence = self.pool.presence
        self._taking_up = threading.Lock()
        with _OPEN_LOCK:
            _OPEN.add(self)

    def __del__(self) -> None:
        """Close; an interrupt may have come before there was a pool to close."""
        if hasattr(self, "pool"):
            super().__del__()

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        """Give a cursor; a commit is over when the file is seen to be there still.

        Raises:
            StoreLostError: it is not; what was written is not kept.

        """
        self.ensure()
        try:
            with super().transaction(commit=commit) as cursor:
                yield cursor
        except (PersistenceError, sqlite3.Error) as error:
            why = self.presence.trouble()
            if why is not None:
                raise self.presence.lost(why) from error
            raise
        if commit:
            self.confirm()
        self.presence.learn_sides()

    def confirm(self) -> None:
        """Make sure that the file is where it was, before anybody is told.

        Raises:
            StoreLostError: it is not.

        """
        why = self.presence.trouble()
        if why is not None:
            raise self.presence.lost(why)

    def lost(self) -> str | None:
        """Return what became of the file where it is lost; try to take it up."""
        if not self.pool.closed:
            try:
                self.ensure()
            except StoreLostError as error:
                return error.why
        return None

    def ensure(self) -> None:
        """Make sure that the file can be used; take up one that was put back.

        Raises:
            StoreLostError: it cannot.

        """
        if self.presence.trouble() is not None:
            with self._taking_up:
                why = self._why_not()
            if why is not None:
                raise self.presence.lost(why)
        self.presence.is_back()

    def _why_not(self) -> str | None:
        """Return why the file cannot be used, having tried to take it up."""
        why = self.presence.trouble()
        if why == REPLACED:
            why = self.presence.adopted()
            if why is None:
                self.pool.let_go()
        elif why == BESIDE:
            with _OPEN_LOCK:
                here = [*_OPEN]
            for store in here:  # all that hold the lost one, and no other
                if (
                    store.presence.file == self.presence.file
                    and not store.presence.is_let_go
                    and store.presence.trouble() == BESIDE
                ):
                    store.pool.let_go()
                    store.presence.let_go()
            if not self.pool.num_in_use:
                why = self.presence.reopened()
        return why


_OPEN_LOCK = threading.Lock()
_OPEN: "weakref.WeakSet[Datastore]" = weakref.WeakSet()
"""Every store of this process: to fold in a lost -wal, all must let go of it."""


class Recorder(SQLiteApplicationRecorder):
    """Events at stable positions, and the evidence behind them, in one transaction."""

    def create_table(self) -> None:
        """Make nothing: the tables are made, and migrated, by `layout.py`."""

    def insert_events(
        self, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        """Write, and remember how far the history went when that was kept."""
        presence = self.datastore.presence  # type: ignore[attr-defined]  # the library types it by its base
        with self.datastore.transaction(commit=True) as cursor:
            positions = self._insert_events(cursor, stored_events, **kwargs)
            cursor.execute("SELECT MAX(seq) FROM evidence")
            seq = cursor.fetchone()[0] or 0
        mark = attrs.evolve(presence.mark, evidence=seq)
        if stored_events and positions:
            e = stored_events[-1]
            row = (e.originator_id, e.originator_version, e.topic, e.state)
            mark = Mark(positions[-1], (*row, kwargs["recorded_at"]), seq)
        presence.remember(mark)
        return positions

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        evidence = kwargs.get("evidence", ())
        _refuse_again(c, [row[0] for row in evidence if row[1] is None])
        c.executemany(
            "INSERT OR IGNORE INTO bodies VALUES (?, ?, ?)", kwargs.get("bodies", ())
        )
        c.executemany(
            "INSERT INTO evidence (identity, observed_at, kind, company_id, method,"
            " url, status, headers, request_body, response_body, recorded_at,"
            " body_dropped) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            evidence,
        )
        recorded_at: int = kwargs["recorded_at"]
        c.executemany(
            "INSERT INTO stored_events (originator_id, originator_version, topic,"
            " state, recorded_at) VALUES (?, ?, ?, ?, ?)",
            [
                (e.originator_id, e.originator_version, e.topic, e.state, recorded_at)
                for e in stored_events
            ],
        )
        c.execute("SELECT last_insert_rowid()")
        last: int = c.fetchone()[0]
        return range(last - len(stored_events) + 1, last + 1)


def _refuse_again(c: SQLiteCursor, untimed: Sequence[bytes]) -> None:
    """Refuse evidence without a time that is there: to SQLite no two nulls are alike.

    It is no index of the table's, for older stores may have some twice.
    """
    for number, identity in enumerate(untimed):
        c.execute(
            "SELECT 1 FROM evidence WHERE identity = ? AND observed_at IS NULL",
            (identity,),
        )
        if c.fetchone() or identity in untimed[:number]:
            raise sqlite3.IntegrityError("evidence without a time is stored already")


class Factory(SQLiteFactory):
    """Builds our recorders on our datastore."""

    application_recorder_class = Recorder

    def __init__(self, env: Environment) -> None:
        super().__init__(env)
        self.datastore.close()
        self.datastore = Datastore(
            self.env.get("SQLITE_DBNAME") or "",
            lock_timeout=LOCK_TIMEOUT_S,
            single_row_tracking=True,
            originator_id_type="text",
        )


def sqlite_environment(path: str) -> Mapping[str, str]:
    """Return the environment of a SQLite store at a path."""
    return {
        "SQLITE_DBNAME": path,
        "ORIGINATOR_ID_TYPE": "text",
        "SQLITE_LOCK_TIMEOUT": str(LOCK_TIMEOUT_S),
    }


@contextmanager
def store_errors(path: str) -> Iterator[None]:
    """Turn what the engine raises about the file into one sentence."""
    try:
        yield
    except ConnectionPoolClosedError as error:
        raise StoreError(f"{path} cannot be used as a store: it was closed") from error
    except (PersistenceError, sqlite3.Error, UnicodeDecodeError) as error:
        # The last is Python's, of a damaged name in what SQLite would say.
        raise StoreError(f"{path} cannot be used as a store: {error}") from error
