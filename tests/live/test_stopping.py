"""A command that is told to stop ends within 5 s, whatever anybody else does."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

import attrs
import pytest

from reconcile import Reconciler
from tests.codat.client.malicious import (
    AWAY,
    CHUNKED,
    EARLY,
    JSON,
    OK,
    TOO_MANY,
    Act,
    accepting,
    drip,
    flood,
    for_ever,
    limited,
    only_hear,
)
from tests.live.commands import COMMAND, KEY, PUSH, Desk
from tests.sandbox.calls import COMPANY

STOPPED_MAX_S: Final = 5.0
BEGUN_MAX_S: Final = 20.0
CODATS: Final[dict[str, Act]] = {
    "says nothing": only_hear,
    "drips headers": drip(OK, for_ever(b"a: b\r\n")),
    "floods with interim answers": flood(b"", EARLY * 100),
    "drips a chunk's extension": drip(CHUNKED + b"1;", for_ever(b"x")),
    "drips a body": drip(OK + JSON + b"\r\n[", for_ever(b" ")),
    "says to come again in 30 years": limited(TOO_MANY, b"999999999"),
    "is away until the year 9999": limited(AWAY, b"Fri, 31 Dec 9999 23:59:59 GMT"),
}


@attrs.frozen
class Stopped:
    """How a command ended that was told to."""

    seconds: float
    status: int
    errors: str


@contextmanager
def begun(desk: Desk, *words: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command until the end of the `with`."""
    command = subprocess.Popen(
        [COMMAND, *words],
        cwd=desk.folder,
        env={**os.environ, "CODAT_API_KEY": KEY, "CODAT_BASE_URL": url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield command
    finally:
        command.kill()
        command.communicate()


def stopped(command: subprocess.Popen[str], by: signal.Signals) -> Stopped:
    began = time.monotonic()
    command.send_signal(by)
    _, errors = command.communicate(timeout=BEGUN_MAX_S)
    return Stopped(time.monotonic() - began, command.returncode, errors)


def until(is_so: Callable[[], object]) -> None:
    ends = time.monotonic() + BEGUN_MAX_S
    while not is_so() and time.monotonic() < ends:
        time.sleep(0.02)
    assert is_so()


@contextmanager
def codat_that(act: Act, *, scheme: str = "http") -> Iterator[tuple[str, list[bool]]]:
    """Yield the URL of a Codat, and a list that grows with each connection's talk."""
    talks: list[bool] = []

    def talk(peer: socket.socket) -> None:
        if scheme == "http":
            peer.recv(65536)
        talks.append(True)
        act(peer)

    with accepting(talk) as at:
        yield f"{scheme}://{at}", talks


@pytest.fixture
def owed(desk: Desk) -> Desk:
    """Give a desk with a sync to follow."""
    assert desk.run(*PUSH)[0] == 0
    return desk


@pytest.mark.parametrize(
    ("name", "by"),
    [*((name, signal.SIGTERM) for name in CODATS), ("drips headers", signal.SIGINT)],
)
def test_follow_stops_whatever_codat_does(
    name: str, by: signal.Signals, owed: Desk
) -> None:
    with (
        codat_that(CODATS[name]) as (url, talks),
        begun(owed, "follow", url=url) as command,
    ):
        until(lambda: talks)
        end = stopped(command, by)

    assert end.seconds < STOPPED_MAX_S
    assert end.status == 0
    assert "Traceback" not in end.errors


def test_follow_stops_while_tls_is_negotiated(owed: Desk) -> None:
    with (
        codat_that(only_hear, scheme="https") as (url, talks),
        begun(owed, "follow", url=url) as command,
    ):
        until(lambda: talks)
        end = stopped(command, signal.SIGTERM)

    assert end.seconds < STOPPED_MAX_S
    assert (end.status, "Traceback" in end.errors) == (0, False)


def test_follow_stops_while_nobody_lets_it_in(owed: Desk) -> None:
    with ExitStack() as full:
        door = full.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        host, port = door.getsockname()
        for _ in range(4):
            before = full.enter_context(socket.socket())
            before.setblocking(False)
            before.connect_ex((host, port))
        with begun(owed, "follow", url=f"http://{host}:{port}") as command:
            assert command.stdout is not None
            command.stdout.readline()
            time.sleep(1)
            end = stopped(command, signal.SIGTERM)

    assert end.seconds < STOPPED_MAX_S
    assert (end.status, "Traceback" in end.errors) == (0, False)


def test_what_heeds_nothing_ends_with_the_process() -> None:
    """As a name that is never resolved: the system's own call cannot be ended."""
    program = """
import time
from reconcile.cli.signals import ending, stopping
with stopping() as stop, ending(stop, lambda: None):
    print("here", flush=True)
    while True:
        time.sleep(60)
"""
    command = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    assert command.stdout.readline() == "here\n"

    end = stopped(command, signal.SIGTERM)

    assert end.seconds < STOPPED_MAX_S
    assert (end.status, end.errors) == (0, "")


SENDERS: Final[dict[str, bytes]] = {
    "nothing": b"",
    "half a head": b"POST /webhooks/codat HTTP/1.1\r\nHost: x\r\na: ",
    "half a body": b"POST /webhooks/codat HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 999999\r\n\r\n{",
    "half a chunk": b"POST /webhooks/codat HTTP/1.1\r\nHost: x\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nfffff\r\n{",
    "a body that is too long": b"POST /webhooks/codat HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 99999999999\r\n\r\n{",
}


@pytest.mark.parametrize("name", SENDERS)
def test_serve_stops_whatever_a_sender_and_codat_do(name: str, owed: Desk) -> None:
    words = ("serve", "--port", "0", "--webhook-secret", "whsec_MfKQ9r8GKYqrTwjUPD8I")
    with (
        codat_that(CODATS["drips headers"]) as (codat, talks),
        begun(owed, *words, url=codat) as command,
        ExitStack() as opened,
    ):
        assert command.stdout is not None
        address = command.stdout.readline().partition("http://")[2].partition("/")[0]
        host, _, port = address.rpartition(":")
        senders = [
            opened.enter_context(socket.create_connection((host, int(port))))
            for _ in range(3)
        ]
        for sender in senders:
            sender.sendall(SENDERS[name])
        until(lambda: talks)
        ends = time.monotonic() + 1
        while time.monotonic() < ends and SENDERS[name]:
            for sender in senders:
                sender.sendall(b"x")  # no end in sight
            time.sleep(0.1)
        end = stopped(command, signal.SIGTERM)

    assert end.seconds < STOPPED_MAX_S
    assert (end.status, "Traceback" in end.errors) == (0, False)


@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("name", ["says nothing", "drips headers", "drips a body"])
def test_a_push_that_is_stopped_leaves_its_request_in_doubt(
    name: str, by: signal.Signals, desk: Desk
) -> None:
    with (
        codat_that(CODATS[name]) as (url, talks),
        begun(desk, *PUSH, url=url) as command,
    ):
        until(lambda: talks)
        end = stopped(command, by)

    assert end.seconds < STOPPED_MAX_S
    assert end.status == (-signal.SIGTERM if by is signal.SIGTERM else 130)
    assert "Traceback" not in end.errors
    store = f"sqlite:///{Path(desk.folder) / 'reconcile.db'}"
    with Reconciler.open(store) as books:
        dispatch = books.dispatch(lambda _: pytest.fail("it was sent"), actor="tests")
        (state,) = dispatch.in_doubt(COMPANY)
    assert state.intent is not None
    status, _, errors = desk.run(*PUSH)
    assert (status, "in doubt" in errors) == (2, True)
