"""The stock way: eventsourcing as it comes, one JSON event a fact, each into a view."""

import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent

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
    versions: dict[UUID, int] = {}
    for body in floors.bodies(lines):
        facts = floors.no_facts()
        floors.add_facts(body, facts)
        app.events.put([*_events(facts, versions)])
    project(app, path.with_suffix(".view"))
    return app


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
