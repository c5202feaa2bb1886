"""HAR 1.2: the ecosystem's capture format, in and out.

A `.har` file is one document; a `.jsonl` stream has one entry a line. Whatever cannot
be read is handed on as it stands, with the place where it stood.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec

from reconcile.codat.exchange import Exchange, Unreadable
from reconcile.codat.jsons import clean_text, loads
from reconcile.domain.instants import parse_instant
from reconcile.errors import PayloadError

HAR_BYTES_MAX: Final = 2**30
BODY_BYTES_MAX: Final = 64 * 2**20
TOO_MANY: Final = 429
STATUS_MAX: Final = 999  # three digits: what HTTP has room for

Captured = Exchange | Unreadable


class _Pair(msgspec.Struct, gc=False):
    name: str
    value: str


class _Body(msgspec.Struct, gc=False):
    text: str | None = None
    encoding: str | None = None
    size: float | None = None


class _Request(msgspec.Struct, gc=False):
    method: str
    url: str
    headers: list[_Pair] = []
    postData: _Body | None = None  # noqa: N815 - HAR's name


class _Response(msgspec.Struct, gc=False):
    status: int
    content: _Body | None = None
    headers: msgspec.Raw = msgspec.Raw()  # an answer's are seldom looked at


class _Entry(msgspec.Struct, gc=False):
    startedDateTime: str  # noqa: N815 - HAR's name
    request: _Request
    response: _Response
    time: float | None = None


class _Log(msgspec.Struct):
    entries: list[msgspec.Raw]


class _Document(msgspec.Struct):
    log: _Log


_decode_entry = msgspec.json.Decoder(_Entry).decode


def read_document(document: bytes, *, name: str = "") -> Iterator[Captured]:
    """Yield what a HAR document holds; of a broken one, all before the break."""
    try:
        entries = msgspec.json.decode(document, type=_Document).log.entries
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        yield from _salvage(document, name)
        return
    for number, raw in enumerate(entries, start=1):
        yield read_entry(bytes(raw), where=_place(name, f"entry {number}"))


def read_lines(lines: Iterable[bytes], *, name: str = "") -> Iterator[Captured]:
    """Yield what each line holds: one HAR entry; blank lines hold nothing."""
    for number, line in enumerate(lines, start=1):
        stripped = line.strip()
        if number == 1:
            stripped = stripped.removeprefix(b"\xef\xbb\xbf")
        if stripped:
            yield read_entry(stripped, where=_place(name, f"line {number}"))


def _place(name: str, inside: str) -> str:
    return f"{name}, {inside}" if name else inside


def read_entry(raw: bytes, *, where: str = "") -> Captured:
    """Return one entry as the exchange it captured, or as it stands with the reason."""
    try:
        try:
            entry = _decode_entry(raw)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            entry = _convert(loads(raw))
        return _exchange(entry, where)
    except PayloadError as error:
        return Unreadable(raw=raw, reason=f"not a HAR entry: {error}", where=where)


def _convert(data: Any) -> _Entry:
    """Return an entry from plain data, its numbers read from text too."""
    if not isinstance(data, dict):
        raise PayloadError("it is not an object")
    response = data.get("response")
    headers = response.pop("headers", None) if isinstance(response, dict) else None
    try:
        entry = msgspec.convert(data, _Entry, strict=False)
    except msgspec.ValidationError as error:
        raise PayloadError(str(error)) from error
    if entry.response.status == TOO_MANY:
        entry.response.headers = msgspec.Raw(msgspec.json.encode(headers))
    return entry


def _exchange(entry: _Entry, where: str) -> Exchange:
    started = parse_instant(entry.startedDateTime)
    if started is None:
        raise PayloadError(
            f"{entry.startedDateTime!r} is not a time with a zone",
            path="startedDateTime",
        )
    if not 0 <= entry.response.status <= STATUS_MAX:
        raise PayloadError(
            f"{entry.response.status} is not an HTTP status", path="response.status"
        )
    content = entry.response.content or _Body()
    body = _bytes(content, "response.content")
    return Exchange(
        method=entry.request.method.upper(),
        url=clean_text(entry.request.url),
        request_headers=tuple(
            (clean_text(h.name), clean_text(h.value)) for h in entry.request.headers
        ),
        request_body=_bytes(entry.request.postData, "request.postData"),
        status=entry.response.status,
        response_headers=_response_headers(entry.response),
        response_body=body,
        body_dropped=body is None and (content.size or 0) > 0,
        observed_at=_observed(started, entry.time),
        where=where,
    )


def _response_headers(response: _Response) -> tuple[tuple[str, str], ...]:
    """Return the headers of a rate limit's answer, in whatever state they are."""
    if response.status != TOO_MANY or not bytes(response.headers):
        return ()
    try:
        headers = loads(bytes(response.headers))
    except PayloadError:
        return ()
    return tuple(
        (clean_text(pair["name"]), clean_text(pair["value"]))
        for pair in (headers if isinstance(headers, list) else ())
        if isinstance(pair, dict)
        and isinstance(pair.get("name"), str)
        and isinstance(pair.get("value"), str)
    )


