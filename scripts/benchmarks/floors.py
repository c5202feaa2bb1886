"""The floors: the least work that could be called the same job, and the stock way."""

import re
import sqlite3
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import msgspec
from eventsourcing.application import Application
from eventsourcing.domain import DomainEvent


class _Row(msgspec.Struct, gc=False):
    transactionId: str  # noqa: N815
    status: str
    integrationType: str | None = None  # noqa: N815
    message: str | None = None


class _Page(msgspec.Struct, gc=False):
    results: list[_Row] = []


class _Content(msgspec.Struct, gc=False):
    text: str


class _Response(msgspec.Struct, gc=False):
    content: _Content


class _Request(msgspec.Struct, gc=False):
    url: str


class _Line(msgspec.Struct, gc=False):
    request: _Request
    response: _Response


_line = msgspec.json.Decoder(_Line).decode
_page = msgspec.json.Decoder(_Page).decode
_company = re.compile(r"/companies/([^/]+)/").search
ROWS_PER_COMMIT = 2000


def decode_and_upsert(lines: list[bytes], path: Path) -> None:
    """Write lines, by msgspec rows, to one table: durable, 2,000 rows a commit."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute(
        "CREATE TABLE legs (company TEXT, txn TEXT, leg TEXT, status TEXT,"
        " message TEXT,"
        " PRIMARY KEY (company, txn, leg)) WITHOUT ROWID"
    )
    rows: list[tuple[Any, ...]] = []

    def flush() -> None:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO legs VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET"
            " status = excluded.status, message = excluded.message",
            rows,
        )
        db.execute("COMMIT")
        rows.clear()

    for raw in lines:
        line = _line(raw)
        found = _company(line.request.url)
        company = found[1] if found else ""
        rows += [
            (company, row.transactionId, row.integrationType, row.status, row.message)
            for row in _page(line.response.content.text).results
        ]
        if len(rows) >= ROWS_PER_COMMIT:
            flush()
    flush()
    db.close()


def store_rows(lines: list[bytes], path: Path) -> None:
    """Keep what decode-and-fold reads back: one stored row a page."""
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE pages (company TEXT, body BLOB)")
    for raw in lines:
        line = _line(raw)
        found = _company(line.request.url)
        body = line.response.content.text.encode()
        db.execute("INSERT INTO pages VALUES (?, ?)", (found[1] if found else "", body))
    db.commit()
    db.close()


def decode_and_fold(path: Path) -> int:
    """Fold stored rows, by msgspec rows, into a dict."""
    db = sqlite3.connect(path)
    folded: dict[tuple[str, str, str | None], tuple[str, str | None]] = {}
    for company, body in db.execute("SELECT company, body FROM pages ORDER BY rowid"):
        for row in _page(body).results:
            key = (company, row.transactionId, row.integrationType)
            folded[key] = (row.status, row.message)
    db.close()
    return len(folded)


class _LegReported(DomainEvent):
    transaction: str
    leg: str
    status: str
    message: str


class _Stock(Application):  # type: ignore[type-arg]
    pass


def stock_ingest(lines: list[bytes], path: Path) -> _Stock:
    """Write one JSON event a leg, then project each into a view."""
    app = _Stock(
        env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(path)}
    )
    versions: dict[Any, int] = {}
    for raw in lines:
        line = _line(raw)
        found = _company(line.request.url)
        stream = uuid5(NAMESPACE_URL, found[1] if found else "")
        events = []
        for row in _page(line.response.content.text).results:
            versions[stream] = versions.get(stream, 0) + 1
            events.append(
                _LegReported(
                    originator_id=stream,
                    originator_version=versions[stream],
                    timestamp=_LegReported.create_timestamp(),
                    transaction=row.transactionId,
                    leg=row.integrationType or "",
                    status=row.status,
                    message=row.message or "",
                )
            )
        if events:
            app.events.put(events)
    stock_project(app, path.with_suffix(".view"))
    return app


def stock_project(app: _Stock, path: Path) -> None:
    """Project every event into a view, each with its position in a transaction."""
    view = sqlite3.connect(path, isolation_level=None)
    view.execute("PRAGMA journal_mode=WAL")
    view.execute("PRAGMA synchronous=FULL")
    view.execute(
        "CREATE TABLE legs (txn TEXT, leg TEXT, status TEXT, message TEXT,"
        " PRIMARY KEY (txn, leg)) WITHOUT ROWID"
    )
    view.execute("CREATE TABLE tracking (one INTEGER PRIMARY KEY, position INTEGER)")
    for event, position in _stock_events(app):
        view.execute("BEGIN")
        view.execute(
            "REPLACE INTO legs VALUES (?, ?, ?, ?)",
            (event.transaction, event.leg, event.status, event.message),
        )
        view.execute("REPLACE INTO tracking VALUES (1, ?)", (position,))
        view.execute("COMMIT")
    view.close()


def _stock_events(app: _Stock) -> Any:
    start = 0
    while True:
        some = app.recorder.select_notifications(start + 1, 500)
        if not some:
            return
        for item in some:
            yield app.mapper.to_domain_event(item), item.id
        start = some[-1].id
