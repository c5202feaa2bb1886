"""Amounts, currencies and issue dates, as an expense gave them: exact, or none."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Context, Decimal, DecimalException, Inexact, Overflow, localcontext
from functools import lru_cache
from typing import Final

from reconcile.errors import UsageError

ZERO: Final = Decimal(0)
_DIGITS_MAX: Final = 60  # no ledger writes more; and a sum of many stays exact
_YEARS: Final = range(1900, 2201)
"""What no clock means is no date: year 1 of .NET and Go, year 9999 of "for ever"."""

_CURRENCY: Final = re.compile(r"[A-Za-z]{3}").fullmatch
_MONTH: Final = re.compile(r"\d{4}-\d{2}").fullmatch
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}(?!\d)").match
_PLAIN: Final = re.compile(r"(?!-0(\.0+)?$)-?(0|[1-9]\d*)(\.\d+)?").fullmatch
_AMOUNT: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,2})?").fullmatch
_EXACT: Final = Context(prec=4 * _DIGITS_MAX, traps=[Inexact, Overflow])


def amount_of(text: str | None) -> str | None:
    """Return an amount as a plain decimal's text; None where it is none."""
    if text is None or len(text) > _DIGITS_MAX:
        return None
    if _PLAIN(text):
        return text
    return decimal_text(Decimal(text)) if _AMOUNT(text) else None


@lru_cache(maxsize=1024)
def currency_of(text: str | None) -> str | None:
    """Return a currency's three letters (ISO 4217); None where it is none."""
    return text.upper() if text is not None and _CURRENCY(text) else None


@lru_cache(maxsize=4096)
def day_of(text: str | None) -> str | None:
    """Return the day of a date or a time as `YYYY-MM-DD`, as it was written there."""
    if text is None or not _DAY(text):
        return None
    try:
        found = date.fromisoformat(text[:10])
    except ValueError:
        return None
    return text[:10] if found.year in _YEARS else None


def known_month(text: str) -> str:
    """Return a month as `YYYY-MM`.

    Raises:
        UsageError: it is none.

    """
    if not _MONTH(text) or day_of(f"{text}-01") is None:
        raise UsageError(f"{text!r} is not a month, expected one such as 2026-02")
    return text


def total(amounts: Iterable[Decimal]) -> Decimal:
    """Return the exact sum."""
    try:
        with localcontext(_EXACT):
            return sum(amounts, ZERO)
    except DecimalException as error:  # pragma: no cover - beyond what amounts can be
        raise OverflowError("the sum of the amounts has too many digits") from error


def decimal_text(amount: Decimal) -> str:
    """Return a decimal without an exponent: `1200.50`, as it was given; -0 is 0."""
    return f"{amount or abs(amount):f}"
