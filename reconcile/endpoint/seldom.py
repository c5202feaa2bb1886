"""What any stranger can make happen, in the log: a line a minute for each kind of it.

Without it, whoever finds the endpoint's address could fill a disk with lines.
"""

import logging
import re
import threading
import time
from typing import Final

EVERY_S: Final = 60.0
_FIGURES: Final = re.compile("[0-9]+")


class Seldom:
    """Logs the first of a kind, counts the rest, and tells how many they were."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._kinds: dict[str, _Kind] = {}

    def __call__(
        self, level: int, message: str, fields: dict[str, int] | None = None
    ) -> None:
        """Log a message, unless one that differs in figures alone was a minute ago."""
        now = time.monotonic()
        kind = _FIGURES.sub("#", message)
        with self._lock:
            known = self._kinds.setdefault(kind, _Kind())
            if now - known.at < EVERY_S:
                known.last = level, message, fields or {}
                known.more += 1
                return
            more, known.more, known.at = known.more, 0, now
        if more:
            message = f"{message} ({more} more like it before, not logged)"
        extra = {**(fields or {}), "codat_more": more}
        self._log.log(level, "%s", message, extra=extra)

    def close(self) -> None:
        """Tell how many were not told of."""
        with self._lock:
            rest = [kind for kind in self._kinds.values() if kind.more]
            self._kinds.clear()
        for kind in rest:
            level, message, fields = kind.last
            message = f"{message}: {kind.more} more, not logged"
            extra = {**fields, "codat_more": kind.more}
            self._log.log(level, "%s", message, extra=extra)


class _Kind:
    """When one kind was logged, and how many there were since."""

    def __init__(self) -> None:
        self.at = -EVERY_S
        self.more = 0
        self.last: tuple[int, str, dict[str, int]] = (logging.INFO, "", {})


class SeldomFrom(logging.Filter):
    """Takes a logger's warnings to one that tells them seldom; its errors pass."""

    def __init__(self, seldom: Seldom) -> None:
        super().__init__()
        self._seldom = seldom

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether the record is logged as it is."""
        if record.levelno != logging.WARNING:
            return True
        message = f"request refused: {record.getMessage()}"
        self._seldom(record.levelno, message)
        return False
