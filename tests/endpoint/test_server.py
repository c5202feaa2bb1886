"""The endpoint behind a real port: patient with nobody, and heard by curl."""

import http.client
import re
import shutil
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
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
    apart,
    endpoint,
    evidence_count,
    signed,
    url_of,
    webhook,
)
from tests.sandbox.calls import COMPANY, create_expenses

CURL = shutil.which("curl") or ""


@contextmanager
def served(folder: Path, limits: Limits | None = None) -> Iterator[str]:
    with endpoint(folder, limits=limits) as hooks, serving(hooks) as running:
        yield running.url


def talk(
    url: str, *pieces: bytes, wait_s: float = 0.05, then_silent: bool = False
) -> bytes:
    """Return what comes back on a socket, until it is closed, after some pieces."""
    address = httpx.URL(url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as to:
        for piece in pieces:
            try:
                to.sendall(piece)
            except OSError:
                break
            time.sleep(wait_s)
        if then_silent:
            to.shutdown(socket.SHUT_WR)
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
    result = subprocess.run(
        [CURL, "--silent", "--write-out", "%{stderr}%{http_code}", *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return result.stderr


def test_a_body_over_the_limit_is_refused_before_it_is_sent(tmp_path: Path) -> None:
    with served(tmp_path, Limits(read_wait_s=0.3)) as url:
        heard = talk(url, head(f"Content-Length: {50 * 2**20}"), b"x" * 1000)

    assert heard.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("size", [2**18 + 1, 20 * 2**20])
def test_a_sender_that_listens_when_all_is_sent_hears_that_it_was_too_much(
    tmp_path: Path, size: int
) -> None:
    with served(tmp_path, Limits(body_bytes_max=2**18)) as url:
        at = httpx.URL(url)
        statuses = []
        for body in (bytes(size), iter([bytes(size)])):
            codat = http.client.HTTPConnection(at.host, at.port, timeout=10)
            with closing(codat):
                codat.request("POST", PATH, body)
                statuses.append(codat.getresponse().status)

    reason = "the body is over the limit of 262144 bytes"
    assert statuses == [413, 413]
    assert [why for why, _ in apart(tmp_path)] == [reason, reason]
    assert apart(tmp_path)[1] == (reason, size)


def test_a_body_that_never_ends_is_cut_after_a_while(tmp_path: Path) -> None:
    chunk = b"10000\r\n" + bytes(2**16) + b"\r\n"
    with served(tmp_path, Limits(body_bytes_max=2**18, read_wait_s=0.5)) as url:
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


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (b"GET /", b"a" * 2**14),
        (b"GET / HTTP/1.1\r\nX: ", b"a" * 2**14),
        (b"GET / HTTP/1.1\r\n", b"X: y\r\n" * 100),
        (head("Transfer-Encoding: chunked") + b"0\r\n", b"X: y\r\n" * 100),
        (head("Transfer-Encoding: chunked") + b"1;", b"a" * 2**14),
        (b"", b"GET /healthz HTTP/1.1\r\n" + b"X: y\r\n" * 201 + b"\r\n"),
        (b"GET /healthz HTTP/1.1\r\n\r\nGET /", b"a" * 2**14),
    ],
)
def test_a_head_without_end_is_refused(
    tmp_path: Path, first: bytes, again: bytes
) -> None:
    with served(tmp_path) as url:
        heard = talk(url, first, *[again] * 20, wait_s=0.01)

    assert b"HTTP/1.1 431 Request Header Fields Too Large\r\n" in heard
    assert heard.endswith(b"The head of the request is too long.\n")


def test_chunks_without_end_after_an_answer_only_close(tmp_path: Path) -> None:
    limits = Limits(body_bytes_max=1)
    extension = b"1;" + b"a" * 2**17
    with served(tmp_path, limits) as url:
        heard = talk(url, head("Transfer-Encoding: chunked"), b"2\r\nxx\r\n", extension)

    assert heard.count(b"HTTP/1.1 ") == 1
    assert heard.startswith(b"HTTP/1.1 413 ")


def test_a_few_requests_may_be_sent_at_once_and_no_more(tmp_path: Path) -> None:
    ask = b"GET /healthz HTTP/1.1\r\n\r\n"
    last = b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n"
    with served(tmp_path) as url:
        few = talk(url, ask * 20 + last)
        many = talk(url, ask * 2000)

    assert few.count(b"HTTP/1.1 200 OK\r\n") == 21
    assert many.startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("more", [b"", b"GET /healthz HTTP/1.1\r\n\r\n"])
def test_a_sender_that_has_said_all_is_answered(tmp_path: Path, more: bytes) -> None:
    body = webhook()
    fields = [*signed(body).items(), ("content-length", len(body))]
    sent = head("\r\n".join(f"{n}: {v}" for n, v in fields)) + body + more
    with served(tmp_path) as url:
        heard = talk(url, sent, then_silent=True, wait_s=0)

    assert heard.startswith(b"HTTP/1.1 204 ")
    assert heard.count(b"HTTP/1.1 ") == (2 if more else 1)
    assert evidence_count(tmp_path) == 1


def test_a_sender_that_stops_within_its_body_is_counted(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        assert talk(url, head("Content-Length: 9"), b"{", then_silent=True) == b""

    assert apart(tmp_path) == [("the body ended before its length", 9)]


def test_who_leaves_before_an_answer_is_no_error(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = webhook()
    fields = [*signed(body).items(), ("content-length", len(body))]
    sent = head("\r\n".join(f"{n}: {v}" for n, v in fields)) + body
    with served(tmp_path, Limits(answer_wait_s=0.2)) as url:
        at = httpx.URL(url)
        with closing(sqlite3.connect(tmp_path / "books.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            with socket.create_connection((at.host, at.port or 0)) as to:
                to.sendall(sent + b"GET /healthz HTTP/1.1\r\n\r\n" * 2)
                time.sleep(0.05)
                to.sendall(b"no HTTP\r\n\r\n")
                time.sleep(0.05)
            time.sleep(0.3)
            other.rollback()

    assert [
        record.getMessage() for record in caplog.records if record.levelname == "ERROR"
    ] == []


def test_a_crowd_hears_when_to_come_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    body = webhook()
    with (
        endpoint(tmp_path) as hooks,
        serving(hooks, connections_max=2) as running,
        httpx.Client(base_url=running.url) as first,
        httpx.Client(base_url=running.url) as second,
        httpx.Client(base_url=running.url) as third,
    ):
        alive = [item.get("/healthz").status_code for item in (first, second, third)]
        off = [third.post(PATH, content=body, headers=signed(body)) for _ in "ab"]
        third.close()
        for _ in range(100):  # the server sees a moment later that it has gone
            recorded = first.post(PATH, content=body, headers=signed(body))
            if recorded.status_code != 503:
                break
            time.sleep(0.05)

    assert alive == [200, 200, 200]
    assert [(entry.status_code, entry.headers["retry-after"]) for entry in off] == [
        (503, "30"),
        (503, "30"),
    ]
    assert recorded.status_code == 204
    first_line, rest = [record.getMessage() for record in caplog.records]
    assert first_line == "deliveries not kept: over 2 connections"
    assert re.fullmatch(rf"{first_line}: [1-9]\d* more, not logged", rest)


def test_far_too_many_are_not_let_in(tmp_path: Path) -> None:
    with endpoint(tmp_path) as hooks, serving(hooks, connections_max=1) as running:
        with httpx.Client(base_url=running.url) as a, httpx.Client() as b:
            a.get("/healthz")
            b.get(f"{running.url}/healthz")
            assert talk(running.url, b"GET /healthz HTTP/1.1\r\n\r\n") == b""
        assert httpx.get(f"{running.url}/healthz").status_code == 200


def test_what_is_no_http_is_refused(tmp_path: Path) -> None:
    with served(tmp_path) as url:
        assert talk(url, b"\x16\x03\x01 hello\r\n\r\n").startswith(b"HTTP/1.1 400 ")


def test_an_empty_body_is_refused_and_the_connection_stays(tmp_path: Path) -> None:
    with served(tmp_path) as url, httpx.Client(base_url=url) as codat:
        result = codat.post(PATH)
        alive = codat.get("/healthz")

    assert (result.status_code, alive.status_code) == (401, 200)
    assert "connection" not in result.headers
    assert "connection" not in alive.headers


def test_every_address_of_a_host_is_listened_at(tmp_path: Path) -> None:
    found = socket.getaddrinfo("localhost", 0, type=socket.SOCK_STREAM)
    with endpoint(tmp_path) as hooks, serving(hooks, host="localhost") as running:
        port = httpx.URL(running.url).port or 0
        for host in dict.fromkeys(info[4][0] for info in found):
            with socket.create_connection((str(host), port), timeout=10) as to:
                to.sendall(b"GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n")
                assert to.recv(1000).startswith(b"HTTP/1.1 ")


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


@pytest.mark.parametrize("host", ["x" * 300, "a..b", "\udcff"])
def test_a_host_that_can_be_nobodys_is_wrong_usage(tmp_path: Path, host: str) -> None:
    with (
        endpoint(tmp_path) as hooks,
        pytest.raises(UsageError, match="cannot listen on port 0 of "),
        serving(hooks, host=host),
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
        result = curl(*options, "--data-binary", f"@{body}", url + PATH)

    assert result == status
    assert evidence_count(tmp_path) == (status == "204")


@pytest.mark.skipif(not CURL, reason="This machine has no curl.")
def test_curl_hears_that_50_mb_are_too_much(tmp_path: Path) -> None:
    body = tmp_path / "body.json"
    with body.open("wb") as file:
        file.truncate(50 * 2**20)

    with served(tmp_path) as url:
        result = curl("--data-binary", f"@{body}", url + PATH)

    assert result == "413"


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
        create_expenses(sandbox, "t1")
        sandbox.advance(timedelta(minutes=1))
        again = sum(
            sandbox.webhooks.replay(message.message_id)
            for message in [*sandbox.webhooks.messages()]
        )
        sandbox.advance(timedelta(minutes=1))

    assert again == 1
    assert evidence_count(tmp_path) == 1
    with Reconciler.open(url_of(tmp_path)) as books:
        (sync,) = books.report(as_of=datetime.now(UTC) + timedelta(days=1)).syncs
        assert sync.company_id == COMPANY
