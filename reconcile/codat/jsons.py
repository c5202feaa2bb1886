"""JSON, twice: strictly and fast, then slowly and as far as it can be read.

The slow way knows what msgspec refuses: a byte order mark, other UTFs, lone surrogates,
numbers beyond all bounds, `2000.0` or `"2000"` for a whole number, one wrong field
among good ones. `NaN` and `Infinity` are no JSON either way, though Python reads them.
"""

import hashlib
import json
import re
from typing import Any, Final

import msgspec

from reconcile.codat.exchange import BODY_BYTES_MAX
from reconcile.codat.partial import readable_part
from reconcile.errors import PayloadError

COUNT_MAX: Final = 2**53 - 1  # what every JSON reader holds exactly
DIGITS_MAX: Final = 640  # what Python reads as a whole number however it is set up


def loads(body: bytes) -> Any:
    """Return the body as plain data; lone surrogates and NUL become U+FFFD.

    Raises:
        PayloadError: it is not JSON.

    """
    try:
        data = msgspec.json.decode(body)
        return clean(data) if may_hold_nul(body) else data
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        pass
    try:
        text = body.decode(json.detect_encoding(body), "strict")
        return clean(
            json.loads(
                text.removeprefix("\ufeff"),
                parse_int=_whole,
                parse_constant=_refuse,
            )
        )
    except UnicodeDecodeError as error:
        raise PayloadError(f"it is not text: {error.reason}") from error
    except RecursionError as error:
        raise PayloadError("it is nested too deeply") from error
    except ValueError as error:
        if isinstance(error, json.JSONDecodeError):
            place = f"line {error.lineno}, column {error.colno}"
            raise PayloadError(f"it is not JSON, from {place} on") from error
        raise PayloadError("it is not JSON") from error


def bounded(body: bytes) -> bytes:
    """Return a body that is not too large to be read.

    Raises:
        PayloadError: it is.

    """
    if len(body) > BODY_BYTES_MAX:
        raise PayloadError(
            f"the body has {len(body)} bytes, expected at most {BODY_BYTES_MAX}",
            digest=hashlib.sha256(body).hexdigest(),
        )
    return body


def text_of(body: bytes) -> str:
    """Return JSON as text without its mark.

    In UTF-8, bytes that are no text stay what they are, as surrogates.
    """
    try:
        text = body.decode(json.detect_encoding(body), "strict")
    except UnicodeDecodeError:
        text = body.decode("utf-8", "surrogateescape")
    return text.removeprefix("\ufeff")


def _whole(digits: str) -> int | float:
    """Return a whole number, or infinity where it has absurdly many digits."""
    return int(digits) if len(digits) <= DIGITS_MAX else float(digits)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not a number in JSON")


def as_far_as_it_reads(body: bytes) -> Any:
    """Return a body that is broken somewhere as plain data, None where none reads."""
    return clean(readable_part(text_of(body)).value)


def clean(data: Any) -> Any:
    """Return plain data without what no store takes: see `clean_text`."""
    match data:
        case str():
            return clean_text(data)
        case list():
            return [clean(element) for element in data]
        case dict():
            return {clean_text(key): clean(value) for key, value in data.items()}
        case _:
            return data


def clean_text(text: str) -> str:
    """Return the text with lone surrogates and NUL characters replaced by U+FFFD.

    A store takes neither: SQLite no surrogate, PostgreSQL no NUL.
    """
    return _UNSTORABLE.sub("\ufffd", text) if _UNSTORABLE.search(text) else text


_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def may_hold_nul(body: bytes) -> bool:
    """Return whether a text of the body may hold a NUL: JSON can only escape it."""
    return b"\\u0000" in body


def whole_number(value: Any) -> int | None:
    """Return a whole number written in any way, None where it is none."""
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return int(value) if value.is_integer() else None
        case str() if re.fullmatch(r"\s*-?[0-9]{1,18}(\.0+)?\s*", value):
            return int(value.partition(".")[0])
        case _:
            return None


def count(value: Any) -> int | None:
    """Return a count of things, None where it is none, negative or absurd."""
    number = whole_number(value)
    return number if number is not None and 0 <= number <= COUNT_MAX else None


def text_or_none(value: Any) -> str | None:
    """Return a message verbatim: text as it is, anything else as its JSON.

    Raises:
        PayloadError: it is nested too deeply to be written again.

    """
    if value is None or isinstance(value, str):
        return value
    try:
        return msgspec.json.encode(value).decode()
    except RecursionError as error:
        raise PayloadError("it is nested too deeply") from error


def known_text(value: Any) -> str | None:
    """Return the value where it is text that says something, else None."""
    return value if isinstance(value, str) and value.strip() else None


def items_digest_source(item: Any) -> bytes:
    """Return an item's JSON in one canonical form: keys sorted, no white space.

    Raises:
        PayloadError: it is nested too deeply to be written again.

    """
    try:
        return _encode_sorted(item)
    except RecursionError as error:
        raise PayloadError("it is nested too deeply") from error


_encode_sorted: Final = msgspec.json.Encoder(order="sorted").encode
