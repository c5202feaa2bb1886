"""Moments: how times are read from text and written to it. UTC, microseconds."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)


def parse_instant(text: str) -> datetime | None:
    """Return the UTC moment that an ISO 8601 text with a zone means, else None.

    A seventh fractional digit is dropped. None for a time without a zone, an impossible
    one, and one that UTC cannot hold (year 1 or 9999 with an offset).
    """
    try:
        moment = datetime.fromisoformat(text)
        return None if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def clock_moment(text: str) -> datetime | None:
    """Return the moment that a text means as a clock's, else None.

    A clock shows a year from 2000 to 2199. Other years are what programs write for no
    time at all: year 1 (.NET, Go), 1601 and 1900 (Windows, Excel), 1970 (Unix), 9999.
    """
    moment = parse_instant(text)
    return moment if moment is not None and a_clock_shows(moment) else None


def a_clock_shows(moment: datetime) -> bool:
    """Return whether a moment is one that a clock shows: from 2000 to 2199."""
    return 2000 <= moment.year < 2200


def later(moment: datetime, wait: timedelta) -> datetime:
    """Return the moment `wait` later, or the end of time where that is sooner."""
    return moment + wait if moment < END_OF_TIME - wait else END_OF_TIME


@lru_cache(maxsize=65536)
def format_instant(moment: datetime) -> str:
    """Return a moment as reports write it: `YYYY-MM-DDTHH:MM:SS.ffffffZ`."""
    return f"{moment.year:04d}{moment:-%m-%dT%H:%M:%S.%fZ}"


def next_day(moment: datetime) -> datetime:
    """Return the next 00:00 UTC after a moment."""
    today = moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return later(today, timedelta(days=1))
