"""A file of expenses, read whole: the expenses, or all that is wrong with them."""

import json
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Final

import attrs

from reconcile.domain.identity import canonical_id
from reconcile.expenses.rows import (
    COLUMNS,
    FileRow,
    IgnoredColumns,
    Tabled,
    TableError,
    read_rows,
    tabled,
)
from reconcile.expenses.rules import (
    Dialect,
    FieldProblem,
    flaws_of,
    shown,
    unsigned_zero,
)
from reconcile.expenses.tables import decoded

_INT_DIGITS_MAX: Final = 18  # beyond, no 64 bits hold it
_COLUMN_OF: Final = {field: column for column, field in COLUMNS.items()}


@attrs.frozen
class Problem:
    """What is wrong, and where in the file: a line, or an item."""

    place: str
    reason: str

    def __str__(self) -> str:
        return f"{self.place}: {self.reason}" if self.place else self.reason


@attrs.frozen(kw_only=True)
class Expenses:
    """The expenses of a file; with problems, none of them is to be sent.

    Amounts are decimals, as exact as they were written. `places` says where in the
    file each item stands, `left_out` the columns that were ignored.
    """

    items: tuple[dict[str, object], ...] = ()
    places: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    left_out: tuple[str, ...] = ()


def read_json(
    body: bytes, dialect: Dialect, *, encoding: str | None = None
) -> Expenses:
    """Return the expenses of an array, or of an object's `items`."""
    try:
        data = json.loads(
            decoded(body, encoding),
            parse_float=_exact,
            parse_int=_whole,
            parse_constant=_refuse,
            object_pairs_hook=_object,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        return _unreadable(place, f"it is not JSON: {error.msg}")
    except RecursionError:
        return _unreadable("", "it is nested too deeply")
    except ArithmeticError:
        return _unreadable("", "a number is too large to be read")
    except ValueError as error:
        return _unreadable("", f"it cannot be read: {error}")
    items = data.get("items") if isinstance(data, dict) else data
    if not isinstance(items, list):
        return _unreadable(
            "",
            "the file has no expenses,"
            " expected an array, or an object with one in items",
        )
    problems = [
        Problem(f"item {number}", _in_json(flaw))
        for number, item in enumerate(items, start=1)
        for flaw in flaws_of(item, dialect)
    ]
    placed = [
        (f"item {number}", item)
        for number, item in enumerate(items, start=1)
        if isinstance(item, dict)
    ]
    return _whole_file(placed, problems)


def read_csv(
    body: bytes,
    dialect: Dialect,
    *,
    encoding: str | None = None,
    ignore_other_columns: bool = False,
) -> Expenses:
    """Return the expenses of a table: one row a line, rows of one id together.

    Commas, semicolons or tabs part the cells. Without a mark at its beginning, and
    without an `encoding`, it is in UTF-8.
    """
    try:
        text = decoded(body, encoding)
        rows = [*read_rows(text, dialect, ignore_other_columns=ignore_other_columns)]
    except TableError as error:
        return _unreadable(f"line {error.number}", str(error))
    except ValueError as error:
        return _unreadable("", f"it cannot be read: {error}")
    found = [
        *(row for row in rows if isinstance(row, TableError)),
        *tabled([row for row in rows if isinstance(row, FileRow)], dialect),
    ]
    errors = [error for error in found if isinstance(error, TableError)]
    numbered = [(error.number, str(error)) for error in errors]
    unread = {(error.number, error.column) for error in errors if error.column}
    absent = {error.column for error in errors if error.everywhere}
    expenses = [row for row in found if isinstance(row, Tabled)]
    for row in expenses:
        for flaw in flaws_of(row.expense, dialect):
            number = row.numbers[min(flaw.line or 0, len(row.numbers) - 1)]
            column = _column_of(flaw)
            if column not in absent and (number, column) not in unread:
                numbered.append((number, _in_table(flaw)))
    numbered.sort(key=lambda row: row[0])
    problems = [Problem(f"line {n}", reason) for n, reason in numbered]
    placed = [(f"line {row.numbers[0]}", row.expense) for row in expenses]
    left_out = [
        name for row in rows if isinstance(row, IgnoredColumns) for name in row.columns
    ]
    return attrs.evolve(_whole_file(placed, problems), left_out=tuple(left_out))


def _whole_file(
    placed: list[tuple[str, dict[str, object]]], problems: list[Problem]
) -> Expenses:
    problems = [*problems, *_given_twice(placed)]
    if not placed and not problems:
        problems = [Problem("", "the file has no expenses, expected at least one")]
    if problems:
        return Expenses(problems=tuple(problems))
    return Expenses(
        items=tuple(item for _, item in placed),
        places=tuple(place for place, _ in placed),
    )


def _given_twice(placed: Iterable[tuple[str, dict[str, object]]]) -> Iterator[Problem]:
    first: dict[str, str] = {}
    for place, item in placed:
        name = item.get("id")
        if isinstance(name, str) and name.strip():
            before = first.setdefault(canonical_id(name), place)
            if before != place:
                yield Problem(place, f"id: {name} is the id of {before} already")


def _unreadable(place: str, reason: str) -> Expenses:
    return Expenses(problems=(Problem(place, reason),))


def _in_json(flaw: FieldProblem) -> str:
    line = "" if flaw.line is None else f"lines[{flaw.line}]"
    where = ".".join(part for part in (line, flaw.path) if part)
    return f"{where}: {flaw.reason}" if where else flaw.reason


def _in_table(flaw: FieldProblem) -> str:
    """Return a flaw by its column; a reference's id is the column itself."""
    if flaw.line is None and flaw.path == "lines":
        return flaw.reason
    return f"{_column_of(flaw)}: {flaw.reason}"


def _column_of(flaw: FieldProblem) -> str:
    field = flaw.path.partition(".")[0].partition("[")[0]
    return _COLUMN_OF.get(field, field)


def _exact(digits: str) -> Decimal:
    return unsigned_zero(Decimal(digits))


def _whole(digits: str) -> int | Decimal:
    """Return a whole number; JSON's writer takes no longer one than 64 bits hold."""
    return int(digits) if len(digits) <= _INT_DIGITS_MAX else Decimal(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """Return an object; of a name given twice, nobody knows which is meant."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{shown(twice)} is in an object twice, expected it once")
    return fields
