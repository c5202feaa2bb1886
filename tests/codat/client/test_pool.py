"""Connections that are used again: each call ends its own, and hears its own answer."""

import asyncio
import os
import socket
import ssl
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.client.deadlines import within
from reconcile.codat.exchange import Exchange
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable
from tests.codat.client.callers import (
    DEADLINE_S,
    EACH_WAY,
    LATE,
    READ,
    SLACK_S,
    WRITE,
    Ask,
    by_our_own,
    in_a_loop,
    settings,
)
from tests.codat.client.malicious import (
    OK,
    SERVERS,
    Act,
    accepting,
    answer,
    drip,
    for_ever,
    only_hear,
    say,
    serving,
)


def after_an_answer(act: Act) -> Act:
    """Return what answers a first request, and does this to the next."""

    def talk(peer: socket.socket) -> None:
        answer(b"[]")(peer)
        assert peer.recv(65536)
        act(peer)

    return talk


@EACH_WAY
def test_a_connection_that_is_used_again_ends_by_the_deadline(ask: Ask) -> None:
    """Of such a one, httpx says nothing: the socket is found by its timeout."""
    late = after_an_answer(drip(OK, for_ever(b"a: b\r\n")))
    recorded: list[Exchange] = []
    with serving(late) as (url, heads):
        given = settings(url, recorded)
        if ask is in_a_loop:
            began = asyncio.run(twice_in_a_loop(given))
        elif ask is by_our_own:
            with CodatClient.connected(**given) as codat:
                began = twice(codat)
        else:
            with httpx.Client() as http:
                began = twice(CodatClient(http, **given))
        seconds = time.monotonic() - began

    assert seconds < DEADLINE_S + SLACK_S
    assert [exchange.status for exchange in recorded] == [200, 0]
    assert len(heads) == 1  # over the same connection


def twice(codat: CodatClient) -> float:
    codat.ask(READ)
    began = time.monotonic()
    with pytest.raises(CodatUnavailable, match=LATE):
        codat.ask(WRITE)
    return began


async def twice_in_a_loop(given: dict[str, Any]) -> float:
    async with AsyncCodatClient.connected(**given) as codat:
        await codat.ask(READ)
        began = time.monotonic()
        with pytest.raises(CodatUnavailable, match=LATE):
            await codat.ask(WRITE)
    return began


def test_a_call_that_is_late_ends_no_other_of_the_pool() -> None:
    """Connections are lent to calls in any order: each loses its own alone."""
    begin = threading.Barrier(8)

    def talk(peer: socket.socket) -> None:
        begin.wait()  # so that there are eight connections
        answer(b"[]")(peer)
        while head := peer.recv(65536):
            if b"POST" in head:
                only_hear(peer)
            time.sleep(3 * DEADLINE_S)
            answer(b"[2]")(peer)

    recorded: list[Exchange] = []
    with (
        serving(talk) as (url, heads),
        httpx.Client() as http,
        ThreadPoolExecutor(8) as pool,
    ):
        patient = CodatClient(http, **settings(url, recorded, deadline_s=30.0))
        hasty = CodatClient(http, **settings(url, recorded))
        assert len([*pool.map(patient.ask, [READ] * 8)]) == 8
        late = [pool.submit(hasty.ask, WRITE) for _ in range(4)]
        slow = [pool.submit(patient.ask, READ) for _ in range(4)]

        assert all(LATE in str(call.exception()) for call in late)
        assert [call.result().body for call in slow] == [b"[2]"] * 4
        assert len(heads) == 8


TWICE: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[1]" + (
    b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[2]"  # nobody asked
)


