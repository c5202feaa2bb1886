"""The endpoint as an ASGI app: any server, or a host's own app, can mount it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any

from reconcile.endpoint.answers import (
    ALIVE,
    BUSY,
    CUT_SHORT,
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

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class AsgiApp:
    """`POST` at one path, and `GET /healthz`.

    A server that tells of its end closes the endpoint with it; an app that mounts this
    one closes the endpoint itself. While the server is `crowded`, deliveries are put
    off, unread.
    """

    def __init__(
        self,
        endpoint: WebhookEndpoint,
        *,
        path: str = PATH,
        crowded: Callable[[], bool] = lambda: False,
    ) -> None:
        self._endpoint = endpoint
        self._path = path
        self._crowded = crowded

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Reply one request, or live through the server's start and stop."""
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
        limits = self._endpoint.limits
        give_up_at = asyncio.get_running_loop().time() + limits.read_wait_s
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        answer = without_body(scope["method"], path, webhooks_at=self._path)
        if answer is ALIVE:  # a store put back may take a while to be looked through
            answer = await asyncio.to_thread(self._endpoint.health)
        if answer is NOT_HERE and scope["method"] == "POST":
            answer = await self._endpoint.astray_async(
                scope["headers"], body_bytes=_declared(scope) or 0
            )
        if answer is None and self._crowded():
            answer = BUSY
        if answer is None:
            body = await self._body(scope, receive, give_up_at)
            if isinstance(body, bytes):
                answer = await self._endpoint.receive_async(scope["headers"], body)
                await _send(send, answer)
                return
            answer = await self._endpoint.refuse_async(scope["headers"], body)
            if answer is CUT_SHORT:
                return  # nobody is there to hear it
        if _has_body(scope):
            await _send_early(send, answer, receive, give_up_at)
        else:
            await _send(send, answer)

    async def _body(
        self, scope: Scope, receive: Receive, give_up_at: float
    ) -> bytes | BodyNotRead:
        """Return a body, or what hinders it."""
        bytes_max = self._endpoint.limits.body_bytes_max
        length = _declared(scope)
        if length is not None and length > bytes_max:
            return BodyNotRead(TOO_LONG, length)
        pieces: list[bytes] = []
        try:
            async with asyncio.timeout_at(give_up_at):
                hindrance = await _read(receive, pieces, bytes_max)
        except TimeoutError:
            hindrance = TOO_SLOW
        if hindrance is None:
            return b"".join(pieces)
        came = sum(len(piece) for piece in pieces)
        return BodyNotRead(hindrance, came if length is None else length)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await asyncio.to_thread(self._endpoint.close)
        await send({"type": "lifespan.shutdown.complete"})


def _declared(scope: Scope) -> int | None:
    """Return the length that a request declares, None for none."""
    declared = [v for n, v in scope["headers"] if n.lower() == b"content-length"]
    return length_of(declared[0].decode("latin-1")) if declared else None


async def _read(receive: Receive, pieces: list[bytes], bytes_max: int) -> Reply | None:
    """Read a body into `pieces`; return what hinders it, None when it is there."""
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return CUT_SHORT
        piece: bytes = message.get("body", b"")
        pieces.append(piece)
        size += len(piece)
        if size > bytes_max:
            return TOO_LONG
        if not message.get("more_body"):
            return None


async def _discard(receive: Receive) -> None:
    size = 0
    while size <= DISCARDED_BYTES_MAX:
        message = await receive()
        size += len(message.get("body", b""))
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            return


def _has_body(scope: Scope) -> bool:
    """Return whether bytes may follow a request over a connection of its own."""
    if not str(scope.get("http_version", "1.1")).startswith("1"):
        return False
    return any(
        (name.lower(), value) != (b"content-length", b"0")
        for name, value in scope["headers"]
        if name.lower() in (b"content-length", b"transfer-encoding")
    )


async def _send(send: Send, answer: Reply) -> None:
    await send(_start(answer))
    await send({"type": "http.response.body", "body": answer.body})


async def _send_early(
    send: Send, answer: Reply, receive: Receive, give_up_at: float
) -> None:
    """Reply while a body still comes, and close when it is through.

    Most senders listen only when they have sent all, and a connection that is closed
    before takes the answer with it; so what comes is read for a while, and dropped.
    """
    await send(_start(answer, (b"connection", b"close")))
    await send({"type": "http.response.body", "body": answer.body, "more_body": True})
    with suppress(TimeoutError):
        async with asyncio.timeout_at(give_up_at):
            await _discard(receive)
    await send({"type": "http.response.body", "body": b""})


def _start(answer: Reply, *more: tuple[bytes, bytes]) -> MutableMapping[str, Any]:
    fields = [(n.encode("latin-1"), v.encode("latin-1")) for n, v in answer.fields]
    return {
        "type": "http.response.start",
        "status": answer.status,
        "headers": [*fields, *more],
    }
