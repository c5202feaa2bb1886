"""The endpoint as an ASGI app: any server, or a host's own app, can mount it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from reconcile.endpoint.answers import (
    PATH,
    TOO_LONG,
    TOO_SLOW,
    Answer,
    length_of,
    without_body,
)
from reconcile.endpoint.receive import WebhookEndpoint

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiApp:
    """`POST` at one path, and `GET /healthz`.

    A server that tells of its end closes the endpoint with it; an app that mounts this
    one closes the endpoint itself.
    """

    def __init__(self, endpoint: WebhookEndpoint, *, path: str = PATH) -> None:
        self._endpoint = endpoint
        self._path = path

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or live through the server's start and stop."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._live(receive, send)
            case "websocket":
                await receive()
                await send({"type": "websocket.close"})
            case other:
                raise RuntimeError(f"The endpoint speaks HTTP, not {other}.")

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        answer = without_body(scope["method"], path, webhooks_at=self._path)
        read = False
        if answer is None:
            body = await self._body(scope, receive)
            if isinstance(body, bytes):
                read = True
                headers = _decoded(scope)
                answer = await self._endpoint.receive_async(headers, body)
            else:
                answer = body
        if answer is not None:
            await _send(send, answer, close=not read and _has_body(scope))

    async def _body(self, scope: Scope, receive: Receive) -> bytes | Answer | None:
        """Return a body, the answer to one that is not read, or None: nobody waits."""
        limits = self._endpoint.limits
        declared = [v for n, v in scope["headers"] if n.lower() == b"content-length"]
        length = length_of(declared[0].decode("latin-1")) if declared else None
        if length is not None and length > limits.body_bytes_max:
            return TOO_LONG
        try:
            async with asyncio.timeout(limits.read_wait_s):
                return await _read(receive, limits.body_bytes_max)
        except TimeoutError:
            return TOO_SLOW

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(self._endpoint.close)
        await send({"type": "lifespan.shutdown.complete"})


async def _read(receive: Receive, bytes_max: int) -> bytes | Answer | None:
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece: bytes = message.get("body", b"")
        size += len(piece)
        if size > bytes_max:
            return TOO_LONG
        pieces.append(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


def _decoded(scope: Scope) -> tuple[tuple[str, str], ...]:
    return tuple(
        (name.decode("latin-1"), value.decode("latin-1"))
        for name, value in scope["headers"]
    )


def _has_body(scope: Scope) -> bool:
    """Return whether bytes may follow a request over a connection of its own."""
    if not str(scope.get("http_version", "1.1")).startswith("1"):
        return False
    return any(
        (name.lower(), value) != (b"content-length", b"0")
        for name, value in scope["headers"]
        if name.lower() in (b"content-length", b"transfer-encoding")
    )


async def _send(send: Send, answer: Answer, *, close: bool) -> None:
    """Send an answer; close where a body may still be coming that nobody reads."""
    headers = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.fields]
    if close:
        headers.append((b"connection", b"close"))
    await send(
        {"type": "http.response.start", "status": answer.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": answer.body})
