"""The bars that are no ratio to a floor: memory, the first byte, and the start."""

import gc
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest, to_json
from scripts.benchmarks.generator import LATER, month

LIVE_LEGS = 210_000
"""A month of so many legs holds 100,000 expenses: some are sent twice."""
ROUNDS = 5
_ITEMS = 0.478  # for each leg: some expenses are sent twice


class Bar(NamedTuple):
    """A figure, and what it has to reach, where it has to reach anything."""

    name: str
    value: float
    bar: float | None
    at_least: bool = False
    unit: str = ""

    @property
    def is_met(self) -> bool | None:
        """Return whether the figure reaches it; None where there is no bar."""
        if self.bar is None:
            return None
        return self.value >= self.bar if self.at_least else self.value <= self.bar

    def line(self) -> str:
        """Return it as one line for people."""
        found = f"{self.name:<50} {self.value:9.2f} {self.unit:<4}"
        if self.bar is None:
            return found
        sign = "≥" if self.at_least else "≤"
        return f"{found} ({sign} {self.bar:g}: {'met' if self.is_met else 'NOT met'})"

    def data(self) -> dict[str, object]:
        """Return it as plain data."""
        return {**self._asdict(), "is_met": self.is_met}


def memory(legs: int) -> list[Bar]:
    """Return how the peaks of memory grow from a quarter of a history to all of it.

    Each job has a process of its own and reads its lines from a file. A report holds
    its items: what it takes beyond them is flat.
    """
    peaks: dict[tuple[str, int], float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for size in (legs // 4, legs):
            file = Path(folder) / f"{size}.jsonl"
            _child("make", file)
            for job in ("ingest", "report"):
                peaks[job, size] = float(_child(job, file))
                print(
                    f"  {job} of {size} legs: {peaks[job, size]:.0f} MiB",
                    file=sys.stderr,
                )
            file.unlink()
    ingested, reported = peaks["ingest", legs], peaks["report", legs]
    growth = (reported - peaks["report", legs // 4]) * 1024 / (0.75 * legs * _ITEMS)
    grown = ingested / peaks["ingest", legs // 4]
    return [
        Bar("ingest: peak, all / a quarter of the legs", grown, 1.25),
        Bar("ingest: peak", ingested, None, unit="MiB"),
        Bar("report: peak", reported, None, unit="MiB"),
        Bar("report: growth for each item held", growth, 2, unit="KiB"),
    ]


def _child(job: str, file: Path) -> str:
    command = [sys.executable, "-m", "scripts.benchmarks.bars", job, str(file)]
    ended = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own module
    return ended.stdout.strip()


def do(job: str, file: Path) -> None:
    """Do one job and print the peak memory of this process."""
    if job == "make":
        with file.open("wb") as written:
            for line in month(int(file.stem)):
                written.write(line + b"\n")
        return
    with Reconciler.open(f"sqlite:///{file.with_suffix('.db')}") as books:
        if job == "ingest":
            with file.open("rb") as captured:
                books.ingest(read_lines(captured))
            books.catch_up()
        else:
            digest(books.replayed_report(as_of=LATER))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


def live_report() -> list[Bar]:
    """Return the seconds to the first byte, and to the last, of a live report."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/live.db"
        with Reconciler.open(url, now=lambda: LATER) as books:
            books.ingest(read_lines(month(LIVE_LEGS)))
            books.catch_up()
            first: list[float] = []
            last: list[float] = []
            for _ in range(ROUNDS):
                gc.collect()
                started = time.perf_counter()
                with books.streamed_report() as stream:
                    pieces = to_json(stream)
                    next(pieces)
                    first.append(time.perf_counter() - started)
                    for _piece in pieces:
                        pass
                    last.append(time.perf_counter() - started)
            items = books.report().totals.items
    return [
        Bar("live report: items", items, None),
        Bar("live report: first byte", median(first), 0.5, unit="s"),
        Bar("live report: whole", median(last), None, unit="s"),
    ]


def start_up() -> list[Bar]:
    """Return the processor milliseconds of an import and of `--help`."""
    python, command = sys.executable, str(Path(sys.executable).with_name("reconcile"))
    bare = _processor_ms([python, "-c", "pass"])
    imported = _processor_ms([python, "-c", "import reconcile"])
    return [
        Bar("python itself", bare, None, unit="ms"),
        Bar("import reconcile", imported, 100, unit="ms"),
        Bar("reconcile --help", _processor_ms([command, "--help"]), 200, unit="ms"),
    ]


def _processor_ms(command: list[str]) -> float:
    """Return the median processor time of a command; the first run warms the files."""
    found = []
    for _ in range(2 * ROUNDS + 1):
        before = os.times()
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own command
        after = os.times()
        used = after.children_user + after.children_system
        found.append(used - before.children_user - before.children_system)
    return 1000 * median(found[1:])


if __name__ == "__main__":
    do(sys.argv[1], Path(sys.argv[2]))
