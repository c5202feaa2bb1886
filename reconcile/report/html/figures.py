"""Counts, money, days, moments and ages as a page shows them: exact, and short."""

from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconcile.errors import UsageError
from reconcile.expenses.currencies import decimals_of
from reconcile.foreign import one_line

TEXT_MAX: Final = 200
"""So many characters of a foreign text are shown; what is longer ends in `…`."""

_MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)


def count(number: int) -> str:
    """Return a number with commas between thousands: `1,240`."""
    return f"{number:,}"


def plural(number: int, noun: str, nouns: str | None = None) -> str:
    """Return a count with its noun: `1 break`, `1,240 breaks`."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def money(amount: Decimal | str, currency: str | None) -> str:
    """Return an amount with commas and its currency's decimals: `1,234.50`.

    No digit is lost: an amount of more decimals than its currency keeps them. Without
    a currency (transfers alone) there are as many decimals as it has, or two.
    """
    whole, _, decimals = f"{Decimal(amount):,f}".partition(".")
    shown = decimals.rstrip("0")
    least = 0 if currency is None and not shown else decimals_of(currency or "XXX")
    shown = shown.ljust(least, "0")
    return f"{whole}.{shown}" if shown else whole


def day(of: str | date) -> str:
    """Return a day, given as a date or as `2026-01-14`: `14 Jan 2026`."""
    found = date.fromisoformat(of) if isinstance(of, str) else of
    return f"{found.day} {_MONTHS[found.month - 1][:3]} {found.year}"


def month(of: str) -> str:
    """Return a month, given as `2026-01`: `January 2026`."""
    return f"{_MONTHS[int(of[5:7]) - 1]} {of[:4]}"


def instant(moment: datetime, zone: ZoneInfo | None = None) -> str:
    """Return a moment in UTC, and in a zone too: `3 Feb 2026, 09:40:12 UTC`."""
    utc = moment.astimezone(UTC)
    text = f"{day(utc)}, {utc:%H:%M:%S} UTC"
    return text if zone is None else f"{text} ({_in_zone(moment, zone, '%H:%M:%S')})"


def minute(moment: datetime) -> str:
    """Return a moment without its seconds, for lists: `3 Feb 2026, 09:40 UTC`."""
    utc = moment.astimezone(UTC)
    return f"{day(utc)}, {utc:%H:%M} UTC"


def minute_in(moment: datetime, zone: ZoneInfo) -> str:
    """Return the same in a zone: `10:40 in Europe/Paris`, with a day that differs."""
    return _in_zone(moment, zone, "%H:%M")


def _in_zone(moment: datetime, zone: ZoneInfo, clock: str) -> str:
    utc = moment.astimezone(UTC)
    local = _local(utc, zone)
    other_day = "" if local.date() == utc.date() else f"{day(local)}, "
    return f"{other_day}{local:{clock}} in {zone.key.replace('_', ' ')}"


def _local(utc: datetime, zone: tzinfo) -> datetime:
    try:
        return utc.astimezone(zone)
    except OverflowError:  # the end of time
        return utc


def age(of: timedelta) -> str:
    """Return an age in its largest whole unit: `15 d`, `5 h`, `12 min`."""
    if of >= timedelta(days=1):
        return f"{of.days:,} d"
    minutes = int(of.total_seconds()) // 60
    if minutes < 1:
        return "under 1 min"
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def clean(text: str, longest: int = TEXT_MAX) -> str:
    """Return foreign text as one line without controls, cut where it is too long.

    It is text still, not HTML: a template escapes it.
    """
    cut = text[: 2 * longest]
    line = one_line(" ".join(cut.split()))
    if len(line) > longest:
        return line[:longest].rstrip() + "…"
    return line + "…" if len(cut) < len(text) else line


def known_zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name.

    Raises:
        UsageError: there is none of that name.

    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(
            f"{name!r} is not a known zone, expected an IANA name such as Europe/London"
        ) from error
