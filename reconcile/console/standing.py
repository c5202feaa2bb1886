"""The worksheet that pages read: opened for the first page, closed at the end."""

import atexit
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from reconcile.console.filter import Filter
from reconcile.console.worksheet import LiveWorksheet
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import ReconcileError
from reconcile.reconciler import Reconciler

BADGE_WAIT_S: Final = 0.3
"""So long does a page wait for the number of breaks that it shows at its top."""
_BREAKS: Final = Filter(state=(ItemState.BREAK.value,))


class StandingSheet:
    """Opens one worksheet over a store when it is first asked for. Safe for threads."""

    def __init__(self, opener: Callable[[], Reconciler], path: Path | None) -> None:
        self._opener = opener
        self._path = path
        self._lock = threading.Lock()
        self._open: LiveWorksheet | None = None

    def worksheet(self) -> LiveWorksheet:
        """Return the worksheet.

        Raises:
            UsageError: there is a file of something else at its path.

        """
        with self._lock:
            if self._open is None:
                self._open = LiveWorksheet(self._opener, path=self._path)
                atexit.register(self.close)  # for hosts that tell nobody of their end
            return self._open

    def breaks(self) -> int | None:
        """Return how many breaks stand now; None where that is not known in time."""
        try:
            with self.worksheet().reading(budget_s=BADGE_WAIT_S) as sheet:
                return None if sheet is None else sheet.count(_BREAKS)
        except ReconcileError:
            return None  # the page itself says what is wrong with the store

    def close(self) -> None:
        """End what runs, and delete what was temporary."""
        with self._lock:
            worksheet, self._open = self._open, None
        if worksheet is not None:
            atexit.unregister(self.close)
            worksheet.close()
