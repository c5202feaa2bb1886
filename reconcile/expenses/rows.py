"""Expenses from a table: one row a line, rows of one id next to each other."""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final, Protocol

import attrs

from reconcile.expenses.rules import Dialect, required_of, shown, unsigned_zero
from reconcile.expenses.tables import (
    Table,
    cell_value,
    column_key,
    decimal_sign,
    table_of,
    with_decimal_point,
)

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
_SHORTENED: Final = re.compile(r"[0-9](\.[0-9]+)?E\+[0-9]{2,3}").fullmatch

Fields = dict[str, object]


class CellReader(Protocol):
    """What the standard library's reader of CSV is."""

    line_num: int

    def __next__(self) -> list[str]:
        """Return the next row."""
        ...

    def __iter__(self) -> Iterator[list[str]]:
        """Return itself."""
        ...


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


@attrs.frozen
class IgnoredColumns:
    """The columns that are not known, where they are to be left out."""

    columns: tuple[str, ...]


class TableError(Exception):
    """What is wrong with a table, on which line of the file, and in which column.

    `everywhere`: the column is missing, and with it each row's cell.
    """

    def __init__(
        self, number: int, reason: str, *, column: str = "", everywhere: bool = False
    ) -> None:
        super().__init__(f"{column}: {reason}" if column else reason)
        self.number = number
        self.column = column
        self.everywhere = everywhere


def read_rows(
    text: str, dialect: Dialect, *, ignore_other_columns: bool = False
) -> Iterator[FileRow | IgnoredColumns | TableError]:
    """Yield every row, or what is wrong with it or with the header.

    Raises:
        TableError: the table as a whole cannot be read.

    """
    table = table_of(text, _NAMES)
    lines = io.StringIO(table.text, newline="")
    reader = csv.reader(lines, strict=True, delimiter=table.separator)
    try:
        first = next((row for row in reader if any(row)), [])
        header, number = [*map(_column, first)], reader.line_num + table.skipped
        yield from _header_errors(header, number)
        yield from _others(header, number, ignore_other_columns)
        yield from _absent(header, number, dialect)
        rows = list(_cells(reader, header, table))
    except csv.Error as error:
        number = reader.line_num + table.skipped
        raise TableError(number, f"it is not CSV: {error}") from error
    if table.separator == ",":
        yield from rows
        return
    sign = decimal_sign(
        cell
        for row in rows
        if isinstance(row, FileRow)
        for column, cell in row.cells.items()
        if column in _NUMBERS
    )
    for row in rows:
        if isinstance(row, FileRow):
            yield from _with_points(row, sign)
        else:
            yield row


def _cells(
    reader: "CellReader", header: list[str], table: Table
) -> Iterator[FileRow | TableError]:
    """Yield each row's filled cells by column, and what is wrong with any."""
    while True:
        number = reader.line_num + 1 + table.skipped
        cells = next(reader, None)
        if cells is None:
            return
        nameless = [
            place
            for place, cell in enumerate(cells, start=1)
            if cell.strip() and (place > len(header) or not header[place - 1])
        ]
        if nameless:
            names = sum(map(bool, header))
            yield TableError(
                number,
                f"cell {nameless[0]} is filled and has no name in the header,"
                f" expected {names} cells",
            )
        values: dict[str, str] = {}
        for column, cell in zip(header, cells, strict=False):
            if column not in COLUMNS:
                continue
            try:
                value = _cell(column, cell, table.separator, len(header) - 1)
            except ValueError as error:
                yield TableError(number, str(error), column=column)
                value = ""
            if value:
                values[column] = value
        if values:
            yield FileRow(number, values)


def _cell(column: str, cell: str, separator: str, in_a_row: int) -> str:
    """Return what a cell says, "" for nothing; a row has so many separators.

    Raises:
        ValueError: it says nothing that can be sent.

    """
    value = cell_value(cell)
    if column.endswith("Id") and _SHORTENED(value):
        raise ValueError(
            f"{shown(value)} is a number that a spreadsheet shortened, expected all"
            " its digits"
        )
    has_lines = "\n" in value or "\r" in value
    if has_lines and 0 < in_a_row <= value.count(separator):
        raise ValueError(
            f"{shown(value)} has a whole row within quotes, expected a quote at its end"
        )
    return value


