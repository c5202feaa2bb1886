"""The worksheet of what stands now, kept up behind the pages that read it."""

import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final, Self

from reconcile.console.past import PastWork, PastWorksheets
from reconcile.console.refreshing import WorksheetClosedError, refresh
from reconcile.console.sheet import Sheet
from reconcile.console.watching import Footprint, Look, Watch
from reconcile.errors import StoreError
from reconcile.reconciler import Reconciler
from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.worksheet.file import (
    WorksheetBusyError,
    WorksheetDamagedError,
    WorksheetFile,
)
from reconcile.storage.worksheet.read import SheetReads
from reconcile.storage.worksheet.rows import SheetHead

BUDGET_S: Final = 1.5
"""So long does a page wait for what stands now, or for a past moment."""

_ROUNDS: Final = 2
"""What comes while a refresh runs is taken up by the next one, within the budget."""

_REPLAYED_FOR: Final = timedelta(minutes=1)
"""Where facts lie in the future, what stands is folded anew so often."""


class LiveWorksheet:
    """A worksheet that stands where the store stands; close it. Safe for threads.

    `path` is a scratch file of ours that may outlive us; without one it is temporary.

    Raises:
        StoreError: there is no place for what is temporary.
        UsageError: there is a file of something else at the path.

    """

    def __init__(
        self, opening: Callable[[], Reconciler], *, path: Path | None = None
    ) -> None:
        self._opening = opening
        self._folder = _temporary()
        try:
            self._file = WorksheetFile(path or self._folder / "now")
        except BaseException:
            shutil.rmtree(self._folder, ignore_errors=True)
            raise
        self._watch = Watch(opening)
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._work: Future[None] | None = None
        self._worker = ThreadPoolExecutor(1, "reconcile-worksheet")
        self._past = PastWorksheets(
            opening, self._watch, folder=self._folder, check=self._check
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End what runs, and delete what was temporary."""
        self._ended.set()
        self._worker.shutdown(wait=True, cancel_futures=True)
        self._past.close()
        self._watch.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    @contextmanager
    def reading(self, *, budget_s: float = BUDGET_S) -> Iterator[Sheet | None]:
        """Give what stands now, brought up to date within the time there is.

        What takes longer goes on behind, and `footing.lag` says so. None: it is being
        made for the first time, and there is nothing to read yet.

        Raises:
            StoreError: the store or the worksheet cannot be read.

        """
        look = self._brought_up_to_date(budget_s)
        try:
            with self._file.reading() as reads:
                yield self._sheet(reads, look)
        except WorksheetDamagedError:
            self._file.delete()  # the next page makes it anew
            raise

    def past(
        self,
        *,
        as_of: datetime,
        known_at: datetime | None = None,
        budget_s: float = BUDGET_S,
    ) -> AbstractContextManager[Sheet | PastWork]:
        """Give a past moment, made by a replay, or what says that it is on its way.

        Raises:
            ReconcileError: it could not be made; told once, and tried again then.

        """
        return self._past.reading(as_of=as_of, known_at=known_at, budget_s=budget_s)

    def _brought_up_to_date(self, budget_s: float) -> Look:
        """Return how far the store is, after a refresh if there was time for it."""
        end = time.monotonic() + budget_s
        for _ in range(_ROUNDS):
            look = self._watch.look()
            if self._is_current(look):
                return look
            work = self._working()
            try:
                work.result(max(0.0, end - time.monotonic()))
            except NotYet:
                break
            except WorksheetBusyError:
                break  # another process is at it: there is what it wrote last
            finally:
                self._forget(work)
        return self._watch.look()

    def _is_current(self, look: Look) -> bool:
        try:
            with self._file.reading() as reads:
                head = self._head(reads, look)
                return head is not None and _stands(reads, head, look)
        except WorksheetDamagedError:
            return False

    def _head(self, reads: SheetReads, look: Look) -> SheetHead | None:
        """Return what a worksheet stands on, None where it is not of this store."""
        head = reads.head()
        if head is None or head.label != look.label:
            return None
        known = self._watch.has(Footprint(head.position, head.anchor))
        return head if known else None

    def _sheet(self, reads: SheetReads, look: Look) -> Sheet | None:
        """Return what stands: as of now where it still does, else as of its refresh."""
        head = self._head(reads, look)
        if head is None:
            return None
        as_of = moment_of(head.as_of)
        if head.is_past and _stands(reads, head, look):
            as_of = max(as_of, look.now)
        return Sheet(reads, head, as_of=as_of, newest=look.position)

    def _working(self) -> Future[None]:
        """Return the refresh that runs or has just ended; there is one at a time."""
        with self._lock:
            if self._work is None:
                self._work = self._worker.submit(self._refresh)
            return self._work

    def _forget(self, work: Future[None]) -> None:
        with self._lock:
            if self._work is work and work.done():
                self._work = None

    def _refresh(self) -> None:
        with self._opening() as books:
            try:
                refresh(books, self._file, check=self._check)
            except WorksheetDamagedError:
                self._file.delete()
                refresh(books, self._file, check=self._check)

    def _check(self) -> None:
        if self._ended.is_set():
            raise WorksheetClosedError


def _temporary() -> Path:
    """Return a new folder of our own.

    Raises:
        StoreError: it cannot be made.

    """
    try:
        return Path(tempfile.mkdtemp(prefix="reconcile-worksheet-"))
    except OSError as error:
        raise StoreError(
            f"no folder for a worksheet can be made: {error.strerror}"
        ) from error


def _stands(reads: SheetReads, head: SheetHead, look: Look) -> bool:
    """Return whether a worksheet needs no refresh."""
    if head.position != look.position:
        return False
    if not head.is_past:
        return look.now < moment_of(head.as_of) + _REPLAYED_FOR
    turn = reads.next_turn()
    return turn is None or turn > micros(look.now)
