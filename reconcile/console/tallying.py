"""Lines counted by all that figures are cut by, while they pass."""

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, Final

import attrs

from reconcile.domain.money import decimal_text
from reconcile.storage.worksheet.amounts import NOTHING, Parts, joined, split
from reconcile.storage.worksheet.rows import SheetLine, Tally

_KEY: Final = Tally._fields[: Tally._fields.index("items")]
_FIELDS: Final = SheetLine._fields
_key_of: Final = itemgetter(*map(_FIELDS.index, _KEY))
_rest_of: Final = itemgetter(
    *map(
        _FIELDS.index,
        ("expected", "whole", "billionths", "places", "odd", "broken_since"),
    )
)


@attrs.define
class _Cell:
    """Lines that are alike in all that figures are cut by."""

    items: int = 0
    expected: int = 0
    whole: int = 0
    billionths: int = 0
    places: int = 0
    odd: list[str] = attrs.field(factory=list)
    first_at: int | None = None
    last_at: int | None = None


class Tallies:
    """The tallies of one company's lines."""

    def __init__(self) -> None:
        self._cells: dict[tuple[Any, ...], _Cell] = {}

    def add(self, line: Sequence[object]) -> None:
        """Count a line, its columns in the order of `SheetLine`."""
        key = _key_of(line)
        cell = self._cells.get(key)
        if cell is None:
            cell = self._cells[key] = _Cell()
        expected, whole, billionths, places, odd, since = _rest_of(line)
        cell.items += 1
        cell.expected += expected
        cell.whole += whole
        cell.billionths += billionths
        cell.places = max(cell.places, places)
        if odd is not None:
            cell.odd.append(odd)
        if since is not None:
            if cell.first_at is None or since < cell.first_at:
                cell.first_at = since
            if cell.last_at is None or since > cell.last_at:
                cell.last_at = since

    def rows(self) -> list[Tally]:
        """Return the rows, in any order."""
        return [_tally(key, cell) for key, cell in self._cells.items()]


def _tally(key: tuple[Any, ...], cell: _Cell) -> Tally:
    """Return a row; a sum that has no parts is a text."""
    amount = joined(Parts(cell.whole, cell.billionths, cell.places), cell.odd)
    parts = split(amount)
    rest = (
        cell.items,
        cell.expected,
        *(parts or NOTHING),
        None if parts is not None else decimal_text(amount),
        cell.first_at,
        cell.last_at,
    )
    return Tally._make((*key, *rest))
