"""How a run ends: every error there is, as a status and one sentence.

Without it, a fault of ours would show a traceback and end with 1, which means breaks.
"""

import io
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Final

import click

import reconcile.quiet  # noqa: F401 - the command line shows its log where it says so
from reconcile.cli import INTERRUPTED
from reconcile.cli.log import traced
from reconcile.cli.status import FAULT, UNRELIABLE
from reconcile.errors import ReconcileError
from reconcile.foreign import one_line

DEBUG: Final = "RECONCILE_DEBUG"


def ended(run: Callable[[], int]) -> int:
    """Return the status a run ends with, having said why where it went wrong."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a terminal may know less
    try:
        status = run()
        sys.stdout.flush()  # at the interpreter's end nobody could say that it failed
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:  # noqa: BLE001 - the last resort, and it tells of it
        status, sentence = _status_and_sentence(error)
        if sentence:
            _say(f"reconcile: {one_line(sentence)}\n")
        if os.environ.get(DEBUG) == "1":
            _say(traced(error))
        _drop_output()
    return status


def _status_and_sentence(error: Exception) -> tuple[int, str]:
    """Return the status and the sentence of an error; no sentence to nobody."""
    match error:
        case click.ClickException():
            return UNRELIABLE, error.format_message()
        case ReconcileError():
            return UNRELIABLE, str(error)
        case BrokenPipeError():
            return UNRELIABLE, ""
        case OSError():
            what = error.strerror or str(error)
            named = "" if error.filename is None else f": {error.filename}"
            return UNRELIABLE, f"{what}{named}"
        case MemoryError():
            return UNRELIABLE, "out of memory, expected more of it or a smaller file"
        case _:
            return FAULT, (
                f"a fault of reconcile itself ({type(error).__name__}):"
                f" report it to the maintainers, with what {DEBUG}=1 prints"
            )


def _say(text: str) -> None:
    with suppress(OSError, ValueError):  # nobody may be there to read it
        sys.stderr.write(text)
        sys.stderr.flush()


def _drop_output() -> None:
    """Let go of what could not be written: the interpreter would try it once more."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, sys.stdout.fileno())
            os.close(nowhere)
