"""When a captured answer was made: a copy from a cache is as old as its original. Pure.

Source: RFC 9111, 5.1 (`Age`), 4.2.3 and RFC 9110, 6.6.1 (`Date`); RFC 9211
(`Cache-Status`); `_fromCache` of Chromium's HARs and `_fetchType` of WebKit's.
"""

import re
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

from reconcile.codat.headers import Headers, count_told, header
from reconcile.domain.instants import a_clock_shows, clock_moment
from reconcile.errors import PayloadError

CLOCKS_DIFFER: Final = timedelta(minutes=2)
"""By so much may a clock be wrong, before a `Date` tells of an older answer."""
_HIT: Final = re.compile(
    r"(?:\b|_)(?:hit|stale|updating|revalidated)(?:\b|_)", re.IGNORECASE
)
_HIT_HEADERS: Final = (
    "x-cache",
    "x-cache-status",
    "x-proxy-cache",
    "cache-status",
    "cf-cache-status",
    "x-drupal-cache",
    "x-varnish-cache",
)
TELLING: Final = re.compile(
    f'"(?:{"|".join(("age", "date", *_HIT_HEADERS))})"'.encode(), re.IGNORECASE
).search
"""Finds, in JSON, the name of a header that tells how old an answer is."""


def made_at(observed: datetime, headers: Headers, *, from_cache: bool) -> datetime:
    """Return when an answer was made that was observed at a moment.

    Raises:
        PayloadError: it is a cache's copy, and nothing says of when.

    """
    age = count_told(headers, "age") or 0
    copied = from_cache or age > 0 or _is_hit(headers)
    moments = [observed]
    if age > 0:
        older = _older(observed, age)
        moments += [older] if older is not None else []
    dated = _dated(header(headers, "date"))
    if dated is not None and (copied or observed - dated > CLOCKS_DIFFER):
        moments.append(dated)
    if copied and len(moments) == 1:
        raise PayloadError(
            "the answer came from a cache, and neither Age nor Date says when it was"
            " made"
        )
    return min(moments)


def _is_hit(headers: Headers) -> bool:
    return any(_HIT.search(header(headers, name)) for name in _HIT_HEADERS)


def _older(observed: datetime, age_s: int) -> datetime | None:
    try:
        moment = observed - timedelta(seconds=age_s)
    except OverflowError:
        return None
    return moment if a_clock_shows(moment) else None


def _dated(text: str) -> datetime | None:
    try:
        return clock_moment(parsedate_to_datetime(text).isoformat())
    except (ValueError, TypeError, OverflowError):
        return None
