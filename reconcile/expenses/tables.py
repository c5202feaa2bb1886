"""A table as spreadsheets save it: encoding, separator, header, decimals. Pure.

The names of the columns are fixed, so nothing is guessed: the separator is the one
between which they stand.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs

from reconcile.expenses.rules import shown

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
    for mark, what in _OF_OTHER_KINDS:
        if body.startswith(mark):
            raise ValueError(f"the file is {what}, expected it saved as CSV UTF-8")
    detected = json.detect_encoding(body)
    if encoding is not None and detected == "utf-8":
        return _named(body, encoding)
    try:
        return body.decode(detected)
    except UnicodeDecodeError as error:
        line = _line_of(body, error.start) if detected.startswith("utf-8") else None
        if line is None:
            raise ValueError(
                f"it breaks off within {detected.upper()}, expected whole characters"
            ) from error
        raise ValueError(
            f"line {line} is not UTF-8, expected a file saved as CSV UTF-8,"
            " or --encoding with its own, such as windows-1252"
        ) from error


_OF_OTHER_KINDS: Final = (
    (b"PK\x03\x04", "a workbook or a zip"),
    (b"\xd0\xcf\x11\xe0", "an old workbook"),
    (b"%PDF", "a PDF"),
    (b"\x1f\x8b", "packed with gzip"),
)
_NO_ENCODINGS: Final = frozenset(
    {"idna", "punycode", "raw-unicode-escape", "unicode-escape", "undefined", "utf-7"}
)
"""Codecs that rewrite a text, and are no encoding that anybody saves a table in."""


def _named(body: bytes, encoding: str) -> str:
    """Return a text in the encoding that a person named.

    Raises:
        ValueError: it is in another.

    """
    name = _known_encoding(encoding)
    if name is None:
        raise ValueError(
            f"{shown(encoding)} is not an encoding, expected one such as windows-1252"
        )
    try:
        text = body.decode(name)
    except UnicodeDecodeError as error:
        line = _line_of(body, error.start)
        raise ValueError(
            f"line {line} is not {shown(encoding)}, expected --encoding with the"
            " file's own"
        ) from error
    if not body.isascii() and not name.startswith("utf") and _is_utf_8(body):
        raise ValueError("it is in UTF-8, expected no --encoding")
    return text


def _known_encoding(name: str) -> str | None:
    """Return Python's name of an encoding, None where there is none such."""
    try:
        known = codecs.lookup(name).name
        "".encode(known)  # some codecs are for bytes alone
    except (LookupError, ValueError):
        return None
    return None if known in _NO_ENCODINGS else known


def _is_utf_8(body: bytes) -> bool:
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _line_of(body: bytes, start: int) -> int:
    """Return the line of a byte; lines end as any system ends them."""
    return len(re.findall(rb"\r\n|\r|\n", body[:start])) + 1


def table_of(text: str, columns: Sequence[str]) -> Table:
    """Return a table with the separator between which the most columns are known."""
    text = text.removeprefix("\ufeff")
    named = _SEP_LINE(text)
    if named is not None:
        return Table(text=text[named.end() :], separator=named[1], skipped=1)
    known = frozenset(map(column_key, columns))

    def columns_known(separator: str) -> int:
        header = next((row for row in _rows(text, separator) if any(row)), [])
        return sum(column_key(cell) in known for cell in header)

    return Table(text=text, separator=max(SEPARATORS, key=columns_known), skipped=0)


def _rows(text: str, separator: str) -> Iterator[list[str]]:
    """Yield rows as far as they can be read."""
    try:
        yield from csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    except csv.Error:
        return


_NO_DIFFERENCE: Final = re.compile(r"[\s_-]+")


def column_key(name: str) -> str:
    """Return a column's name without capitals, spaces, hyphens and underscores."""
    return _NO_DIFFERENCE.sub("", name).casefold()


# Cells


_ERRORS: Final = re.compile(
    r"#[¡¿]?[^\W\d][\w./]*[!?]|#N/[A-Za-z]{1,5}|#n/a|#Н/Д|#I/T|#NV|#YOK|#HIÁNYZIK"
    r"|#ERROR|#GETTING_DATA|#+|Err ?:[0-9]+"
).fullmatch
"""Finds what a spreadsheet shows in place of a value: its languages have capitals."""
_FORMULA_OF_TEXT: Final = re.compile(r'="((?:[^"]|"")*)"').fullmatch
_WITH_COMMA: Final = re.compile(
    r"-?(?:[0-9]{1,40}|[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,12}),[0-9]{1,40}"
).fullmatch
_WITH_POINT: Final = re.compile(r"-?[0-9]{1,40}\.[0-9]{1,40}").fullmatch
_OF_THOUSANDS: Final = re.compile(r"-?[1-9][0-9]{0,2}[.,][0-9]{3}").fullmatch


def cell_value(cell: str) -> str:
    """Return what a cell says: of a text that is written as a formula, the text.

    Raises:
        ValueError: it is a spreadsheet's error, or another formula.

    """
    cell = cell.strip()
    if _ERRORS(cell) and (cell in (cell.upper(), "#n/a") or cell[0] == "E"):
        raise ValueError(f"{shown(cell)} is a spreadsheet's error, expected a value")
    if cell.startswith("="):
        text = _FORMULA_OF_TEXT(cell)
        if text is None:
            raise ValueError(f"{shown(cell)} is a formula, expected its value")
        return text[1].replace('""', '"').strip()
    return cell


def decimal_sign(numbers: Iterable[str]) -> str | None:
    """Return what parts the decimals of a table's numbers: a comma, or a point.

    None: they do not say, for three digits behind one sign may be thousands. Where
    some have a comma and others a point, it is the comma, and a point is a problem.
    """
    found: str | None = None
    for cell in numbers:
        if _OF_THOUSANDS(cell):
            continue
        if _WITH_COMMA(cell):
            return ","
        if _WITH_POINT(cell):
            found = "."
    return found


def with_decimal_point(cell: str, sign: str | None) -> str:
    """Return a number of a table as one with a decimal point; other text as it is.

    Raises:
        ValueError: nothing says whether a sign in it parts thousands or decimals.

    """
    if sign is None and _OF_THOUSANDS(cell):
        whole, thousandths = re.split("[.,]", cell)
        raise ValueError(
            f"{shown(cell)} may be {whole}{thousandths} or {whole}.{thousandths},"
            " expected another number to show it, such as 0,5 or 0.5"
        )
    if sign == "," and _WITH_COMMA(cell):
        return cell.replace(".", "").replace(",", ".")
    if sign == "," and "." in cell:
        raise ValueError(
            f"{shown(cell)} has a point, and other numbers decimal commas,"
            " expected one such as 1234,50"
        )
    return cell
