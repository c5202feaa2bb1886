"""Exact amounts for SQLite, which has none: whole units and billionths of them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Final, NamedTuple

from reconcile.domain.money import total

WHOLE_MAX: Final = 10**12
"""Sums of nine million amounts below this stay within SQLite's integers."""

_PLACES: Final = 9
_BILLION: Final = 10**_PLACES


class Parts(NamedTuple):
    """An amount in two integers of one sign, and how many decimals it was given."""

    whole: int
    billionths: int
    places: int


NOTHING: Final = Parts(0, 0, 0)


def split(amount: Decimal) -> Parts | None:
    """Return an amount's parts; None where it is too large or too fine."""
    exponent = amount.as_tuple().exponent
    if not isinstance(exponent, int) or -exponent > _PLACES:
        return None
    if amount.copy_abs() >= WHOLE_MAX:
        return None
    scaled = int(amount.scaleb(_PLACES))
    whole, billionths = divmod(abs(scaled), _BILLION)
    sign = -1 if scaled < 0 else 1
    return Parts(sign * whole, sign * billionths, max(0, -exponent))


def joined(parts: Parts, odd: Sequence[str] = ()) -> Decimal:
    """Return the sum that some parts give together, with amounts that have none."""
    scaled = parts.whole * _BILLION + parts.billionths
    digits = scaled // 10 ** (_PLACES - parts.places)  # the rest is zeros
    amount = Decimal(f"{digits}E-{parts.places}")
    return total((amount, *map(Decimal, odd))) if odd else amount
