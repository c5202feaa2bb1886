"""What a leg costs as the history grows: from ten thousand legs to a million, or more.

Every job has a process of its own, which reads its lines from a file. Prints a table
and draws `docs/explanation/speed.svg`, of the figures that this run measured.
"""

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from scripts.benchmarks import floors
from scripts.benchmarks.generator import LATER, month

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
PICTURE = Path(__file__).parents[2] / "docs" / "explanation" / "speed.svg"
JOBS = ("upsert", "ingest", "fold", "report")
NAMES = {
    "upsert": "floor: decode and upsert",
    "ingest": "ingest and project",
    "fold": "floor: decode and fold",
    "report": "report as of a past position",
}
Figures = dict[str, dict[str, float]]


def measured(job: str, file: Path) -> dict[str, float]:
    """Return what one job costs a leg, in µs, and the peak of its process, in MiB."""
    ran = subprocess.run(  # noqa: S603 - our own module
        [sys.executable, "-m", "scripts.benchmarks.curve", "--do", job, str(file)],
        check=True,
        capture_output=True,
        text=True,
    )
    figures: dict[str, float] = json.loads(ran.stdout)
    return figures


def do(job: str, file: Path) -> None:
    """Do one job, and print its figures."""
    legs = int(file.stem)
    work = _work(job, file)
    gc.disable()
    started, used = time.perf_counter(), time.process_time()
    work()
    clock, processor = time.perf_counter() - started, time.process_time() - used
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    figures = {
        "clock": 1e6 * clock / legs,
        "processor": 1e6 * processor / legs,
        "peak": peak,
    }
    print(json.dumps(figures))


def _work(job: str, file: Path) -> Callable[[], object]:
    bodies = file.with_suffix(".bodies")
    if job == "upsert":
        return lambda: floors.decode_and_upsert(_lines(file), file.with_suffix(".up"))
    if job == "fold":
        floors.store_bodies(_lines(file), bodies)
        return lambda: floors.decode_and_fold(bodies)
    books = Reconciler.open(f"sqlite:///{file.with_suffix('.db')}", now=lambda: LATER)
    if job == "report":
        return lambda: digest(books.replayed_report(as_of=LATER))

    def ingest() -> None:
        books.ingest(read_lines(_lines(file)))
        books.catch_up()

    return ingest


def _lines(file: Path) -> Iterator[bytes]:
    with file.open("rb") as lines:
        yield from lines


def curve(sizes: tuple[int, ...]) -> dict[int, Figures]:
    """Return the figures of every job for each size."""
    found: dict[int, Figures] = {}
    for legs in sizes:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / f"{legs}.jsonl"
            with file.open("wb") as written:
                for line in month(legs):
                    written.write(line + b"\n")
            found[legs] = {job: measured(job, file) for job in JOBS}
        print(row(legs, found[legs]), flush=True)
    return found


def row(legs: int, figures: Figures) -> str:
    """Return a row of the page's table."""
    times = [(figures[job]["processor"], figures[job]["clock"]) for job in JOBS]
    cells = [f"{legs:,}", *(f"{used:.1f} ({clock:.0f})" for used, clock in times)]
    cells += [f"{figures[job]['peak']:.0f}" for job in ("ingest", "report")]
    return f"| {' | '.join(cells)} |"


def draw(found: dict[int, Figures], picture: Path) -> None:
    """Draw processor time a leg over the length of the history."""
    import matplotlib as mpl  # noqa: PLC0415 - a child process needs none

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "reconcile"
    from matplotlib import pyplot  # noqa: PLC0415 - as above

    figure, axes = pyplot.subplots(figsize=(7, 3.6))
    for job in JOBS:
        costs = [figures[job]["processor"] for figures in found.values()]
        style = "--" if job in ("upsert", "fold") else "-"
        axes.plot([*found], costs, style, marker="o", markersize=3, label=NAMES[job])
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("legs in the history")
    axes.set_ylabel("processor time a leg, µs")
    axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None})


def main() -> None:
    """Measure every size, or those that are named; draw what was measured."""
    if sys.argv[1:2] == ["--do"]:
        do(sys.argv[2], Path(sys.argv[3]))
        return
    sizes = tuple(map(int, sys.argv[1:])) or SIZES
    draw(curve(sizes), PICTURE)


if __name__ == "__main__":
    main()
