"""What is kept of traffic that cannot be read: no credentials, nothing of others. Pure.

Of what is read, evidence keeps the same headers.
"""

import contextlib
import hashlib
from typing import Any, Final

import msgspec

from reconcile.codat.headers import pairs_in
from reconcile.codat.routes import clean_url, route_of

HEADERS_KEPT: Final = frozenset(
    {
        "content-type",
        "idempotency-key",
        "svix-id",
        "svix-signature",
        "svix-timestamp",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-codat-clientid",
        "x-reconcile-request",
    }
)
"""Those of a request that evidence keeps, in lower case: no secret is among them."""
_OF_ANSWERS: Final = frozenset(
    {"age", "content-encoding", "content-type", "date", "retry-after"}
)
_OF_STATUS: Final = ("status", "_failureText", "_error")
_OF_BODIES: Final = ("text", "encoding", "size", "mimeType", "_file")
_MARKS: Final = ("startedDateTime", "time", "_fromCache", "_fetchType", "_disk")


def kept_entry(data: dict[str, Any]) -> bytes:
    """Return what is kept of a HAR entry of Codat's traffic, as JSON."""
    entry: dict[str, Any] = {name: data[name] for name in _MARKS if name in data}
    request, response = data.get("request"), data.get("response")
    if isinstance(request, dict):
        entry["request"] = _request(request)
    if isinstance(response, dict):
        entry["response"] = {
            **{n: response[n] for n in _OF_STATUS if n in response},
            "headers": _headers(response.get("headers"), _OF_ANSWERS),
            "content": _body(response.get("content")),
        }
    return _encode(entry)


def kept_url(method: str, url: str) -> str:
    """Return a URL as it is kept: what a webhook is sent to may be secret."""
    clean = clean_url(url)
    return clean if route_of(method, url) is not None else clean.partition("?")[0]


def not_kept(raw: bytes) -> bytes:
    """Return what is kept of bytes that nobody can tell whose they are: that they were.

    They are known again by their digest; the same JSON is the same, however indented.
    """
    with contextlib.suppress(msgspec.MsgspecError, RecursionError, ValueError):
        data = msgspec.json.decode(raw)
        raw = _encode(data)
        if isinstance(data, dict) and data.keys() == {"notKept"}:
            return raw  # it is what was kept of others before
    digest = hashlib.sha256(raw).hexdigest()
    return _encode({"notKept": {"bytes": len(raw), "sha256": digest}})


def _request(request: dict[str, Any]) -> dict[str, Any]:
    method, url = request.get("method"), request.get("url")
    return {
        "method": method,
        "url": kept_url(str(method).upper(), url) if isinstance(url, str) else None,
        "headers": _headers(request.get("headers"), HEADERS_KEPT),
        "postData": _body(request.get("postData")),
    }


def _headers(pairs: Any, names: frozenset[str]) -> list[dict[str, str]]:
    return [
        {"name": name, "value": value}
        for name, value in pairs_in(pairs)
        if name.lower() in names
    ]


def _body(body: Any) -> dict[str, Any] | None:
    if not isinstance(body, dict):
        return None
    return {name: body[name] for name in _OF_BODIES if name in body}


def _encode(data: Any) -> bytes:
    return msgspec.json.encode(data, order="sorted")
