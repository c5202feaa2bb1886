"""The path: lines to live views, and a whole report as of a past position.

Prints ratios to floors measured in the same process and run, garbage collection treated
alike: off on both sides.
"""

import gc
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from scripts.benchmarks import floors
from scripts.benchmarks.generator import START, lines

LEGS = 1_000_000
STOCK_LEGS = 20_000
LATER = START.replace(year=START.year + 1)


def timed(what: str, legs: int, work: Callable[[], object]) -> float:
    """Return legs a second; say so."""
    gc.collect()
    gc.disable()
    started = time.perf_counter()
    work()
    rate = legs / (time.perf_counter() - started)
    gc.enable()
    print(f"  {what:<44} {rate / 1000:10.1f} k legs/s", flush=True)
    return rate


def path(
    folder: Path, captured: list[bytes], legs: int, name: str, *, rounds: int
) -> tuple[float, float]:
    """Print the ratios of ingest and of report to their floors, the median of rounds.

    A shared machine's speed drifts, so each round measures floor and work in turn.
    """
    print(f"\n{name}: {legs} legs")
    measured = []
    for number in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as inner:
            measured.append(_round(Path(inner), captured, legs))
        print(f"  round {number + 1}: ingest {measured[-1][0]:.2f}, ", end="")
        print(f"report {measured[-1][1]:.2f}", flush=True)
    ingest, report, taken, result = map(median, zip(*measured, strict=True))
    print(f"  ingest / decode-and-upsert   {ingest:6.2f}   (bar 0.40)")
    print(f"  report / decode-and-fold     {report:6.2f}   (bar 0.25)", flush=True)
    return taken, result


def _round(
    folder: Path, captured: list[bytes], legs: int
) -> tuple[float, float, float, float]:
    upsert = timed(
        "floor: decode and upsert",
        legs,
        lambda: floors.decode_and_upsert(captured, folder / "upsert.db"),
    )
    with Reconciler.open(f"sqlite:///{folder / 'books.db'}") as books:
        taken = timed(
            "lines to evidence, events, views", legs, lambda: _take(books, captured)
        )
        floors.store_rows(captured, folder / "pages.db")
        folded = timed(
            "floor: decode and fold",
            legs,
            lambda: floors.decode_and_fold(folder / "pages.db"),
        )
        result = timed(
            "report as of a past position, with digest",
            legs,
            lambda: digest(books.replayed_report(as_of=LATER)),
        )
    return taken / upsert, result / folded, taken, result


def _take(books: Reconciler, captured: list[bytes]) -> None:
    books.ingest(read_lines(captured))
    books.catch_up()


def stock(folder: Path, taken: float, result: float) -> None:
    """Print how many times faster than the stock way both are."""
    captured = lines(STOCK_LEGS)
    print(f"\nstock: {STOCK_LEGS} legs")
    created: list[floors._Stock] = []
    slow = timed(
        "stock: one JSON event a leg, into a view",
        STOCK_LEGS,
        lambda: created.append(floors.stock_ingest(captured, folder / "stock.db")),
    )
    anew = timed(
        "stock: the same events into a view anew",
        STOCK_LEGS,
        lambda: floors.stock_project(created[0], folder / "anew.view"),
    )
    print(f"  ingest / stock               {taken / slow:6.1f}   (bar 25)")
    print(f"  report / stock view anew     {result / anew:6.1f}   (bar 25)", flush=True)


def memory() -> None:
    """Print the peak memory of ingest and of report, each in a process of its own.

    Asked first, while this process is small: a child's peak begins at its parent's.
    """
    print("peak memory, MiB (lines are read from a file)")
    with tempfile.TemporaryDirectory() as folder:
        for legs in (LEGS // 4, LEGS):
            file = Path(folder) / f"{legs}.jsonl"
            _child("make", file)
            for job in ("ingest", "report"):
                print(f"  {job:<8} {legs:>9} legs {_child(job, file):>8}", flush=True)


def _child(job: str, file: Path) -> str:
    command = [sys.executable, "-m", "scripts.benchmarks.path", "--one", job, str(file)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return ended.stdout.strip()


def do(job: str, file: Path) -> None:
    """Do one job and print the peak memory of this process."""
    if job == "make":
        file.write_bytes(b"\n".join(lines(int(file.stem))))
        return
    with Reconciler.open(f"sqlite:///{file.with_suffix('.db')}") as books:
        if job == "ingest":
            with file.open("rb") as captured:
                books.ingest(read_lines(captured))
            books.catch_up()
        else:
            digest(books.replayed_report(as_of=LATER))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def main() -> None:
    """Run everything, or, with --one, one job of the memory figures."""
    if sys.argv[1:2] == ["--one"]:
        do(sys.argv[2], Path(sys.argv[3]))
        return
    if len(sys.argv) < 2:
        memory()
    legs = int(sys.argv[1]) if len(sys.argv) > 1 else LEGS
    with tempfile.TemporaryDirectory() as folder:
        taken, result = path(
            Path(folder), lines(legs), legs, "company after company", rounds=3
        )
        stock(Path(folder), taken, result)
        mixed = lines(legs, interleaved=True)
        path(Path(folder), mixed, legs, "interleaved (no bar)", rounds=1)


if __name__ == "__main__":
    main()
