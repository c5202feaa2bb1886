"""Each call ends by its deadline, whatever a server does; nothing false is known."""

import asyncio
import socket
import threading
import time
import tracemalloc
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import attrs
import httpx
import pytest

from reconcile import Reconciler
from reconcile.codat import requests
from reconcile.codat.client.clients import AsyncCodatClient, CodatClient
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.exchange import Exchange
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable
from reconcile.report.wire import to_data
from tests.codat.client.clients import KEY
from tests.codat.client.malicious import (
    CHUNKED,
    JSON,
    LIMIT,
    OK,
    SERVERS,
    Act,
    accepting,
    answer,
    drip,
    flood,
    for_ever,
    only_hear,
    say,
    serving,
)
from tests.sandbox.calls import COMPANY, expense

READ: Final = requests.statuses(COMPANY)
EXPENSE: Final = expense("4d7c6929-7770-412b-91bb-44d3bc71d111")
WRITE: Final = requests.create_expenses(COMPANY, [{"id": "t1"}])
DEADLINE_S: Final = 0.5
SLACK_S: Final = 1.5  # of a machine with more to do
STEP: Final = httpx.Timeout(20.0)  # so what ends a call is its deadline
ONCE: Final = Rerequests(attempts_max=1)
LATE: Final = "no whole answer arrived in 0.5 s"


@attrs.frozen
class Ended:
    """How a call ended, and what was recorded of it."""

    seconds: float
    recorded: list[int]
    body: bytes = b""
    error: CodatUnavailable | None = None


def settings(url: str, recorded: list[Exchange], **more: Any) -> dict[str, Any]:
    return {
        "api_keys": KEY,
        "record": recorded.append,
        "base_url": url,
        "timeout": STEP,
        "deadline_s": DEADLINE_S,
        "rerequests": ONCE,
        "answer_bytes_max": LIMIT,
        **more,
    }


def by_our_own(request: Request, **given: Any) -> bytes:
    with CodatClient.connected(**given) as codat:
        return codat.ask(request).body


def by_a_hosts(request: Request, **given: Any) -> bytes:
    with httpx.Client(timeout=None) as http:  # noqa: S113 - a careless host
        return CodatClient(http, **given).ask(request).body


def in_a_loop(request: Request, **given: Any) -> bytes:
    async def ask() -> bytes:
        async with AsyncCodatClient.connected(**given) as codat:
            return (await codat.ask(request)).body

    return asyncio.run(ask())


WAYS: Final = (by_our_own, by_a_hosts, in_a_loop)
EACH_WAY: Final = pytest.mark.parametrize("ask", WAYS)
Ask = Callable[..., bytes]


def ended(ask: Ask, request: Request, url: str, **more: Any) -> Ended:
    recorded: list[Exchange] = []
    began = time.monotonic()
    body, caught = b"", None
    try:
        body = ask(request, **settings(url, recorded, **more))
    except CodatUnavailable as error:
        caught = error
    seconds = time.monotonic() - began
    return Ended(seconds, [each.status for each in recorded], body, caught)


