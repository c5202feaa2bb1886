"""The books that pages are answered from: a few, each used by one thread at a time."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Final

from reconcile.errors import HistoryError
from reconcile.reconciler import Reconciler

BOOKS_MAX: Final = 4
WAIT_MAX_S: Final = 30.0


class BooksBusyError(Exception):
    """All books are in use, and none came free in time."""


class BooksPool:
    """Opens up to `most` reconcilers when they are first needed, and lends them out.

    Pages run in its threads, so that none waits for the store in the event loop. What
    a store fails in is closed and opened anew. After `close` it opens again on demand.
    """

    def __init__(
        self, opener: Callable[[], Reconciler], *, most: int = BOOKS_MAX
    ) -> None:
        self._opener = opener
        self._most = most
        self._idle: list[Reconciler] = []
        self._free = threading.BoundedSemaphore(most)
        self._lock = threading.Lock()
        self._threads: ThreadPoolExecutor | None = None

    def threads(self) -> ThreadPoolExecutor:
        """Return the threads that pages run in, as many as there are books."""
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(
                    self._most, thread_name_prefix="console"
                )
            return self._threads

    @contextmanager
    def borrowed(self) -> Iterator[Reconciler]:
        """Give a reconciler that nobody else uses meanwhile.

        Raises:
            BooksBusyError: all are in use, for longer than anybody waits.
            ReconcileError: the store cannot be opened.

        """
        if not self._free.acquire(timeout=WAIT_MAX_S):
            raise BooksBusyError
        try:
            with self._lock:
                books = self._idle.pop() if self._idle else None
            if books is None:
                books = self._opener()
            try:
                yield books
            except HistoryError:
                books.close()
                raise
            except BaseException:
                self._give_back(books)
                raise
            self._give_back(books)
        finally:
            self._free.release()

    def close(self) -> None:
        """End the threads and close what is not in use."""
        with self._lock:
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(wait=True)
        with self._lock:
            idle, self._idle = self._idle, []
        for books in idle:
            books.close()

    def _give_back(self, books: Reconciler) -> None:
        with self._lock:
            self._idle.append(books)
