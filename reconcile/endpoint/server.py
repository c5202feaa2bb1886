"""The endpoint behind a port of its own, on uvicorn (the extra `serve`)."""

import asyncio
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
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from reconcile.endpoint.asgi import AsgiApp
from reconcile.endpoint.receive import WebhookEndpoint
from reconcile.errors import UsageError

CONNECTIONS_MAX: Final = 500
START_WAIT_MAX_S: Final = 10.0
STOP_WAIT_MAX_S: Final = 12  # as long as an answer may take, and a little


@attrs.frozen
class Served:
    """A server that runs in a thread: where it is, and whether it still runs."""

    url: str
    thread: threading.Thread


@contextmanager
def serving(
    endpoint: WebhookEndpoint, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[Served]:
    """Serve an endpoint from a thread; at the end, answer who waits, and close it.

    Port 0 is any free one.

    Raises:
        UsageError: the port is in use, or the host is none of this machine's.

    """
    listening = _listening(host, port)
    server = _server(endpoint)
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
        made = socket.socket(family, kind, socket.IPPROTO_TCP)
    except OSError as error:
        raise _unusable(host, port, error) from error
    try:
        if os.name == "posix":  # elsewhere it would share a port that is in use
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen()
    except OSError as error:
        made.close()
        raise _unusable(host, port, error) from error
    return made


def _unusable(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == EADDRINUSE:
        return UsageError(f"port {port} of {host} is in use")
    return UsageError(
        f"cannot listen on port {port} of {host}: {error.strerror or error}"
    )


def _server(endpoint: WebhookEndpoint) -> uvicorn.Server:
    class Impatient(_Impatient):
        wait_s = endpoint.limits.read_wait_s

    return uvicorn.Server(
        uvicorn.Config(
            AsgiApp(endpoint),
            http=Impatient,
            log_config=None,  # the host's logging; by itself, warnings and errors
            access_log=False,
            lifespan="on",
            ws="none",
            proxy_headers=False,  # nobody asks where a delivery came from
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=STOP_WAIT_MAX_S,
        )
    )


class _Impatient(HttpToolsProtocol):
    """Closes a connection whose next request does not begin: uvicorn waits for ever."""

    wait_s: float

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        self._watch()

    def _watch(self) -> None:
        self._last = self.cycle
        self._look = self.loop.call_later(self.wait_s, self._close_if_idle)

    def _close_if_idle(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        if idle and self.cycle is self._last:
            self.transport.close()
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._look.cancel()
        super().connection_lost(exc)


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up_at = time.monotonic() + START_WAIT_MAX_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise RuntimeError("The webhook server did not start.")
        time.sleep(0.005)
