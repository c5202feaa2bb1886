"""The endpoint as a WSGI app, for hosts and servers without an event loop."""

import time
from collections.abc import Callable, Iterable, MutableMapping
from http import HTTPStatus
from typing import Any, Final

from reconcile.endpoint.answers import (
    CUT_SHORT,
    PATH,
    TOO_LONG,
    TOO_SLOW,
    Answer,
    length_of,
    without_body,
)
from reconcile.endpoint.receive import Limits, WebhookEndpoint

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
        """Answer one request."""
        answer = self._answer(environ)
        status = f"{answer.status} {HTTPStatus(answer.status).phrase}"
        start(status, list(answer.fields))
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _answer(self, environ: Environ) -> Answer:
        answer = without_body(
            environ["REQUEST_METHOD"],
            environ.get("PATH_INFO", ""),
            webhooks_at=self._path,
        )
        if answer is not None:
            return answer
        body = _read(environ, self._endpoint.limits)
        if isinstance(body, Answer):
            return body
        return self._endpoint.receive(_headers(environ), body)


def _headers(environ: Environ) -> dict[str, str]:
    return {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_") or name == "CONTENT_TYPE"
    }


def _read(environ: Environ, limits: Limits) -> bytes | Answer:
    """Return a body: as long as it is declared, or as the server lets it be."""
    length = length_of(environ.get("CONTENT_LENGTH") or "")
    if length is not None and length > limits.body_bytes_max:
        return TOO_LONG
    if length is None and not environ.get("wsgi.input_terminated"):
        return b""  # no body may be read that the server does not end
    wanted = limits.body_bytes_max + 1 if length is None else length
    give_up_at = time.monotonic() + limits.read_wait_s
    pieces: list[bytes] = []
    while wanted:
        piece: bytes = environ["wsgi.input"].read(min(wanted, _PIECE_BYTES))
        if not piece:
            break
        pieces.append(piece)
        wanted -= len(piece)
        if time.monotonic() > give_up_at:
            return TOO_SLOW
    if length is None:
        return b"".join(pieces) if wanted else TOO_LONG
    return CUT_SHORT if wanted else b"".join(pieces)
