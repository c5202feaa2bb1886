"""Webhooks: delivered to `reconcile serve` over loopback, verified, durable, answered.

The floor is bare SQLite: the same bytes, one insert and commit each, synchronous=FULL,
in the same run, floor and work in turn, for a shared machine's speed drifts. At the
steady rate the floor's p99 is told as well: it is how long the disk alone keeps one
waiting. Who delivers shares the machine too: on two cores it takes a third of it.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import os
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from statistics import median
from uuid import UUID

import uvloop

DELIVERIES = 3_000
RATE = 200
SECONDS = 15
CONCURRENCIES = (1, 8, 32)
ROUNDS = 3
KEY = bytes(range(24))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
PATH = "/webhooks/codat"


def body(number: int) -> bytes:
    """Return a webhook as Codat sends it, of a sync of its own."""
    company = {"id": str(UUID(int=number % 200)), "name": f"Company {number % 200}"}
    ids = (str(UUID(int=number * 2 + leg)) for leg in range(2))
    rows = [{"id": item, "status": "Completed"} for item in ids]
    payload = {
        "referenceCompany": company,
        "syncId": str(UUID(int=number)),
        "transactions": rows,
    }
    envelope = {
        "id": str(UUID(int=number)),
        "eventType": "expenses.sync.successful",
        "generatedDate": "2026-01-05T09:00:00Z",
        "payload": payload,
    }
    return json.dumps(envelope).encode()


def request(number: int) -> bytes:
    """Return a signed delivery as the bytes of one HTTP request."""
    created = body(number)
    named, stamp = f"msg_{number:027}", str(int(time.time()))
    digest = hmac.new(
        KEY, f"{named}.{stamp}.".encode() + created, hashlib.sha256
    ).digest()
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: localhost\r\n"
        f"content-type: application/json\r\ncontent-length: {len(created)}\r\n"
        f"webhook-id: {named}\r\nwebhook-timestamp: {stamp}\r\n"
        f"webhook-signature: v1,{base64.b64encode(digest).decode()}\r\n\r\n"
    )
    return head.encode() + created


async def _post(
    streams: tuple[asyncio.StreamReader, asyncio.StreamWriter], sent: bytes
) -> float:
    """Return how long an answer took, in seconds."""
    reader, writer = streams
    began = time.perf_counter()
    writer.write(sent)
    answer = await reader.readuntil(b"\r\n\r\n")
    took = time.perf_counter() - began
    assert answer.startswith(b"HTTP/1.1 204"), answer
    return took


async def many(port: int, first: int, number: int, concurrency: int) -> float:
    """Return deliveries a second, so many at a time."""
    waiting = iter([request(first + item) for item in range(number)])

    async def send_all() -> None:
        streams = await asyncio.open_connection("127.0.0.1", port)
        for sent in waiting:
            await _post(streams, sent)
        streams[1].close()

    began = time.perf_counter()
    await asyncio.gather(*(send_all() for _ in range(concurrency)))
    return number / (time.perf_counter() - began)


async def steady(port: int, first: int) -> list[float]:
    """Return how long each answer took, at a steady rate, from when it was due."""
    idle = [await asyncio.open_connection("127.0.0.1", port) for _ in range(16)]
    took: list[float] = []
    sent = [request(first + item) for item in range(RATE * SECONDS)]

    async def send(delivery: bytes, late: float) -> None:
        streams = (
            idle.pop(0) if idle else await asyncio.open_connection("127.0.0.1", port)
        )
        took.append(late + await _post(streams, delivery))
        idle.append(streams)

    began = time.perf_counter()
    tasks = []
    for number, delivery in enumerate(sent):
        due = began + number / RATE
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        late = time.perf_counter() - due
        tasks.append(asyncio.create_task(send(delivery, max(0.0, late))))
    await asyncio.gather(*tasks)
    for streams in idle:
        streams[1].close()
    return sorted(took)


def floor(path: Path, number: int) -> float:
    """Return inserts with a commit each, a second, of the same bytes."""
    bodies = [body(item) for item in range(number)]
    with _bare(path) as db:
        began = time.perf_counter()
        for entry, created in enumerate(bodies):
            db.execute(
                "INSERT INTO deliveries VALUES (?, ?)", (f"msg_{entry:027}", created)
            )
        return number / (time.perf_counter() - began)


def steady_floor(path: Path) -> list[float]:
    """Return how long each insert took at the steady rate, from when it was due."""
    took: list[float] = []
    with _bare(path) as db:
        began = time.perf_counter()
        for number in range(RATE * SECONDS):
            due = began + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            db.execute(
                "INSERT INTO deliveries VALUES (?, ?)",
                (f"msg_{number:027}", body(number)),
            )
            took.append(time.perf_counter() - due)
    return sorted(took)


@contextmanager
def _bare(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE deliveries (id TEXT PRIMARY KEY, body BLOB)")
        yield db


@contextmanager
def served(path: Path) -> Iterator[int]:
    """Yield the port of the command as it is installed."""
    command = [str(Path(sys.executable).parent / "reconcile")]
    command += ["--store", f"sqlite:///{path}", "serve", "--port", "0"]
    environment = {**os.environ, "RECONCILE_WEBHOOK_SECRETS": SECRET}
    running = subprocess.Popen(  # noqa: S603 - our own command
        command, stdout=subprocess.PIPE, text=True, env=environment
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        found = re.search(r":(\d+)/", line)
        assert found is not None, line
        yield int(found[1])
    finally:
        running.terminate()
        running.wait(timeout=30)


def _round(folder: Path, number: int) -> tuple[dict[int, float], float, float, float]:
    """Return throughput by concurrency, p99 at a steady rate (ms), and both floors."""
    rates: dict[int, float] = {}
    with served(folder / "books.db") as port:
        bare = floor(folder / "bare.db", number)
        uvloop.run(many(port, 10_000_000, 50, 4))  # warm
        for place, concurrency in enumerate(CONCURRENCIES):
            first = place * 1_000_000
            rates[concurrency] = uvloop.run(many(port, first, number, concurrency))
        took = uvloop.run(steady(port, 20_000_000))
        alone = steady_floor(folder / "steady.db")
    with closing(sqlite3.connect(folder / "books.db")) as db:
        (stored,) = db.execute("SELECT COUNT(*) FROM evidence").fetchone()
    wanted = 50 + len(CONCURRENCIES) * number + len(took)
    assert stored == wanted, f"{stored} deliveries are stored, not {wanted}"
    p50, p99, bare_p99 = _ms(took, 0.5), _ms(took, 0.99), _ms(alone, 0.99)
    listed = ", ".join(f"{c} at a time {r:.0f}/s" for c, r in rates.items())
    print(
        f"  floor {bare:.0f}/s; {listed}; at {RATE}/s p50 {p50:.1f}, p99 {p99:.1f} ms,"
        f" floor's p99 {bare_p99:.1f} ms"
    )
    sys.stdout.flush()
    return rates, p99, bare, bare_p99


def _ms(took: list[float], share: float) -> float:
    return took[int(len(took) * share)] * 1000


def main() -> None:
    """Run some rounds and print their medians against the bars."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else DELIVERIES
    print(f"webhooks: {number} deliveries of {len(body(0))} bytes, {RATE}/s steady")
    measured = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory(dir=os.environ.get("BENCH_DIR")) as inner:
            measured.append(_round(Path(inner), number))
    for concurrency in CONCURRENCIES:
        ratio = median(rates[concurrency] / bare for rates, _, bare, _ in measured)
        bar = "   (bar 0.50)" if concurrency == CONCURRENCIES[-1] else ""
        print(
            f"  {concurrency:>2} at a time / bare insert-and-commit {ratio:6.2f}{bar}"
        )
    p99 = median(item for _, item, _, _ in measured)
    print(f"  p99 at {RATE}/s, ms                     {p99:6.1f}   (bar 25.0)")
    alone = median(entry for *_, entry in measured)
    print(f"  p99 of bare insert-and-commit, ms      {alone:6.1f}")


if __name__ == "__main__":
    main()
