"""The quotas of one account: what may go out now, and what is kept for what matters.

Share one `Quota` among all clients of an account. It knows of other users of the same
account only what Codat's headers tell. Source: Codat docs, Rate limits (2026-11-22).
"""

import threading
from collections import Counter, deque
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Final

import attrs

from reconcile.codat.headers import (
    Headers,
    count_told,
    header,
    moment_told,
    wait_told,
)
from reconcile.domain.instants import next_day

PER_DAY: Final = 1000  # for the account, and again for each active company
PER_MINUTE: Final = 1000
PER_COMPANY: Final = 10  # at the same time
SLOT_WAIT_S: Final = 0.1  # until somebody's answer may have arrived
CLOSED_S: Final = 1.0  # after a 429 that names no wait
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_WINDOW_MAX: Final = _DAY + _MINUTE  # a reset told in seconds is rounded up
_SAME_WINDOW: Final = timedelta(hours=1)  # resets told in seconds are never equal


class Priority(IntEnum):
    """What a request is worth, from the least: who needs its answer, and how soon."""

    SWEEP = 1  # reading again what is believed to be known
    FOLLOW = 2  # a sync that has not ended, a listing that is not whole
    WRITE = 3
    WEBHOOK = 4  # Codat said that there is something to read


SHARES: Final[Mapping[Priority, float]] = {
    Priority.SWEEP: 0.6,
    Priority.FOLLOW: 0.8,
    Priority.WRITE: 0.9,
    Priority.WEBHOOK: 1.0,
}
"""Up to what part of each quota a priority goes: the rest is for higher ones."""


@attrs.frozen(kw_only=True)
class Figures:
    """The quotas as they stand. `limit` is learnt: until then, one company's worth."""

    limit: int
    used: int
    resets_at: datetime
    in_minute: int
    in_flight: Mapping[str, int]  # by company
    closed_until: datetime | None  # Codat said to wait
    learnt: bool

    @property
    def remaining(self) -> int:
        """Return how many requests are left for the day."""
        return max(0, self.limit - self.used)


class Quota:
    """A governor of one account's requests; of any thread, and never blocking.

    Time comes in with each call. `admit` takes a slot, which `release` gives back.
    """

    def __init__(
        self,
        *,
        per_day: int = 2 * PER_DAY,
        per_minute: int = PER_MINUTE,
        per_company: int = PER_COMPANY,
        shares: Mapping[Priority, float] = SHARES,
    ) -> None:
        self._limit = per_day
        self._per_minute = per_minute
        self._per_company = per_company
        self._shares = shares
        self._lock = threading.Lock()
        self._used = 0
        self._resets_at: datetime | None = None
        self._minute: deque[datetime] = deque()  # at most `per_minute`
        self._in_flight: Counter[str] = Counter()
        self._closed_until: datetime | None = None
        self._learnt = False

    def plan(self, priority: Priority, company_id: str, now: datetime) -> float:
        """Return how many seconds a request would have to wait; 0.0 for not at all."""
        with self._lock:
            return self._wait_s(priority, company_id, now)

    def admit(self, priority: Priority, company_id: str, now: datetime) -> float:
        """Return 0.0 and count the request, or how many seconds to wait before asking.

        Whoever is admitted gives the slot back with `release`, come what may.
        """
        with self._lock:
            wait_s = self._wait_s(priority, company_id, now)
            if wait_s == 0:
                self._used += 1
                self._minute.append(now)
                self._in_flight[company_id] += 1
            return wait_s

    def release(self, company_id: str) -> None:
        """Give back the slot of a request that is over."""
        with self._lock:
            self._in_flight[company_id] -= 1
            if self._in_flight[company_id] <= 0:
                del self._in_flight[company_id]

    def learn(self, status: int, headers: Headers, now: datetime) -> None:
        """Take in what an answer says of the quotas.

        Of answers that overtake each other, the one that leaves less is believed.
        """
        limit = count_told(headers, "x-rate-limit-limit")
        remaining = count_told(headers, "x-rate-limit-remaining")
        resets_at = moment_told(header(headers, "x-rate-limit-reset"), now=now)
        with self._lock:
            self._turn_over(now)
            if limit is not None and remaining is not None:
                self._learn_day(limit, remaining, resets_at, now)
            if status == 429:
                told_s = wait_told(headers, now=now)
                wait_s = (
                    CLOSED_S if told_s is None else min(told_s, _DAY.total_seconds())
                )
                until = now + timedelta(seconds=wait_s)
                self._closed_until = max(self._closed_until or until, until)

    def figures(self, now: datetime) -> Figures:
        """Return the quotas as they stand."""
        with self._lock:
            self._turn_over(now)
            return Figures(
                limit=self._limit,
                used=self._used,
                resets_at=self._resets_at or next_day(now),
                in_minute=len(self._minute),
                in_flight=dict(self._in_flight),
                closed_until=self._closed_until,
                learnt=self._learnt,
            )

    def _wait_s(self, priority: Priority, company_id: str, now: datetime) -> float:
        self._turn_over(now)
        share = self._shares[priority]
        if self._closed_until is not None:
            return (self._closed_until - now).total_seconds()
        if self._used >= _part(self._limit, share) and self._resets_at is not None:
            return (self._resets_at - now).total_seconds()
        most = _part(self._per_minute, share)
        if len(self._minute) >= most:
            frees = self._minute[len(self._minute) - most] + _MINUTE
            return (frees - now).total_seconds()
        slots = _part(self._per_company, share)
        return SLOT_WAIT_S if self._in_flight[company_id] >= slots else 0.0

    def _turn_over(self, now: datetime) -> None:
        """Forget what is over: the day, the minute, a wait. A clock may go back."""
        if self._resets_at is None or not now < self._resets_at <= now + _WINDOW_MAX:
            self._resets_at = next_day(now)
            self._used = 0
        while self._minute and not now - _MINUTE < self._minute[0] <= now:
            self._minute.popleft()
        closed = self._closed_until
        if closed is not None and not now < closed <= now + _DAY:
            self._closed_until = None

    def _learn_day(
        self, limit: int, remaining: int, resets_at: datetime | None, now: datetime
    ) -> None:
        if resets_at is not None and not now < resets_at <= now + _WINDOW_MAX:
            return  # the answer speaks of a day that is over, or of no day
        mine = self._resets_at
        if resets_at is not None and mine is not None:
            if abs(resets_at - mine) > _SAME_WINDOW:
                self._used = 0
            self._resets_at = resets_at
        self._limit = limit
        self._used = max(self._used, limit - remaining)
        self._learnt = True


def _part(whole: int, share: float) -> int:
    """Return how much of a quota a share is: at least one."""
    return max(1, int(whole * share))