WORDS: Final = {
    "deadline": LATE,
    "lost": "the answer was lost",
    "body": "the answer ",
    "status": "",
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_call_ends_by_its_deadline_and_tells_what_is_known(name: str) -> None:
    malice = SERVERS[name]
    cases = [(ask, request) for ask in WAYS for request in (READ, WRITE)]
    with serving(malice.act) as (url, heads), ThreadPoolExecutor(len(cases)) as pool:
        calls = [*pool.map(lambda case: ended(case[0], case[1], url), cases)]

    assert max(call.seconds for call in calls) < DEADLINE_S + SLACK_S
    assert len(heads) == len(cases)  # each was sent once, and to nobody else
    for call in calls:
        assert call.recorded == [malice.status]
        if malice.ends == "answer":
            assert call.body == b"[]"
            continue
        assert call.error is not None
        assert WORDS[malice.ends] in str(call.error)
        # Of a rate limit alone is it certain that nothing was carried out.
        assert call.error.safe_to_resend is (malice.status == 429)


def test_the_store_holds_each_write_as_in_doubt_and_no_answer(tmp_path: Path) -> None:
    names = [name for name, malice in SERVERS.items() if malice.ends != "answer"]
    with (
        Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books,
        ThreadPoolExecutor(8) as pool,
    ):

        def sent(name: str) -> tuple[str, int]:
            """Return in which company, and how many of its requests are in doubt."""
            company = str(uuid.uuid4())
            with serving(SERVERS[name].act) as (url, _):
                given = settings(url, []) | {"record": books.record}
                with CodatClient.connected(**given) as codat:
                    dispatch = books.dispatch(codat.ask, actor="tests")
                    with pytest.raises(CodatUnavailable):
                        dispatch.send(requests.create_expenses(company, [EXPENSE]))
            return company, len(dispatch.in_doubt(company))

        found = [*pool.map(sent, names)]
        report = to_data(books.report())

    # A rate limit alone says that nothing was carried out.
    expected = [0 if SERVERS[name].status == 429 else 1 for name in names]
    assert [in_doubt for _, in_doubt in found] == expected
    assert report["syncs"] == []
    assert report["totals"]["matched"] == 0
    assert len({item["company_id"] for item in report["items"]}) == len(names)


@EACH_WAY
def test_a_read_that_was_late_is_asked_again(ask: Ask) -> None:
    acts = iter([only_hear, answer(b"[1]")])
    rules = Rerequests(attempts_max=2, backoff_s=0.01)

    def act(peer: socket.socket) -> None:
        next(acts)(peer)

    with serving(act) as (url, _):
        call = ended(ask, READ, url, rerequests=rules)

    assert call.body == b"[1]"
    assert call.recorded == [0, 200]


@EACH_WAY
def test_a_write_that_was_late_is_sent_no_second_time(ask: Ask) -> None:
    with serving(only_hear) as (url, heads):
        call = ended(ask, WRITE, url, rerequests=Rerequests(backoff_s=0.01))

    assert call.recorded == [0]
    assert len(heads) == 1


def never_shaking_hands(peer: socket.socket) -> None:
    only_hear(peer)


def shaking_hands_for_ever(peer: socket.socket) -> None:
    peer.recv(65536)
    drip(b"\x16\x03\x03\x3f\xff", for_ever(b"\x02"))(peer)  # of a long message


@EACH_WAY
@pytest.mark.parametrize(
    "talk",
    [never_shaking_hands, shaking_hands_for_ever, say(OK + b"\r\n[]", then="wait")],
    ids=["silence", "a drip", "no TLS"],
)
def test_nothing_was_sent_where_no_handshake_ended(talk: Act, ask: Ask) -> None:
    with accepting(talk) as at:
        call = ended(ask, WRITE, f"https://{at}")

    assert call.seconds < DEADLINE_S + SLACK_S
    assert call.error is not None
    assert call.error.safe_to_resend
    assert "no connection" in str(call.error)
    assert call.recorded == [0]


@EACH_WAY
def test_nothing_was_sent_where_nobody_lets_us_in(ask: Ask) -> None:
    with ExitStack() as opened:
        full = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host, port = full.getsockname()
        for _ in range(4):  # nobody is let in who comes after them
            before = opened.enter_context(socket.socket())
            before.setblocking(False)
            before.connect_ex((host, port))
        call = ended(ask, WRITE, f"http://{host}:{port}")

    assert call.seconds < DEADLINE_S + SLACK_S
    assert call.error is not None
    assert call.error.safe_to_resend


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


@pytest.mark.parametrize(
    "act",
    [
        flood(CHUNKED, b"1\r\n \r\n" * 9999),
        flood(OK + JSON + b"\r\n", b" " * 65536),
        flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 1000),
    ],
    ids=["the smallest pieces", "large ones", "interim answers"],
)
def test_a_flood_takes_little_more_memory_than_an_answer_may(act: Act) -> None:
    with serving(act) as (url, _):
        tracemalloc.start()
        try:
            call = ended(by_our_own, READ, url, deadline_s=2.0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert call.error is not None
    assert peak < 8 * LIMIT
