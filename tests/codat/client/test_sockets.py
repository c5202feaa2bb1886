"""Servers that misbehave, on real sockets: each call ends, in a sentence."""

import asyncio
import gzip
import socket
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from reconcile.codat import requests
from reconcile.codat.bodies import Body, BodyError
from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.exchange import Exchange
from reconcile.errors import CodatUnavailable
from tests.codat.client.clients import KEY, server
from tests.sandbox.calls import COMPANY

READ = requests.statuses(COMPANY)
CREATE = requests.create_expenses(COMPANY, [{"id": "t1"}])
LIMIT = 2**20
QUICK = httpx.Timeout(0.3)
ONCE = Rerequests(attempts_max=1)
Act = Callable[[socket.socket], None]
Ask = Callable[[requests.Request, str, list[Exchange]], bytes]


def settings(url: str, recorded: list[Exchange]) -> dict[str, Any]:
    return {
        "api_keys": KEY,
        "record": recorded.append,
        "base_url": url,
        "timeout": QUICK,
        "rerequests": ONCE,
        "answer_bytes_max": LIMIT,
    }


def sync_ask(request: requests.Request, url: str, recorded: list[Exchange]) -> bytes:
    with CodatClient.connected(**settings(url, recorded)) as codat:
        return codat.ask(request).body


def async_ask(request: requests.Request, url: str, recorded: list[Exchange]) -> bytes:
    async def asked() -> bytes:
        async with AsyncCodatClient.connected(**settings(url, recorded)) as codat:
            return (await codat.ask(request)).body

    return asyncio.run(asked())


BOTH = pytest.mark.parametrize("ask", [sync_ask, async_ask])


def head(*lines: str, status: str = "200 OK") -> bytes:
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode()


def saying(*pieces: bytes) -> Act:
    def act(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)

    return act


def never_ending(connection: socket.socket) -> None:
    connection.sendall(head("Content-Type: application/json"))
    while True:
        connection.sendall(b"[" * 65536)


def silent(connection: socket.socket) -> None:
    connection.recv(1)  # until the client has had enough


def stalled(connection: socket.socket) -> None:
    connection.sendall(head("Content-Length: 100") + b"[1,")
    connection.recv(1)


def plain(body: bytes, *lines: str, status: str = "200 OK") -> Act:
    length = f"Content-Length: {len(body)}"
    return saying(head(length, "Connection: close", *lines, status=status), body)


def bomb(layers: int) -> bytes:
    """Return gzip of many times its size, wrapped in itself."""
    body = bytes(16 * LIMIT)
    for _ in range(layers):
        body = gzip.compress(body)
    return body


HTML = b"<!doctype html><title>Sign in</title>"
GZIP = "Content-Encoding: gzip"
TROUBLES: dict[str, tuple[Act, int, str]] = {
    "a web page": (plain(HTML, "Content-Type: text/html"), 200, "is not JSON"),
    "a web page that says it is JSON": (plain(HTML), 200, "is not JSON"),
    "nothing": (plain(b""), 200, "is not JSON"),
    "a redirect": (
        plain(b"", "Location: http://127.0.0.1:1/x", status="302 Found"),
        302,
        "a redirect, which is not followed",
    ),
    "a redirect of a post": (
        plain(b"", "Location: https://example.com/", status="307 Temporary Redirect"),
        307,
        "a redirect, which is not followed",
    ),
    "a bomb": (plain(bomb(1), GZIP), 0, "larger than 1048576 bytes"),
    "a bomb in a bomb": (
        plain(bomb(2), "Content-Encoding: gzip, gzip"),
        0,
        "was not asked for",
    ),
    "an unknown packing": (plain(b"xx", "Content-Encoding: br"), 0, "not asked for"),
    "a broken packing": (plain(b"xx", GZIP), 0, "cannot be decompressed"),
    "half a packing": (
        plain(gzip.compress(b"[1]" * 99)[:-9], GZIP),
        0,
        "ends too early",
    ),
    "a body announced as too large": (
        saying(head("Content-Length: 99999999999")),
        0,
        "is larger than",
    ),
    "a body without an end": (never_ending, 0, "is larger than"),
    "silence": (silent, 0, "no answer arrived in time"),
    "a body that stalls": (stalled, 0, "no answer arrived in time"),
    "a connection cut at once": (saying(), 0, "the answer was lost"),
    "a connection cut in the headers": (saying(b"HTTP/1.1 200"), 0, "was lost"),
    "a connection cut in the body": (
        saying(head("Content-Length: 100"), b"[1,"),
        0,
        "was lost",
    ),
    "no HTTP": (saying(b"SSH-2.0-OpenSSH_9.6\r\n"), 0, "was lost"),
    "endless headers": (
        saying(b"HTTP/1.1 200 OK\r\n", b"X: y\r\n" * 50_000),
        0,
        "was lost",
    ),
}