@pytest.mark.parametrize("later_s", [0, 0.1], ids=["at once", "in between"])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
@pytest.mark.parametrize("ask", [by_our_own, in_a_loop])
def test_what_a_server_says_unasked_is_no_answer(
    ask: Ask, request_: Request, later_s: float
) -> None:
    def talk(peer: socket.socket) -> None:
        first, second = TWICE[: len(TWICE) // 2], TWICE[len(TWICE) // 2 :]
        say(*((first, second) if later_s else (TWICE,)), then="wait")(peer)

    recorded: list[Exchange] = []
    with serving(talk) as (url, heads):
        given = settings(url, recorded)
        bodies = (
            asyncio.run(two_in_a_loop(request_, later_s, given))
            if ask is in_a_loop
            else two(request_, later_s, given)
        )

    # Either it was seen in time and a new connection was asked, or the answer is lost.
    assert bodies in ([b"[1]", b"[1]"], [b"[1]", None])
    assert [each.status for each in recorded] == [200, 200 if bodies[1] else 0]
    assert len(heads) == (2 if bodies[1] else 1)


def two(request: Request, later_s: float, given: dict[str, Any]) -> list[bytes | None]:
    bodies: list[bytes | None] = []
    with CodatClient.connected(**given) as codat:
        bodies.append(codat.ask(READ).body)
        time.sleep(later_s)
        try:
            bodies.append(codat.ask(request).body)
        except CodatUnavailable:
            bodies.append(None)
    return bodies


async def two_in_a_loop(
    request: Request, later_s: float, given: dict[str, Any]
) -> list[bytes | None]:
    bodies: list[bytes | None] = []
    async with AsyncCodatClient.connected(**given) as codat:
        bodies.append((await codat.ask(READ)).body)
        await asyncio.sleep(later_s)
        try:
            bodies.append((await codat.ask(request)).body)
        except CodatUnavailable:
            bodies.append(None)
    return bodies


def test_a_call_may_be_stopped_from_another_thread() -> None:
    recorded: list[Exchange] = []
    with (
        serving(drip(OK, for_ever(b"a: b\r\n"))) as (url, heads),
        CodatClient.connected(**settings(url, recorded, deadline_s=60.0)) as codat,
        ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(codat.ask, WRITE)
        while not heads:
            time.sleep(0.01)
        began = time.monotonic()
        codat.stop()
        error = call.exception(timeout=10)
        seconds = time.monotonic() - began
        with pytest.raises(CodatUnavailable, match="stopped") as later:
            codat.ask(WRITE)

    assert seconds < SLACK_S
    assert isinstance(error, CodatUnavailable)
    assert not error.safe_to_resend
    assert later.value.safe_to_resend
    assert len(heads) == 1
    assert [exchange.status for exchange in recorded] == [0, 0]


def without_certificates(side: int) -> ssl.SSLContext:
    """Return TLS that asks nobody who he is: no certificate need be made."""
    context = ssl.SSLContext(side)
    if side == ssl.PROTOCOL_TLS_CLIENT:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("aNULL:@SECLEVEL=0")
    return context


def secured(act: Act, *, after: bytes = b"") -> Act:
    """Return what does the same over TLS, once a request has come."""
    context = without_certificates(ssl.PROTOCOL_TLS_SERVER)

    def talk(peer: socket.socket) -> None:
        peer.sendall(after)
        with context.wrap_socket(peer, server_side=True) as secure:
            secure.recv(65536)
            act(secure)

    return talk


@pytest.mark.parametrize("again", [False, True], ids=["a first call", "a second one"])
@pytest.mark.parametrize(
    "name",
    ["silence", "headers that drip", "103s without an end", "a body that drips"],
)
def test_a_call_over_tls_ends_by_its_deadline(name: str, again: bool) -> None:
    act = SERVERS[name].act
    recorded: list[Exchange] = []
    with (
        accepting(secured(after_an_answer(act) if again else act)) as at,
        httpx.Client(verify=without_certificates(ssl.PROTOCOL_TLS_CLIENT)) as http,
    ):
        codat = CodatClient(http, **settings(f"https://{at}", recorded))
        if again:
            assert codat.ask(READ).body == b"[]"
        began = time.monotonic()
        with pytest.raises(CodatUnavailable, match=LATE) as caught:
            codat.ask(WRITE)
        seconds = time.monotonic() - began

    assert seconds < DEADLINE_S + SLACK_S
    assert not caught.value.safe_to_resend
    assert [exchange.status for exchange in recorded] == [*([200] * again), 0]


def test_what_is_said_unasked_over_tls_is_no_answer() -> None:
    with (
        accepting(secured(say(TWICE, then="wait"))) as at,
        httpx.Client(verify=without_certificates(ssl.PROTOCOL_TLS_CLIENT)) as http,
    ):
        codat = CodatClient(http, **settings(f"https://{at}", []))
        assert codat.ask(READ).body == b"[1]"
        with pytest.raises(CodatUnavailable, match="before it was asked for"):
            codat.ask(READ)


TUNNEL: Final = b"HTTP/1.1 200 Connected\r\n\r\n"


@pytest.mark.parametrize(
    ("tunnel", "sent"),
    [
        (drip(OK, for_ever(b"a: b\r\n")), False),
        (say(TUNNEL, then="wait"), False),
        (secured(drip(OK, for_ever(b"a: b\r\n")), after=TUNNEL), True),
    ],
    ids=["its own answer drips", "no handshake", "the answer behind it drips"],
)
def test_a_call_through_a_proxy_ends_by_its_deadline(tunnel: Act, sent: bool) -> None:
    def talk(peer: socket.socket) -> None:
        assert peer.recv(65536).startswith(b"CONNECT codat.example:443")
        tunnel(peer)

    trusting = without_certificates(ssl.PROTOCOL_TLS_CLIENT)
    with (
        accepting(talk) as at,
        httpx.Client(proxy=f"http://{at}", verify=trusting) as http,
    ):
        codat = CodatClient(http, **settings("https://codat.example", []))
        began = time.monotonic()
        with pytest.raises(CodatUnavailable, match=r"in 0\.7 s") as caught:
            codat.ask(WRITE)
        seconds = time.monotonic() - began

    assert seconds < DEADLINE_S + SLACK_S
    assert caught.value.safe_to_resend is not sent


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_ends_no_call_of_its_parent() -> None:
    """They share the connections: what one shuts is shut for the other."""
    begun = threading.Event()

    def slowly(peer: socket.socket) -> None:
        begun.set()
        time.sleep(DEADLINE_S / 2)
        answer(b"[]")(peer)
        assert peer.recv(65536)
        time.sleep(2 * DEADLINE_S)
        answer(b"[]")(peer)

    with serving(slowly) as (url, heads), httpx.Client() as http:
        brief = CodatClient(http, **settings(url, []))
        patient = CodatClient(http, **settings(url, [], deadline_s=30.0))
        with ThreadPoolExecutor() as threads:
            first = threads.submit(brief.ask, READ)
            assert begun.wait(10)
            child = os.fork()
            if not child:  # pragma: no cover - in another process
                with within(30.0):
                    time.sleep(4 * DEADLINE_S)
                os._exit(0)
            assert first.result().body == b"[]"
        second = patient.ask(READ).body
        os.waitpid(child, 0)

    assert second == b"[]"
    assert len(heads) == 1  # over the same connection


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="this system has none")
def test_a_call_over_a_socket_of_the_machines_own_ends_by_the_deadline(
    tmp_path: Path,
) -> None:
    path = str(tmp_path / "codat")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        with (
            httpx.Client(transport=httpx.HTTPTransport(uds=path)) as http,
            ThreadPoolExecutor() as threads,
        ):
            codat = CodatClient(http, **settings("http://127.0.0.1", []))
            began = time.monotonic()
            asked = threads.submit(codat.ask, READ)
            peer, _ = listening.accept()
            threads.submit(drip(OK, for_ever(b"a: b\r\n")), peer)
            with pytest.raises(CodatUnavailable, match=LATE):
                asked.result()
            seconds = time.monotonic() - began
            peer.close()

    assert seconds < DEADLINE_S + SLACK_S
