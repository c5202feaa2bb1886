"""Clients to test with: on the sandbox's clock, or against a server of one's own."""

import asyncio
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import attrs
import httpx

from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.exchange import Exchange
from reconcile.sandbox import Sandbox, Settings

KEY = "s3cret-key"
BEGIN = datetime(2026, 1, 5, 9, tzinfo=UTC)


@attrs.define
class Time:
    """A clock that only waiting moves."""

    now: datetime = BEGIN
    waits: list[float] = attrs.field(factory=list)

    def sleep(self, seconds: float) -> None:
        self.waits.append(float(seconds))
        self.now += timedelta(seconds=seconds)

    async def sleep_async(self, seconds: float) -> None:
        self.sleep(seconds)


@attrs.define
class Wire:
    """A client whose answers are given one by one, and what it was seen to do."""

    client: CodatClient
    time: Time
    sent: list[httpx.Request]
    recorded: list[Exchange]

    @property
    def statuses(self) -> list[int]:
        return [exchange.status for exchange in self.recorded]


Given = httpx.Response | Exception | int


def wired(*given: Given, **more: Any) -> Wire:
    """Return a client that gets these answers in turn, the last for ever."""
    time, sent, recorded, answer = _answering(given)
    http = httpx.Client(transport=httpx.MockTransport(answer))
    settings: dict[str, Any] = {
        "api_keys": KEY,
        "record": recorded.append,
        "now": lambda: time.now,
        "sleep": time.sleep,
        "chance": lambda: 1.0,
    }
    return Wire(CodatClient(http, **(settings | more)), time, sent, recorded)


def _answering(
    given: tuple[Given, ...],
) -> tuple[
    Time, list[httpx.Request], list[Exchange], Callable[[httpx.Request], httpx.Response]
]:
    left = list(given)
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        created = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(created, Exception):
            raise created
        return response(created) if isinstance(created, int) else created

    return Time(), sent, [], answer


def response(status: int, data: Any = None, **headers: str) -> httpx.Response:
    """Return an answer of JSON; a header's name has underscores for dashes."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    result = {"statusCode": status} if data is None else data
    return httpx.Response(status, json=result, headers=named)


def client_at(
    sandbox: Sandbox, recorded: Callable[[Exchange], object], **more: Any
) -> CodatClient:
    """Return a client of a sandbox, on its clock."""
    http = httpx.Client(transport=sandbox.transport())
    return CodatClient(
        http,
        **{
            "api_keys": KEY,
            "record": recorded,
            "now": lambda: sandbox.now,
            "sleep": lambda seconds: sandbox.advance(timedelta(seconds=seconds)),
            "chance": lambda: 0.5,
            **more,
        },
    )


def async_at(
    sandbox: Sandbox, recorded: Callable[[Exchange], object], **more: Any
) -> AsyncCodatClient:
    """Return an async client of a sandbox, on its clock."""

    async def sleep(seconds: float) -> None:
        sandbox.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)  # the others go on, as in any sleep

    http = httpx.AsyncClient(transport=sandbox.transport())
    return AsyncCodatClient(
        http,
        **{
            "api_keys": KEY,
            "record": recorded,
            "now": lambda: sandbox.now,
            "sleep": sleep,
            "chance": lambda: 0.5,
            **more,
        },
    )


def keyed(**more: Any) -> Sandbox:
    """Return a sandbox that asks for the key, and for companies that exist."""
    return Sandbox(settings=Settings(api_keys=(KEY,)), **more)


@contextmanager
def server(act: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that acts on each connection, and what it was sent."""
    listening = socket.create_server(("127.0.0.1", 0))
    heads: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                try:
                    heads.append(received(connection))
                    act(connection)
                except OSError:
                    continue

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}", heads
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join()


def received(connection: socket.socket) -> bytes:
    """Return a whole request: a server that hangs up on the rest of one resets it."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = connection.recv(65536)
        if not piece:
            return got
        got += piece
        if not got[:1].isalpha():
            return got  # no HTTP: TLS, say
    head, _, body = got.partition(b"\r\n\r\n")
    length = re.search(rb"(?i)content-length: ([0-9]+)", head)
    left = int(length[1]) - len(body) if length else 0
    while left > 0:
        left -= len(connection.recv(65536)) or left
    return head


def ignore(_: Exchange) -> None: ...


def let_syncs_end(sandbox: Sandbox) -> None:
    """Let any sync end."""
    sandbox.advance(timedelta(minutes=10))
