"""Rows put together: the transactions of one reading whose rows all say the same.

Most expenses of a page say the same in the same legs, so a page is a few groups. What
is done once a group is not done once a row: storing, reading back, folding.
"""

from collections.abc import Iterable, Iterator

from reconcile.domain.observations import LegRow

Saying = tuple[str, str | None, str | None]
"""A row without its transaction: status word, integration type, message."""

Group = tuple[tuple[Saying, ...], tuple[str, ...]]
"""What all rows of a transaction say, in their order; the transactions they say it of,
each once, in order of first mention."""

Groups = tuple[Group, ...]


def grouped(rows: Iterable[LegRow]) -> Groups:
    """Return the rows in groups; a row listed twice is said twice."""
    sayings_of: dict[str, tuple[Saying, ...]] = {}
    for row in rows:
        sayings_of[row[0]] = (*sayings_of.get(row[0], ()), row[1:])
    groups: dict[tuple[Saying, ...], list[str]] = {}
    for transaction_id, sayings in sayings_of.items():
        groups.setdefault(sayings, []).append(transaction_id)
    return tuple([(sayings, tuple(ids)) for sayings, ids in groups.items()])


def rows_in(groups: Groups) -> Iterator[LegRow]:
    """Yield the rows of groups, transaction after transaction."""
    for sayings, transaction_ids in groups:
        for transaction_id in transaction_ids:
            for word, name, message in sayings:
                yield transaction_id, word, name, message


def count(groups: Groups) -> int:
    """Return how many rows they are."""
    return sum([len(sayings) * len(ids) for sayings, ids in groups])
