"""How often, how soon and how much is sent again: one value that a host may change."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from types import MappingProxyType
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
import msgspec

from reconcile.domain.instants import later
from reconcile.domain.vocabulary import Owner
from reconcile.errors import UsageError

BATCH_MAX: Final = 50
"""Expenses in one call. Source: Codat's OpenAPI files for Sync for Expenses."""


WAIT_MAX: Final = timedelta(days=366)
FACTOR_MAX: Final = 100
NUMBER_MAX: Final = 1_000_000
SHARE_MIN: Final = 0.000_001


def in_range(name: str, given: Any, least: Any, most: Any) -> None:
    """Hold a figure of a policy against its range.

    Raises:
        UsageError: it is out of it.

    """
    if not least <= given <= most:
        raise UsageError(f"{name} is {given}, expected {least} to {most}")


@attrs.frozen(kw_only=True)
class RetryWait:
    """The wait after each try that failed, and how many tries there may be."""

    first: timedelta = timedelta(minutes=15)
    factor: float = 2.0
    longest: timedelta = timedelta(hours=6)
    tries_max: int = 8

    def __attrs_post_init__(self) -> None:
        """Refuse what is no wait.

        Raises:
            UsageError: a figure is out of its range.

        """
        in_range("first", self.first, timedelta(), WAIT_MAX)
        in_range("longest", self.longest, timedelta(), WAIT_MAX)
        in_range("factor", self.factor, 1, FACTOR_MAX)
        in_range("tries_max", self.tries_max, 1, NUMBER_MAX)

    def after(self, tries: int) -> timedelta:
        """Return the wait after so many tries."""
        grown = self.first.total_seconds()
        for _ in range(min(max(tries - 1, 0), _STEPS_MAX)):
            grown *= self.factor
            if grown >= self.longest.total_seconds():
                return self.longest
        return min(timedelta(seconds=grown), self.longest)


_STEPS_MAX: Final = 100
_ANY_DAY: Final = datetime(2026, 1, 1, tzinfo=UTC)
_AT_ONCE: Final = RetryWait(first=timedelta())


@attrs.frozen(kw_only=True)
class QuietHours:
    """Hours of each day in which nothing is sent again, by a time zone's clock.

    Where `until` is not after `begins`, they go on over midnight.
    """

    begins: time
    until: time
    zone: str = "UTC"

    def __attrs_post_init__(self) -> None:
        """Refuse what are no hours, or of a zone that is not known.

        Raises:
            UsageError: they are the whole day, or nobody knows the zone.

        """
        if self.begins == self.until:
            raise UsageError(
                "the quiet hours are the whole day, expected hours to send in"
            )
        try:
            if self.zone != "UTC":  # which needs no list of zones on the machine
                ZoneInfo(self.zone)
        except (OSError, ValueError, KeyError) as error:
            raise UsageError(
                f"zone {self.zone!r} is not known, expected a name such as"
                " Europe/London"
            ) from error

    def end(self, moment: datetime) -> datetime | None:
        """Return when the quiet hours end that a moment is in, None where in none."""
        here = moment.astimezone(UTC if self.zone == "UTC" else ZoneInfo(self.zone))
        clock = here.time()
        over_midnight = self.until <= self.begins
        if over_midnight:
            quiet = clock >= self.begins or clock < self.until
        else:
            quiet = self.begins <= clock < self.until
        if not quiet:
            return None
        day = here.date()
        if over_midnight and clock >= self.begins:
            day += timedelta(days=1)
        ends = datetime.combine(day, self.until, here.tzinfo).astimezone(UTC)
        # Where the clock is put back, the same hour comes twice.
        return ends if ends > moment else later(moment, timedelta(hours=1))


