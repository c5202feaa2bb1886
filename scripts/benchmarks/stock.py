"""The stock way: eventsourcing as it comes, one JSON event a fact, each into a view."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent
from psycopg.conninfo import conninfo_to_dict

from scripts.benchmarks import floors


class _Told(DomainEvent):
    table: str
    fact: list[Any]


class Stock(Application):  # type: ignore[type-arg]
    """An application with a file of its own."""


def ingest(lines: Iterable[bytes], path: Path) -> Stock:
    """Write the facts of each line as events of its company, then project them."""
    app = Stock(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
    )
    _put(app, lines)
    project(app, path.with_suffix(".view"))
    return app


def ingest_in_postgres(lines: Iterable[bytes], server_url: str, schema: str) -> None:
    """Do the same on a server: events and view in one schema of their own."""
    where = conninfo_to_dict(server_url)
    with psycopg.connect(server_url, autocommit=True) as view:
        view.execute(f"CREATE SCHEMA {schema}".encode())
        view.execute(f"SET search_path = {schema}".encode())
        app = Stock(
            env={
                "PERSISTENCE_MODULE": "eventsourcing.postgres",
                "POSTGRES_DBNAME": str(where["dbname"]),
                "POSTGRES_HOST": str(where["host"]),
                "POSTGRES_PORT": str(where.get("port") or 5432),
                "POSTGRES_USER": str(where["user"]),
                "POSTGRES_PASSWORD": str(where.get("password") or os.urandom(8).hex()),
                "POSTGRES_SCHEMA": schema,
            }
        )
        _put(app, lines)
        _project_in_postgres(app, view)
        app.close()


def _put(app: Stock, lines: Iterable[bytes]) -> None:
    """Write the facts of each line as events of its company."""
    versions: dict[UUID, int] = {}
    for body in floors.bodies(lines):
        facts = floors.no_facts()
        floors.add_facts(body, facts)
        app.events.put([*_events(facts, versions)])


def _project_in_postgres(app: Stock, view: psycopg.Connection[Any]) -> None:
    upserts = {}
    for table, columns in floors.COLUMNS.items():
        key = ", ".join(columns[: floors.KEYS[table]])
        named = ", ".join(f"{column} text" for column in columns)
        view.execute(f"CREATE TABLE {table} ({named}, PRIMARY KEY ({key}))".encode())
        marks = ", ".join("%s" for _ in columns)
        new = [f"{c} = excluded.{c}" for c in columns[floors.KEYS[table] :]]
        upserts[table] = (
            f"INSERT INTO {table} VALUES ({marks})"
            f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(new)}"
        ).encode()
    view.execute(b"CREATE TABLE tracking (one int PRIMARY KEY, position int8)")
    move = (
        b"INSERT INTO tracking VALUES (1, %s)"
        b" ON CONFLICT (one) DO UPDATE SET position = excluded.position"
    )
    for event, position in _notified(app):
        with view.transaction():
            fact = [None if c is None else str(c) for c in event.fact]
            view.execute(upserts[event.table], fact)
            view.execute(move, [position])


def _events(facts: floors.Facts, versions: dict[UUID, int]) -> Iterator[_Told]:
    for table, rows in facts.items():
        for row in rows:
            stream = uuid5(NAMESPACE_URL, row[0])
            versions[stream] = versions.get(stream, 0) + 1
            yield _Told(
                originator_id=stream,
                originator_version=versions[stream],
                timestamp=_Told.create_timestamp(),
                table=table,
                fact=[*row],
            )


def project(app: Stock, path: Path) -> None:
    """Project every event into a view, each with its position in a transaction."""
    view = sqlite3.connect(path, isolation_level=None)
    floors.set_up(view)
    upserts = floors.make_tables(view)
    view.execute("CREATE TABLE tracking (one INTEGER PRIMARY KEY, position INTEGER)")
    for event, position in _notified(app):
        view.execute("BEGIN")
        view.execute(upserts[event.table], event.fact)
        view.execute("REPLACE INTO tracking VALUES (1, ?)", (position,))
        view.execute("COMMIT")
    view.close()


def _notified(app: Stock) -> Iterator[tuple[Any, int]]:
    start = 0
    while True:
        some = app.recorder.select_notifications(start + 1, 500)
        if not some:
            return
        for item in some:
            yield app.mapper.to_domain_event(item), int(item.id)
        start = int(some[-1].id)
