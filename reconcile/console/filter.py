"""Which lines a page is of: each word with its values, and in which order they come."""

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from string import ascii_lowercase, ascii_uppercase
from typing import Final

import attrs

from reconcile.console.retrying.shelf import is_digits
from reconcile.domain.instants import EPOCH
from reconcile.domain.money import day_of, known_month
from reconcile.domain.vocabulary import BreakKind, ItemState, Owner, Verdict
from reconcile.errors import UsageError
from reconcile.report.money import BUCKETS
from reconcile.storage.evidence import micros
from reconcile.storage.worksheet.where import Where

NONE: Final = "none"
"""The value that stands for lines without a currency, a type, an owner or a cause."""

UNPRICED: Final = "unpriced"
"""The value of `currency` for lines whose amount cannot be added up."""

BOOKED: Final[Mapping[str, tuple[ItemState, ...]]] = {
    "yes": (ItemState.MATCHED, ItemState.CLEARED),
    "no": (ItemState.OPEN, ItemState.BREAK),
}
"""The states of what is in the books, and of what is not; a person ended the rest."""

VALUES_MAX: Final = 200
"""So many values may a filter have of each word."""

SOUGHT_MAX: Final = 200
"""So long may a text be that is looked for."""


SentBy = Callable[[str], Sequence[tuple[str, str]]]
"""Gives company and id of each expense that a run handed over, by the run's digits."""


class Sort(StrEnum):
    """By what lines are in order; `customer` is by the company's id."""

    MERCHANT = "merchant"
    AMOUNT = "amount"
    DATE = "date"
    CUSTOMER = "customer"
    AGE = "age"


@attrs.frozen(kw_only=True)
class Filter:
    """What a line must have: of each word that has values, any of them.

    `cause` is a cause's name, or the kind of breaks that have no cause. `q` is the
    beginning of an id, an amount, or words of merchant and reference.

    Raises:
        UsageError: a value is none of its word's.

    """

    customer: tuple[str, ...] = ()  # company ids
    state: tuple[str, ...] = ()
    booked: tuple[str, ...] = ()  # "yes", "no"
    cause: tuple[str, ...] = ()
    fingerprint: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    verdict: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()  # three letters, "none" or "unpriced"
    type: tuple[str, ...] = ()  # in any case, or "none"
    age: tuple[str, ...] = ()  # the names of `BUCKETS`; of breaks alone
    day: tuple[str, ...] = ()  # YYYY-MM-DD of issue, or "none"
    month: tuple[str, ...] = ()  # YYYY-MM of issue
    half_booked: tuple[str, ...] = ()  # "yes", "no"
    run: tuple[str, ...] = ()  # the digits of a plan's digest: what its run sent
    q: tuple[str, ...] = ()

    def __attrs_post_init__(self) -> None:
        """Refuse what no line could have."""
        for field in attrs.fields(Filter):
            values = getattr(self, field.name)
            if len(values) > VALUES_MAX:
                raise UsageError(
                    f"{field.name} has {len(values)} values, expected at most"
                    f" {VALUES_MAX}"
                )
        _check("state", self.state, [*ItemState])
        _check("booked", self.booked, BOOKED)
        _check("half_booked", self.half_booked, ("yes", "no"))
        _check("owner", self.owner, (*Owner, NONE))
        _check("verdict", self.verdict, [*Verdict])
        _check("age", self.age, BUCKETS)
        for currency in self.currency:
            if currency not in (NONE, UNPRICED) and not _CODE(currency):
                raise UsageError(
                    f"{currency[:40]!r} is not a currency, expected a code such as GBP,"
                    f" {NONE} or {UNPRICED}"
                )
        for month in self.month:
            known_month(month)
        for day in self.day:
            if day != NONE and day_of(day) != day:
                raise UsageError(f"{day!r} is not a day, expected one like 2026-02-28")
        for run in self.run:
            if not is_digits(run):
                raise UsageError(
                    f"{run[:40]!r} is not a run, expected the 64 digits of a plan's"
                    " digest"
                )
        for text in self.q:
            if not text.strip() or len(text) > SOUGHT_MAX:
                raise UsageError(
                    f"{text[:40]!r} has {len(text)} letters, expected 1 to {SOUGHT_MAX}"
                )

    def where(self, as_of: datetime, sent_by: SentBy) -> Where:
        """Return the conditions in the worksheet's own terms; ages are by `as_of`.

        `sent_by` gives the expenses that a run handed over.
        """
        pairs = {pair: None for run in self.run for pair in sent_by(run)}
        return Where(
            company_id=self.customer,
            state=self._states(),
            kind=tuple(value for value in self.cause if value in _KINDS),
            cause=_nullable(v for v in self.cause if v not in _KINDS),
            fingerprint=_nullable(self.fingerprint),
            owner=_nullable(self.owner),
            verdict=self.verdict,
            currency=_nullable(c if c == NONE else c.upper() for c in self._listed()),
            unpriced=UNPRICED in self.currency,
            type=_nullable(map(ascii_lower, self.type)),
            issued=tuple("" if day == NONE else day for day in self.day),
            months=self.month,
            half_booked=tuple(value == "yes" for value in self.half_booked),
            ages=tuple(_span(name, as_of) for name in self.age),
            among=tuple(pairs) if self.run else None,
            sought=tuple(text.strip() for text in self.q),
        )

    def _states(self) -> tuple[str, ...] | None:
        """Return the states that are asked for; None for all, () for an empty cut."""
        if not (self.state or self.booked or self.age):
            return None
        states = set(self.state or ItemState)
        if self.booked:
            states &= {state for word in self.booked for state in BOOKED[word]}
        if self.age:
            states &= {ItemState.BREAK}
        return tuple(state.value for state in ItemState if state in states)

    def _listed(self) -> Iterator[str]:
        return (value for value in self.currency if value != UNPRICED)


def ascii_lower(text: str) -> str:
    """Return a text with its letters A to Z small, as a worksheet compares types."""
    return text.translate(_SMALL)


_SMALL: Final = str.maketrans(ascii_uppercase, ascii_lowercase)
_KINDS: Final = frozenset(BreakKind)
_CODE: Final = re.compile("[A-Za-z]{3}", re.ASCII).fullmatch


def _check(name: str, values: Collection[str], known: Collection[str]) -> None:
    for value in values:
        if value not in known:
            raise UsageError(
                f"{name}: {value!r} is not known, expected one of {', '.join(known)}"
            )


def _nullable(values: Iterator[str] | Collection[str]) -> tuple[str | None, ...]:
    return tuple(None if value == NONE else value for value in values)


def _span(bucket: str, as_of: datetime) -> tuple[int | None, int | None]:
    """Return since when breaks of an age are broken: after the first, up to the last.

    None where there is no such end: what is younger than all is in the first bucket.
    """
    names = [*BUCKETS]
    place = names.index(bucket)
    longest = BUCKETS[bucket]
    oldest = None
    if as_of - EPOCH > longest:
        oldest = micros(as_of - longest)
    youngest = micros(as_of - BUCKETS[names[place - 1]]) if place else None
    return oldest, youngest


EVERYTHING: Final = Filter()
