"""What a command shows of the library's log: warnings, where it works by itself."""

import logging
import traceback

from reconcile.foreign import one_line


def tell_log() -> None:
    """Show warnings on standard error, a line each."""
    shown = logging.StreamHandler()
    shown.setFormatter(_Lines("%(asctime)s %(name)s: %(message)s"))
    shown.setLevel(logging.WARNING)
    logging.getLogger("reconcile").addHandler(shown)


class _Lines(logging.Formatter):
    """Writes a traceback so that no message in it can pass for a record."""

    def formatException(self, ei: object) -> str:  # noqa: N802 - the name is logging's
        error = ei[1] if isinstance(ei, tuple) else None
        return traced(error).rstrip("\n") if isinstance(error, BaseException) else ""


def traced(error: BaseException) -> str:
    """Return an error's traceback; every line of it is indented."""
    lines = "".join(traceback.format_exception(error)).split("\n")
    return "\n".join(f"  {one_line(line)}" for line in lines if line) + "\n"
