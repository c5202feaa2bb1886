"""Quotas: how much one account may ask in a day and in a minute, and how it is told."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import ceil
from typing import Final, Literal

import attrs

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.messages import Response
from reconcile.sandbox.refusals import RefusedError
from reconcile.sandbox.world import Company

PER_DAY: Final = 1000  # for the account, and again for each active connected company
PER_MINUTE: Final = 1000
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)
_LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)

Form = Literal["seconds", "date"]
"""How a moment is told: as seconds from now, or as a date.

Codat calls `X-Rate-Limit-Reset` a date and `Retry-After` the standard header, and shows
neither. A date is ISO 8601 in the one, and what HTTP calls a date in the other.
"""


@attrs.define(kw_only=True)
class Quotas:
    """The quotas of one account, counted on the sandbox's clock.

    The three headers tell of the day's quota. A call that is turned away does not
    count, neither against the day nor against the minute.

    Source: Codat docs, Rate limits (read 2026-11-22). That a minute is a minute of the
    clock, and which quota the headers tell of, is our choice.
    """

    clock: Clock
    companies: Mapping[str, Company]
    on: bool = True
    calls_per_day: int = PER_DAY
    calls_per_minute: int = PER_MINUTE
    reset: Form = "date"
    retry_after: Form = "seconds"
    _day_began: datetime = attrs.field(default=_LONG_AGO, init=False)
    _in_day: int = attrs.field(default=0, init=False)
    _minute_began: datetime = attrs.field(default=_LONG_AGO, init=False)
    _in_minute: int = attrs.field(default=0, init=False)

    @property
    def per_day(self) -> int:
        """Return the day's quota as the companies stand now."""
        return self.calls_per_day * (1 + sum(map(_active, self.companies.values())))

    def count(self) -> None:
        """Count one call.

        Raises:
            RefusedError: 429, a quota is used up.

        """
        if not self.on:
            return
        self._turn_over()
        # Companies are counted only where it matters: there may be thousands.
        if self._in_day >= self.calls_per_day and self._in_day >= self.per_day:
            raise self._refused("The daily rate limit", self._day_began + _DAY)
        if self._in_minute >= self.calls_per_minute:
            raise self._refused("The rate limit", self._minute_began + _MINUTE)
        self._in_day += 1
        self._in_minute += 1

    def stamped(self, response: Response) -> Response:
        """Return an answer with the headers that every answer has."""
        if not self.on:
            return response
        self._turn_over()
        limit = self.per_day
        ends = self._day_began + _DAY
        reset = (
            f"{ends:%Y-%m-%dT%H:%M:%SZ}"
            if self.reset == "date"
            else str(self._seconds(ends))
        )
        headers = (
            ("X-Rate-Limit-Limit", str(limit)),
            ("X-Rate-Limit-Remaining", str(max(0, limit - self._in_day))),
            ("X-Rate-Limit-Reset", reset),
        )
        return attrs.evolve(response, headers=(*response.headers, *headers))

    def _turn_over(self) -> None:
        now = self.clock.now
        if now >= self._day_began + _DAY:
            self._day_began = now.replace(hour=0, minute=0, second=0, microsecond=0)
            self._in_day = 0
        if now >= self._minute_began + _MINUTE:
            self._minute_began = now.replace(second=0, microsecond=0)
            self._in_minute = 0

    def _refused(self, what: str, until: datetime) -> RefusedError:
        wait = (
            str(self._seconds(until))
            if self.retry_after == "seconds"
            else format_datetime(until, usegmt=True)
        )
        return RefusedError(
            429, f"{what} was exceeded.", headers=(("Retry-After", wait),)
        )

    def _seconds(self, until: datetime) -> int:
        return ceil((until - self.clock.now).total_seconds())


def _active(company: Company) -> bool:
    """Return whether a company counts: linked, by a connection that is."""
    if not company.linked or company.deleted:
        return False
    for connection in company.connections:
        if connection.get("status") == "Linked":
            return True
    return False
