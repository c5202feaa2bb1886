"""Companies a few at a time: the first at once, and never all of them held."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeVar

T = TypeVar("T")

COMPANIES_MAX: Final = 16
"""So many are judged before what is elsewhere is asked for; the first alone."""


def in_batches(companies: Iterable[T]) -> Iterator[list[T]]:
    """Yield companies one, two, four together, and so on: the first at once."""
    left, size = iter(companies), 1
    while some := [*islice(left, size)]:
        yield some
        size = min(2 * size, COMPANIES_MAX)


def given_away(some: list[T]) -> Iterator[T]:
    """Yield what nobody holds any more; the list is empty in the end."""
    some.reverse()
    while some:
        yield some.pop()
