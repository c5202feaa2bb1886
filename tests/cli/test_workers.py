"""`export`, `--from`, `--workers` and `--executor`: one answer, or one sentence."""

import os
import signal
import socket
import subprocess
import sys
import time
from functools import cache
from pathlib import Path

import pytest

from reconcile import UsageError
from reconcile.cli import dask
from reconcile.cli.dask import dask_executor
from tests.report.histories import COMPANIES, eventful

COMMAND = str(Path(sys.executable).parent / "reconcile")
AS_OF = "2026-03-05"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a store and its export."""
    made_in = tmp_path_factory.mktemp("folder")
    eventful(made_in / "reconcile.db")
    ended = run(made_in, "export", "out")
    assert (ended.returncode, ended.stderr) == (0, "")
    return made_in


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [COMMAND, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_export_says_what_it_holds(folder: Path) -> None:
    ended = run(folder, "export", "out")

    assert ended.stdout.startswith("out is a whole export, to position ")
    assert f" of {len(COMPANIES)} companies in 1 file.\n" in ended.stdout


REPORT = ("report", "--as-of", AS_OF)
TIE_OUT = ("audit", "tie-out")


@cache
def alone(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return run(folder, *command)


@pytest.mark.parametrize(
    ("command", "ways"),
    [
        (REPORT, ("--workers", "2")),
        (REPORT, ("--from", "out")),
        ((*REPORT, "--company", COMPANIES[2], "--items"), ("--workers", "2")),
        ((*REPORT, "--format", "json"), ("--from", "out", "--workers", "2")),
        (("causes", "--as-of", AS_OF, "--format", "json"), ("--workers", "2")),
        (TIE_OUT, ("--workers", "1")),
        (TIE_OUT, ("--from", "out", "--workers", "2")),
    ],
    ids=str,
)
def test_a_command_answers_the_same_by_workers(
    command: tuple[str, ...], ways: tuple[str, ...], folder: Path
) -> None:
    ended = run(folder, *command, *ways)

    _same(ended, alone(folder, *command))


def _same(
    ended: subprocess.CompletedProcess[str], other: subprocess.CompletedProcess[str]
) -> None:
    assert (ended.stdout, ended.stderr) == (other.stdout, other.stderr)
    assert ended.returncode == other.returncode == 2  # an event cannot be read
    assert ended.stdout


@pytest.mark.parametrize(
    ("command", "source"),
    [(REPORT, ()), (REPORT, ("--from", "out")), (TIE_OUT, ())],
    ids=str,
)
def test_a_command_answers_the_same_on_a_cluster(
    command: tuple[str, ...], source: tuple[str, ...], folder: Path, cluster: str
) -> None:
    ended = run(folder, *command, *source, "--executor", cluster)

    _same(ended, alone(folder, *command))


def test_an_export_is_reported_where_no_store_is(folder: Path, tmp_path: Path) -> None:
    ended = run(tmp_path, "report", "--as-of", AS_OF, "--from", str(folder / "out"))

    assert ended.stdout == alone(folder, *REPORT).stdout
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["report", "--workers", "0"], "0 is not in the range"),
        (["report", "--workers", "x"], "not a valid integer"),
        (["causes", "--executor", "ray://here:1"], "is not dask://HOST:PORT"),
        (["causes", "--executor", "dask://here"], "is not dask://HOST:PORT"),
        (["causes", "--executor", "dask://here:99999"], "is not dask://HOST:PORT"),
        (["report", "--executor", "dask://127.0.0.1:9"], "there is no scheduler at"),
        (
            ["report", "--executor", "dask://127.0.0.1:9", "--workers", "2"],
            "--workers was given with --executor",
        ),
        (["report", "--from", "nowhere"], "nowhere is not a folder"),
        (["report", "--from", "reconcile.db"], "reconcile.db is not a folder"),
        (["report", "--from", "."], "has no _manifest.json, expected a whole export"),
        (["report", "--from", "out", "--output", "out/_manifest.json"], "--output: "),
        (["audit", "tie-out", "--from", "out", "--evidence"], "--evidence was given"),
        (["--store", "sqlite:///no.db", "audit", "tie-out", "--from", "out"], "no.db"),
        (["--store", "sqlite:///no.db", "export", "new"], "no.db"),
        (["export", "reconcile.db"], "reconcile.db is a file, expected a folder"),
        (["export", "."], "is not empty"),
        (["export", "no/out"], "its folder does not exist"),
        (["export"], "Missing argument 'DIR'"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_input_is_one_sentence(
    arguments: list[str], why: str, folder: Path
) -> None:
    ended = run(folder, *arguments)

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("reconcile: ")
    assert ended.stderr.count("\n") == 1
    assert why in ended.stderr


def test_a_scheduler_without_workers_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr(dask, "_WAIT_S", 1)
    with distributed.LocalCluster(n_workers=0, dashboard_address=":0") as local:
        url = local.scheduler_address.replace("tcp://", "dask://")
        with pytest.raises(UsageError, match="has no workers"), dask_executor(url):
            pass


def test_what_is_no_scheduler_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dask, "_WAIT_S", 1)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"dask://127.0.0.1:{mute.getsockname()[1]}"
        with pytest.raises(UsageError, match="no scheduler"), dask_executor(url):
            pass


@pytest.mark.parametrize(
    ("missing", "arguments", "extra"),
    [
        ("pyarrow", ["export", "new"], "parquet"),
        ("pyarrow", ["report", "--from", "out"], "parquet"),
        ("distributed", ["report", "--executor", "dask://127.0.0.1:9"], "cluster"),
    ],
)
def test_an_absent_extra_is_one_sentence(
    missing: str, arguments: list[str], extra: str, folder: Path
) -> None:
    code = (
        f"import sys; sys.modules[{missing!r}] = None; sys.argv[1:] = {arguments!r};"
        "from reconcile.cli import main; main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.endswith(
        f"the package {missing}: install codat-reconcile[{extra}]\n"
    )
    assert ended.stderr.count("\n") == 1


def test_an_interrupt_ends_the_workers_too(folder: Path) -> None:
    for _ in range(9):  # on a busy machine the report may be quicker than we are
        status, children = interrupted(folder)
        if status == 130:
            break
    else:
        raise AssertionError("no report was interrupted")

    for _ in range(1000):
        if not any(Path(f"/proc/{pid}").exists() for pid in children):
            return
        time.sleep(0.01)
    raise AssertionError(f"{children} live on")


def interrupted(folder: Path) -> tuple[int, list[str]]:
    started = subprocess.Popen(
        [COMMAND, "report", "--workers", "2"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    while not (children := children_of(started.pid)) and started.poll() is None:
        time.sleep(0.001)
    if started.poll() is None:
        os.killpg(started.pid, signal.SIGINT)
    out, err = started.communicate(timeout=60)
    if started.returncode == 130:
        assert (out, err.strip()) == ("", "")
    return started.returncode, children


def children_of(pid: int) -> list[str]:
    found = Path(f"/proc/{pid}/task/{pid}/children")
    if not found.parent.exists():
        pytest.skip("processes are looked at in /proc, which is not there")
    return found.read_text().split()
