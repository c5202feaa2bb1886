"""The path of a real month: lines to live views, and a report as of a past position.

Each round measures floors, a peer and our work in turn, in one process, garbage
collection off on every side: a shared machine's speed drifts, so that only ratios of
one round mean anything. By the clock the disk counts too: what commits each event waits
for it, which by the processor's time does not show. With `--json`, the figures as one
JSON object.
"""

import argparse
import gc
import json
import platform
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import NamedTuple, TypeVar

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from scripts.benchmarks import floors, peer, stock
from scripts.benchmarks.bars import Bar, live_report, memory, start_up
from scripts.benchmarks.generator import LATER, month
from scripts.benchmarks.generator import LEGS as LEGS_OF_SYNC

LEGS = 1_000_000
STOCK_LINES = 130  # some thousand legs: it takes its time
ROUNDS = 3
T = TypeVar("T")


def say(text: str) -> None:
    """Tell how far it is; standard output is for figures."""
    print(text, file=sys.stderr, flush=True)


class Rate(NamedTuple):
    """Legs a second, by the clock and by the processor."""

    clock: float
    processor: float


def timed(what: str, legs: int, work: Callable[[], T]) -> tuple[Rate, T]:
    """Return how fast the work was, and what it returned; say it."""
    gc.collect()
    gc.disable()
    started, used = time.perf_counter(), time.process_time()
    result = work()
    took, used = time.perf_counter() - started, time.process_time() - used
    gc.enable()
    rate = Rate(legs / took, legs / used)
    fast = (
        f"{rate.clock / 1e3:7.1f} k legs/s, {rate.processor / 1e3:7.1f} k by processor"
    )
    say(f"  {what:<44} {fast}")
    return rate, result


def one_round(folder: Path, captured: list[bytes], legs: int) -> dict[str, Rate]:
    """Return the rates of one round."""
    few = captured[:STOCK_LINES]
    few_legs = LEGS_OF_SYNC * sum(b"/transactions?page=" in line for line in few)
    rates: dict[str, Rate] = {}

    def measure(name: str, what: str, count: int, work: Callable[[], T]) -> T:
        rates[name], result = timed(what, count, work)
        return result

    measure(
        "upsert",
        "floor: decode and upsert",
        legs,
        lambda: floors.decode_and_upsert(captured, folder / "upsert.db"),
    )
    with Reconciler.open(f"sqlite:///{folder / 'books.db'}") as books:
        measure(
            "ingest",
            "lines to evidence, events, views",
            legs,
            lambda: ingest(books, captured),
        )
        floors.store_bodies(captured, folder / "bodies.db")
        measure(
            "fold",
            "floor: decode and fold",
            legs,
            lambda: floors.decode_and_fold(folder / "bodies.db"),
        )
        measure(
            "report",
            "report as of a past position, with digest",
            legs,
            lambda: digest(books.replayed_report(as_of=LATER)),
        )
    measure(
        "peer",
        "peer: upserts by SQLAlchemy Core",
        legs,
        lambda: peer.decode_and_upsert(captured, folder / "peer.db"),
    )
    app = measure(
        "stock",
        "stock: one JSON event a fact, into a view",
        few_legs,
        lambda: stock.ingest(few, folder / "stock.db"),
    )
    measure(
        "stock_anew",
        "stock: the same events into a view anew",
        few_legs,
        lambda: stock.project(app, folder / "anew.view"),
    )
    return rates


def ingest(books: Reconciler, captured: list[bytes]) -> None:
    """Take lines in, and bring the views up to date."""
    books.ingest(read_lines(captured))
    books.catch_up()


RATIOS = (
    ("ingest / decode and upsert", "ingest", "upsert", 0.40),
    ("report as of a past position / decode and fold", "report", "fold", 0.25),
    ("ingest / stock", "ingest", "stock", 25),
    ("report / stock view anew", "report", "stock_anew", 25),
    ("ingest / SQLAlchemy upserts", "ingest", "peer", None),
)


def path(legs: int, rounds: int) -> tuple[list[dict[str, Rate]], list[Bar]]:
    """Return the rates of each round, and the ratios, medians of the rounds."""
    captured = [*month(legs)]
    measured: list[dict[str, Rate]] = []
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}: {legs} legs")
        with tempfile.TemporaryDirectory() as folder:
            measured.append(one_round(Path(folder), captured, legs))
    bars: list[Bar] = []
    for name, ours, theirs, bar in RATIOS:
        rates = [(r[ours], r[theirs]) for r in measured]
        by_clock = median(mine.clock / its.clock for mine, its in rates)
        by_processor = median(mine.processor / its.processor for mine, its in rates)
        bars.append(Bar(name, by_clock, bar, at_least=True))
        bars.append(Bar("  the same by the processor's time", by_processor, None))
    return measured, bars


def main() -> None:
    """Measure everything, or with `--only` a part of it, and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("legs", nargs="?", type=int, default=LEGS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--only", choices=("path", "memory", "live", "start"))
    asked = parser.parse_args()
    measured: list[dict[str, Rate]] = []
    bars: list[Bar] = []
    if asked.only in (None, "memory"):  # while this process is small, as a child begins
        bars += memory(asked.legs)
    if asked.only in (None, "start"):
        bars += start_up()
    if asked.only in (None, "live"):
        bars += live_report()
    if asked.only in (None, "path"):
        measured, found = path(asked.legs, asked.rounds)
        bars = [*found, *bars]
    if asked.json:
        about = {
            "legs": asked.legs,
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "legs_per_s": [
                {n: r._asdict() for n, r in rates.items()} for rates in measured
            ],
            "bars": [bar.data() for bar in bars],
        }
        print(json.dumps(about, indent=2))
    else:
        for bar in bars:
            print(bar.line())


if __name__ == "__main__":
    main()
