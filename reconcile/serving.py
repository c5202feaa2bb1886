"""A uvicorn server that runs in a thread, on a port of its own."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT
from typing import Final

import attrs
import uvicorn

from reconcile.errors import UsageError

START_WAIT_MAX_S: Final = 10.0


@attrs.frozen
class Served:
    """A server that runs in a thread: where it is, and whether it still runs."""

    url: str
    thread: threading.Thread


@contextmanager
def in_thread(
    server: uvicorn.Server, *, host: str, port: int, name: str
) -> Iterator[Served]:
    """Run a server in a thread of that name, and stop it at the end.

    It listens at every address of its host: `localhost` is one for IPv4 and one for
    IPv6. Port 0 is any free one.

    Raises:
        UsageError: the port is in use, or the host is none of this machine's.

    """
    listening = _listening(host, port)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": listening}, name=name, daemon=True
    )
    thread.start()
    try:
        _wait_until_started(server, thread)
        at = f"[{host}]" if ":" in host else host
        yield Served(f"http://{at}:{listening[0].getsockname()[1]}", thread)
    finally:
        server.should_exit = True
        thread.join()
        for each in listening:
            each.close()


def _listening(host: str, port: int) -> list[socket.socket]:
    """Return sockets that listen at each address of a host, all at one port."""
    try:
        found = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port, error) from error
    opened: list[socket.socket] = []
    for family, address in dict.fromkeys((each[0], each[4]) for each in found):
        at = opened[0].getsockname()[1] if opened else port
        try:
            opened.append(_listening_at(family, (address[0], at, *address[2:])))
        except OSError as error:
            if opened and error.errno in (EADDRNOTAVAIL, EAFNOSUPPORT):
                continue  # a name may stand for an address that is switched off
            for each in opened:
                each.close()
            raise _unusable(host, at, error) from error
    return opened


def _listening_at(family: int, address: tuple[object, ...]) -> socket.socket:
    # asyncio answers without delay only on sockets that say they are TCP's.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if os.name == "posix":  # elsewhere it would share a port that is in use
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind(address)
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _unusable(host: str, port: int, error: OSError | UnicodeError) -> UsageError:
    if isinstance(error, UnicodeError):
        return UsageError(
            f"cannot listen on port {port} of {host!r}: it is not a valid host name"
        )
    if error.errno == EADDRINUSE:
        return UsageError(f"port {port} of {host} is in use")
    return UsageError(
        f"cannot listen on port {port} of {host}: {error.strerror or error}"
    )


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up_at = time.monotonic() + START_WAIT_MAX_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise RuntimeError(f"the {thread.name} did not start")
        time.sleep(0.005)
