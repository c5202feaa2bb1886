"""The sandbox behind a real port, for clients that cannot be handed a transport."""

import logging
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EADDRINUSE
from typing import Final

import uvicorn

from reconcile.errors import UsageError
from reconcile.sandbox.asgi import LOST
from reconcile.sandbox.sandbox import Sandbox

START_WAIT_MAX_S: Final = 10
STOP_WAIT_MAX_S: Final = 1  # for answers that are on their way


@contextmanager
def serving(
    sandbox: Sandbox, *, host: str = "127.0.0.1", port: int = 0, speed: float = 1.0
) -> Iterator[str]:
    """Serve a sandbox from a thread, with its time running; yield its base URL.

    Port 0 is any free one. At speed 0 time stands still until `sandbox.advance`.

    Raises:
        UsageError: the port is in use, or the host is none of this machine's.

    """
    listening = _listening(host, port)
    server = _server(sandbox, speed)
    thread = threading.Thread(
        target=server.run, kwargs={"sockets": [listening]}, name="sandbox", daemon=True
    )
    thread.start()
    try:
        _wait_until_started(server, thread)
        name = f"[{host}]" if ":" in host else host
        yield f"http://{name}:{listening.getsockname()[1]}"
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
    except OSError as error:
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


def _unusable(host: str, port: int, error: OSError) -> UsageError:
    if error.errno == EADDRINUSE:
        return UsageError(f"port {port} of {host} is in use")
    return UsageError(
        f"cannot listen on port {port} of {host}: {error.strerror or error}"
    )


def _server(sandbox: Sandbox, speed: float) -> uvicorn.Server:
    logging.getLogger("uvicorn.error").addFilter(_worth_telling)
    return uvicorn.Server(
        uvicorn.Config(
            sandbox.app(speed=speed),
            log_config=None,  # only errors are told, on standard error
            access_log=False,
            lifespan="on",
            ws="none",
            server_header=False,
            timeout_graceful_shutdown=STOP_WAIT_MAX_S,
        )
    )


def _worth_telling(record: logging.LogRecord) -> bool:
    """Return whether uvicorn tells of more than an answer that is lost on purpose."""
    return LOST not in record.getMessage()


def _wait_until_started(server: uvicorn.Server, thread: threading.Thread) -> None:
    give_up_at = time.monotonic() + START_WAIT_MAX_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > give_up_at:
            raise RuntimeError("The sandbox's server did not start.")
        time.sleep(0.005)
