"""What an answer's headers say of time, in whichever form Codat says it. Pure.

Codat has never said which form it uses, of `X-Rate-Limit-Reset` or of `Retry-After`.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final

Headers = tuple[tuple[str, str], ...]  # names in lower case

_SINCE_1970_S: Final = 10**9  # so many seconds from now is no wait
_SECONDS_MAX: Final = 10**10
_seconds: Final = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,9})?").fullmatch


def pairs_in(data: Any) -> Iterator[tuple[str, str]]:
    """Yield those of a capture's headers, in any state, that are a name and a value."""
    if isinstance(data, dict):
        data = [{"name": name, "value": value} for name, value in data.items()]
    for pair in data if isinstance(data, list) else ():
        if isinstance(pair, dict):
            name, value = pair.get("name"), pair.get("value")
            if isinstance(value, int | float):
                value = str(value)
            if isinstance(name, str) and isinstance(value, str):
                yield name, value


def header(headers: Headers, name: str) -> str:
    """Return a header's value by its name in lower case, "" where there is none."""
    return next((value for key, value in headers if key == name), "")


def count_told(headers: Headers, name: str) -> int | None:
    """Return the count that a header tells, None where it tells none."""
    text = header(headers, name).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def wait_told(headers: Headers, *, now: datetime) -> float | None:
    """Return how many seconds `Retry-After` says to wait, None where it says nothing.

    Source: RFC 9110, 10.2.3: whole seconds, or a date.
    """
    moment = moment_told(header(headers, "retry-after"), now=now)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def moment_told(text: str, *, now: datetime) -> datetime | None:
    """Return a moment told in seconds from now, or since 1970, or as a date.

    A date is HTTP's or ISO 8601's; without a zone it is taken for UTC.
    """
    text = text.strip()
    if _seconds(text):
        seconds = min(float(text), _SECONDS_MAX)
        if seconds < _SINCE_1970_S:
            return now + timedelta(seconds=seconds)
        return datetime.fromtimestamp(seconds, UTC)
    for read in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = read(text)
            zoned = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
            return zoned.astimezone(UTC)
        except (ValueError, TypeError, OverflowError):
            continue
    return None
