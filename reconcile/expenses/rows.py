"""Expenses from a table: one row a line, rows of one id next to each other."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

import attrs

from reconcile.expenses.rules import Dialect

COLUMNS: Final[Mapping[str, str]] = {
    "id": "id",
    "type": "type",
    "issueDate": "issueDate",
    "currency": "currency",
    "currencyRate": "currencyRate",
    "merchantName": "merchantName",
    "notes": "notes",
    "reference": "reference",
    "contactId": "contactRef",
    "bankAccountId": "bankAccountRef",
    "postAsDraft": "postAsDraft",
    "netAmount": "netAmount",
    "taxAmount": "taxAmount",
    "accountId": "accountRef",
    "taxRateId": "taxRateRef",
    "itemId": "itemRef",
    "trackingIds": "trackingRefs",
    "invoiceToId": "invoiceTo",
}
"""Column to field; from `netAmount` on, a line's."""

_NAMES: Final = tuple(COLUMNS)
OF_LINES: Final = frozenset(_NAMES[_NAMES.index("netAmount") :])
_NUMBERS: Final = frozenset({"currencyRate", "netAmount", "taxAmount"})
_NUMBER: Final = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?", re.ASCII).fullmatch
_FLAGS: Final = {"true": True, "false": False}

Fields = dict[str, object]


@attrs.frozen
class FileRow:
    """One row under the header: the line it begins on, its filled cells by column."""

    number: int
    cells: Mapping[str, str]


@attrs.define
class Tabled:
    """One expense of a table, and the line of the file of each of its lines."""

    expense: Fields
    numbers: list[int]


class TableError(Exception):
    """What is wrong with a table, and on which line of the file."""

    def __init__(self, number: int, reason: str) -> None:
        super().__init__(reason)
        self.number = number


def read_rows(text: str) -> Iterator[FileRow | TableError]:
    """Yield every row, or what keeps it from being read.

    Raises:
        TableError: the table as a whole cannot be read.

    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        _check(header)
        while True:
            number = reader.line_num + 1
            cells = next(reader, None)
            if cells is None:
                return
            filled = [cell.strip() for cell in cells]
            if len(cells) > len(header):
                reason = f"{len(cells)} cells, expected {len(header)} as in the header"
                yield TableError(number, reason)
            elif any(filled):
                named = zip(header, filled, strict=False)
                yield FileRow(number, {name: cell for name, cell in named if cell})
    except csv.Error as error:
        raise TableError(reader.line_num, f"it is not CSV: {error}") from error


def _check(header: list[str]) -> None:
    unknown = [column for column in header if column not in COLUMNS]
    if "id" not in header:
        raise TableError(
            1, "the header has no column id, expected names between commas"
        )
    if unknown:
        raise TableError(1, f"the column {unknown[0]!r} is not known")
    twice = [column for column in header if header.count(column) > 1]
    if twice:
        raise TableError(1, f"the column {twice[0]} is in the header twice")


def tabled(rows: list[FileRow], dialect: Dialect) -> Iterator[Tabled | TableError]:
    """Yield the expenses of rows; a row that goes on with the one before is a line."""
    current: Tabled | None = None
    first = FileRow(0, {})
    for row in rows:
        name = row.cells.get("id")
        if current is not None and name is not None and name == first.cells["id"]:
            current.numbers.append(row.number)
            lines = current.expense["lines"]
            assert isinstance(lines, list)  # noqa: S101 - made below
            lines.append(_fields(row, dialect, of_lines=True))
            yield from _differing(first, row)
            continue
        if current is not None:
            yield current
        first = FileRow(row.number, {"id": "", **row.cells})
        line = _fields(row, dialect, of_lines=True)
        whole = {**_fields(row, dialect, of_lines=False), "lines": [line]}
        current = Tabled(whole, [row.number])
    if current is not None:
        yield current


def _differing(first: FileRow, row: FileRow) -> Iterator[TableError]:
    for column, cell in row.cells.items():
        value = first.cells.get(column, "")
        if column not in OF_LINES and cell != value:
            reason = (
                f"{column}: {cell!r} differs from {value!r} on line {first.number},"
                " which has the same id"
            )
            yield TableError(row.number, reason)


def _fields(row: FileRow, dialect: Dialect, *, of_lines: bool) -> Fields:
    return {
        COLUMNS[column]: _value(column, cell, dialect)
        for column, cell in row.cells.items()
        if (column in OF_LINES) is of_lines
    }


def _value(column: str, cell: str, dialect: Dialect) -> object:
    """Return what a cell means; what it cannot mean stays text, and is found wrong."""
    current = dialect == "current"
    match column:
        case "postAsDraft":
            return _FLAGS.get(cell.lower(), cell)
        case "contactId":
            return {"id": cell, "type" if current else "contactType": "Supplier"}
        case "trackingIds":
            more = {"dataType": "trackingCategories"} if current else {}
            return [
                {"id": tracking_id.strip(), **more} for tracking_id in cell.split(";")
            ]
        case "invoiceToId":
            return {"id": cell, "type": "customer"}
        case _ if column in _NUMBERS:
            return Decimal(cell) if _NUMBER(cell) else cell
        case _ if column.endswith("Id"):
            return {"id": cell}
        case _:
            return cell
