"""The endpoint behind a port of its own, on uvicorn (the extra `serve`)."""

import logging
from collections.abc import Iterator, Sized
from contextlib import contextmanager
from typing import Final

import uvicorn

from reconcile.endpoint.asgi import AsgiApp
from reconcile.endpoint.connection import Connection
from reconcile.endpoint.receive import WebhookEndpoint
from reconcile.endpoint.seldom import Seldom, SeldomFrom
from reconcile.serving import Served, in_thread

CONNECTIONS_MAX: Final = 500
"""Above it deliveries are answered 503; above twice as many nobody is let in."""
STOP_WAIT_MAX_S: Final = 3
"""For answers that are under way; who is cut off was told nothing, and sends again."""


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
        log = _of_connections(endpoint.seldom)

    crowd = _Crowd(most, endpoint.seldom)
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


def _of_connections(seldom: Seldom) -> logging.Logger:
    """Return what uvicorn's connections log to: it has a line for each bad request."""
    log = logging.Logger("uvicorn.error")
    log.parent = logging.getLogger("uvicorn.error")
    log.addFilter(SeldomFrom(seldom))
    return log


class _Crowd:
    """Says whether more are connected than should be; the log hears it now and then.

    uvicorn's own limit turns everybody away, health checks too, and logs each.
    """

    connections: Sized = ()

    def __init__(self, most: int, seldom: Seldom) -> None:
        self._most = most
        self._seldom = seldom

    def __call__(self) -> bool:
        crowded = len(self.connections) > self._most
        if crowded:
            message = f"deliveries not kept: over {self._most} connections"
            self._seldom(logging.WARNING, message)
        return crowded
