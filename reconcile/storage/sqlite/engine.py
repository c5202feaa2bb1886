"""The SQLite engine: eventsourcing's recorders, extended where a history needs more.

Three things the library does not do: positions that are never used again, write
transactions that take the lock when they begin, and evidence in the same transaction
as its events.
"""

import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.persistence import (
    ConnectionPoolClosedError,
    InfrastructureFactory,
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
    SQLiteTrackingRecorder,
    SQLiteTransaction,
)
from eventsourcing.utils import Environment

from reconcile.errors import StoreError

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
    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[SQLiteCursor]:
        with _WriteTransaction(self, commit=commit) as cursor, cursor:
            yield cursor


class _Pool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        try:
            plain = self._connected()
        except sqlite3.DatabaseError as error:
            raise InterfaceError(error) from error
        connection = plain._sqlite_conn  # noqa: SLF001 - the library has no hook here
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA cache_size=-65536")
        connection.execute("PRAGMA cell_size_check=ON")  # damage is told, not read
        connection.execute(f"PRAGMA wal_autocheckpoint={WAL_PAGES_MAX}")
        return _Connection(connection, self.max_age)

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
        file = Path(self.db_name)
        if self.is_sqlite_memory_mode or (file.exists() and file.stat().st_size):
            return
        with closing(sqlite3.connect(file)) as new:
            new.execute(f"PRAGMA page_size={PAGE_BYTES}")
            new.execute("PRAGMA journal_mode=WAL")


class Datastore(SQLiteDatastore):
    """One SQLite file, with connections of our kind."""

    def __init__(self, db_name: str, **settings: Any) -> None:
        super().__init__(db_name, **settings)
        self.pool.close()
        self.pool = _Pool(db_name=db_name, lock_timeout=settings.get("lock_timeout"))


class Recorder(SQLiteApplicationRecorder):
    """Events at stable positions, and the evidence behind them, in one transaction."""

    def create_table(self) -> None:
        """Make nothing: the tables are made, and migrated, by `layout.py`."""

    def _insert_events(
        self, c: SQLiteCursor, stored_events: Sequence[StoredEvent], **kwargs: Any
    ) -> Sequence[int] | None:
        c.executemany(
            "INSERT OR IGNORE INTO bodies VALUES (?, ?, ?)", kwargs.get("bodies", ())
        )
        c.executemany(
            "INSERT INTO evidence (identity, observed_at, kind, company_id, method,"
            " url, status, headers, request_body, response_body, recorded_at,"
            " body_dropped) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            kwargs.get("evidence", ()),
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


def construct_factory(
    env: Environment,
) -> InfrastructureFactory[SQLiteTrackingRecorder]:
    """Return the factory for an environment that is used as it is given."""
    return Factory(env)


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
