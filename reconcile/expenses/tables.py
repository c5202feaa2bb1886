"""A table as spreadsheets save it: encoding, separator, header, decimals. Pure.

The names of the columns are fixed, so nothing is guessed: the separator is the one
between which they stand.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Final

import attrs

SEPARATORS: Final = (",", ";", "\t")
_SEP_LINE: Final = re.compile(r"[ \t]*\"?sep=(.)\"?[ \t]*(?:\r\n|\r|\n)").match


@attrs.frozen(kw_only=True)
class Table:
    """The text of a table, the separator of its cells, and where its header stands."""

    text: str
    separator: str
    skipped: int  # lines before it


def decoded(body: bytes, encoding: str | None) -> str:
    """Return a file's text: by its mark, else by a named encoding, else as UTF-8.

    Raises:
        ValueError: it is in another encoding, or there is none of that name.

    """
    detected = json.detect_encoding(body)
    if encoding is not None and detected == "utf-8":
        try:
            return body.decode(encoding)
        except LookupError as error:
            raise ValueError(
                f"{encoding!r} is not an encoding, expected one such as windows-1252"
            ) from error
        except UnicodeError as error:
            raise ValueError(f"it is not {encoding}, expected its encoding") from error
    try:
        return body.decode(detected)
    except UnicodeDecodeError as error:
        line = body.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"line {line} is not UTF-8, expected a file saved as CSV UTF-8,"
            " or --encoding with its own, such as windows-1252"
        ) from error


def table_of(text: str, columns: Sequence[str]) -> Table:
    """Return a table with the separator between which the most columns are known."""
    text = text.removeprefix("\ufeff")
    named = _SEP_LINE(text)
    if named is not None:
        return Table(text=text[named.end() :], separator=named[1], skipped=1)
    known = frozenset(map(column_key, columns))

    def columns_known(separator: str) -> int:
        header = next(iter(_rows(text, separator)), [])
        return sum(column_key(cell) in known for cell in header)

    return Table(text=text, separator=max(SEPARATORS, key=columns_known), skipped=0)


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    """Yield rows as far as they can be read."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        return


def column_key(name: str) -> str:
    """Return a column's name without what makes no difference: capitals and spaces."""
    return "".join(name.split()).casefold()


# Cells


ERRORS: Final = re.compile(
    r"#[A-Z0-9ÀÁÂÄÈÉÊÌÍÒÓÖÙÚÜÇÑ/._]+[!?]|#N/[A-Z]|#NV|#GETTING_DATA|#+|Err:[0-9]+"
).fullmatch
"""Finds what a spreadsheet shows in place of a value, in several of its languages."""
_FORMULA_OF_TEXT: Final = re.compile(r'="((?:[^"]|"")*)"').fullmatch
_WITH_COMMA: Final = re.compile(
    r"-?(?:[0-9]{1,40}|[0-9]{1,3}(?:\.[0-9]{3}){1,12}),[0-9]{1,40}", re.ASCII
).fullmatch


def cell_value(cell: str) -> str:
    """Return what a cell says: of a text that is written as a formula, the text.

    Raises:
        ValueError: it is a spreadsheet's error, or another formula.

    """
    cell = cell.strip()
    if ERRORS(cell):
        raise ValueError(f"{cell!r} is a spreadsheet's error, expected a value")
    if cell.startswith("="):
        text = _FORMULA_OF_TEXT(cell)
        if text is None:
            raise ValueError(f"{cell!r} is a formula, expected its value")
        return text[1].replace('""', '"').strip()
    return cell


def has_decimal_comma(cell: str) -> bool:
    """Return whether a cell is a number such as 12,50 or 1.234,50."""
    return _WITH_COMMA(cell) is not None


def with_decimal_point(cell: str) -> str:
    """Return a number of a table of decimal commas, as one with a decimal point.

    Raises:
        ValueError: it has a point, and nothing says whether that parts thousands.

    """
    if has_decimal_comma(cell):
        return cell.replace(".", "").replace(",", ".")
    if "." in cell:
        raise ValueError(
            f'"{cell}" has a point, and other numbers decimal commas,'
            " expected one such as 1234,50"
        )
    return cell
