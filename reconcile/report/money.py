"""Sums of money in a report: exact, by state, type and currency; never across them.

Rules: `docs/explanation/judgement.md`, "Money".
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

import attrs

from reconcile.domain.money import ZERO, total
from reconcile.judgement.facts import Content

TRANSFER: Final = "Transfer"


@attrs.define
class Sum:
    """How many expenses there are, how many of them have no amount, and the rest."""

    items: int = 0
    unpriced: int = 0
    amount: Decimal = ZERO

    def add(self, content: Content | None, number: int = 1) -> None:
        """Add an expense; several alike only where they have no content."""
        priced = content is not None and content.amount is not None
        if content is not None and is_priced(content.type, content.currency) and priced:
            self.include(sum_of([content.amount]))
        else:
            self.items += number
            self.unpriced += number

    def include(self, other: "Sum") -> None:
        """Add another sum."""
        self.items += other.items
        self.unpriced += other.unpriced
        self.amount = total((self.amount, other.amount))


def is_priced(kind: str | None, currency: str | None) -> bool:
    """Return whether amounts of a type and currency can be added up.

    Transfers alone have an amount without a currency.
    """
    return currency is not None or kind == TRANSFER


def sum_of(amounts: Sequence[str | None]) -> Sum:
    """Return the sum of amounts of one type and currency; None: unpriced."""
    known = [Decimal(amount) for amount in amounts if amount is not None]
    return Sum(len(amounts), len(amounts) - len(known), total(known))


class StateKey(NamedTuple):
    """Expenses that may be added up: of one state, type and currency."""

    state: str
    type: str | None
    currency: str | None


class AgeKey(NamedTuple):
    """Breaks that may be added up: of one age and currency."""

    bucket: str
    currency: str | None


BUCKETS: Final[Mapping[str, timedelta]] = {
    "<1d": timedelta(days=1),
    "1-7d": timedelta(days=7),
    "7-30d": timedelta(days=30),
    ">30d": timedelta.max,
}
"""The ages of breaks: each bucket ends before this age, where the next one begins."""


def bucket_of(since: datetime | None, as_of: datetime) -> str:
    """Return how old a break is, by the names of `BUCKETS`."""
    age = as_of - since if since is not None else timedelta(0)
    return next(name for name, end in BUCKETS.items() if age < end)


def money_order(key: tuple[str | None, ...]) -> tuple[tuple[bool, str], ...]:
    """Return a key's place: by code point, nulls first."""
    return tuple((part is not None, part or "") for part in key)


def age_order(key: AgeKey) -> tuple[int, bool, str]:
    """Return the place of an age: the youngest first."""
    names = [*BUCKETS]
    return names.index(key.bucket), key.currency is not None, key.currency or ""


def currencies(sums: Mapping[str | None, Sum]) -> Iterator[tuple[str | None, Sum]]:
    """Yield sums by their currency, none first."""
    for currency in sorted(sums, key=lambda c: (c is not None, c or "")):
        yield currency, sums[currency]
