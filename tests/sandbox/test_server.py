"""The sandbox behind a real port: time that runs, answers that never come."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from reconcile.errors import UsageError
from reconcile.sandbox import Response, Sandbox, Settings
from reconcile.sandbox.asgi import App, Running
from reconcile.sandbox.messages import BODY_BYTES_MAX
from reconcile.sandbox.scenarios import Scenario
from reconcile.sandbox.server import serving
from tests.sandbox.calls import BASE, COMPANY, create_expenses, expense

WAIT_MAX_S = 10


@contextmanager
def consumer(act: Callable[[], None]) -> Iterator[tuple[str, list[bytes]]]:
    """Yield a URL that takes deliveries, acting on each first; and their bodies."""
    taken: list[bytes] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            act()
            taken.append(body)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", taken
        finally:
            server.shutdown()
            thread.join()


def until(holds: Callable[[], bool]) -> bool:
    """Return whether something comes to hold in time."""
    give_up_at = time.monotonic() + WAIT_MAX_S
    while not holds() and time.monotonic() < give_up_at:
        time.sleep(0.01)
    return holds()


def test_a_sync_ends_by_itself_as_time_runs() -> None:
    sandbox = Sandbox()

    with serving(sandbox, speed=100) as url, httpx.Client(base_url=url) as codat:
        created = codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])
        path = f"{BASE}/syncs/{created.json()['syncId']}/status"
        ended = until(lambda: codat.get(path).json()["syncStatus"] == "Complete")

    assert ended
    assert sandbox.books.hold(COMPANY, "t1")


def test_at_speed_nought_time_stands_still_until_it_is_moved() -> None:
    sandbox = Sandbox()

    with serving(sandbox, speed=0) as url, httpx.Client(base_url=url) as codat:
        created = codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])
        path = f"{BASE}/syncs/{created.json()['syncId']}/status"
        before = codat.get(path).json()["syncStatus"]
        sandbox.advance(timedelta(minutes=1))
        after = codat.get(path).json()["syncStatus"]

    assert (before, after) == ("NotStarted", "Complete")


def test_time_stops_with_the_server() -> None:
    sandbox = Sandbox()
    with serving(sandbox, speed=1000):
        assert until(lambda: sandbox.now > Sandbox().now)

    stopped_at = sandbox.now
    time.sleep(0.1)

    assert sandbox.now == stopped_at


@pytest.mark.parametrize("rates", [{"calls_cut": 1}, {"answers_lost": 1}])
def test_a_lost_answer_closes_the_connection(
    rates: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    sandbox = Sandbox(scenario=Scenario(name="deaf", **rates))

    with (
        serving(sandbox) as url,
        httpx.Client(base_url=url) as codat,
        pytest.raises(httpx.RemoteProtocolError),
    ):
        codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])

    assert len(sandbox.companies) == ("answers_lost" in rates)
    assert caplog.records == []


def test_a_slow_answer_is_waited_for_at_the_speed_of_time() -> None:
    app: Any = App(
        lambda _: Response(status=200, delay_s=20), Running(lambda _: None, speed=100)
    )

    async def answered() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as codat:
            return await codat.get("https://api.codat.io/companies")

    assert asyncio.run(answered()).elapsed >= timedelta(seconds=0.2)


def test_a_slow_answer_takes_the_sandboxs_time_where_it_stands_still() -> None:
    sandbox = Sandbox(scenario=Scenario(name="slow", slow=1))
    began = sandbox.now

    with serving(sandbox, speed=0) as url:
        assert httpx.get(f"{url}/companies").status_code == 200

    assert timedelta(seconds=1) <= sandbox.now - began <= timedelta(seconds=20)


def test_a_consumer_may_ask_back_before_it_takes_a_webhook() -> None:
    sandbox = Sandbox(settings=Settings(quotas=False))
    with serving(sandbox, speed=200) as url, httpx.Client(base_url=url) as codat:
        asked: list[int] = []

        def ask_back() -> None:
            path = f"{BASE}/syncs/latest/status"
            asked.append(httpx.get(f"{url}{path}").json()["syncStatusCode"])

        with consumer(ask_back) as (target, taken):
            codat.post("/webhooks", json={"url": target})
            codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])
            delivered = until(lambda: bool(taken))

    assert delivered
    assert asked == [2000]


def test_calls_are_answered_while_a_consumer_takes_its_time() -> None:
    sandbox = Sandbox()
    called, answered = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        answered.wait(WAIT_MAX_S)

    with (
        serving(sandbox, speed=200) as url,
        httpx.Client(base_url=url) as codat,
        consumer(hang) as (target, taken),
    ):
        codat.post("/webhooks", json={"url": target})
        codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])
        assert called.wait(WAIT_MAX_S)
        status = codat.get(f"{BASE}/syncs/latest/status").json()
        answered.set()
        assert until(lambda: bool(taken))

    assert status["syncStatus"] == "Complete"


def test_a_body_over_the_limit_is_read_to_its_end_and_refused() -> None:
    with serving(Sandbox()) as url:
        created = httpx.post(
            f"{url}{BASE}/expense-transactions", content=b" " * (2 * BODY_BYTES_MAX)
        )

    assert created.status_code == created.json()["statusCode"] == 413


def test_an_answer_without_a_body_has_none() -> None:
    sandbox = Sandbox()
    sandbox.company(COMPANY)

    with serving(sandbox) as url:
        created = httpx.delete(f"{url}/companies/{COMPANY}")

    assert (created.status_code, created.content) == (204, b"")
    assert "content-length" not in created.headers


def test_a_port_in_use_is_wrong_usage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        with (
            pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 is in use"),
            serving(Sandbox(), port=port),
        ):
            pass


@pytest.mark.parametrize("host", ["203.0.113.9", "nowhere.invalid"])
def test_a_host_that_is_not_here_is_wrong_usage(host: str) -> None:
    with (
        pytest.raises(UsageError, match=f"cannot listen on port 0 of {host}: "),
        serving(Sandbox(), host=host),
    ):
        pass


def test_a_server_on_ipv6_tells_a_url_that_can_be_asked() -> None:
    if not socket.has_ipv6:
        pytest.skip("This machine has no IPv6.")

    with serving(Sandbox(), host="::1") as url:
        assert url.startswith("http://[::1]:")
        assert httpx.get(f"{url}/companies").status_code == 200


def test_the_app_refuses_what_is_not_http() -> None:
    app = Sandbox().app()

    async def receive() -> dict[str, Any]:
        return {}

    async def send(_: Any) -> None: ...

    with pytest.raises(RuntimeError, match="speaks HTTP, not websocket"):
        asyncio.run(app({"type": "websocket"}, receive, send))


def test_a_client_that_goes_before_its_body_is_there_is_not_answered() -> None:
    sandbox = Sandbox()
    result: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        result.append(message)

    asyncio.run(sandbox.app()({"type": "http"}, receive, send))

    assert result == []


@pytest.mark.filterwarnings(
    # That is how the thread says why.
    "ignore::pytest.PytestUnhandledThreadExceptionWarning"
)
def test_an_error_that_stops_time_is_told_to_the_next_call() -> None:
    sandbox = Sandbox()

    def broken() -> None:
        raise RuntimeError("a bug of the sandbox's")

    with serving(sandbox) as url:
        sandbox.clock.after(0, broken)
        stopped = until(
            lambda: httpx.get(f"{url}/companies").status_code == 500,
        )

    assert stopped


def test_a_sandbox_is_moved_on_by_one_thread_at_a_time() -> None:
    sandbox = Sandbox(settings=Settings(quotas=False))

    with serving(sandbox, speed=1000):
        for number in range(50):
            create_expenses(sandbox, f"t{number}")
            sandbox.advance(timedelta(seconds=30))

    assert all(sandbox.books.hold(COMPANY, f"t{number}") for number in range(45))


def test_a_delivery_needs_no_lock_where_the_clock_is_moved_by_itself() -> None:
    sandbox = Sandbox()
    sandbox.app()
    create_expenses(sandbox, "t1")

    with consumer(lambda: None) as (target, taken):
        sandbox.webhooks.subscribe(target)
        sandbox.clock.advance(sandbox.now + timedelta(minutes=1))

    assert len(taken) == 1
