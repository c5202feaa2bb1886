"""Where captures come from: files by their names, or standard input."""

import sys
from collections.abc import Iterator
from pathlib import Path

from reconcile.codat.har import HAR_BYTES_MAX, Captured, read_document, read_lines
from reconcile.errors import UsageError


def check(name: str) -> None:
    """Refuse what is no capture by its name, before anything is stored.

    Raises:
        UsageError: there is no such file, or its kind is not known.

    """
    if name == "-":
        return
    path = Path(name)
    if not path.is_file():
        raise UsageError(f"{name} does not exist, expected a file")
    if path.suffix.lower() not in (".har", ".jsonl"):
        raise UsageError(f"{name} is neither a .har nor a .jsonl file")
    if path.suffix.lower() == ".har" and path.stat().st_size > HAR_BYTES_MAX:
        raise UsageError(
            f"{name} is larger than {HAR_BYTES_MAX} bytes,"
            " expected a .jsonl file, one entry a line"
        )


def captures(name: str) -> Iterator[Captured]:
    """Yield what a file, or standard input for -, holds."""
    if name == "-":
        yield from read_lines(sys.stdin.buffer, name="standard input")
    elif Path(name).suffix.lower() == ".har":
        yield from read_document(Path(name).read_bytes(), name=name)
    else:
        with Path(name).open("rb") as lines:
            yield from read_lines(lines, name=name)
