"""What takes longer than a page waits: made once behind the pages, and kept."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from typing import Any, Final, TypeVar

import attrs

from reconcile.reconciler import Reconciler

T = TypeVar("T")
KEPT_MAX: Final = 8
"""So many results are kept; what was asked for longest ago goes first."""
WAIT_S: Final = 1.5


class StillCounting(Exception):  # noqa: N818 - nothing is wrong
    """What a page needs is being made: the page reads itself again."""


@attrs.frozen
class _Work:
    future: Future[Any]
    begun: float


class Works:
    """Does one piece of work after another, with books of its own. Safe for threads."""

    def __init__(self, opener: Callable[[], Reconciler]) -> None:
        self._opener = opener
        self._lock = threading.Lock()
        self._works: OrderedDict[Hashable, _Work] = OrderedDict()
        self._worker: ThreadPoolExecutor | None = None

    def result(
        self,
        key: Hashable,
        make: Callable[[Reconciler], T],
        *,
        lasts_s: float | None = None,
        wait_s: float = WAIT_S,
    ) -> T:
        """Return what was made of this key, or make it; after `lasts_s` it is stale.

        Raises:
            StillCounting: it takes longer than a page waits.
            ReconcileError: it could not be made; told once, and tried again then.

        """
        work = self._begun(key, make, lasts_s)
        try:
            found: T = work.future.result(wait_s)
        except (NotYet, CancelledError) as error:
            if work.future.done() and not work.future.cancelled():
                self._forget(key, work)  # a time-out of its own
                raise
            raise StillCounting from error
        except BaseException:
            self._forget(key, work)
            raise
        return found

    def again(self, key: Hashable, make: Callable[[Reconciler], Any]) -> None:
        """Begin to make a key's result anew, unless it is being made."""
        self._begun(key, make, lasts_s=0)

    def has(self, key: Hashable) -> bool:
        """Return whether a key's result was made, or is being made."""
        with self._lock:
            return key in self._works

    def close(self) -> None:
        """Wait for what runs, and forget all results; it begins anew on demand."""
        with self._lock:
            worker, self._worker = self._worker, None
            self._works.clear()
        if worker is not None:
            worker.shutdown(wait=True, cancel_futures=True)

    def _begun(
        self,
        key: Hashable,
        make: Callable[[Reconciler], Any],
        lasts_s: float | None,
    ) -> _Work:
        with self._lock:
            work = self._works.get(key)
            if work is None or work.future.cancelled() or _is_stale(work, lasts_s):
                if self._worker is None:
                    self._worker = ThreadPoolExecutor(1, "console-works")
                future = self._worker.submit(self._made, make)
                work = self._works[key] = _Work(future, time.monotonic())
            self._works.move_to_end(key)
            while len(self._works) > KEPT_MAX:
                _, oldest = self._works.popitem(last=False)
                oldest.future.cancel()
            return work

    def _made(self, make: Callable[[Reconciler], T]) -> T:
        with self._opener() as books:
            return make(books)

    def _forget(self, key: Hashable, work: _Work) -> None:
        with self._lock:
            if self._works.get(key) is work:
                del self._works[key]


def _is_stale(work: _Work, lasts_s: float | None) -> bool:
    """Return whether a result is too old; what is still being made is not."""
    return (
        lasts_s is not None
        and work.future.done()
        and time.monotonic() - work.begun > lasts_s
    )
