"""An ingest killed at any moment, and two at once, end as one that ran in peace."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from tests.builders import at, page, push, row, start, status, uuid_of

NOW = at(60 * 24)
PAGES = 120


def capture() -> list[bytes]:
    """Return a sync of many pages, some failing, read twice."""
    ids = [uuid_of(n) for n in range(PAGES)]
    lines = [push(*ids[:50], minutes=0), start(minutes=1), status(5130, minutes=2)]
    for number, item in enumerate(ids, start=1):
        word = "PushError" if number % 7 == 0 else "Completed"
        lines.append(
            page(
                row(item, word),
                row(item, "Completed", "bankfeeds"),
                minutes=3 + number,
                number=number,
                size=2,
                total=2 * PAGES,
            )
        )
    return lines + lines[3:20]


@pytest.fixture(scope="module")
def captured(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("captured") / "traffic.jsonl"
    file.write_bytes(b"\n".join(capture()) + b"\n")
    return file


def report_of(store: Path) -> str:
    with Reconciler.open(f"sqlite:///{store}") as books:
        assert books.tie_out().differences == []
        return digest(books.report(as_of=NOW))


@pytest.fixture(scope="module")
def in_peace(captured: Path) -> str:
    store = captured.with_name("peace.db")
    with Reconciler.open(f"sqlite:///{store}") as books, captured.open("rb") as lines:
        books.ingest(read_lines(lines))
    return report_of(store)


_INGEST = """
import sys
from reconcile import Reconciler, read_lines

def asked(statement):
    # Every write asks for leave, so that the test can kill between any two of them.
    if statement.startswith(("INSERT", "REPLACE", "COMMIT", "BEGIN IMMEDIATE")):
        print(statement[:40].replace(chr(10), " "), flush=True)
        sys.stdin.readline()

with Reconciler.open(sys.argv[1]) as books, open(sys.argv[2], "rb") as captured:
    lines = captured.readlines()
    with books.store.datastore.get_connection(commit=True) as one:
        if sys.argv[3:] == ["ask"]:
            one._sqlite_conn.set_trace_callback(asked)
    for start in range(0, len(lines), 40):
        books.ingest(read_lines(lines[start : start + 40]))
        books.catch_up()
"""


@pytest.mark.parametrize(
    "killed_at", [1, 2, 3, 7, 40, 48, 49, 90, 120, 130, 131, 170, 200, 240, 260]
)
def test_an_ingest_killed_between_two_writes_is_mended_by_running_it_again(
    killed_at: int, captured: Path, in_peace: str, tmp_path: Path
) -> None:
    store = tmp_path / "killed.db"
    url = f"sqlite:///{store}"
    worker = subprocess.Popen(
        [sys.executable, "-c", _INGEST, url, str(captured), "ask"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert worker.stdout is not None
    assert worker.stdin is not None
    for _ in range(killed_at):
        assert worker.stdout.readline() != b""
        worker.stdin.write(b"\n")
        worker.stdin.flush()
    assert worker.stdout.readline() != b""

    worker.kill()
    worker.communicate()
    assert worker.returncode == -signal.SIGKILL
    with Reconciler.open(url) as books, captured.open("rb") as lines:
        books.ingest(read_lines(lines))

    assert report_of(store) == in_peace


def test_two_ingests_of_overlapping_files_end_the_same(
    captured: Path, in_peace: str, tmp_path: Path
) -> None:
    store = tmp_path / "both.db"
    lines = captured.read_bytes().splitlines(keepends=True)
    workers = []
    for number, part in enumerate((lines[:90], lines[40:])):
        file = tmp_path / f"{number}.jsonl"
        file.write_bytes(b"".join(part))
        command = [sys.executable, "-c", _INGEST, f"sqlite:///{store}", str(file)]
        workers.append(subprocess.Popen(command))

    assert [worker.wait() for worker in workers] == [0, 0]
    assert report_of(store) == in_peace
