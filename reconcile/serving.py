"""A uvicorn server that runs in a thread, on a port of its own."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EADDRINUSE
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

    Port 0 is any free one.

    Raises:
        UsageError: the port is in use, or the host is none of this machine's.

    """
    listening = _listening(host, port)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name=name, daemon=True
    )
    thread.start()
    try:
        _wait_until_started(server, thread)
        at = f"[{host}]" if ":" in host else host
        yield Served(f"http://{at}:{listening.getsockname()[1]}", thread)
    finally:
        server.should_exit = True
        thread.join()
        listening.close()


def _listening(host: str, port: int) -> socket.socket:
    try:
        family, kind, _, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # asyncio answers without delay only on sockets that say they are TCP's.
        listening = socket.socket(family, kind, socket.IPPROTO_TCP)
    except (OSError, UnicodeError) as error:
        raise _unusable(host, port, error) from error
    try:
        if os.name == "posix":  # elsewhere it would share a port that is in use
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen()
    except OSError as error:
        listening.close()
        raise _unusable(host, port, error) from error
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
