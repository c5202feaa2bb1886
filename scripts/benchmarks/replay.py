"""A whole report by one process, by two, from Parquet and on Dask: what each costs.

Prints processor seconds, of this process and of its workers together, as ratios to one
process on the store, in rounds that take every way in turn. What is settled stays with
the workers, as it does for a report in text; the last lines say what it costs to have
every item back. Two workers on two shared cores slow each other down, as any two
programs do: one worker beside this process shows what the spreading itself costs. Wall
times depend on who shares the machine, and have no bar.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple

from distributed import LocalCluster

from reconcile import Export, Processes, Reconciler, Report, digest, read_lines
from scripts.benchmarks.generator import LATER, month

LEGS = 1_000_000
WORKERS = 2
ROUNDS = 3
_TICK = os.sysconf("SC_CLK_TCK")


class Cost(NamedTuple):
    """What one report took."""

    processor_s: float
    wall_s: float


_Workers = tuple[Executor, tuple[int, ...]]


class Way(NamedTuple):
    """A way to make a report, and the processes that work for it beside this one."""

    name: str
    report: Callable[[], Report]
    pids: tuple[int, ...] = ()
    bar: float | None = None


def main() -> None:
    """Run everything, or, with --one, one job of the memory figures."""
    if sys.argv[1:2] == ["--one"]:
        do(sys.argv[2], Path(sys.argv[3]))
        return
    legs = int(sys.argv[1]) if len(sys.argv) > 1 else LEGS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        memory(folder, legs)
        with (
            Reconciler.open(f"sqlite:///{folder / f'{legs}.db'}") as books,
            Export.open(folder / f"{legs}.out") as export,
            workers() as some,
        ):
            print(f"\n{legs} legs, {WORKERS} workers; processor seconds, all processes")
            compare(ways(books, export, some))


@contextmanager
def workers() -> Iterator[list[_Workers]]:
    """Give one process, two, and two of Dask's: executors with their processes."""
    with (
        Processes(1) as alone,
        Processes(WORKERS) as processes,
        LocalCluster(
            n_workers=WORKERS, threads_per_worker=1, dashboard_address=":0"
        ) as cluster,
        cluster.get_client() as client,
    ):
        dask = client.get_executor(pure=False)
        executors = [(alone, 1), (processes, WORKERS), (dask, WORKERS)]
        yield [(executor, pids_of(executor, number)) for executor, number in executors]


def pids_of(executor: Executor, number: int) -> tuple[int, ...]:
    """Return the processes of an executor, having made all of them work."""
    found: set[int] = set()
    while len(found) < number:
        found.update(executor.map(_pid, range(number)))
    return tuple(found)


def _pid(_: int) -> int:
    time.sleep(0.1)
    return os.getpid()


def ways(books: Reconciler, export: Export, some: list[_Workers]) -> list[Way]:
    """Return the ways, this process alone first."""
    (alone, its), (processes, ours), (dask, theirs) = some

    def stored(executor: Executor | None, settled: bool) -> Callable[[], Report]:
        return lambda: books.replayed_report(
            as_of=LATER, executor=executor, settled=settled
        )

    def exported(executor: Executor | None, settled: bool) -> Callable[[], Report]:
        return lambda: export.report(as_of=LATER, executor=executor, settled=settled)

    return [
        Way("one process, store", stored(None, True)),
        Way("one process, Parquet", exported(None, False)),
        Way("1 worker, store", stored(alone, False), its, 1.05),
        Way("2 processes, store", stored(processes, False), ours, 1.05),
        Way("2 processes, Parquet", exported(processes, False), ours, 1.05),
        Way("Dask, Parquet", exported(dask, False), theirs, 1.35),
        Way("2 processes, store, every item", stored(processes, True), ours),
        Way("Dask, Parquet, every item", exported(dask, True), theirs),
    ]


def compare(some: list[Way]) -> None:
    """Print the median of each way's cost to that of the first."""
    costs: dict[str, list[Cost]] = {way.name: [] for way in some}
    digests = set()
    for number in range(ROUNDS + 1):
        for way in some:
            cost, found = measured(way)
            digests.add(found)
            if number:  # the first round warms up: imports, caches
                costs[way.name].append(cost)
    assert len(digests) == 1, digests
    first = costs[some[0].name]
    for way in some:
        both = [*zip(costs[way.name], first, strict=True)]
        ratios = [cost.processor_s / alone.processor_s for cost, alone in both]
        walls = [alone.wall_s / cost.wall_s for cost, alone in both]
        seconds = median(cost.processor_s for cost in costs[way.name])
        bar = "" if way.bar is None else f"   (bar {way.bar})"
        print(
            f"  {way.name:<32} {seconds:7.2f} s  x{median(ratios):5.2f},"
            f" wall {median(walls):5.2f} x as quick{bar}",
            flush=True,
        )
    print(f"  one digest by all: {digests.pop()[:18]}…")


def measured(way: Way) -> tuple[Cost, str]:
    """Return what a report costs, and its digest."""
    started, before = time.perf_counter(), processor_s(way.pids)
    found = digest(way.report())
    cost = Cost(processor_s(way.pids) - before, time.perf_counter() - started)
    return cost, found


def processor_s(pids: Iterable[int]) -> float:
    """Return the processor time so far, of this process and of others that run."""
    total = time.process_time()
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += (int(fields[11]) + int(fields[12])) / _TICK
    return total


def memory(folder: Path, legs: int) -> None:
    """Print peak memory at a quarter of the history and at all of it.

    Asked first, while this process is small: a child's peak begins at its parent's.
    """
    print("peak memory, MiB")
    for size in (legs // 4, legs):
        for job in ("ingest", "export", "report"):
            figure = _child(job, folder / str(size))
            if job != "ingest":
                print(f"  {job:<8} {size:>9} legs {figure:>8}", flush=True)


def _child(job: str, stem: Path) -> str:
    command = [sys.executable, "-m", "scripts.benchmarks.replay", "--one", job]
    ended = subprocess.run(  # noqa: S603 - our own module
        [*command, str(stem)], check=True, capture_output=True, text=True
    )
    return ended.stdout.strip()


def do(job: str, stem: Path) -> None:
    """Do one job and print the peak memory of this process."""
    if job == "report":
        with Export.open(f"{stem}.out") as export:
            digest(export.report(as_of=LATER, settled=False))
    else:
        with Reconciler.open(f"sqlite:///{stem}.db") as books:
            if job == "ingest":
                books.ingest(read_lines(month(int(stem.name))))
            else:
                books.export(f"{stem}.out")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)


if __name__ == "__main__":
    main()
