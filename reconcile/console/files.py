"""Rows as files: CSV that a spreadsheet opens safely, and JSON of the same rows."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from reconcile.domain.instants import format_instant
from reconcile.foreign import one_line_json
from reconcile.report.csv import BYTE_ORDER_MARK, csv_line

Row = Sequence[Any]
"""What a file says of one thing, in the order of the columns."""


def csv_file(columns: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a CSV file, line by line; it begins with a byte order mark."""
    yield (BYTE_ORDER_MARK + csv_line(tuple(columns))).encode()
    for row in rows:
        yield csv_line(tuple(map(_text, row))).encode("utf-8", "replace")


def json_file(
    head: Mapping[str, Any], member: str, columns: Sequence[str], rows: Iterable[Row]
) -> Iterator[bytes]:
    """Yield a JSON file, piece by piece: its head, and the rows as one more member."""
    begin = json_bytes(head)[:-1] + b"," + json_bytes(member) + b":["
    is_empty = True
    for row in rows:
        values = [_plain(value) for value in row]
        yield begin + json_bytes(dict(zip(columns, values, strict=True)))
        begin, is_empty = b",", False
    yield begin + b"]}" if is_empty else b"]}"


def json_bytes(data: Any) -> bytes:
    """Return data as JSON on one line, in which nothing harms who looks at it."""
    return one_line_json(msgspec.json.encode(data).decode()).encode()


def _plain(value: Any) -> Any:
    return format_instant(value) if isinstance(value, datetime) else value


def _text(value: Any) -> str:
    match value:
        case None | False:
            return ""
        case True:
            return "yes"
        case datetime():
            return format_instant(value)
        case Mapping():
            return " ".join(filter(None, map(_text, value.values())))
        case list() | tuple():
            return "; ".join(map(_text, value))
        case _:
            return str(value)
