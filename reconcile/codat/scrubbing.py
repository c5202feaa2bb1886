"""What is kept of traffic that cannot be read: no credentials, nothing of others. Pure.

Of what is read, evidence keeps the same headers.
"""

import contextlib
import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from reconcile.codat.headers import moment_told, pairs_in
from reconcile.codat.routes import FIRST_HOST, origin_of, route_of
from reconcile.domain.instants import EPOCH

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
_OF_FAILURE: Final = ("_failureText", "_error")
_OF_BODIES: Final = ("text", "encoding", "size", "mimeType", "_file")
_MARKS: Final = ("startedDateTime", "time", "_fromCache", "_fetchType", "_disk")


def kept_entry(data: dict[str, Any]) -> bytes:
    """Return what is kept of a HAR entry of Codat's traffic, as JSON."""
    entry: dict[str, Any] = {name: data[name] for name in _MARKS if name in data}
    if not is_like_a_time(entry.get("startedDateTime")):
        entry.pop("startedDateTime", None)
    request, response = data.get("request"), data.get("response")
    if isinstance(request, dict):
        entry["request"] = _request(request)
    if isinstance(response, dict):
        entry["response"] = {
            **({"status": response["status"]} if "status" in response else {}),
            **{name: True for name in _OF_FAILURE if response.get(name)},
            "headers": _headers(response.get("headers"), _OF_ANSWERS),
            "content": _body(response.get("content")),
        }
    return _encode(entry)


def kept_url(method: str, url: str) -> str:
    """Return a URL as it is kept: the host, and of a call what Codat knows.

    A gateway's keys stand before Codat's path and beside its query; of a webhook, the
    path it is sent to may be the secret.
    """
    route, origin = route_of(method, url), origin_of(url)
    if route is None:
        return f"{origin}/"
    first = f"/{FIRST_HOST}/" in url and FIRST_HOST not in origin
    return f"{origin}{f'/{FIRST_HOST}' if first else ''}{route.target}"


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


def struck_out(body: bytes) -> bytes:
    """Return a body to be shown: what looks like a credential is struck out."""
    return _CREDENTIAL(rb"\1\2[struck out]", body)


_CREDENTIAL: Final = re.compile(
    rb"(whsec_)[A-Za-z0-9+/=_-]{8,}|((?i:\b(?:basic|bearer)) )[A-Za-z0-9+/=._~-]{20,}"
).sub


def kept_of_pairs(
    pairs: Iterable[tuple[str, str]], names: frozenset[str]
) -> Iterator[tuple[str, str]]:
    """Yield those headers that are kept, whose values are what they should be."""
    for name, value in pairs:
        if name.lower() in names and _is_proper(name.lower(), value):
            yield name, value


def _is_proper(name: str, value: str) -> bool:
    """Return whether a header's value is of its form: others may be anything."""
    if name == "content-type":
        return bool(_CONTENT_TYPE(value))
    return name != "retry-after" or moment_told(value, now=EPOCH) is not None


def is_like_a_time(text: Any) -> bool:
    """Return whether a text has nothing in it but what times are written with."""
    return isinstance(text, str) and bool(_LIKE_A_TIME(text))


_CONTENT_TYPE: Final = re.compile(
    r"[\w.+-]{1,80}/[\w.+-]{1,80}(?:; *charset=\"?[\w-]{1,20}\"?)?", re.ASCII
).fullmatch
_LIKE_A_TIME: Final = re.compile(r"[0-9TZtz:.,+ /-]{0,50}").fullmatch


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
        for name, value in kept_of_pairs(pairs_in(pairs), names)
    ]


def _body(body: Any) -> dict[str, Any] | None:
    if not isinstance(body, dict):
        return None
    return {name: body[name] for name in _OF_BODIES if name in body}


def _encode(data: Any) -> bytes:
    return msgspec.json.encode(data, order="sorted")
