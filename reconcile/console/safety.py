"""What makes the console safe to serve: headers on every answer, and bounded forms.

A form is acted on only where it comes from a page of ours, in the browser that was
given it, for the person it was given to.
"""

import hashlib
import hmac
import re
import secrets
import threading
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconcile.console.problems import PageError

BODY_BYTES_MAX: Final = 64 * 2**10
FIELDS_MAX: Final = 2000
FORM: Final = "application/x-www-form-urlencoded"
CSRF_FIELD: Final = "csrf"
READS: Final = ("GET", "HEAD")
_LOCKS: Final = 64
METHODS: Final = (*READS, "POST")

HEADERS: Final = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self';"
        " form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "cache-control": "no-store",
}
"""Headers of every answer; an answer's own come first."""


class SafeAnswers:
    """Puts the headers on every answer, and lets none have a body after HEAD."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as the app does, with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bodiless = scope["method"] == "HEAD"

        async def safely(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body" and bodiless:
                message = {**message, "body": b""}
            await send(message)

        await self._app(scope, receive, safely)


class Forms:
    """Signs the forms of pages, and says whether one that comes in is one of them.

    Every browser has a cookie of its own; a form's token is a signature of the cookie
    and of who is signed in. Processes that serve together need one secret.
    """

    def __init__(self, secret: bytes | None = None) -> None:
        self._key = secrets.token_bytes(32) if secret is None else secret
        self._locks = [threading.Lock() for _ in range(_LOCKS)]

    def token(self, browser: str, actor: str | None) -> str:
        """Return the token for the forms of a browser and of who is signed in."""
        signed = f"{browser}\n{'' if actor is None else 'by ' + actor}"
        raw = signed.encode("utf-8", "surrogatepass")
        return hmac.new(self._key, raw, hashlib.sha256).hexdigest()

    def alone(self, path: str, form: Mapping[str, Any]) -> threading.Lock:
        """Return the lock of a form: sent twice at once, it is acted on in turn.

        The second then finds what the first has done; what is another waits seldom.
        """
        fields = tuple((name, *values) for name, values in form.items())
        return self._locks[hash((path, fields)) % _LOCKS]

    def check(self, headers: Headers, form: Mapping[str, Any], token: str) -> None:
        """Raise a PageError (403) unless a form is one of our pages'."""
        if not _is_ours(headers):
            raise PageError(403, _ELSEWHERE)
        given = [value for value in form.get(CSRF_FIELD, ()) if value.isascii()]
        if len(given) != 1 or not hmac.compare_digest(given[0], token):
            raise PageError(403, _STALE)


_ELSEWHERE: Final = (
    "The form was sent from another site, so nothing was recorded; use the forms of"
    " this console."
)
_STALE: Final = (
    "The form is not one that this page gave you, so nothing was recorded; open the"
    " page again and repeat it."
)


def _is_ours(headers: Headers) -> bool:
    """Return whether a browser says that a form comes from a page of this place.

    Its own scheme counts: before us there may be a proxy that speaks HTTPS for us.
    """
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        return False
    origin = headers.get("origin")
    if origin is None:
        return True
    try:
        scheme = urlsplit(origin).scheme
        return _place(origin) == _place(f"{scheme}://{headers.get('host', '')}")
    except ValueError:
        return False


def _place(url: str) -> tuple[str, int]:
    """Return host and port of a URL of HTTP's.

    Raises:
        ValueError: it is none.

    """
    parts = urlsplit(url)
    if not parts.hostname or parts.scheme not in _USUAL:
        raise ValueError(url)
    return parts.hostname, parts.port or _USUAL[parts.scheme]


_USUAL: Final = {"http": 80, "https": 443}


def browser_of(headers: Headers, cookie: str) -> str | None:
    """Return the value of a cookie as we give them, else None."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(cookie)
    except CookieError:
        return None
    return found.value if found is not None and _IS_OURS(found.value) else None


def new_browser() -> str:
    """Return a value for a browser's cookie that nobody can guess."""
    return secrets.token_urlsafe(32)


_IS_OURS: Final = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII).fullmatch


def set_cookie(name: str, value: str, *, path: str, https: bool) -> str:
    """Return the header that gives a cookie to this place's own pages alone."""
    secure = "; Secure" if https else ""
    return f"{name}={value}; Path={path or '/'}; HttpOnly; SameSite=Strict{secure}"


async def form_of(headers: Headers, receive: Receive) -> Mapping[str, list[str]]:
    """Return the fields of a form; one that is too long is not read.

    Raises:
        PageError: it is too long (413), or is not a form of ours (400).

    """
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared[:20]) > BODY_BYTES_MAX:
        raise PageError(413, _TOO_LARGE)
    if headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise PageError(400, "The form was sent in another format than pages send.")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise PageError(400, "The form was cut short, so nothing was recorded.")
        body += message.get("body", b"")
        if len(body) > BODY_BYTES_MAX:
            raise PageError(413, _TOO_LARGE)
        more = message.get("more_body", False)
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise PageError(400, "The form is not text in UTF-8, as pages send.") from error
    try:
        return parse_qs(text, keep_blank_values=True, max_num_fields=FIELDS_MAX)
    except ValueError as error:
        raise PageError(400, _TOO_MANY) from error


_TOO_MANY: Final = (
    f"The form has more than {FIELDS_MAX:,} fields, so nothing was recorded; tick fewer"
    " expenses."
)
_TOO_LARGE: Final = (
    f"The form is longer than {BODY_BYTES_MAX // 1024} KiB, so it was not read and"
    " nothing was recorded."
)
