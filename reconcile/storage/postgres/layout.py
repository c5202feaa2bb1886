"""Which tables a PostgreSQL store has, by number, and how it is given the newest.

The migrations are numbered files of SQL in which `$.` stands for the schema, so that a
database's own tools can run them. Nothing else makes a table.
"""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Final, NamedTuple

import psycopg
from psycopg import sql
from psycopg.errors import InsufficientPrivilege, InvalidSchemaName, UndefinedTable

from reconcile.errors import NoStoreError, StoreError
from reconcile.storage.postgres.database import PostgresDatabase
from reconcile.storage.postgres.errors import store_errors
from reconcile.storage.postgres.location import Location

SERVER_MIN: Final = 150_000  # 15: NULLS NOT DISTINCT
_LOCK: Final = 0x7265636F6E63  # "reconc", for pg_advisory_xact_lock


class Migration(NamedTuple):
    """One step: its number, its name and its SQL, in which `$.` is the schema."""

    number: int
    name: str
    sql: str


@cache
def migrations() -> tuple[Migration, ...]:
    """Return every migration, in order."""
    folder = files("reconcile.storage.postgres") / "migrations"
    found = [
        Migration(int(file.name[:4]), file.name[5:-4], file.read_text("utf-8"))
        for file in folder.iterdir()
        if file.name.endswith(".sql")
    ]
    return tuple(sorted(found))


def newest() -> int:
    """Return the number of the last migration that this version knows."""
    return migrations()[-1].number


def check_layout(database: PostgresDatabase) -> None:
    """Make sure that the schema is one this version can use.

    Raises:
        NoStoreError: there is no store in it.
        StoreError: it is of an older version, or of a later one.

    """
    with store_errors(database.path):
        try:
            row = database.alone(_HIGHEST, ())
        except (UndefinedTable, InvalidSchemaName) as error:
            raise NoStoreError(
                f"there is no store at {database.path}, expected its tables:"
                " `reconcile migrate` makes them"
            ) from error
    number: int = (row and row[0]) or 0
    if number < newest():
        raise StoreError(
            f"{database.path} is of an older version: its layout is {number}, expected"
            f" {newest()}: `reconcile migrate` brings it up to date"
        )
    if number > newest():
        raise StoreError(
            f"{database.path} was written by a later version: its layout is {number},"
            f" and this version knows {newest()} and older"
        )


_HIGHEST: Final = "SELECT MAX(version) FROM $.migrations"


def migrate(location: Location, *, writer: str | None = None) -> list[Migration]:
    """Make and change tables until the schema has the newest layout; say by what.

    All of it is one transaction, and a second migrator waits for the first. `writer` is
    a role that is then allowed to read and write the tables, and no more.

    Raises:
        StoreError: the server is not there, is too old, or the role may not do it.

    """
    with store_errors(location.name), psycopg.connect(location.conninfo) as connection:
        if connection.info.server_version < SERVER_MIN:
            version = connection.info.server_version // 10_000
            raise StoreError(
                f"{location.name} is PostgreSQL {version}, expected 15 or later"
            )
        encoding = connection.info.parameter_status("server_encoding")
        if encoding != "UTF8":
            raise StoreError(
                f"{location.name} is a database of encoding {encoding}, expected UTF8"
            )
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        done = _done(connection, location)
        if done and max(done) > newest():
            raise StoreError(
                f"{location.name} was written by a later version: its layout is"
                f" {max(done)}, and this version knows {newest()} and older"
            )
        missing = [step for step in migrations() if step.number not in done]
        for statement in statements(location.schema, missing, first=not done):
            connection.execute(statement.encode())
        for statement in grants(location.schema, writer):
            connection.execute(statement.encode())
    return missing


def _done(
    connection: "psycopg.Connection[tuple[int]]", location: Location
) -> list[int]:
    table = sql.Identifier(location.schema, "migrations").as_string()
    known = connection.execute("SELECT to_regclass(%s)", (table,)).fetchone()
    if known is None or known[0] is None:
        return []
    try:
        rows = connection.execute(f"SELECT version FROM {table}".encode()).fetchall()
    except InsufficientPrivilege as error:
        raise StoreError(f"{location.name} cannot be read by this role") from error
    return [version for (version,) in rows]


def statements(
    schema: str, steps: tuple[Migration, ...] | list[Migration], *, first: bool
) -> Iterator[str]:
    """Yield the SQL of migrations, with their schema, as a person would run it."""
    name = sql.Identifier(schema).as_string()
    if first and steps:
        yield (
            f"CREATE SCHEMA IF NOT EXISTS {name};\n"
            f"CREATE TABLE {name}.migrations (\n"
            "    version bigint PRIMARY KEY,\n"
            "    name text NOT NULL,\n"
            "    applied_at timestamptz NOT NULL DEFAULT now()\n"
            ");\n"
        )
    for step in steps:
        yield step.sql.replace("$.", f"{name}.")
        yield (
            f"INSERT INTO {name}.migrations (version, name)"
            f" VALUES ({step.number}, '{step.name}');\n"
        )


def grants(schema: str, writer: str | None) -> Iterator[str]:
    """Yield the SQL that lets a role read and write the tables, and change none.

    Not even it may change or delete an event, or say that a migration was run.
    """
    if writer is None:
        return
    name = sql.Identifier(schema).as_string()
    role = sql.Identifier(writer).as_string()
    yield f"GRANT USAGE ON SCHEMA {name} TO {role};\n"
    yield (
        f"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {name}"
        f" TO {role};\n"
    )
    yield f"REVOKE UPDATE, DELETE ON {name}.stored_events FROM {role};\n"
    yield f"REVOKE INSERT, UPDATE, DELETE ON {name}.migrations FROM {role};\n"
