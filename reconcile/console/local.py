"""Who may use a console that somebody serves for themselves: by a link, once.

The link's token is exchanged for a cookie. No other site can use the console through a
browser, by a name of its own for this machine.
"""

import hmac
import secrets
import threading
from typing import Final
from urllib.parse import parse_qs, urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from reconcile.console import safety
from reconcile.console.app import ConsoleApp
from reconcile.console.problems import PageError

LINK_WORD: Final = "token"
_USUAL_PORT: Final = 80
_NAMES: Final = ("127.0.0.1", "localhost", "[::1]")

NEEDS_LINK: Final = (
    "This console is open to whoever started it: use the link that `reconcile console`"
    " printed."
)
USED: Final = (
    "This link was used before, and each works once: stop `reconcile console` and start"
    " it again for a new one."
)
WRONG_LINK: Final = (
    "This link is not of this console: use the link that `reconcile console` printed"
    " when it was started last."
)
ANOTHER_NAME: Final = (
    "This console was reached by a name that is not its own: use the address that"
    " `reconcile console` printed."
)


class LocalAccess:
    """Lets in who has the link, once, and then their browser; others get one sentence.

    `is_loopback`: only the names that this machine has for itself are its own.
    """

    def __init__(self, app: ConsoleApp, *, is_loopback: bool) -> None:
        self._app = app
        self._is_loopback = is_loopback
        self._token: str | None = secrets.token_urlsafe(32)
        self._session = secrets.token_urlsafe(32)
        self._lock = threading.Lock()
        self._answers = safety.SafeAnswers(self._answer)

    def link(self, url: str) -> str:
        """Return the link that works once, at the address of the server."""
        return f"{url}/?{urlencode({LINK_WORD: self._token or ''})}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or pass it on."""
        if scope["type"] == "http":
            await self._answers(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = self._refusal_or_entry(Request(scope))
        except PageError as problem:
            response = self._app.problem_page(problem, scope, bare=True)
        if response is None:
            await self._app(scope, receive, send)
        else:
            await response(scope, receive, send)

    def _refusal_or_entry(self, request: Request) -> Response | None:
        """Return the answer to who is not in yet, None to who is.

        Raises:
            PageError: they may not be let in (403).

        """
        port = (request.scope.get("server") or ("", 0))[1]
        names = [f"{name}:{port}" for name in _NAMES]
        if port == _USUAL_PORT:  # browsers leave it out
            names += _NAMES
        if self._is_loopback and request.headers.get("host", "") not in names:
            raise PageError(403, ANOTHER_NAME)
        if request.url.path.startswith("/static/"):
            return None  # how its pages look is no secret
        cookie = f"reconcile_session_{port}"
        browser = safety.browser_of(request.headers, cookie) or ""
        is_in = hmac.compare_digest(browser, self._session)
        given = parse_qs(request.url.query).get(LINK_WORD)
        if given is not None and request.url.path == "/" and request.method == "GET":
            entry = RedirectResponse("/", 303)
            if is_in:  # the link was opened again
                return entry
            self._use(given)
            entry.headers["set-cookie"] = safety.set_cookie(
                cookie, self._session, path="/", https=request.url.scheme == "https"
            )
            return entry
        if not is_in:
            raise PageError(403, NEEDS_LINK)
        return None

    def _use(self, given: list[str]) -> None:
        """Use up the token.

        Raises:
            PageError: it is used up already, or is another (403).

        """
        with self._lock:
            if self._token is None:
                raise PageError(403, USED)
            raw = given[0].encode("utf-8", "surrogatepass")
            if len(given) != 1 or not hmac.compare_digest(raw, self._token.encode()):
                raise PageError(403, WRONG_LINK)
            self._token = None
