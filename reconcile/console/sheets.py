"""The worksheet behind the console's pages: made when a page first asks for it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reconcile.console.asking import Asking
from reconcile.console.past import PastWork
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from reconcile.reconciler import Reconciler


class StillCounting(Exception):  # noqa: N818 - nothing is wrong
    """The worksheet is being made; `work` says of which past moment, if of one."""

    def __init__(self, work: PastWork | None) -> None:
        super().__init__()
        self.work = work


class Worksheets:
    """Gives pages what they read: what stands now, or a past moment."""

    def __init__(self, opener: Callable[[], Reconciler], path: Path | None) -> None:
        self._opener = opener
        self._path = path
        self._lock = threading.Lock()
        self._live: LiveWorksheet | None = None

    @contextmanager
    def reading(self, asked: Asking) -> Iterator[Sheet]:
        """Give one consistent read of the moment that is asked for.

        Raises:
            StillCounting: it takes longer than a page waits.
            StoreError: the store cannot be read.

        """
        live = self._worksheet()
        if asked.as_of is None:
            with live.reading() as sheet:
                if sheet is None:
                    raise StillCounting(None)
                yield sheet
            return
        with live.past(as_of=asked.as_of, known_at=asked.known_at) as found:
            if isinstance(found, PastWork):
                raise StillCounting(found)
            yield found

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
