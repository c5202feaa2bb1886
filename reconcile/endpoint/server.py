"""The endpoint behind a port of its own, on uvicorn (the extra `serve`)."""

import time
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import Final

import uvicorn

from reconcile.endpoint.asgi import AsgiApp
from reconcile.endpoint.connection import Connection
from reconcile.endpoint.receive import WebhookEndpoint
from reconcile.quiet import logger
from reconcile.serving import Served, in_thread

CONNECTIONS_MAX: Final = 500
"""Above it deliveries are answered 503; above twice as many nobody is let in."""
CROWD_LOGGED_EVERY_S: Final = 60.0
STOP_WAIT_MAX_S: Final = 15  # as long as an answer may take, and a little

_log = logger("endpoint")


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
    server = _server(endpoint, connections_max)
    with in_thread(server, host=host, port=port, name="webhook server") as served:
        yield served


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
