"""Work over an executor: divided, answered in order, done again, or one error."""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import Executor
from itertools import chain
from pathlib import Path

import pytest

from reconcile import (
    HistoryError,
    NoStoreError,
    Processes,
    ReconcileError,
    StoreError,
    StoreLostError,
    UsageError,
    WorkersLostError,
)
from reconcile.readmodels import parallel
from reconcile.readmodels.parallel import Here, answers, divided
from tests.workers import Deadly

ERRORS: dict[str, ReconcileError] = {
    "usage": UsageError("asked wrongly"),
    "history": HistoryError("contradicts itself"),
    "store": StoreError("cannot be read"),
    "none": NoStoreError("nothing there"),
    "lost": StoreLostError("books.db", "it was moved"),
}


def doubled(number: int) -> int:
    return 2 * number


def failing(name: str) -> str:
    raise ERRORS[name]


def faulty(_: int) -> int:
    raise ZeroDivisionError


@pytest.mark.parametrize("names", [0, 1, 2, 7, 8, 9, 100, 1000])
@pytest.mark.parametrize("events", [0, 10, 10_000, 10**9])
def test_names_are_divided_in_order_with_none_left_out(names: int, events: int) -> None:
    runs = [*divided(range(names), events=events)]

    assert [*chain.from_iterable(runs)] == [*range(names)]
    assert all(runs)
    lengths = {len(run) for run in runs} or {0}
    assert max(lengths) - min(lengths) <= 1
    assert len(runs) <= max(events // 250, 8)


@pytest.mark.parametrize("inside", [True, False])
def test_answers_come_in_the_order_of_the_tasks(
    inside: bool, processes: Executor
) -> None:
    executor = Here() if inside else processes

    assert [*answers(executor, doubled, range(20))] == [2 * n for n in range(20)]


@pytest.mark.parametrize("name", ERRORS)
def test_an_error_of_ours_comes_back_from_a_worker(
    name: str, processes: Executor
) -> None:
    kind = StoreError if name == "lost" else type(ERRORS[name])

    with pytest.raises(kind) as caught:
        [*answers(processes, failing, [name])]

    assert str(caught.value) == str(ERRORS[name])


@pytest.mark.parametrize("inside", [True, False])
def test_a_fault_of_ours_stays_a_fault(inside: bool, processes: Executor) -> None:
    with pytest.raises(ZeroDivisionError):
        [*answers(Here() if inside else processes, faulty, [1])]
    with pytest.raises(ZeroDivisionError):
        (Here() if inside else processes).submit(faulty, 1).result()


def test_a_worker_of_another_version_is_refused(
    processes: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parallel, "VERSION", "99.0.0")

    with pytest.raises(UsageError, match=r"a worker runs .*, expected 99\.0\.0"):
        [*answers(processes, doubled, [1])]


def test_what_a_killed_worker_was_at_is_done_again(tmp_path: Path) -> None:
    marker = tmp_path / "died"

    with Processes(2) as inner:
        found = [*answers(Deadly(inner, marker), doubled, range(40))]

    assert marker.exists()
    assert found == [2 * n for n in range(40)]


def test_a_second_death_is_one_error(tmp_path: Path) -> None:
    with Processes(2) as inner:
        assert [*answers(Deadly(inner, tmp_path / "died"), doubled, [1])] == [2]

        with pytest.raises(WorkersLostError, match="ended twice"):
            [*answers(Deadly(inner), doubled, range(4))]
        with pytest.raises(WorkersLostError, match="ended twice"):
            [*answers(inner, doubled, range(4))]


_WITHOUT_FILES = """
import os, resource, signal, sys
from reconcile import Processes, WorkersLostError
from reconcile.readmodels.parallel import answers
from tests.readmodels.test_parallel import doubled
from tests.workers import Deadly

if __name__ == "__main__":
    with Processes(1) as inner:
        assert [*answers(inner, doubled, [1])] == [2]
        open_now = max(map(int, os.listdir("/proc/self/fd")))
        resource.setrlimit(resource.RLIMIT_NOFILE, (open_now, 4096))
        try:
            [*answers(Deadly(inner), doubled, [1])]
        except WorkersLostError:
            print("lost", flush=True)
        resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
"""


def test_where_no_worker_can_be_started_again_nobody_waits_for_it(
    tmp_path: Path,
) -> None:
    program = tmp_path / "program.py"
    program.write_text(_WITHOUT_FILES, "utf-8")

    ended = subprocess.run(
        [sys.executable, program],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    )

    assert ended.stdout == "lost\n"


def interrupted(pids: set[int]) -> None:
    with Processes(2) as executor:
        pids.update(executor.submit(os.getpid).result() for _ in range(9))
        executor.submit(time.sleep, 60)
        raise KeyboardInterrupt


def test_an_error_beside_leaves_no_worker_behind() -> None:
    started = time.monotonic()
    pids: set[int] = set()

    with pytest.raises(KeyboardInterrupt):
        interrupted(pids)

    assert pids
    assert time.monotonic() - started < 30
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_ends_at_an_interrupt_without_a_word(
    capfd: pytest.CaptureFixture[str],
) -> None:
    with Processes(1) as executor:
        pid = executor.submit(os.getpid).result()
        os.kill(pid, signal.SIGINT)
        assert [*answers(executor, doubled, [1])] == [2]  # by the second pool

    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("workers", [0, -1])
def test_there_is_one_worker_or_more(workers: int) -> None:
    with pytest.raises(UsageError, match="is below 1, expected 1 or more"):
        Processes(workers)