@attrs.frozen(kw_only=True)
class RetryPolicy:
    """How often, how soon and how much is sent again.

    `owners` and `causes` hold the waits, by whose move a cause is and by its name; a
    cause's own goes before its owner's. A wait of the ruleset that is longer holds.
    """

    name: str = "default"
    owners: Mapping[Owner, RetryWait] = MappingProxyType(
        {
            Owner.NOBODY: RetryWait(),
            Owner.ACCOUNTING_SOFTWARE: RetryWait(),
            Owner.CODAT: RetryWait(first=timedelta(minutes=10), tries_max=5),
            Owner.CUSTOMER: _AT_ONCE,
            Owner.US: _AT_ONCE,
        }
    )
    causes: Mapping[str, RetryWait] = MappingProxyType({})
    per_content: int = 10
    """So often one content of an expense is sent in all, to one company."""
    per_cause_and_day: int = 10_000
    """So many expenses of one company and fingerprint are sent again in one UTC day."""
    batch_size: int = BATCH_MAX
    """So many expenses go into one call."""
    quiet_hours: tuple[QuietHours, ...] = ()
    quota_share: float = 0.5
    """What part of the day's calls to Codat may be made for plans."""

    def __attrs_post_init__(self) -> None:
        """Refuse what is no policy.

        Raises:
            UsageError: a figure is out of its range, the name is blank, a key is no
                owner, or the quiet hours never end.

        """
        if not self.name.strip():
            raise UsageError("the name of a policy is blank, expected a name")
        for owner in self.owners:
            if owner not in {*Owner}:
                known = ", ".join(Owner)
                raise UsageError(f"{owner!r} is not an owner, expected one of {known}")
        in_range("per_content", self.per_content, 1, NUMBER_MAX)
        in_range("per_cause_and_day", self.per_cause_and_day, 1, NUMBER_MAX)
        in_range("batch_size", self.batch_size, 1, BATCH_MAX)
        in_range("quota_share", self.quota_share, SHARE_MIN, 1)
        self.awake(_ANY_DAY)

    def wait(self, cause: str | None, owner: Owner | None) -> RetryWait:
        """Return the waits of a cause, and of whose move it is."""
        if cause is not None and cause in self.causes:
            return self.causes[cause]
        return self.owners.get(owner or Owner.US, _AT_ONCE)

    def awake(self, moment: datetime) -> datetime:
        """Return a moment, or the end of the quiet hours that it lies in."""
        if not self.quiet_hours:
            return moment
        for _ in range(_STEPS_MAX):  # one may end in another
            ends = [q.end(moment) for q in self.quiet_hours]
            if not any(ends):
                return moment
            moment = max(end for end in ends if end is not None)
        raise UsageError("the quiet hours never end, expected hours to send in")

    @property
    def data(self) -> dict[str, Any]:
        """Return the policy as plain data, which its digest is of; waits in seconds."""
        return {
            "name": self.name,
            "owners": {
                owner.value: _wait_data(wait)
                for owner, wait in sorted(self.owners.items())
            },
            "causes": {
                name: _wait_data(wait) for name, wait in sorted(self.causes.items())
            },
            "per_content": self.per_content,
            "per_cause_and_day": self.per_cause_and_day,
            "batch_size": self.batch_size,
            "quiet_hours": [
                {
                    "begins": hours.begins.isoformat("minutes"),
                    "until": hours.until.isoformat("minutes"),
                    "zone": hours.zone,
                }
                for hours in self.quiet_hours
            ],
            "quota_share": _decimal(self.quota_share),
        }

    @property
    def label(self) -> str:
        """Return the policy's name with the start of its digest, for plans."""
        digest = hashlib.sha256(
            msgspec.json.encode(self.data, order="sorted")
        ).hexdigest()
        return f"{self.name}@{digest[:12]}"


def _wait_data(wait: RetryWait) -> dict[str, Any]:
    return {
        "first_s": _decimal(wait.first.total_seconds()),
        "factor": _decimal(wait.factor),
        "longest_s": _decimal(wait.longest.total_seconds()),
        "tries_max": wait.tries_max,
    }


def _decimal(number: float) -> str:
    """Return a number as text, so that every machine writes it alike."""
    return f"{number:.6f}".rstrip("0").rstrip(".")


DEFAULT_POLICY: Final = RetryPolicy()
