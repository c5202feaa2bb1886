"""A clock that stands still until it is told to go on, and what is due by it."""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta

import attrs


@attrs.define
class Clock:
    """The sandbox's time, UTC. What is due happens in order, at its own moment."""

    now: datetime
    _due: list[tuple[datetime, int, Callable[[], object]]] = attrs.field(factory=list)
    _count: int = 0

    def after(self, wait_s: float, act: Callable[[], object]) -> None:
        """Have something done once so many seconds have passed."""
        self._count += 1  # of two things due at once, the one asked for first
        heapq.heappush(
            self._due, (self.now + timedelta(seconds=wait_s), self._count, act)
        )

    def advance(self, to: datetime) -> None:
        """Go on to a moment, doing what is due on the way; never back."""
        while self._due and self._due[0][0] <= to:
            moment, _, act = heapq.heappop(self._due)
            self.now = max(self.now, moment)
            act()
        self.now = max(self.now, to)

    @property
    def next_due(self) -> datetime | None:
        """Return the moment of the next thing due, None where nothing is."""
        return self._due[0][0] if self._due else None
