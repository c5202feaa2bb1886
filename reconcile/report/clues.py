"""What of a company may matter to another: a few bytes an expense, in place of it.

Two things are found across companies alone: an expense that is in another's books, and
a delivery id that came with several bodies. Whoever judges one company gives clues, of
eight bytes each; where those of two companies meet, both are looked at again for what
they really say. So nobody has to hold all companies at once.
"""

import hashlib
import zlib
from array import array
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from reconcile.domain.vocabulary import ItemState
from reconcile.judgement.facts import Content
from reconcile.projections.rows import DeliveryRow
from reconcile.report.elsewhere import Copy, is_unwritten
from reconcile.report.groups import Judged


@attrs.frozen(kw_only=True)
class Clues:
    """The clues that one company gives.

    `written` and `unwritten` are of expenses that are in the books and that may be in
    another's; `deliveries` of ids, each followed by that of a body.
    """

    written: "array[int]"
    unwritten: "array[int]"
    deliveries: "array[int]"


def clues_of(rows: Iterable[Judged], deliveries: Iterable[DeliveryRow]) -> Clues:
    """Return the clues of a company's items, and of deliveries that spoke of it."""
    written: array[int] = array("Q")
    unwritten: array[int] = array("Q")
    for row in rows:
        content = row.content
        if content is None or not content.digest:
            continue
        if row.item.state in _IN_BOOKS:
            written.append(clue_of_expense(row.transaction_id, content))
        elif is_unwritten(row):
            unwritten.append(clue_of_expense(row.transaction_id, content))
    flat: array[int] = array("Q")
    for delivery in deliveries:
        flat.extend(_clues_of_delivery(delivery))
    return Clues(written=written, unwritten=unwritten, deliveries=flat)


_IN_BOOKS: Final = (ItemState.MATCHED, ItemState.CLEARED)


def clue_of_expense(transaction_id: str, content: Content) -> int:
    """Return the clue of an expense by its id and content: others may have the same."""
    return _clue(transaction_id) << 32 | _clue(content.digest)


def clue_of_copy(copy: Copy) -> int:
    """Return the clue of an expense in the books."""
    return _clue(copy.transaction_id) << 32 | _clue(copy.digest)


def clue_of_delivery(delivery: DeliveryRow) -> int:
    """Return the clue of a delivery's id."""
    return _clues_of_delivery(delivery)[0]


def _clues_of_delivery(delivery: DeliveryRow) -> tuple[int, int]:
    return _wide_clue(delivery.delivery_id), _wide_clue(delivery.body_digest)


def _clue(text: str) -> int:
    return zlib.crc32(text.encode(errors="replace"))


def _wide_clue(text: str) -> int:
    content = text.encode(errors="replace")
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest())


@attrs.frozen(kw_only=True)
class Meeting:
    """Where clues meet: what is to be looked at, and in which companies."""

    expenses: frozenset[int]
    deliveries: frozenset[int]
    companies: tuple[str, ...]


def meeting(clues: Mapping[str, Clues], *, reported: Iterable[str]) -> Meeting:
    """Return where clues meet: those of what is reported, and those of any company."""
    wanted: set[int] = set()
    for company_id in reported:
        wanted.update(clues[company_id].unwritten)
    expenses: set[int] = set()
    for given in clues.values():
        expenses.update(wanted.intersection(given.written))
    bodies: dict[int, int] = {}
    deliveries: set[int] = set()
    for given in clues.values():
        pairs = iter(given.deliveries)
        for delivery_id, body in zip(pairs, pairs, strict=True):
            if bodies.setdefault(delivery_id, body) != body:
                deliveries.add(delivery_id)
    return Meeting(
        expenses=frozenset(expenses),
        deliveries=frozenset(deliveries),
        companies=tuple(
            company_id
            for company_id, given in clues.items()
            if not expenses.isdisjoint(given.written)
            or not deliveries.isdisjoint(given.deliveries[::2])
        ),
    )
