"""A tie-out that a page asked for: it runs behind the pages, and its result is kept."""

import time
from datetime import datetime
from typing import Final

import attrs

from reconcile.audit.tie_out import Difference
from reconcile.reconciler import Reconciler

KEY: Final = "tie-out"
DIFFERENCES_MAX: Final = 50


@attrs.frozen(kw_only=True)
class TiedOut:
    """What a tie-out found, when it was made, and how long that took.

    `first` are the first of its differences, `poisoned` events that cannot be read.
    """

    at: datetime
    took_s: float
    position: int
    rows: int
    differences: int
    poisoned: int
    first: tuple[Difference, ...]

    @property
    def is_equal(self) -> bool:
        """Return whether nothing differs and everything could be read."""
        return not self.differences and not self.poisoned


def tied_out(books: Reconciler) -> TiedOut:
    """Return how the live views compare with a replay; no history changes."""
    begun = time.monotonic()
    found = books.tie_out()
    return TiedOut(
        at=books.now(),
        took_s=time.monotonic() - begun,
        position=found.position,
        rows=found.rows,
        differences=len(found.differences),
        poisoned=found.poisoned,
        first=tuple(found.differences[:DIFFERENCES_MAX]),
    )