@BOTH
@pytest.mark.parametrize("request_", [READ, CREATE], ids=["read", "write"])
@pytest.mark.parametrize("name", TROUBLES)
def test_each_trouble_ends_in_a_sentence_and_a_record_and_nothing_is_known(
    name: str, request_: requests.Request, ask: Ask
) -> None:
    act, status, words = TROUBLES[name]
    recorded: list[Exchange] = []
    with server(act) as (url, heads), pytest.raises(CodatUnavailable) as caught:
        ask(request_, url, recorded)

    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.safe_to_resend is False
    assert [item.status for item in recorded] == [status]
    assert len(heads) == 1


@BOTH
def test_where_nobody_listens_nothing_was_sent(ask: Ask) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
    recorded: list[Exchange] = []

    with pytest.raises(CodatUnavailable, match="no connection") as caught:
        ask(CREATE, url, recorded)

    assert caught.value.safe_to_resend
    assert [item.status for item in recorded] == [0]


@BOTH
def test_a_name_that_nobody_knows_is_no_connection(ask: Ask) -> None:
    with pytest.raises(CodatUnavailable, match="no connection") as caught:
        ask(CREATE, "http://codat.invalid", [])

    assert caught.value.safe_to_resend


@BOTH
def test_a_server_without_tls_is_no_connection(ask: Ask) -> None:
    with (
        server(plain(b"[]")) as (url, heads),
        pytest.raises(CodatUnavailable, match="no connection") as caught,
    ):
        ask(CREATE, url.replace("http", "https"), [])

    assert caught.value.safe_to_resend
    assert b"expense-transactions" not in b"".join(heads)


@BOTH
def test_a_packed_answer_is_unpacked_and_kept_as_it_reads(ask: Ask) -> None:
    body = b'[{"syncId":"s1"}]'
    recorded: list[Exchange] = []
    packed = gzip.compress(body[:5]) + gzip.compress(body[5:])

    with server(plain(packed, GZIP)) as (url, _):
        assert ask(READ, url, recorded) == body

    assert recorded[0].response_body == body


def test_a_cancelled_task_has_recorded_that_the_answer_was_lost() -> None:
    recorded: list[Exchange] = []

    async def keep(exchange: Exchange) -> None:
        await asyncio.sleep(0)
        recorded.append(exchange)

    async def cancelled(url: str) -> AsyncCodatClient:
        more = {**settings(url, []), "record": keep, "timeout": httpx.Timeout(5)}
        async with AsyncCodatClient.connected(**more) as codat:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(_asked(codat.ask(CREATE)), 0.2)
        return codat

    with server(silent) as (url, _):
        codat = asyncio.run(cancelled(url))

    assert [(item.status, item.request_body) for item in recorded] == [(0, CREATE.body)]
    assert codat.figures().in_flight == {}


async def _asked(awaited: Awaitable[object]) -> None:
    await awaited


def test_a_hosts_own_client_without_timeouts_gets_ours() -> None:
    with (
        server(silent) as (url, _),
        httpx.Client(timeout=None, follow_redirects=True) as http,  # noqa: S113
        pytest.raises(CodatUnavailable, match="no answer arrived in time"),
    ):
        CodatClient(http, **settings(url, [])).ask(READ)


def test_a_hosts_own_client_that_follows_redirections_follows_none_of_ours() -> None:
    with server(plain(b"[]")) as (elsewhere, seen):
        away = plain(b"", f"Location: {elsewhere}/", status="307 Temporary Redirect")
        with (
            server(away) as (url, _),
            httpx.Client(follow_redirects=True) as http,
            pytest.raises(CodatUnavailable, match="not followed"),
        ):
            CodatClient(http, **settings(url, [])).ask(READ)

    assert seen == []


def test_a_host_that_reads_answers_first_hides_nothing() -> None:
    body = b'{"a":1}'

    def read(response: httpx.Response) -> None:
        response.read()

    with (
        server(plain(gzip.compress(body), GZIP)) as (url, _),
        httpx.Client(event_hooks={"response": [read]}) as http,
    ):
        assert CodatClient(http, **settings(url, [])).ask(READ).body == body


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("pack", [gzip.compress, zlib.compress])
def test_a_body_may_arrive_in_any_pieces(
    size: int, pack: Callable[[bytes], bytes]
) -> None:
    whole = pack(b"x" * 5000)
    body = Body(encoding=" GZIP", length="", bytes_max=5000)

    for at in range(0, len(whole), size):
        body.feed(whole[at : at + size])

    assert body.whole() == b"x" * 5000


@pytest.mark.parametrize("encoding", ["", "identity", "gzip"])
def test_one_byte_more_than_the_limit_is_too_much(encoding: str) -> None:
    whole = gzip.compress(b"x" * 5001) if encoding == "gzip" else b"x" * 5001
    body = Body(encoding=encoding, length="", bytes_max=5000)

    with pytest.raises(BodyError, match="larger than 5000 bytes"):
        body.feed(whole)


def test_no_body_at_all_is_no_broken_one() -> None:
    assert Body(encoding="gzip", length="0", bytes_max=5).whole() == b""
