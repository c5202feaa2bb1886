"""However a run ends, its status says which way, and nobody sees a traceback."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import reconcile
from reconcile.cli.ending import ended
from reconcile.errors import StoreError
from reconcile.reconciler import Reconciler
from tests.builders import create, page, row

# An interrupt may come while "here" is on its way, before anything of ours has begun.
HELD = """
import sys
import reconcile.cli
try:
    sys.stdout.write("here\\n")
    sys.stdout.flush()
except KeyboardInterrupt:
    sys.exit(130)
reconcile.cli.main()
"""


def failing(error: BaseException) -> Callable[[], int]:
    def run() -> int:
        raise error

    return run


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ZeroDivisionError("a fault"), 70),
        (RecursionError("too deep"), 70),
        (KeyError("x"), 70),
        (MemoryError(), 2),
        (StoreError("it is gone"), 2),
        (click.UsageError("no such option"), 2),
        (OSError(28, "No space left on device"), 2),
        (click.Abort(), 130),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_error_ends_in_a_status_of_its_own_and_at_most_one_sentence(
    error: BaseException, status: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ended(failing(error)) == status

    result = capsys.readouterr()
    assert result.out == ""
    assert result.err.count("\n") == (status != 130)
    assert "None" not in result.err


def test_a_fault_of_ours_says_so_by_its_type_and_where_to_go(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ended(failing(ZeroDivisionError("a secret")))

    result = capsys.readouterr().err
    assert "fault of reconcile itself (ZeroDivisionError)" in result
    assert "report it to the maintainers" in result
    assert "secret" not in result


def test_a_traceback_is_shown_only_where_the_environment_asks_for_it(
    tmp_path: Path,
) -> None:
    program = (
        "from reconcile.cli.ending import ended\n"
        "raise SystemExit(ended(lambda: 1 // 0))\n"
    )

    result = {
        debug: subprocess.run(
            [sys.executable, "-c", program],
            cwd=tmp_path,
            env={**os.environ, "RECONCILE_DEBUG": debug},
            capture_output=True,
            text=True,
            check=False,
        )
        for debug in ("", "0", "1")
    }

    assert [item.returncode for item in result.values()] == [70, 70, 70]
    assert ["Traceback" in entry.stderr for entry in result.values()] == [
        False,
        False,
        True,
    ]


def test_an_answer_nobody_can_take_is_not_a_success(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [
                sys.executable,
                "-c",
                "import reconcile.cli; reconcile.cli.main()",
                "--help",
            ],
            cwd=tmp_path,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert result.returncode == 2
    assert result.stderr == "reconcile: No space left on device\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    created = tmp_path_factory.mktemp("interrupted")
    with Reconciler.open(f"sqlite:///{created / 'reconcile.db'}") as books:
        books.ingest(reconcile.read_lines([create("t1"), page(row("t1"), minutes=2)]))
    return created


@pytest.mark.parametrize("after_ms", [*range(0, 60, 6), *range(60, 700, 32)])
def test_an_interrupt_at_any_moment_ends_with_130_or_as_if_there_were_none(
    folder: Path, after_ms: int
) -> None:
    command = subprocess.Popen(
        [sys.executable, "-c", HELD, "report", "--format", "json"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "here\n"

    time.sleep(0.002 + after_ms / 1000)
    command.send_signal(signal.SIGINT)
    out, err = command.communicate(timeout=60)

    assert command.returncode in (1, 130)
    assert "Traceback" not in err
    assert "Exception ignored" not in err
    assert command.returncode == 130 or out.endswith("}\n")


def test_an_interrupt_while_an_object_is_put_away_is_not_lost() -> None:
    program = """
import sys
import reconcile.cli

class Closing:
    def __del__(self):
        raise KeyboardInterrupt

sys.unraisablehook = reconcile.cli._leave_if_interrupted
Closing()
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False
    )

    assert (ended.returncode, ended.stderr) == (130, "")


def test_a_command_in_the_background_of_a_shell_goes_on(folder: Path) -> None:
    program = f"import signal; signal.signal(2, signal.SIG_IGN)\n{HELD}"
    command = subprocess.Popen(
        [sys.executable, "-c", program, "report"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert command.stdout is not None
    command.stdout.readline()

    for _ in range(10):
        command.send_signal(signal.SIGINT)
        time.sleep(0.02)
    command.communicate(timeout=60)

    assert command.returncode == 1


def test_every_public_name_is_there_when_it_is_asked_for() -> None:
    assert {*dir(reconcile)} >= {*reconcile.__all__}
    for name in reconcile.__all__:
        assert getattr(reconcile, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'absent'"):
        _ = reconcile.absent  # type: ignore[attr-defined]  # it is what is tested
