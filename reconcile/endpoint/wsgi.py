"""The endpoint as a WSGI app, for hosts and servers without an event loop."""

import time
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from reconcile.endpoint.answers import (
    ALIVE,
    CUT_SHORT,
    NO_LENGTH,
    NOT_HERE,
    PATH,
    TOO_LONG,
    TOO_SLOW,
    BodyNotRead,
    Reply,
    length_of,
    without_body,
)
from reconcile.endpoint.receive import DISCARDED_BYTES_MAX, WebhookEndpoint

Environ = MutableMapping[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]

_PIECE_BYTES: Final = 64 * 2**10


class WsgiApp:
    """`POST` at one path, and `GET /healthz`. The caller closes the endpoint.

    A sender is too slow when its pieces take too long together; one that falls silent
    is for the server to cut, for it alone holds the socket.
    """

    def __init__(self, endpoint: WebhookEndpoint, *, path: str = PATH) -> None:
        self._endpoint = endpoint
        self._path = path

    def __call__(self, environ: Environ, start: StartResponse) -> Iterable[bytes]:
        """Reply one request."""
        answer = self.reply(environ)
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        start(status, list(answer.fields))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def reply(self, environ: Environ) -> Reply:
        """Return what a request is answered, for a host that answers it itself."""
        answer = without_body(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", ""),
            webhooks_at=self._path,
        )
        if answer is ALIVE:
            return self._endpoint.health()
        if answer is NOT_HERE and environ["REQUEST_METHOD"] == "POST":
            length = length_of(environ.get("CONTENT_LENGTH") or "")
            return self._endpoint.astray(_headers(environ), body_bytes=length or 0)
        if answer is not None:
            return answer
        limits = self._endpoint.limits
        give_up_at = time.monotonic() + limits.read_wait_s
        body = _read(environ, limits.body_bytes_max, give_up_at)
        if isinstance(body, bytes):
            return self._endpoint.receive(_headers(environ), body)
        answer = self._endpoint.refuse(_headers(environ), body)
        if answer is TOO_LONG:
            _discard(environ, give_up_at)
        return answer


def _headers(environ: Environ) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }


def _read(environ: Environ, bytes_max: int, give_up_at: float) -> bytes | BodyNotRead:
    """Return a body: as long as it is declared, or as the server lets it be."""
    length = length_of(environ.get("CONTENT_LENGTH") or "")
    if length is not None and length > bytes_max:
        return BodyNotRead(TOO_LONG, length)
    if length is None and not environ.get("wsgi.input_terminated"):
        if environ.get("HTTP_TRANSFER_ENCODING"):
            return BodyNotRead(NO_LENGTH, 0)  # it cannot be read: it has no end
        return b""
    wanted = bytes_max + 1 if length is None else length
    pieces: list[bytes] = []
    came = 0
    for piece in _pieces(environ, wanted):
        pieces.append(piece)
        came += len(piece)
        if time.monotonic() > give_up_at:
            return BodyNotRead(TOO_SLOW, came if length is None else length)
    if length is None and came == wanted:
        return BodyNotRead(TOO_LONG, came)
    if length is not None and came < wanted:
        return BodyNotRead(CUT_SHORT, length)
    return b"".join(pieces)


def _discard(environ: Environ, give_up_at: float) -> None:
    """Read on for a while, and drop it: most senders listen when they have sent all."""
    length = length_of(environ.get("CONTENT_LENGTH") or "")
    wanted = DISCARDED_BYTES_MAX if length is None else min(length, DISCARDED_BYTES_MAX)
    for _ in _pieces(environ, wanted):
        if time.monotonic() > give_up_at:
            return


def _pieces(environ: Environ, wanted: int) -> Iterator[bytes]:
    """Yield a body as it comes, no more of it than is wanted."""
    while wanted:
        piece: bytes = environ["wsgi.input"].read(min(wanted, _PIECE_BYTES))
        if not piece:
            return
        yield piece
        wanted -= len(piece)
