"""The sandbox as an ASGI app: any server can put it behind a port."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from datetime import timedelta
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import attrs

from reconcile.sandbox.messages import BODY_BYTES_MAX, Call, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_In = TypeVar("_In")
_Out = TypeVar("_Out")

TICK_S: Final = 0.05
LOST: Final = "the answer is lost"
"""What the app returns in place of answering. An app should return None, and ASGI has
no way to close a connection; uvicorn closes one whose app returns anything else."""


@attrs.define(eq=False)
class Running:
    """Wall time, making the sandbox's go on in a thread; at speed 0 it stands still.

    Each tick adds to the sandbox's time, whatever that is: a test may go ahead of it.
    """

    advance: Callable[[timedelta], None]
    speed: float
    _stopped: threading.Event = attrs.field(factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Let time run."""
        if self.speed:
            self._stopped.clear()
            self._thread = threading.Thread(
                target=self._run, name="sandbox time", daemon=True
            )
            self._thread.start()

    def stop(self) -> None:
        """Let time stand still; what is being delivered is not waited for long."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join(timeout=1)
            self._thread = None

    def check(self) -> None:
        """Raise an error if time has stopped by an error of the sandbox's own."""
        if self._thread is not None and not self._thread.is_alive():
            raise RuntimeError("The sandbox's time has stopped; its thread says why.")

    async def wait(self, wait_s: float) -> None:
        """Wait for so many seconds of the sandbox's time."""
        if self.speed:
            await asyncio.sleep(wait_s / self.speed)
        else:
            self.advance(timedelta(seconds=wait_s))

    def _run(self) -> None:
        last_s = time.monotonic()
        while not self._stopped.wait(TICK_S):
            now_s = time.monotonic()
            self.advance(timedelta(seconds=(now_s - last_s) * self.speed))
            last_s = now_s


class App:
    """One sandbox, over HTTP. Its time runs while the server's lifespan does."""

    def __init__(self, handle: Callable[[Call], Response], running: Running) -> None:
        self._handle = handle
        self._running = running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> str | None:
        """Response one request, or live through the server's start and stop."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return None
        if scope["type"] != "http":
            raise RuntimeError(f"The sandbox speaks HTTP, not {scope['type']}.")
        body = await _body(receive)
        if body is None:
            return None  # the client has gone
        self._running.check()
        response = self._handle(
            call_of(
                method=scope["method"],
                path=scope["path"],
                query=scope["query_string"],
                headers=scope["headers"],
                body=body,
            )
        )
        if response.delay_s:
            await self._running.wait(response.delay_s)
        if response.lost:
            return LOST
        await _answer(send, response)
        return None

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        self._running.start()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        self._running.stop()
        await send({"type": "lifespan.shutdown.complete"})


def call_of(
    *,
    method: str,
    path: str,
    query: bytes,
    headers: Iterable[tuple[bytes, bytes]],
    body: bytes,
) -> Call:
    """Return a request as every face of the sandbox hands it on.

    Of a query's name given twice the last counts; a header given twice is one list.
    """
    joined: dict[str, str] = {}
    for name, value in headers:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        joined[key] = f"{joined[key]}, {text}" if key in joined else text
    return Call(
        method=method,
        path=path,
        query=dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True)),
        headers=joined,
        body=body,
    )


def unlocked(
    lock: threading.RLock, act: Callable[[_In], _Out]
) -> Callable[[_In], _Out]:
    """Return `act`, done while others may have the lock that its caller holds.

    A delivery is posted like that: its consumer may ask the sandbox back before it
    answers. The sandbox's time waits for it, its calls do not.
    """

    def done(given: _In) -> _Out:
        try:
            lock.release()
        except RuntimeError:  # its caller holds no lock
            return act(given)
        try:
            return act(given)
        finally:
            lock.acquire()

    return done


async def _body(receive: Receive) -> bytes | None:
    """Return a body; of one that is too long, no more than shows it.

    The rest is read and dropped, so that the client gets to hear the answer.
    """
    pieces: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        piece = message.get("body", b"")
        if size <= BODY_BYTES_MAX:
            pieces.append(piece)
        size += len(piece)
        if not message.get("more_body"):
            return b"".join(pieces)


async def _answer(send: Send, response: Response) -> None:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in response.headers
    ]
    if response.status != 204:
        headers.append((b"content-length", str(len(response.body)).encode()))
    await send(
        {"type": "http.response.start", "status": response.status, "headers": headers}
    )
    await send({"type": "http.response.body", "body": response.body})