def _observed(started: datetime, time_ms: float | None) -> datetime:
    if time_ms is None or not time_ms > 0:
        return started
    try:
        return started + timedelta(milliseconds=time_ms)
    except OverflowError as error:
        raise PayloadError(
            f"{time_ms} ms end after the year 9999", path="time"
        ) from error


def _bytes(body: _Body | None, path: str) -> bytes | None:
    if body is None or body.text is None:
        return None
    if body.encoding == "base64":
        try:
            return base64.b64decode("".join(body.text.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise PayloadError("it is not base64", path=path) from error
    return body.text.encode()


_ENTRIES: Final = re.compile(r'"entries"\s*:\s*\[')
_SPACE: Final = re.compile(r"[\s,]*")


def _salvage(document: bytes, name: str) -> Iterator[Captured]:
    """Yield the entries of a document that is broken, and the rest as one piece."""
    text = _text(document)
    start = _ENTRIES.search(text)
    if start is None:
        yield Unreadable(
            raw=document, reason="not a HAR document: it has no entries", where=name
        )
        return
    scan = json.JSONDecoder().raw_decode
    at = start.end()
    number, line, counted = 0, 1, 0
    while True:
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        line, counted = line + text.count("\n", counted, at), at
        if text[at : at + 1] == "]":
            if not _closes(text[: start.end()], text[at:]):
                reason = "the HAR document does not end where its entries do"
                yield _rest(text[at + 1 :], reason, _place(name, f"line {line}"))
            return
        try:
            _, end = scan(text, at)
        except (ValueError, RecursionError) as error:
            reason = f"the HAR document ends too early: {error}"
            yield _rest(text[at:], reason, _place(name, f"line {line}"))
            return
        number += 1
        where = _place(name, f"entry {number} at line {line}")
        yield read_entry(text[at:end].encode("utf-8", "surrogateescape"), where=where)
        at = end


def _text(document: bytes) -> str:
    """Return the document as text; in UTF-8, bytes that are none stay what they are."""
    try:
        return document.decode(json.detect_encoding(document), "strict")
    except UnicodeDecodeError:
        return document.decode("utf-8", "surrogateescape")


def _closes(head: str, tail: str) -> bool:
    """Return whether nothing is lost after the entries: at most closing brackets."""
    if not tail[1:].strip(" \t\r\n}"):
        return True
    try:
        json.loads(head.removeprefix("\ufeff") + tail)
    except (ValueError, RecursionError):
        return False
    return True


def _rest(text: str, reason: str, where: str) -> Unreadable:
    raw = text.encode("utf-8", "surrogateescape")
    return Unreadable(raw=raw, reason=reason, where=where)
