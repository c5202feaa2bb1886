"""Runs the examples of a document as a reader would, in a folder of their own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.docs.markdown import DOCS, Fence, fences

SHELL = shutil.which("sh") or "sh"
ANY_LINES = "…"
"""On a line of its own: any number of lines. Within a line: any text."""


def run_examples(
    document: Path,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    instead: Mapping[str, str] | None = None,
) -> None:
    """Run a document's console and python blocks, one after the other.

    `environment` is what a reader has set before, `instead` what is written at this
    hour in place of what the document shows. The folder holds the example capture where
    the docs say it is. A python block's output is the text block that follows it, where
    one does.
    """
    (folder / "docs" / "examples").mkdir(parents=True)
    shutil.copy(DOCS / "examples" / "page.har", folder / "docs" / "examples")
    blocks = fences(document)
    assert any(block.language in ("console", "python") for block in blocks)
    status = 0
    for block, after in zip(blocks, [*blocks[1:], Fence("", "")], strict=True):
        if block.language == "console":
            for command, expected in _commands(block.text):
                result, status = _run(
                    [SHELL, "-c", f"(exit {status}); {command}"], folder, environment
                )
                _same(command, _shown(expected, instead), result)
        elif block.language == "python":
            result, status = _run(
                [sys.executable, "-c", block.text], folder, environment
            )
            assert status == 0, result
            if after.language == "text":
                _same(block.text, _shown(after.text, instead), result)


def _shown(expected: str, instead: Mapping[str, str] | None) -> str:
    return (instead or {}).get(expected.strip(), expected)


def _commands(text: str) -> list[tuple[str, str]]:
    """Return each command of a console block with the output that follows it."""
    parts = re.split(r"^\$ (.*)\n", text, flags=re.MULTILINE)
    return list(zip(parts[1::2], parts[2::2], strict=True))


def _run(
    arguments: list[str], folder: Path, environment: Mapping[str, str] | None
) -> tuple[str, int]:
    """Return what was written, to standard output and error, and the exit status."""
    recorded = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RECONCILE", "NO_COLOR", "FORCE_COLOR", "COLUMNS"))
    }
    binaries = str(Path(sys.executable).parent)
    path = os.pathsep.join((binaries, recorded.get("PATH", "")))
    ended = subprocess.run(
        arguments,
        cwd=folder,
        env={**recorded, **(environment or {}), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=60,
        check=False,
    )
    return ended.stdout.decode(), ended.returncode


def _same(what: str, expected: str, result: str) -> None:
    """Hold an output against the document, white space at the ends of lines aside."""
    wanted = "".join(
        "(?:.*\n)*?" if line == ANY_LINES else re.escape(line).replace("…", ".*") + "\n"
        for line in expected.strip("\n").splitlines()
    )
    shown = "".join(f"{line.rstrip()}\n" for line in result.strip("\n").splitlines())
    assert re.fullmatch(wanted, shown), f"{what}\n--- now says ---\n{shown}"
