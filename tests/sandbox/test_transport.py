"""The sandbox behind httpx, with no socket: sync and async, slow and lost answers."""

import asyncio
from base64 import b64encode
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconcile.sandbox import Call, Response, Sandbox, Settings
from reconcile.sandbox.asgi import App, Running
from reconcile.sandbox.messages import BODY_BYTES_MAX, answer
from reconcile.sandbox.scenarios import Scenario
from reconcile.sandbox.transport import Transport
from tests.sandbox.calls import BASE, COMPANY, expense

API = "https://api.codat.io"


def client(sandbox: Sandbox, **more: Any) -> httpx.Client:
    return httpx.Client(transport=sandbox.transport(), base_url=API, **more)


def basic(key: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(key.encode()).decode()}"}


def echo(call: Call) -> Response:
    """Response with what arrived, but for the headers that are a client's own."""
    ours = {name: value for name, value in call.headers.items() if name[:2] == "x-"}
    return answer(
        200,
        [call.method, call.path, dict(call.query), ours, call.body.decode()],
    )


def answering(created: Response) -> tuple[Transport, list[float]]:
    """Return a transport that answers one thing, and the waits it has seen."""
    waits: list[float] = []
    return (
        Transport(
            lambda _: created, wait=lambda wait: waits.append(wait.total_seconds())
        ),
        waits,
    )


def test_a_client_pushes_and_reads_as_it_would_at_codat() -> None:
    sandbox = Sandbox()
    with client(sandbox) as codat:
        created = codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])
        sandbox.advance(timedelta(minutes=1))
        sync_id = created.json()["syncId"]
        status = codat.get(f"{BASE}/syncs/{sync_id}/status")

    assert created.headers["content-type"].startswith("application/json")
    assert status.json()["syncStatusCode"] == 2000
    assert sandbox.books.hold(COMPANY, "t1")


def test_an_async_client_takes_the_same_transport() -> None:
    sandbox = Sandbox()

    async def pushed() -> httpx.Response:
        async with httpx.AsyncClient(
            transport=sandbox.transport(), base_url=API
        ) as codat:
            return await codat.post(
                f"{BASE}/expense-transactions", json=[expense("t1")]
            )

    assert asyncio.run(pushed()).status_code == 200
    assert len(sandbox.companies[COMPANY].syncs) == 1


def test_both_faces_hand_on_a_request_alike() -> None:
    request: dict[str, Any] = {
        "method": "POST",
        "url": f"{API}/a%20b/ö?page=2&empty=&page=3&q=a%26b",
        "headers": [("X-One", "1"), ("X-Two", "a"), ("X-Two", "b")],
        "content": b"body",
    }
    app: Any = App(echo, Running(lambda _: None, 0))
    transport = Transport(echo, wait=lambda _: None)

    async def through_asgi() -> Any:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as codat:
            return (await codat.request(**request)).json()

    with httpx.Client(transport=transport) as codat:
        through_transport = codat.request(**request).json()

    query = {"page": "3", "empty": "", "q": "a&b"}
    headers = {"x-one": "1", "x-two": "a, b"}
    assert through_transport == ["POST", "/a b/ö", query, headers, "body"]
    assert asyncio.run(through_asgi()) == through_transport


def test_a_body_that_is_streamed_arrives_whole() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"a"
        yield b"b"

    transport = Transport(echo, wait=lambda _: None)
    with httpx.Client(transport=transport) as codat:
        assert codat.post(API, content=pieces()).json()[-1] == "ab"


def test_a_lost_answer_is_a_read_timeout_after_the_clients_patience() -> None:
    transport, waits = answering(Response(status=200, lost=True))

    with (
        httpx.Client(transport=transport, timeout=7) as codat,
        pytest.raises(httpx.ReadTimeout),
    ):
        codat.get(API)

    assert waits == [7]


def test_a_lost_answer_ends_even_the_wait_of_a_client_without_a_timeout() -> None:
    transport, waits = answering(Response(status=200, lost=True))

    with (
        httpx.Client(transport=transport, timeout=None) as codat,  # noqa: S113 - that is what is tested
        pytest.raises(httpx.ReadTimeout),
    ):
        codat.get(API)

    assert waits == [0]


def test_a_slow_answer_takes_the_sandboxs_time() -> None:
    transport, waits = answering(Response(status=200, delay_s=4))

    with httpx.Client(transport=transport, timeout=5) as codat:
        assert codat.get(API).status_code == 200

    assert waits == [4]


def test_an_answer_slower_than_the_clients_patience_is_a_read_timeout() -> None:
    transport, waits = answering(Response(status=200, delay_s=6))

    with (
        httpx.Client(transport=transport, timeout=5) as codat,
        pytest.raises(httpx.ReadTimeout),
    ):
        codat.get(API)

    assert waits == [5]


def test_a_slow_answer_given_up_on_conflicts_until_it_is_made() -> None:
    sandbox = Sandbox(scenario=Scenario(name="slow", slow=1), seed=3)
    headers = {"Idempotency-Key": "0f8fad5b-d9cb-469f-a165-70867728950e"}
    with client(sandbox, headers=headers, timeout=0.5) as codat:

        def posted() -> httpx.Response:
            return codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])

        with pytest.raises(httpx.ReadTimeout):
            posted()
        early = posted()
        sandbox.advance(timedelta(seconds=20))
        late = posted()

    assert (early.status_code, late.status_code) == (409, 200)
    assert len(sandbox.companies[COMPANY].syncs) == 1


@pytest.mark.parametrize(("size", "status"), [(0, 400), (1, 413)])
def test_a_body_over_the_limit_is_refused(size: int, status: int) -> None:
    with client(Sandbox()) as codat:
        created = codat.post(
            f"{BASE}/expense-transactions", content=b" " * (BODY_BYTES_MAX + size)
        )

    assert created.status_code == created.json()["statusCode"] == status


@pytest.mark.parametrize("headers", [{}, {"Authorization": "xxx"}, basic("any")])
def test_without_keys_any_header_passes_or_none(headers: dict[str, str]) -> None:
    with client(Sandbox(), headers=headers) as codat:
        assert codat.get("/companies").status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic("first"), 200),
        (basic("second"), 200),
        (basic("third"), 401),
        (basic("first:"), 401),
        ({"Authorization": basic("first")["Authorization"].lower()}, 401),
        ({"Authorization": "Bearer first"}, 401),
        ({"Authorization": "Basic"}, 401),
        ({"Authorization": "Basic ö".encode()}, 401),
        ({}, 401),
    ],
)
def test_with_keys_the_header_must_carry_one(headers: Any, status: int) -> None:
    sandbox = Sandbox(settings=Settings(api_keys=("first", "second")))

    with client(sandbox, headers=headers) as codat:
        created = codat.get("/companies")

    assert created.status_code == status
    assert created.headers["X-Rate-Limit-Remaining"] == (
        "999" if status == 200 else "1000"
    )
