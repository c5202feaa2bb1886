"""Where captures come from: files by their names, or standard input."""

import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from reconcile.codat.exchange import Captured
from reconcile.intake.files import read_file, read_stream


class Source:
    """A file or pipe of captured traffic, or standard input for -, looked at before."""

    def __init__(self, name: str) -> None:
        """Look at a source.

        Raises:
            UsageError: there is no such file, or it is no capture.

        """
        self._name = name
        begun = _captures(name)
        self._first = next(begun, None)
        again = name != "-" and Path(name).is_file()
        self._rest = None if again else begun  # a pipe is read once: it is kept open

    def captures(self) -> Iterator[Captured]:
        """Return what it holds."""
        if self._rest is None:
            return _captures(self._name)
        return self._rest if self._first is None else chain((self._first,), self._rest)


def _captures(name: str) -> Iterator[Captured]:
    if name == "-":
        return read_stream(sys.stdin.buffer, name="standard input")
    return read_file(Path(name))
