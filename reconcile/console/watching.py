"""A look at the store from any thread: how far it is, and what time it is there."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import NamedTuple

from reconcile.console.refreshing import anchor_of, label_of
from reconcile.errors import StoreError
from reconcile.reconciler import Reconciler


class Look(NamedTuple):
    """The last position of the store, or of what was known; and the clock's time."""

    position: int
    now: datetime
    label: str  # of all that a worksheet depends on beside the events


class Footprint(NamedTuple):
    """The last event that a worksheet stands on, and what tells it from others."""

    position: int
    anchor: str


class Watch:
    """A reconciler that is opened once, and used by one thread at a time."""

    def __init__(self, opening: Callable[[], Reconciler]) -> None:
        self._opening = opening
        self._lock = threading.Lock()
        self._books: Reconciler | None = None

    def look(self, *, known_at: datetime | None = None) -> Look:
        """Return how far the store is.

        Raises:
            StoreError: it cannot be read; it is opened again the next time.

        """
        with self._opened() as books:
            position = books.store.position(known_at=known_at)
            return Look(position, books.now(), label_of(books))

    def has(self, footprint: Footprint) -> bool:
        """Return whether the store has that event: it is no other store.

        Raises:
            StoreError: it cannot be read; it is opened again the next time.

        """
        with self._opened() as books:
            return anchor_of(books.store, footprint.position) == footprint.anchor

    def close(self) -> None:
        """Release the store."""
        with self._lock:
            self._close()

    @contextmanager
    def _opened(self) -> Iterator[Reconciler]:
        with self._lock:
            try:
                if self._books is None:
                    self._books = self._opening()
                yield self._books
            except StoreError:
                self._close()
                raise

    def _close(self) -> None:
        if self._books is not None:
            books, self._books = self._books, None
            books.close()
