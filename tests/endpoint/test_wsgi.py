"""The WSGI app, driven by httpx and by hand."""

import io
import os
from pathlib import Path
from typing import Any
from wsgiref.validate import validator

import httpx
import pytest

from reconcile.endpoint import Limits, WebhookEndpoint, WsgiApp
from reconcile.endpoint.receive import DISCARDED_BYTES_MAX
from tests.endpoint.deliveries import (
    PATH,
    apart,
    endpoint,
    evidence_count,
    signed,
    webhook,
)


def client(hooks: WebhookEndpoint) -> httpx.Client:
    transport = httpx.WSGITransport(WsgiApp(hooks))
    return httpx.Client(transport=transport, base_url="http://app")


def given(body: bytes, **environ: Any) -> tuple[str, bytes]:
    """Return the app's answer to an environment made by hand."""
    hooks: WebhookEndpoint = environ.pop("hooks")
    result: list[str] = []
    created = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": PATH,
        "wsgi.input": io.BytesIO(body),
        **environ,
    }
    answer = WsgiApp(hooks)(created, lambda status, _: result.append(status))
    return result[0], b"".join(answer)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", PATH, 405),
        ("POST", "/", 404),
        ("POST", f"{PATH}/", 401),
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("POST", "/healthz", 405),
    ],
)
def test_other_paths_and_methods_are_told_so(
    tmp_path: Path, method: str, path: str, status: int
) -> None:
    with endpoint(tmp_path) as hooks, client(hooks) as codat:
        assert codat.request(method, path).status_code == status


def test_a_body_of_50_mb_is_refused_by_the_length_it_declares(tmp_path: Path) -> None:
    size = 50 * 2**20
    with endpoint(tmp_path) as hooks:
        result, _ = given(b"", hooks=hooks, CONTENT_LENGTH=str(size))

    assert result == "413 Request Entity Too Large"
    assert apart(tmp_path) == [("the body is over the limit of 5242880 bytes", size)]


@pytest.mark.parametrize(
    ("declared", "read"),
    [
        ({"CONTENT_LENGTH": "30"}, 30),
        ({"CONTENT_LENGTH": str(2 * DISCARDED_BYTES_MAX)}, 50),
        ({"wsgi.input_terminated": True}, 50),
    ],
)
def test_a_body_over_the_limit_is_read_on_for_a_while(
    tmp_path: Path, declared: dict[str, Any], read: int
) -> None:
    """Its sender may listen only when it has sent all."""
    body = io.BytesIO(bytes(50))
    with endpoint(tmp_path, limits=Limits(body_bytes_max=10)) as hooks:
        result, _ = given(b"", hooks=hooks, **{"wsgi.input": body}, **declared)

    assert result.startswith("413")
    assert body.tell() == read


def test_a_body_over_the_limit_is_not_read_for_ever(tmp_path: Path) -> None:
    body = io.BytesIO(bytes(2**18))
    limits = Limits(body_bytes_max=10, read_wait_s=-1)
    with endpoint(tmp_path, limits=limits) as hooks:
        given(b"", hooks=hooks, **{"wsgi.input": body}, CONTENT_LENGTH=str(2**18))

    assert body.tell() == 2**16


@pytest.mark.parametrize(("size", "status"), [(11, "413"), (10, "401")])
def test_a_body_without_a_length_is_read_up_to_the_limit(
    tmp_path: Path, size: int, status: str
) -> None:
    with endpoint(tmp_path, limits=Limits(body_bytes_max=10)) as hooks:
        result, _ = given(bytes(size), hooks=hooks, **{"wsgi.input_terminated": True})

    assert result.startswith(status)


def test_a_body_in_chunks_that_the_server_does_not_end_is_told_to_have_no_length(
    tmp_path: Path,
) -> None:
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", "HTTP_WEBHOOK_ID": "m"}
    with endpoint(tmp_path) as hooks:
        result, text = given(b"{}", hooks=hooks, **chunked)

    assert (result, text) == (
        "411 Length Required",
        b"The body has no length, and this server does not end it.\n",
    )
    assert apart(tmp_path) == [
        ("the body has no length, and the server does not end it", 0)
    ]


def test_a_delivery_to_another_path_is_counted(tmp_path: Path) -> None:
    astray = {"PATH_INFO": "/hooks", "HTTP_WEBHOOK_ID": "m", "CONTENT_LENGTH": "2"}
    with endpoint(tmp_path) as hooks:
        result, _ = given(b"{}", hooks=hooks, **astray)

    assert result == "404 Not Found"
    assert [size for _, size in apart(tmp_path)] == [2]


def test_a_body_that_nobody_ends_is_not_read(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks:
        result, text = given(b"never", hooks=hooks, CONTENT_LENGTH="x")

    assert (result, text) == ("401 Unauthorized", b"The delivery is not signed.\n")


def test_a_body_that_ends_before_its_length_is_refused(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks:
        result, _ = given(b"short", hooks=hooks, CONTENT_LENGTH="6")

    assert result == "400 Bad Request"
    assert apart(tmp_path) == [("the body ended before its length", 6)]


def test_a_body_that_takes_too_long_is_refused(tmp_path: Path) -> None:
    with endpoint(tmp_path, limits=Limits(read_wait_s=-1)) as hooks:
        result, _ = given(b"slow", hooks=hooks, CONTENT_LENGTH="6")

    assert result == "408 Request Timeout"
    assert apart(tmp_path) == [("the body took over -1 s to arrive", 6)]


def test_a_signed_delivery_is_kept_once(tmp_path: Path) -> None:
    body = webhook()
    with endpoint(tmp_path) as hooks, client(hooks) as codat:
        for _ in range(2):
            result = codat.post(PATH, content=body, headers=signed(body))
            assert (result.status_code, result.content) == (204, b"")

    assert evidence_count(tmp_path) == 1


def test_the_app_is_as_the_standard_asks(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks:
        transport = httpx.WSGITransport(validator(WsgiApp(hooks)))
        with httpx.Client(transport=transport, base_url="http://app") as codat:
            assert codat.post(PATH, content=b"{}").status_code == 401


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_an_endpoint_made_before_a_fork_keeps_nothing_and_names_the_fork(
    tmp_path: Path,
) -> None:
    with endpoint(tmp_path) as hooks:
        reads, writes = os.pipe()
        child = os.fork()
        if not child:  # pragma: no cover - in another process
            health, answered = hooks.health(), hooks.receive({"webhook-id": "m"}, b"{}")
            os.write(
                writes, f"{health.status} {answered.status} {health.text}".encode()
            )
            os._exit(0)
        os.waitpid(child, 0)
        answer = os.read(reads, 1000).decode()
        os.close(reads)
        os.close(writes)
        here = hooks.health()

    assert answer.startswith("503 503 ")
    assert "the endpoint was made before a fork" in answer
    assert here.status == 200
