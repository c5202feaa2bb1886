"""Programs in processes of their own, which a test may stop and kill."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import attrs


@attrs.frozen
class Program:
    """A process that runs Python, and talks line by line."""

    process: "subprocess.Popen[str]"

    @property
    def _output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def hear(self) -> str:
        """Return the next line that it says."""
        line = self._output.readline()
        assert line, f"it ended with {self.process.wait()}"
        return line.strip()

    def hear_all(self) -> list[str]:
        """Return every line that it says from now on, when it has ended well."""
        lines = [line.strip() for line in self._output]
        assert self.process.wait() == 0
        return lines

    def tell(self, line: str = "") -> None:
        """Give it a line to read."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def send(self, signalled: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.process.pid, signalled)


@contextmanager
def running(code: str, *arguments: str) -> Iterator[Program]:
    """Run a program, and those it starts, until it ends, or the test does."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield Program(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
