"""Transactions on one PostgreSQL schema: connections that come back by themselves.

Every query names its tables in full (`$.items` is written for that), and no setting of
a session is relied on: so a pooler may give each transaction another connection.
"""

import contextlib
import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, Self

import psycopg
from psycopg import sql
from psycopg.rows import tuple_row
from psycopg_pool import PoolTimeout

from reconcile.errors import StoreLostError
from reconcile.quiet import logger
from reconcile.storage.postgres.errors import first_line, is_lost, store_errors
from reconcile.storage.postgres.location import Location

_LEVELS: Final = {
    name: logging.getLogger(name).level for name in ("psycopg", "psycopg.pool")
}
from eventsourcing.postgres import (  # noqa: E402 - it silences the host's loggers
    ConnectionPool,
    PostgresDatastore,
)

_LOG: Final = logger("storage")
_POOL: Final = "codat-reconcile"


def _is_of_others(record: logging.LogRecord) -> bool:
    """Return whether a record of the pools' is not of one of ours.

    While a server is away a pool tells of each attempt; of ours, the log hears once.
    """
    args = record.args if isinstance(record.args, tuple) else ()
    return not any(arg == _POOL or isinstance(arg, _Connecting) for arg in args)


logging.getLogger("psycopg.pool").addFilter(_is_of_others)
for _name, _level in _LEVELS.items():
    logging.getLogger(_name).setLevel(_level)

Connection = psycopg.Connection[tuple[Any, ...]]
Cursor = psycopg.Cursor[tuple[Any, ...]]
Row = tuple[Any, ...]

_READ: Final = (
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;"
    " SET LOCAL idle_in_transaction_session_timeout = 0"  # it folds, and locks nothing
)
_WRITE: Final = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_IDLE_TIMEOUT: Final = "idle_in_transaction_session_timeout"
_LIFETIME_S: Final = 30 * 60.0


class PooledDatastore(PostgresDatastore):
    """The library's, on a URL of libpq's taken whole, with rows that are tuples."""

    def __init__(self, location: Location) -> None:
        super().__init__(
            *("", "", "", "", ""),
            schema=location.schema,
            originator_id_type="text",
        )
        self.location = location
        self.failures: deque[psycopg.Error] = deque(maxlen=1)
        self.pool: ConnectionPool[Any] = ConnectionPool(
            location.conninfo,
            connection_class=_Connecting,
            kwargs={
                "row_factory": tuple_row,
                "autocommit": True,
                "failures": self.failures,
            },
            min_size=1,
            max_size=location.pool_size,
            open=False,
            configure=_configure(location),
            timeout=_connect_timeout(location),
            reconnect_timeout=_connect_timeout(location),  # or its waits double on
            max_lifetime=_LIFETIME_S,
            name=_POOL,
        )

    def register_type_adapters(self) -> None:
        """Register none: events are written as arrays of plain types."""


class _Connecting(psycopg.Connection[Any]):
    """A connection of a pool's: why none could be made is put where others see it."""

    @classmethod
    def connect(  # type: ignore[override]  # all others as they are
        cls, conninfo: str = "", *, failures: deque[psycopg.Error], **kwargs: Any
    ) -> Self:
        """Connect, or remember why not."""
        try:
            connection = super().connect(conninfo, **kwargs)
        except psycopg.Error as error:
            failures.append(error)
            raise
        failures.clear()
        return connection


def _configure(location: Location) -> Any:
    """Return what a connection is told when it is made: one statement, no parameter."""
    settings = {
        "lock_timeout": f"{location.lock_timeout_s}s",
        _IDLE_TIMEOUT: f"{location.idle_timeout_s}s",
    }
    if location.statement_timeout_s:
        settings["statement_timeout"] = f"{location.statement_timeout_s}s"
    statement = "; ".join(f"SET {name} = '{value}'" for name, value in settings.items())

    def configure(connection: Connection) -> None:
        if not location.prepares:
            connection.prepare_threshold = None
        connection.execute(statement.encode())

    return configure


def _connect_timeout(location: Location) -> float:
    found = psycopg.conninfo.conninfo_to_dict(location.conninfo)
    return max(2.0, float(str(found["connect_timeout"]))) + 1.0


