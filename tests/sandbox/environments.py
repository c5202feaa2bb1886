"""A Python of its own for each tool whose requirements clash with ours or another's.

The two SDKs want libraries of different ages, and Schemathesis would load itself into
every run of ours as a plugin.
"""

import fcntl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

V1: Final = "codat-sync-for-expenses-version-1==0.5.0"
CURRENT: Final = "codat-sync-for-expenses==9.0.0"
SCHEMATHESIS: Final = "schemathesis==4.32.5"
FOLDER: Final = Path(__file__).parents[2] / ".sdk"
INSTALL_WAIT_MAX_S: Final = 300


def python_with(requirement: str) -> Path:
    """Return a Python that has one package; made from PyPI once, then kept in `.sdk/`.

    Another process that wants the same one waits until it is whole. One that was left
    half made, or belongs to another version, is made anew.
    """
    home = FOLDER / requirement.partition("==")[0]
    python = home / "bin" / "python"
    whole = home / "whole"  # written last
    made_of = f"{requirement} on Python {sys.version}"
    with _alone(home):
        if not whole.is_file() or whole.read_text("utf-8") != made_of:
            _run(sys.executable, "-m", "venv", "--clear", str(home))
            _run(str(python), "-m", "pip", "install", requirement)
            whole.write_text(made_of, "utf-8")
    return python


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / ".gitignore").write_text("*\n", "utf-8")
    with home.with_suffix(".lock").open("w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # given back when the file is closed
        yield


def _run(*command: str) -> None:
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=INSTALL_WAIT_MAX_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
