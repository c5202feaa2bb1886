"""Sums of lines as pages show them: apart by type and currency, each with its cut."""

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Final

import attrs

from reconcile.console.figures import PartFigure
from reconcile.console.filter import NONE, ascii_lower
from reconcile.domain.money import decimal_text
from reconcile.report.money import TRANSFER, Sum

PAYMENT: Final = "payment"

Words = Mapping[str, str | tuple[str, ...]]
"""Query words that cut a list; the words of customers, month and moments go along."""


@attrs.frozen
class Worth:
    """Lines of one type and currency; `amount` is None where they have no sum.

    `items` counts those without an amount too: its link leads to all of them.
    """

    type: str | None
    currency: str | None
    items: int
    amount: Decimal | None

    @property
    def text(self) -> str | None:
        """Return the amount to its last digit, None where there is none."""
        return None if self.amount is None else decimal_text(self.amount)

    @property
    def words(self) -> Words:
        """Return what cuts a list down to these lines."""
        return {"type": self.type or NONE, "currency": self.currency or NONE}


@attrs.frozen
class Worths:
    """What lines are worth: payments by currency, all else by its name, none blended.

    `unpriced` counts the lines without an amount that could be added up, of any type.
    """

    items: int
    payments: tuple[Worth, ...]
    others: tuple[Worth, ...]
    unpriced: int


def worths_of(parts: Iterable[PartFigure]) -> Worths:
    """Return what lines are worth together."""
    sums: dict[tuple[str | None, str | None], Sum] = {}
    names: dict[str | None, str | None] = {}
    for part in parts:
        kind = None if part.type is None else ascii_lower(part.type)
        names.setdefault(kind, part.type)
        sums.setdefault((kind, part.currency), Sum()).include(part.sum)
    worths = [
        _worth(names[kind], currency, found)
        for (kind, currency), found in sorted(sums.items(), key=_order)
    ]
    shown = [worth for worth in worths if worth is not None]
    return Worths(
        items=sum(found.items for found in sums.values()),
        payments=tuple(worth for worth in shown if _is_payment(worth)),
        others=tuple(worth for worth in shown if not _is_payment(worth)),
        unpriced=sum(found.unpriced for found in sums.values()),
    )


def _worth(kind: str | None, currency: str | None, found: Sum) -> Worth | None:
    if found.items == found.unpriced:
        return None
    if kind == TRANSFER and currency is None:
        return Worth(kind, None, found.items, None)
    return Worth(kind, currency, found.items, found.amount)


def _is_payment(worth: Worth) -> bool:
    return worth.type is not None and worth.type.lower() == PAYMENT


def _order(entry: tuple[tuple[str | None, str | None], Sum]) -> tuple[str, str]:
    (kind, currency), _ = entry
    return kind or "", currency or ""