def _with_points(row: FileRow, sign: str | None) -> Iterator[FileRow | TableError]:
    """Yield a row whose numbers have a decimal point, and what cannot be read so."""
    cells = dict(row.cells)
    for column, cell in row.cells.items():
        if column in _NUMBERS:
            try:
                cells[column] = with_decimal_point(cell, sign)
            except ValueError as error:
                yield TableError(row.number, str(error), column=column)
    yield FileRow(row.number, cells)


_BY_KEY: Final = {column_key(name): name for name in _NAMES}


def _column(cell: str) -> str:
    """Return the column that a cell of the header names, or what it says."""
    return _BY_KEY.get(column_key(cell), cell.strip())


def _header_errors(header: list[str], number: int) -> Iterator[TableError]:
    """Yield what is wrong with a header.

    Raises:
        TableError: nothing under it can be read.

    """
    if not header:
        raise TableError(1, "the file is empty, expected a header and expenses")
    if "id" not in header:
        raise TableError(
            number,
            f"the header has no column id and begins {shown(header[0])}, expected"
            " names between commas, semicolons or tabs",
        )
    for column in dict.fromkeys(header):
        if column in COLUMNS and header.count(column) > 1:
            yield TableError(number, f"the column {column} is in the header twice")


def _others(
    header: list[str], number: int, ignore: bool
) -> Iterator[IgnoredColumns | TableError]:
    """Yield which columns are not known: left out if that is wanted, else wrong."""
    unknown = [column for column in header if column and column not in COLUMNS]
    if unknown and ignore:
        yield IgnoredColumns(tuple(unknown))
    elif unknown:
        names = ", ".join(map(shown, unknown))
        many = f"columns {names} are" if len(unknown) > 1 else f"column {names} is"
        others = ", ".join(column for column in _NAMES if column not in header)
        yield TableError(
            number,
            f"the {many} not known, expected one of {others}, or"
            " --ignore-other-columns to leave out what is not to be sent",
        )


def _absent(header: list[str], number: int, dialect: Dialect) -> Iterator[TableError]:
    """Yield each column that every row needs and that is not there, once."""
    required = required_of(dialect)
    for column, field in COLUMNS.items():
        if field in required and column not in header:
            reason = "the header has no such column, expected it for every expense"
            yield TableError(number, reason, column=column, everywhere=True)


def tabled(rows: list[FileRow], dialect: Dialect) -> Iterator[Tabled | TableError]:
    """Yield the expenses of rows; a row that goes on with the one before is a line."""
    current: Tabled | None = None
    first = FileRow(0, {})
    group: dict[frozenset[tuple[str, object]], int] = {}
    for row in rows:
        name = row.cells.get("id")
        if current is not None and name is not None and name == first.cells["id"]:
            current.numbers.append(row.number)
            lines = current.expense["lines"]
            assert isinstance(lines, list)  # noqa: S101 - made below
            lines.append(_fields(row, dialect, of_lines=True))
            yield from _differing(first, row)
            yield from _repeated(group, row)
            continue
        if current is not None:
            yield current
        first = FileRow(row.number, {"id": "", **row.cells})
        group = {_said(row): row.number}
        line = _fields(row, dialect, of_lines=True)
        whole = {**_fields(row, dialect, of_lines=False), "lines": [line]}
        current = Tabled(whole, [row.number])
    if current is not None:
        yield current


def _said(row: FileRow) -> frozenset[tuple[str, object]]:
    """Return what a row says, however its numbers are written."""
    return frozenset(
        (column, Decimal(cell) if column in _NUMBERS and _NUMBER(cell) else cell)
        for column, cell in row.cells.items()
    )


def _repeated(
    group: dict[frozenset[tuple[str, object]], int], row: FileRow
) -> Iterator[TableError]:
    """Yield that a row says the same as an earlier one: a line, or a slip."""
    earlier = group.setdefault(_said(row), row.number)
    if earlier != row.number:
        reason = (
            f"the row says the same as line {earlier} in every cell,"
            " expected each row once, or lines that differ"
        )
        yield TableError(row.number, reason)


def _differing(first: FileRow, row: FileRow) -> Iterator[TableError]:
    for column, cell in row.cells.items():
        value = first.cells.get(column, "")
        if column not in OF_LINES and cell != value:
            reason = (
                f"{column}: {shown(cell)} differs from {shown(value)} on line"
                f" {first.number}, which has the same id, expected the same"
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
            return unsigned_zero(Decimal(cell)) if _NUMBER(cell) else cell
        case _ if column.endswith("Id"):
            return {"id": cell}
        case _:
            return cell
