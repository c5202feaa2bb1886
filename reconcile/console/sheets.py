"""The worksheet behind the console's pages: made when a page first asks for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from reconcile.console.filter import Filter
from reconcile.console.past import PastWork
from reconcile.console.sheet import Sheet
from reconcile.console.works import StillCounting
from reconcile.console.worksheet import LiveWorksheet
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import ReconcileError
from reconcile.reconciler import Reconciler

BADGE_WAIT_S: Final = 0.3
"""So long does a page wait for the number of breaks that it shows at its top."""


class Worksheets:
    """Gives pages what they read: what stands now, or a past moment."""

    def __init__(self, opener: Callable[[], Reconciler], path: Path | None) -> None:
        self._opener = opener
        self._path = path
        self._lock = threading.Lock()
        self._live: LiveWorksheet | None = None

    @contextmanager
    def reading(
        self, as_of: datetime | None, known_at: datetime | None
    ) -> Iterator[Sheet]:
        """Give one consistent read of a moment, without any of what stands now.

        What was known at a moment is judged as of that moment, unless another is named.

        Raises:
            StillCounting: it takes longer than a page waits.
            StoreError: the store cannot be read.

        """
        live = self._worksheet()
        moment = as_of or known_at
        if moment is None:
            with live.reading() as sheet:
                if sheet is None:
                    raise StillCounting
                yield sheet
            return
        with live.past(as_of=moment, known_at=known_at) as found:
            if isinstance(found, PastWork):
                raise StillCounting
            yield found

    def breaks(self, scope: Filter) -> int | None:
        """Return how many breaks stand now; None where that is not known in time."""
        try:
            with self._worksheet().reading(budget_s=BADGE_WAIT_S) as sheet:
                return None if sheet is None else sheet.states(scope)[ItemState.BREAK]
        except ReconcileError:
            return None  # the page itself says what is wrong with the store

    def close(self) -> None:
        """End what runs, and delete what is temporary."""
        with self._lock:
            live, self._live = self._live, None
        if live is not None:
            live.close()

    def _worksheet(self) -> LiveWorksheet:
        with self._lock:
            if self._live is None:
                self._live = LiveWorksheet(self._opener, path=self._path)
            return self._live