class PostgresDatabase:
    """One schema of one database, for those who read and write its tables."""

    def __init__(self, datastore: PooledDatastore) -> None:
        self.location = datastore.location
        self.path = self.location.name
        self._pool = datastore.pool
        self._failures = datastore.failures
        self._prefix = sql.Identifier(self.location.schema).as_string().encode() + b"."
        self._named: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self._is_away = False

    def connect(self) -> None:
        """Connect once, so that what is wrong is said at once; then open the pool.

        Raises:
            StoreError: the server is not there, or does not let us in.

        """
        with store_errors(self.path):
            psycopg.connect(self.location.conninfo).close()
            self._pool.open()

    def failure(self) -> str | None:
        """Return why no connection could be made, None where the last one was."""
        return next((first_line(failure) for failure in [*self._failures]), None)

    def named(self, query: str) -> bytes:
        """Return a query with its tables named in full."""
        found = self._named.get(query)
        if found is None:
            found = self._named[query] = query.encode().replace(b"$.", self._prefix)
        return found

    def all(self, query: str, *values: object) -> list[Row]:
        """Return the rows of one query, asked again where the connection was dead."""
        with store_errors(self.path):
            connection, cursor = self._on_a_live_one(self.named(query), values)
            try:
                return cursor.fetchall()
            finally:
                self._pool.putconn(connection)

    def first(self, query: str, *values: object) -> Row | None:
        """Return the first row of one query."""
        rows = self.all(query, *values)
        return rows[0] if rows else None

    def alone(self, statement: str, values: Sequence[object]) -> Row | None:
        """Run a statement that is a transaction by itself, once; return its first row.

        Raises:
            psycopg.Error: what went wrong, as it is: the caller knows what to do.

        """
        connection = self._connection()
        try:
            cursor = connection.cursor(binary=True)
            row = cursor.execute(self.named(statement), values).fetchone()
        except BaseException as error:
            self._put_back(connection, error)
            raise
        self._pool.putconn(connection)
        return row

    @contextmanager
    def reading(self) -> Iterator["Queries"]:
        """Give one consistent read."""
        with self._transaction(_READ) as transaction:
            yield transaction

    @contextmanager
    def writing(self, *, idle_timeout_s: int | None = None) -> Iterator["Queries"]:
        """Give one transaction that is committed at the end.

        It is rolled back where an exception comes through. `idle_timeout_s` is how long
        it may stand still, None for as long as the location says.
        """
        begin = _WRITE
        if idle_timeout_s is not None:
            begin += f"; SET LOCAL {_IDLE_TIMEOUT} = '{idle_timeout_s}s'"
        with self._transaction(begin) as transaction:
            yield transaction

    @contextmanager
    def _transaction(self, begin: str) -> Iterator["Queries"]:
        with store_errors(self.path):
            connection, cursor = self._on_a_live_one(begin.encode(), (), plain=True)
            try:
                yield Queries(self, cursor)
                cursor.execute(b"COMMIT")
            except BaseException as error:
                with contextlib.suppress(psycopg.Error):
                    connection.rollback()
                self._put_back(connection, error)
                raise
            self._pool.putconn(connection)

    def _on_a_live_one(
        self, first: bytes, values: Sequence[object], *, plain: bool = False
    ) -> tuple[Connection, Cursor]:
        """Return a connection on which a statement was run; dead ones are let go of.

        A server that was started again leaves all of a pool's connections dead. What is
        `plain` is sent as it is, and so may be several statements.
        """
        for left in range(self.location.pool_size, -1, -1):
            connection = self._connection()
            try:
                cursor = connection.cursor(binary=True)
                how: dict[str, bool] = {"prepare": False, "binary": False}
                cursor.execute(first, values or None, **(how if plain else {}))
            except psycopg.Error as error:
                self._put_back(connection, error)
                if not is_lost(error) or not left:
                    raise
            except BaseException:
                self._pool.putconn(connection)
                raise
            else:
                return connection, cursor
        raise AssertionError  # the last of them returned, or raised

    def _connection(self) -> Connection:
        """Return a connection of the pool's, or say why it has none."""
        try:
            connection: Connection = self._pool.getconn()
        except PoolTimeout as error:
            for failure in [*self._failures]:
                self._log(failure)
                raise psycopg.OperationalError(str(failure)) from error
            raise
        if self._is_away:
            self._log(None)
        return connection

    def _log(self, failure: psycopg.Error | None) -> None:
        """Let the log hear once that the server is away, and that it is back."""
        with self._lock:
            was_away, self._is_away = self._is_away, failure is not None
        if failure is not None and not was_away:
            _LOG.error("%s cannot be reached: %s", self.path, first_line(failure))
        elif failure is None and was_away:
            _LOG.warning("%s is reached again", self.path)

    def _put_back(self, connection: Connection, error: BaseException) -> None:
        """Put a connection back that failed: into the pool only if it may serve on."""
        cause = error.__cause__ if isinstance(error, StoreLostError) else error
        if isinstance(cause, psycopg.Error) and is_lost(cause):
            connection.close()
        self._pool.putconn(connection)


class Queries:
    """Queries in one transaction."""

    def __init__(self, database: PostgresDatabase, cursor: Cursor) -> None:
        self._named = database.named
        self._cursor = cursor

    def all(self, query: str, *values: object) -> list[Row]:
        """Return the rows of a query."""
        return self._cursor.execute(self._named(query), values or None).fetchall()

    def first(self, query: str, *values: object) -> Row | None:
        """Return the first row of a query."""
        return self._cursor.execute(self._named(query), values or None).fetchone()

    def run(self, statement: str, *values: object) -> int:
        """Run a statement; return how many rows it changed."""
        return self._cursor.execute(self._named(statement), values or None).rowcount
