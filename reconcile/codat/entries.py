"""One entry of a capture, read in one pass where it is well-formed: most are. Pure."""

from typing import Any, Final

import msgspec

from reconcile.codat.captured import (
    CapturedAnswer,
    CapturedRequest,
    exchange_of,
    is_cached,
    observed_at,
    pairs_of,
)
from reconcile.codat.captured_bodies import (
    CapturedBody,
    body_of,
    nothing_attached,
)
from reconcile.codat.deliveries import may_be_delivery
from reconcile.codat.exchange import (
    STATUS_MAX,
    Attached,
    Captured,
    OtherTraffic,
)
from reconcile.codat.freshness import TELLING
from reconcile.codat.headers import Headers
from reconcile.codat.jsons import clean_text, loads
from reconcile.codat.odd_entries import read_odd
from reconcile.codat.recognise import unanswered
from reconcile.codat.routes import route_of
from reconcile.errors import PayloadError


class _Pair(msgspec.Struct, gc=False):
    name: str
    value: str


class _Request(msgspec.Struct, gc=False):
    method: str
    url: str
    headers: list[_Pair] = []
    postData: CapturedBody | None = None  # noqa: N815 - HAR's name


class _Response(
    msgspec.Struct, gc=False, rename={"error": "_error", "failure": "_failureText"}
):
    status: int
    content: CapturedBody | None = None
    bodySize: float | None = None  # noqa: N815 - HAR's name
    headers: msgspec.Raw = msgspec.Raw()  # an answer's are seldom looked at
    error: Any = None
    failure: Any = None


class _Entry(
    msgspec.Struct,
    gc=False,
    rename={"from_cache": "_fromCache", "fetch_type": "_fetchType", "disk": "_disk"},
):
    startedDateTime: str  # noqa: N815 - HAR's name
    request: _Request
    response: _Response
    time: float | None = None
    from_cache: Any = None
    fetch_type: Any = None
    disk: Any = None


_decode_entry = msgspec.json.Decoder(_Entry).decode


def read_entry(
    raw: bytes, *, where: str = "", attached: Attached = nothing_attached
) -> Captured:
    """Return one entry as the exchange it captured, or as what is kept of it and why.

    `attached` gives the bodies that stand in files of their own.
    """
    entry = well_formed(raw, where=where, attached=attached)
    return read_odd(raw, where, attached) if entry is None else entry


def well_formed(raw: bytes, *, where: str, attached: Attached) -> Captured | None:
    """Return an entry as what it captured, None where it is odd somewhere."""
    try:
        return _exchange(_decode_entry(raw), where, attached)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError, PayloadError):
        return None


def _exchange(entry: _Entry, where: str, attached: Attached) -> Captured:
    """Return a well-formed entry's exchange; of other traffic no body is looked at."""
    request, response = entry.request, entry.response
    method, url = request.method.strip().upper(), clean_text(request.url)
    routed = route_of(method, url) is not None
    if method not in ("POST", "PUT") and not routed:
        return OtherTraffic(where=where)
    if not 0 <= response.status <= STATUS_MAX:
        raise PayloadError("", path="response.status")
    asked = CapturedRequest(
        method=method,
        url=url,
        headers=tuple(
            (clean_text(h.name), clean_text(h.value)) for h in request.headers
        ),
        body=_request_body(request.postData, request.headers, attached, routed),
    )
    if not routed:
        alone = unanswered(method, url, asked.headers, asked.body)
        if not may_be_delivery(alone):
            return OtherTraffic(where=where)
    headers: Headers = ()
    if _telling(response):
        headers = pairs_of(loads(bytes(response.headers)))
    return exchange_of(
        request=asked,
        answer=CapturedAnswer(
            status=response.status,
            headers=headers,
            content=response.content,
            failed=bool(response.error or response.failure),
            cached=is_cached(entry.from_cache, entry.fetch_type, entry.disk),
            size=response.bodySize,
        ),
        observed=observed_at(entry.startedDateTime, entry.time),
        where=where,
        attached=attached,
    )


def _telling(response: _Response) -> bool:
    """Return whether an answer's headers are to be looked at: most say nothing."""
    raw = bytes(response.headers)
    return bool(raw) and (
        300 <= response.status < 500
        or (response.content is not None and response.content.encoding is not None)
        or TELLING(raw) is not None
        or f'"{_PACKED}"'.encode() in raw.lower()
    )


def _request_body(
    body: CapturedBody | None,
    headers: list[_Pair],
    attached: Attached,
    routed: bool,
) -> bytes | None:
    if body is None:
        return None
    packing = next((h.value for h in headers if h.name.lower() == _PACKED), "")
    return body_of(
        body,
        packing=packing,
        attached=attached,
        path="request.postData",
        is_codats=routed,
    )


_PACKED: Final = "content-encoding"
