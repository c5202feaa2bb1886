"""Copies of a store: whole backups, and of one that may only be read."""

import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines, to_data
from reconcile.errors import NoStoreError, StoreError
from reconcile.storage.backup import back_up
from tests.builders import EXAMPLES, at, create, page, row, status, uuid_of

COMMAND = str(Path(sys.executable).parent / "reconcile")
LINES = (create("t1"), status(2000, minutes=2), page(row("t1"), minutes=3))


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_a_backup_is_one_file_that_tells_the_same_report(tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with Reconciler.open(url(tmp_path / "books.db")) as books:
        books.ingest(read_lines(LINES))
        before = to_data(books.report(as_of=at(60)))
        position = back_up(url(tmp_path / "books.db"), target)

    assert not [*tmp_path.glob("copy.db-*")]
    with Reconciler.open(url(target), create=False) as copy:
        assert to_data(copy.report(as_of=at(60))) == before
        assert copy.store.position() == position == 3
        assert copy.tie_out().differences == []
        assert [*copy.store.evidence_keys()]


def test_a_backup_holds_all_that_was_stored_before_it_began(tmp_path: Path) -> None:
    source = url(tmp_path / "books.db")
    stop, stored = threading.Event(), []

    def write() -> None:
        with Reconciler.open(source) as books:
            number = 0
            while not stop.is_set():
                number += 1
                books.ingest(read_lines([create(uuid_of(number), minutes=number)]))
                stored.append(number)

    with Reconciler.open(source):
        pass
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for copy in range(5):
            before = len(stored)
            position = back_up(source, tmp_path / f"copy{copy}.db")
            assert position >= before
    finally:
        stop.set()
        writer.join()


def test_what_is_copied_is_a_store_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a store")

    with pytest.raises(NoStoreError):
        back_up(url(tmp_path / "absent.db"), tmp_path / "copy.db")
    with pytest.raises(StoreError):
        back_up(url(tmp_path / "text.db"), tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_store_and_its_backup_are_their_owners_alone(tmp_path: Path) -> None:
    with Reconciler.open(url(tmp_path / "books.db")) as books:
        books.ingest(read_lines(LINES))
        back_up(url(tmp_path / "books.db"), tmp_path / "copy.db")
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()
        }

    assert {"books.db", "books.db-wal", "books.db-shm", "copy.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}


SETPRIV = shutil.which("setpriv") or ""
IS_ROOT = os.name == "posix" and os.geteuid() == 0
NOBODY = [SETPRIV, "--reuid=65534", "--regid=65534", "--clear-groups"]
may_be_forbidden = pytest.mark.skipif(
    os.name != "posix" or (IS_ROOT and not SETPRIV),
    reason="nobody can be kept from writing here",
)


@pytest.fixture
def handed_over() -> Iterator[Path]:
    """Give a folder with a store in it that others may read, and nobody write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Reconciler.open(url(folder / "books.db")) as books:
            books.ingest(read_lines(LINES))
        (folder / "books.db").chmod(0o444)
        folder.chmod(0o555)
        yield folder
        folder.chmod(0o755)


def run(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run a command as one who may only read; its status, and all it says."""
    store = url(folder / "books.db")
    ended = subprocess.run(
        [*(NOBODY if IS_ROOT else ()), COMMAND, "--store", store, *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={**os.environ, **environment},
    )
    return ended.returncode, ended.stdout + ended.stderr


@may_be_forbidden
def test_a_store_that_may_only_be_read_answers(handed_over: Path) -> None:
    before = {path: path.read_bytes() for path in handed_over.iterdir()}

    report = run(handed_over, "report", "--as-of", "2026-03-03")
    story = run(handed_over, "explain", "t1")
    tied = run(handed_over, "audit", "tie-out")
    doctor = run(handed_over, "doctor")

    assert report[0] == 0
    assert "1 expense: 1 matched" in report[1]
    assert (story[0], tied[0]) == (0, 0)
    assert f"store: {handed_over}/books.db may only be read" in doctor[1]
    assert {path: path.read_bytes() for path in handed_over.iterdir()} == before


@may_be_forbidden
@pytest.mark.parametrize(
    "command",
    [("reprocess",), ("ingest", "page.har"), ("serve",), ("follow", "--once")],
)
def test_what_writes_says_that_a_store_may_only_be_read(
    handed_over: Path, command: tuple[str, ...]
) -> None:
    har = str(EXAMPLES / "page.har")
    words = [har if word == "page.har" else word for word in command]

    status, text = run(handed_over, *words, CODAT_API_KEY="key")

    assert status == 2
    assert f"{handed_over}/books.db may only be read, expected a store" in text
