"""The ASGI app, driven by httpx and by hand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from reconcile.endpoint import AsgiApp, Limits, WebhookEndpoint
from reconcile.endpoint.receive import DISCARDED_BYTES_MAX
from tests.endpoint.deliveries import (
    PATH,
    apart,
    endpoint,
    evidence_count,
    signed,
    webhook,
)

Ask = Callable[[httpx.AsyncClient], Any]


def asked(hooks: WebhookEndpoint, ask: Ask, **given: Any) -> httpx.Response:
    """Return what the app answers."""

    async def answered() -> httpx.Response:
        transport = httpx.ASGITransport(AsgiApp(hooks, **given))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://app"
        ) as codat:
            response: httpx.Response = await ask(codat)
            return response

    return asyncio.run(answered())


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", PATH, 405, "POST"),
        ("PUT", PATH, 405, "POST"),
        ("POST", f"{PATH}/", 401, None),
        ("POST", f"{PATH}//", 404, None),
        ("POST", f"{PATH}s", 404, None),
        ("POST", "/", 404, None),
        ("GET", "/healthz", 200, None),
        ("HEAD", "/healthz", 200, None),
        ("POST", "/healthz", 405, "GET, HEAD"),
    ],
)
def test_other_paths_and_methods_are_told_so(
    tmp_path: Path, method: str, path: str, status: int, allow: str | None
) -> None:
    with endpoint(tmp_path) as hooks:
        result = asked(hooks, lambda codat: codat.request(method, path))

    assert (result.status_code, result.headers.get("allow")) == (status, allow)


@pytest.mark.parametrize("header", ["webhook-id", "svix-id"])
def test_a_delivery_to_another_path_is_counted_and_logged_once_a_minute(
    tmp_path: Path, header: str, caplog: pytest.LogCaptureFixture
) -> None:
    with endpoint(tmp_path) as hooks:
        answers = [
            asked(
                hooks,
                lambda codat: codat.post(
                    "/webhooks/codats", headers={header: "m"}, content=b"{}"
                ),
            ).status_code
            for _ in range(3)
        ]
        asked(hooks, lambda codat: codat.post("/elsewhere", content=b"{}"))

    reason = "it came to another path than the endpoint's, such as /webhooks/codat"
    assert answers == [404] * 3
    assert apart(tmp_path) == [(reason, 2)] * 3
    warnings = [r for r in caplog.records if r.levelname == "WARNING"]
    assert [record.getMessage() for record in warnings] == [
        f"delivery refused: {reason}",
        f"delivery refused: {reason}: 2 more, not logged",
    ]


def test_a_body_of_50_mb_is_refused_by_the_length_it_declares(tmp_path: Path) -> None:
    size = 50 * 2**20
    with endpoint(tmp_path) as hooks:
        result = asked(hooks, lambda codat: codat.post(PATH, content=bytes(size)))

    assert (result.status_code, result.headers["connection"]) == (413, "close")
    assert apart(tmp_path) == [("the body is over the limit of 5242880 bytes", size)]


@pytest.mark.parametrize("digits", [19, 5000])
def test_a_length_beyond_counting_is_too_long(tmp_path: Path, digits: int) -> None:
    headers = {"content-length": "9" * digits}
    with endpoint(tmp_path) as hooks:
        result = asked(hooks, lambda codat: codat.post(PATH, headers=headers))

    assert result.status_code == 413
    assert apart(tmp_path) == [("the body is over the limit of 5242880 bytes", 10**18)]


def test_a_body_without_a_length_is_read_up_to_the_limit(tmp_path: Path) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        while True:
            taken += 1
            yield bytes(2**16)

    with endpoint(tmp_path, limits=Limits(body_bytes_max=2**20)) as hooks:
        result = asked(hooks, lambda codat: codat.post(PATH, content=endless()))

    assert result.status_code == 413
    assert apart(tmp_path) == [
        ("the body is over the limit of 1048576 bytes", 17 * 2**16)
    ]
    assert taken * 2**16 <= DISCARDED_BYTES_MAX + 2**21


def test_a_body_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    async def slow() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.02)

    with endpoint(tmp_path, limits=Limits(read_wait_s=0.2)) as hooks:
        result = asked(hooks, lambda codat: codat.post(PATH, content=slow()))

    assert (result.status_code, result.headers["connection"]) == (408, "close")
    ((reason, size),) = apart(tmp_path)
    assert reason == "the body took over 0.2 s to arrive"
    assert size >= 1


def test_a_forged_delivery_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks:
        result = asked(hooks, lambda codat: codat.post(PATH, content=b"{}"))

    assert (result.status_code, result.text) == (401, "The delivery is not signed.\n")


def test_a_signed_delivery_is_kept(tmp_path: Path) -> None:
    body = webhook()
    with endpoint(tmp_path) as hooks:
        result = asked(
            hooks, lambda codat: codat.post(PATH, content=body, headers=signed(body))
        )

    assert (result.status_code, result.content, evidence_count(tmp_path)) == (
        204,
        b"",
        1,
    )


def test_a_mounted_app_is_asked_for_its_own_path(tmp_path: Path) -> None:
    body = webhook()
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/codat/hooks",
        "root_path": "/codat",
        "headers": [(k.encode(), v.encode()) for k, v in signed(body).items()],
    }
    with endpoint(tmp_path) as hooks:
        asyncio.run(AsgiApp(hooks, path="/hooks")(scope, receive, send))

    assert sent[0]["status"] == 204


def test_a_client_that_has_gone_is_not_answered_but_counted(tmp_path: Path) -> None:
    sent: list[Any] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": PATH, "headers": []}
    with endpoint(tmp_path) as hooks:
        asyncio.run(AsgiApp(hooks)(scope, receive, send))

    assert sent == []
    assert apart(tmp_path) == [("the body ended before its length", 0)]


def test_a_crowd_puts_deliveries_off_and_hears_that_the_service_is_alive(
    tmp_path: Path,
) -> None:
    async def ask(codat: httpx.AsyncClient) -> httpx.Response:
        alive = await codat.get("/healthz")
        assert alive.status_code == 200
        return await codat.post(PATH, content=webhook(), headers=signed(webhook()))

    with endpoint(tmp_path) as hooks:
        result = asked(hooks, ask, crowded=lambda: True)

    assert (result.status_code, result.headers["retry-after"]) == (503, "30")
    assert (evidence_count(tmp_path), apart(tmp_path)) == (0, [])


def test_the_end_of_the_server_closes_the_endpoint(tmp_path: Path) -> None:
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    hooks = endpoint(tmp_path)
    asyncio.run(AsgiApp(hooks)({"type": "lifespan"}, receive, send))

    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert hooks.receive(signed(webhook()), webhook()).status == 503


def test_what_is_not_http_is_refused(tmp_path: Path) -> None:
    sent: list[str] = []

    async def receive() -> dict[str, Any]:
        return {}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    with endpoint(tmp_path) as hooks:
        asyncio.run(AsgiApp(hooks)({"type": "websocket"}, receive, send))
        with pytest.raises(RuntimeError, match="speaks HTTP, not raw"):
            asyncio.run(AsgiApp(hooks)({"type": "raw"}, receive, send))

    assert sent == ["websocket.close"]
