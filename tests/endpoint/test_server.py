"""The endpoint behind a real port: patient with nobody, and heard by curl."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from reconcile import Reconciler, UsageError
from reconcile.endpoint import Limits, Trust, WebhookEndpoint
from reconcile.endpoint.server import serving
from reconcile.sandbox import Sandbox
from tests.endpoint.deliveries import (
    PATH,
    endpoint,
    held,
    signed,
    url_of,
    webhook,
)
from tests.sandbox.calls import COMPANY, create

CURL = shutil.which("curl") or ""


@contextmanager
def served(folder: Path, limits: Limits | None = None) -> Iterator[str]:
    with endpoint(folder, limits=limits) as hooks, serving(hooks) as running:
        yield running.url


def talk(url: str, *pieces: bytes, wait_s: float = 0.05) -> bytes:
    """Return what comes back on a socket, until it is closed, after some pieces."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as to:
        for piece in pieces:
            try:
                to.sendall(piece)
            except OSError:
                break
            time.sleep(wait_s)
        heard = b""
        try:
            while got := to.recv(65536):
                heard += got
        except ConnectionResetError:
            pass
        return heard


def head(length: str) -> bytes:
    return f"POST {PATH} HTTP/1.1\r\nHost: here\r\n{length}\r\n\r\n".encode()


def curl(*arguments: str) -> str:
    """Return the status that curl was answered."""
    told = subprocess.run(
        [CURL, "--silent", "--write-out", "%{stderr}%{http_code}", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return told.stderr


def test_a_body_over_the_limit_is_not_read(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        heard = talk(url, head(f"Content-Length: {50 * 2**20}"), b"x" * 1000)

    assert heard.startswith(b"HTTP/1.1 413 ")


def test_a_body_that_never_ends_is_cut_at_the_limit(tmp_path: Path) -> None:
    chunk = b"10000\r\n" + bytes(2**16) + b"\r\n"
    with served(tmp_path, Limits(body_bytes_max=2**18)) as url:
        heard = talk(url, head("Transfer-Encoding: chunked"), *[chunk] * 400, wait_s=0)

    assert heard.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("pieces", [[], [b"{"] * 3])
def test_a_slow_sender_is_cut_after_a_time(tmp_path: Path, pieces: list[bytes]) -> None:
    with served(tmp_path, Limits(read_wait_s=0.3)) as url:
        heard = talk(url, head("Content-Length: 1000"), *pieces)

    assert heard.startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("pieces", [[], [head("X-Slow: yes")[:-4]]])
def test_a_sender_that_keeps_its_headers_is_cut_after_a_time(
    tmp_path: Path, pieces: list[bytes]
) -> None:
    with served(tmp_path, Limits(read_wait_s=0.3)) as url:
        assert talk(url, *pieces) == b""


def test_what_is_no_http_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        assert talk(url, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_an_empty_body_is_refused_and_the_connection_stays(tmp_path: Path) -> None:
    with served(tmp_path) as url, httpx.Client(base_url=url) as codat:
        told = codat.post(PATH)
        alive = codat.get("/healthz")

    assert (told.status_code, alive.status_code) == (401, 200)
    assert "connection" not in told.headers
    assert "connection" not in alive.headers


def test_a_port_in_use_and_a_host_elsewhere_are_wrong_usage(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, endpoint(tmp_path) as hooks:
        port = taken.getsockname()[1]
        with (
            pytest.raises(UsageError, match=f"port {port} of 127.0.0.1 is in use"),
            serving(hooks, port=port),
        ):
            pass
        with (
            pytest.raises(UsageError, match=r"cannot listen on port 0 of 203\.0\.113"),
            serving(hooks, host="203.0.113.9"),
        ):
            pass


@pytest.mark.skipif(not CURL, reason="This machine has no curl.")
@pytest.mark.parametrize(
    ("spoil", "status"), [("", "204"), ("webhook-signature", "401")]
)
def test_curl_delivers(tmp_path: Path, spoil: str, status: str) -> None:
    body = tmp_path / "body.json"
    body.write_bytes(webhook())
    headers = {k: v for k, v in signed(webhook()).items() if k != spoil}
    options = [o for k, v in headers.items() for o in ("--header", f"{k}: {v}")]

    with served(tmp_path) as url:
        told = curl(*options, "--data-binary", f"@{body}", url + PATH)

    assert told == status
    assert held(tmp_path) == (status == "204")


@pytest.mark.skipif(not CURL, reason="This machine has no curl.")
def test_curl_hears_that_50_mb_are_too_much(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    with body.open("wb") as file:
        file.truncate(50 * 2**20)

    with served(tmp_path) as url:
        told = curl("--data-binary", f"@{body}", url + PATH)

    assert told == "413"


def test_the_sandbox_delivers_and_redelivers_over_sockets(tmp_path: Path) -> None:
    """Signed by the secret it gave, and one fact however often it comes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    sandbox = Sandbox(now=datetime.now(UTC))
    consumer = sandbox.webhooks.subscribe(f"http://127.0.0.1:{port}{PATH}")
    secrets = tuple(sandbox.webhooks.subscribers[consumer["id"]].secrets)
    trust = Trust(secrets=secrets, tolerance=timedelta(hours=1))

    with (
        WebhookEndpoint(url_of(tmp_path), trust=trust) as hooks,
        serving(hooks, port=port),
    ):
        create(sandbox, "t1")
        sandbox.advance(timedelta(minutes=1))
        again = sum(
            sandbox.webhooks.replay(one.message_id)
            for one in [*sandbox.webhooks.messages()]
        )
        sandbox.advance(timedelta(minutes=1))

    assert again == 1
    assert held(tmp_path) == 1
    with Reconciler.open(url_of(tmp_path)) as books:
        (sync,) = books.report(as_of=datetime.now(UTC) + timedelta(days=1)).syncs
        assert sync.company_id == COMPANY
