"""The Jinja2 environment of every page: all text is escaped, no name may be missing.

The report's page and the console make theirs here; the console adds its templates.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache, partial
from typing import Final
from zoneinfo import ZoneInfo

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from reconcile.domain.instants import END_OF_TIME, format_instant
from reconcile.report.html import figures, words

_PACKAGE: Final = "reconcile.report.html"


@lru_cache(maxsize=16)
def environment(*packages: str, zone: ZoneInfo | None = None) -> Environment:
    """Return the environment of pages; compiled templates stay in it.

    Templates are looked for in the folder `templates` of each package, then in ours:
    `shared/` holds what all pages use. With a zone, moments are shown in it too.
    """
    loaders = [PackageLoader(package) for package in (*packages, _PACKAGE)]
    found = Environment(
        loader=ChoiceLoader(loaders),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.filters |= {
        "age": figures.age,
        "clean": figures.clean,
        "count": figures.count,
        "day": _day,
        "figure": figures.money,
        "foreign": foreign,
        "instant": partial(_instant, zone=zone),
        "minute": partial(_minute, zone=zone),
        "money": money,
    }
    found.globals |= {"words": words, "plural": figures.plural}
    return found


def foreign(text: str, longest: int = figures.TEXT_MAX) -> Markup:
    """Return foreign text: cleaned, cut, escaped, and apart from what stands around.

    Its own direction of writing says nothing about the rest of the line.
    """
    return Markup("<bdi>{}</bdi>").format(figures.clean(text, longest))


def money(amount: Decimal | str, currency: str | None) -> Markup:
    """Return an amount with its currency small behind it."""
    number = escape(figures.money(amount, currency))
    if currency is None:
        return Markup('<span class="amt">{}</span>').format(number)
    return Markup('<span class="amt">{} <i>{}</i></span>').format(number, currency)


def _day(of: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(of, figures.day(of))


def _instant(of: datetime, *, zone: ZoneInfo | None = None) -> Markup:
    """Return a moment for people, with the exact one for programs."""
    if _is_never(of):
        return Markup("never")
    return _time(of, figures.instant(of, zone))


def _minute(of: datetime, *, zone: ZoneInfo | None = None) -> Markup:
    """Return a moment for a list, the zone's own time below."""
    if _is_never(of):
        return Markup("never")
    utc = _time(of, figures.minute(of))
    if zone is None:
        return utc
    local = figures.minute_in(of, zone)
    return utc + Markup('<span class="sub">{}</span>').format(local)


def _is_never(of: datetime) -> bool:
    return of >= END_OF_TIME - timedelta(days=1)


def _time(of: datetime, shown: str) -> Markup:
    return Markup('<time datetime="{}">{}</time>').format(format_instant(of), shown)
