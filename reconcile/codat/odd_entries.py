"""An entry of a capture that is odd somewhere: whose it is, then what it says. Pure.

Whose call it is comes before anything else of an entry is checked: other traffic is
never validated. An answer that cannot be read never hides a request that can: it
counts as lost, with status 0.
"""

import re
from collections.abc import Iterator
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
)
from reconcile.codat.exchange import (
    STATUS_MAX,
    Attached,
    Captured,
    Exchange,
    OtherTraffic,
    Unreadable,
)
from reconcile.codat.headers import Headers, header
from reconcile.codat.jsons import (
    as_far_as_it_reads,
    clean,
    clean_text,
    loads,
    text_of,
    whole_number,
)
from reconcile.codat.partial import readable_part
from reconcile.codat.recognise import owner_of
from reconcile.codat.routes import route_of
from reconcile.codat.scrubbing import kept_entry, not_kept
from reconcile.errors import PayloadError

BROKEN_ENTRY: Final = "the entry is not JSON"


def read_broken(
    raw: bytes, reason: str, where: str, attached: Attached, *, cut_off: bool = False
) -> Iterator[Captured]:
    """Yield what reads of an entry that is no JSON; of one cut off, that it is too."""
    found = _of_data(as_far_as_it_reads(raw), raw, where, attached, broken=reason)
    yield found
    if cut_off and not isinstance(found, Unreadable):
        yield Unreadable(
            raw=not_kept(raw),
            reason=reason,
            where=where,
            company_id=_company_of(found) if isinstance(found, Exchange) else None,
        )


def _company_of(found: Exchange) -> str | None:
    owner = owner_of(found.method, found.url, found.request_headers, found.request_body)
    return None if owner is None else owner.company_id


def read_odd(raw: bytes, where: str, attached: Attached) -> Captured:
    """Return an entry that is odd somewhere: other traffic, an exchange, or unread."""
    try:
        data, broken = loads(raw), ""
    except PayloadError as error:
        part = readable_part(text_of(raw))
        data = clean(part.value)
        broken = "" if part.closed else _no_entry(str(error))  # such as NaN in a time
    return _of_data(data, raw, where, attached, broken=broken)


def _of_data(
    data: Any, raw: bytes, where: str, attached: Attached, *, broken: str
) -> Captured:
    """Return what an entry's data says; `broken` is why they are not the whole of it.

    A write or a webhook that is whole stands also where its answer is broken.
    """
    request = data.get("request") if isinstance(data, dict) else None
    url = request.get("url") if isinstance(request, dict) else None
    if (
        not isinstance(request, dict)
        or not isinstance(url, str)
        or (broken and not _URL(url))
    ):
        what = "it is not an object with a request, which names a URL"
        reason = broken or _no_entry(what)
        return Unreadable(raw=not_kept(raw), reason=reason, where=where)
    method, headers = request.get("method"), pairs_of(request.get("headers"))
    verb = method.strip().upper() if isinstance(method, str) else ""
    routed = route_of(verb, clean_text(url)) is not None
    body, unread_body = _lenient_body(
        request.get("postData"), headers, attached, routed
    )
    asked = CapturedRequest(
        method=verb,
        url=clean_text(url),
        headers=headers,
        body=body,
    )
    owner = owner_of(asked.method, asked.url, asked.headers, asked.body)
    if owner is None:
        return OtherTraffic(where=where)
    reason = broken if broken and not body else unread_body
    if not asked.method:
        reason = "request.method: the request has no method"
    try:
        if not reason:
            return exchange_of(
                request=asked,
                answer=_lenient_answer({} if broken else data),
                observed=observed_at(_text(data.get("startedDateTime")), _time(data)),
                where=where,
                attached=attached,
            )
    except PayloadError as error:
        reason = str(error)
    return Unreadable(
        raw=kept_entry(data),
        reason=broken or _no_entry(reason),
        where=where,
        company_id=owner.company_id,
        codats=True,
    )


_URL: Final = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:[^\s{}]*").fullmatch


def _no_entry(reason: str) -> str:
    return f"not a HAR entry: {reason}"


def _lenient_body(
    data: Any, headers: Headers, attached: Attached, routed: bool
) -> tuple[bytes | None, str]:
    """Return a request's body, and why it cannot be read where it cannot."""
    content = _content(data)
    if content is None:
        return None, ""
    try:
        return (
            body_of(
                content,
                packing=header(headers, "content-encoding"),
                attached=attached,
                path="request.postData",
                is_codats=routed,
            ),
            "",
        )
    except PayloadError as error:
        return None, str(error)


def _lenient_answer(data: dict[str, Any]) -> CapturedAnswer:
    """Return an answer as far as it can be read: status 0 where it says no status."""
    response = data.get("response")
    if not isinstance(response, dict):
        response = {}
    status = whole_number(response.get("status"))
    size = response.get("bodySize")
    return CapturedAnswer(
        status=status if status is not None and 0 < status <= STATUS_MAX else 0,
        headers=pairs_of(response.get("headers")),
        content=_content(response.get("content")),
        failed=bool(response.get("_error") or response.get("_failureText")),
        cached=is_cached(*(data.get(name) for name in _CACHE_MARKS)),
        size=float(size) if isinstance(size, int | float) else None,
    )


_CACHE_MARKS: Final = ("_fromCache", "_fetchType", "_disk")


def _content(data: Any) -> CapturedBody | None:
    """Return a body's parts; one that is written as JSON itself, as its text."""
    if isinstance(data, str):
        return CapturedBody(text=data)
    if not isinstance(data, dict):
        return None
    text, encoding, file = (data.get(name) for name in ("text", "encoding", "_file"))
    if text is not None and not isinstance(text, str):
        text = msgspec.json.encode(text).decode()
    size = data.get("size")
    return CapturedBody(
        text=text,
        encoding=encoding if isinstance(encoding, str) else None,
        size=float(size) if isinstance(size, int | float) else None,
        file=file if isinstance(file, str) else None,
    )


def _time(data: dict[str, Any]) -> float | None:
    try:
        return float(data.get("time") or 0)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
