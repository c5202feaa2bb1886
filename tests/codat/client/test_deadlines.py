"""Each call ends by its deadline, whatever a server does; nothing false is known."""

import socket
import tracemalloc
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from reconcile import Reconciler
from reconcile.codat import requests
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable
from reconcile.report.wire import to_data
from tests.codat.client.callers import (
    DEADLINE_S,
    EACH_WAY,
    EXPENSE,
    LATE,
    READ,
    SLACK_S,
    WAYS,
    WRITE,
    Ask,
    Ended,
    by_our_own,
    call_ended,
    settings,
)
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
    # What ends by itself is given time, on a machine with more to do.
    deadline_s = DEADLINE_S if malice.ends == "deadline" else 20.0

    def asked(case: tuple[Ask, Request]) -> Ended:
        return call_ended(*case, url, deadline_s=deadline_s)

    with serving(malice.act) as (url, heads), ThreadPoolExecutor(len(cases)) as pool:
        calls = [*pool.map(asked, cases)]

    assert max(call.seconds for call in calls) < deadline_s + SLACK_S
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
        call = call_ended(ask, READ, url, rerequests=rules)

    assert call.body == b"[1]"
    assert call.recorded == [0, 200]


@EACH_WAY
def test_a_write_that_was_late_is_sent_no_second_time(ask: Ask) -> None:
    with serving(only_hear) as (url, heads):
        call = call_ended(ask, WRITE, url, rerequests=Rerequests(backoff_s=0.01))

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
        call = call_ended(ask, WRITE, f"https://{at}")

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
        call = call_ended(ask, WRITE, f"http://{host}:{port}")

    assert call.seconds < DEADLINE_S + SLACK_S
    assert call.error is not None
    assert call.error.safe_to_resend


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
            call = call_ended(by_our_own, READ, url, deadline_s=2.0)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert call.error is not None
    assert peak < 8 * LIMIT
