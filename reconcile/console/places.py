"""Where a page of lines begins, as a text for an address."""

import base64
import binascii
from typing import Final, NamedTuple

import msgspec

from reconcile.console.filter import Sort
from reconcile.errors import UsageError

_LENGTH_MAX: Final = 4_000


class LinePlace(NamedTuple):
    """A line, and in which direction of an order it is left behind.

    `line` is its number in the making of a worksheet that `generation` names.
    """

    sort: str
    descending: bool
    backwards: bool
    value: str | float | int
    company_id: str
    transaction_id: str
    line: int
    generation: str


def place_text(begin: LinePlace) -> str:
    """Return a cursor as letters that need no quoting."""
    return base64.urlsafe_b64encode(msgspec.json.encode(begin)).decode().rstrip("=")


def place_of(text: str, *, sort: Sort, descending: bool) -> LinePlace:
    """Return the cursor that a text means.

    Raises:
        UsageError: it is damaged, or of another order.

    """
    try:
        padded = text[:_LENGTH_MAX].encode("ascii") + b"=" * (-len(text) % 4)
        decoded = base64.b64decode(padded, altchars=b"-_", validate=True)
        begin = msgspec.json.decode(decoded, type=LinePlace)
        _check_place(begin)
    except (ValueError, binascii.Error, msgspec.MsgspecError, RecursionError) as error:
        raise UsageError(
            "the place in the list is damaged, expected that of a link of ours"
        ) from error
    if (begin.sort, begin.descending) != (sort.value, descending):
        raise UsageError(
            f"the place in the list is by {begin.sort}, expected one by {sort.value}"
            f"{' descending' if descending else ''}"
        )
    return begin


def _check_place(begin: LinePlace) -> None:
    """Refuse a value that no line has in that order."""
    text = begin.sort in (Sort.MERCHANT, Sort.DATE, Sort.CUSTOMER)
    if isinstance(begin.value, str) != text or abs(begin.line) >= 2**63:
        raise ValueError
    if isinstance(begin.value, int) and abs(begin.value) >= 2**63:
        raise ValueError
