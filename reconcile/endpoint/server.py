"""The endpoint behind a port of its own, on uvicorn (the extra `serve`)."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from errno import EADDRINUSE
from typing import Final

import attrs
import uvicorn

from reconcile.endpoint.asgi import AsgiApp
from reconcile.endpoint.connection import Connection
from reconcile.endpoint.receive import WebhookEndpoint
from reconcile.errors import UsageError

CONNECTIONS_MAX: Final = 500
"""Above it deliveries are answered 503; above twice as many nobody is let in."""
CROWD_LOGGED_EVERY_S: Final = 60.0
START_WAIT_MAX_S: Final = 10.0
STOP_WAIT_MAX_S: Final = 15  # as long as an answer may take, and a little

_log = logging.getLogger("reconcile.endpoint")


@attrs.frozen
class Served:
    """A server that runs in a thread: where it is, and whether it still runs."""

    url: str
    thread: threading.Thread


@contextmanager
def serving(
    endpoint: WebhookEndpoint,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    connections_max: int = CONNECTIONS_MAX,
) -> Iterator[Served]:
    """Serve an endpoint from a thread; at the end, answer who waits, and close it.

    Port 0 is any free one.

    Raises:
        UsageError: the port is in use, or the host is none of this machine's.

    """
    listening = _listening(host, port)
    server = _server(endpoint, connections_max)
    thread = threading.Thread(
        target=server.run,
        kwargs={"sockets": [listening]},
        name="webhook server",
        daemon=True,
    )
    thread.start()
    try:
        _wait_until_started(server, thread)
        name = f"[{host}]" if ":" in host else host
        yield Served(f"http://{name}:{listening.getsockname()[1]}", thread)
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
            f"cannot listen on port {port} of {host}: it is no host's name"
        )
    if error.errno == EADDRINUSE:
        return UsageError(f"port {port} of {host} is in use")
    return UsageError(
        f"cannot listen on port {port} of {host}: {error.strerror or error}"
    )


def _server(endpoint: WebhookEndpoint, most: int) -> uvicorn.Server:
    class Bounded(Connection):
        wait_s = endpoint.limits.read_wait_s
        connections_max = 2 * most

    crowd = _Crowd(most)
    server = uvicorn.Server(
        uvicorn.Config(
            AsgiApp(endpoint, crowded=crowd),
            http=Bounded,
            log_config=None,  # the host's logging; by itself, warnings and errors
            access_log=False,
            lifespan="on",
            ws="none",
            proxy_headers=False,  # nobody asks where a delivery came from
            server_header=False,
            timeout_graceful_shutdown=STOP_WAIT_MAX_S,
        )
    )
    crowd.connections = server.server_state.connections
    return server


class _Crowd:
    """Says whether more are connected than should be; the log hears it now and then.

    uvicorn's own limit turns everybody away, health checks too, and logs each.
    """

    connections: Sized = ()

    def __init__(self, most: int) -> None:
        self._most = most
        self._silent_until = 0.0

    def __call__(self) -> bool:
        crowded = len(self.connections) > self._most
        if crowded and time.monotonic() > self._silent_until:
            self._silent_until = time.monotonic() + CROWD_LOGGED_EVERY_S
            _log.warning("deliveries not kept: over %d connections", self._most)
        return crowded


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up_at = time.monotonic() + START_WAIT_MAX_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise RuntimeError("The webhook server did not start.")
        time.sleep(0.005)
