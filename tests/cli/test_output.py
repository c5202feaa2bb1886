"""A file that a command writes is whole or untouched, and never the store."""

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconcile import UsageError, read_lines
from reconcile.cli.output import Output
from reconcile.reconciler import Reconciler
from tests.builders import create, page, row

COMMAND = str(Path(sys.executable).parent / "reconcile")
STORE = "sqlite:///books.db"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with a store, and links to it in every manner."""
    with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books:
        books.ingest(read_lines([create("t1"), page(row("t1"), minutes=2)]))
        books.catch_up()
    (tmp_path / "deep").mkdir()
    (tmp_path / "link.db").symlink_to("books.db")
    (tmp_path / "chain.db").symlink_to("link.db")
    (tmp_path / "hard.db").hardlink_to(tmp_path / "books.db")
    (tmp_path / "here").symlink_to(".")
    (tmp_path / "deep" / "up").symlink_to("..")
    (tmp_path / "log").symlink_to("books.db-wal")
    return tmp_path


def report(
    folder: Path, output: str, *, store: str = STORE
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, "--store", store, "report", "--output", output],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def names(folder: Path) -> set[str]:
    return {item.name for item in folder.iterdir()}


@pytest.mark.parametrize(
    ("output", "store"),
    [
        ("books.db", STORE),
        ("./books.db", STORE),
        ("deep/../books.db", STORE),
        ("deep/up/books.db", STORE),
        ("here/here/books.db", STORE),
        ("//{folder}//books.db", STORE),
        ("{folder}/books.db", STORE),
        ("books.db", "sqlite:///{folder}/books.db"),
        ("books.db", "sqlite:///deep/../here/./books.db"),
        ("link.db", STORE),
        ("chain.db", STORE),
        ("hard.db", STORE),
        ("books.db", "sqlite:///link.db"),
        ("/proc/self/cwd/books.db", STORE),
        ("books.db-wal", STORE),
        ("books.db-shm", STORE),
        ("deep/../books.db-journal", STORE),
        ("log", STORE),
        ("here/books.db-wal", "sqlite:///{folder}/chain.db"),
        ("BOOKS.DB-wal", STORE),
        ("Books.db-Journal", STORE),
    ],
)
def test_an_answer_is_never_written_over_the_store(
    folder: Path, output: str, store: str
) -> None:
    before = (folder / "books.db").read_bytes()
    there = names(folder)

    result = report(
        folder, output.format(folder=folder), store=store.format(folder=folder)
    )

    assert result.returncode == 2
    assert result.stderr.startswith("reconcile: --output: ")
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""
    assert (folder / "books.db").read_bytes() == before
    assert names(folder) == there


def test_a_store_whose_name_has_a_percent_is_known_too(folder: Path) -> None:
    (folder / "books.db").rename(folder / "a%20b?.db")
    before = (folder / "a%20b?.db").read_bytes()

    result = report(folder, "a%20b?.db", store="sqlite:///a%20b?.db")

    assert result.returncode == 2
    assert (folder / "a%20b?.db").read_bytes() == before


def test_standard_output_may_not_be_the_store_either(folder: Path) -> None:
    before = (folder / "books.db").read_bytes()

    with (folder / "books.db").open("ab") as store:
        result = subprocess.run(
            [COMMAND, "--store", STORE, "report"],
            cwd=folder,
            stdout=store,
            stderr=subprocess.PIPE,
            check=False,
        )

    assert result.returncode == 2
    assert (folder / "books.db").read_bytes() == before


def written(
    folder: Path,
    name: str,
    text: str = "all of it\n",
    error: BaseException | None = None,
) -> None:
    target = Output.checked(str(folder / name), store=f"sqlite:///{folder}/books.db")
    with target.stream() as stream:
        stream.write(text)
        if error is not None:
            raise error


def test_a_new_file_gets_the_umasks_mode_and_an_old_one_keeps_its_own(
    folder: Path,
) -> None:
    old = folder / "old.txt"
    old.write_text("before")
    old.chmod(0o640)
    was = os.umask(0o027)
    try:
        written(folder, "new.txt")
        written(folder, "old.txt")
    finally:
        os.umask(was)

    assert stat.S_IMODE((folder / "new.txt").stat().st_mode) == 0o640
    assert stat.S_IMODE(old.stat().st_mode) == 0o640
    assert old.read_text() == "all of it\n"


def test_a_link_stays_and_the_file_it_names_is_written(folder: Path) -> None:
    (folder / "deep" / "true.txt").write_text("before")
    (folder / "a.txt").symlink_to("deep/true.txt")
    (folder / "b.txt").symlink_to("deep/absent.txt")

    written(folder, "a.txt")
    written(folder, "b.txt")

    assert (folder / "a.txt").is_symlink()
    assert (folder / "deep" / "true.txt").read_text() == "all of it\n"
    assert (folder / "deep" / "absent.txt").read_text() == "all of it\n"


@pytest.mark.parametrize("error", [OSError(28, "No space left"), KeyboardInterrupt()])
def test_what_stood_there_stays_when_the_writing_fails(
    folder: Path, error: BaseException
) -> None:
    (folder / "a.txt").write_text("before")
    there = names(folder)

    with pytest.raises((UsageError, KeyboardInterrupt)):
        written(folder, "a.txt", "half of", error)

    assert (folder / "a.txt").read_text() == "before"
    assert names(folder) == there


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("deep", "a folder is there"),
        ("deep/", "a folder is there"),
        ("absent/", "a folder is there"),
        ("", "a folder is there"),
        ("absent/a.txt", "its folder does not exist"),
        ("books.db/a.txt", "Not a directory"),
        ("loop", "Too many levels of symbolic links"),
        ("x" * 300, "File name too long"),
    ],
)
def test_a_path_that_takes_no_file_is_one_sentence(
    folder: Path, name: str, why: str
) -> None:
    (folder / "loop").symlink_to("loop")

    result = report(folder, name)

    assert result.returncode == 2
    assert why in result.stderr
    assert result.stderr.count("\n") == 1


def _null(folder: Path) -> str:
    del folder
    return os.devnull


def _stdout(folder: Path) -> str:
    del folder
    return "/dev/stdout"


def _pipe(folder: Path) -> str:
    os.mkfifo(folder / "pipe")
    threading.Thread(target=(folder / "pipe").read_bytes, daemon=True).start()
    return "pipe"


@pytest.mark.parametrize("created", [_null, _stdout, _pipe])
def test_what_is_no_ordinary_file_is_written_as_it_is(
    folder: Path, created: Callable[[Path], str]
) -> None:
    path = created(folder)
    there = names(folder)

    result = report(folder, path)

    assert (result.returncode, result.stderr) == (1, "")
    assert bool(result.stdout) == (path == "/dev/stdout")
    assert names(folder) == there


def test_an_open_file_is_appended_to_where_standard_output_is(folder: Path) -> None:
    with (folder / "log.txt").open("w") as log:
        log.write("before\n")
        log.flush()
        subprocess.run(
            [COMMAND, "--store", STORE, "report", "--output", "/dev/stdout"],
            cwd=folder,
            stdout=log,
            check=False,
        )

    assert (folder / "log.txt").read_text().startswith("before\n")
    assert len((folder / "log.txt").read_text()) > 100


def test_an_interrupt_while_a_report_is_written_leaves_nothing(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    there = names(folder)
    command = subprocess.Popen(
        [COMMAND, "--store", STORE, "report", "--output", "pipe"],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
    )
    time.sleep(1.5)  # it waits for a reader

    command.send_signal(signal.SIGINT)
    result = command.communicate(timeout=30)[1]

    assert command.returncode == 130
    assert "Traceback" not in result
    assert names(folder) == there
