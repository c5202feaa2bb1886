"""The sandbox behind a real port, for clients that cannot be handed a transport."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from reconcile.sandbox.asgi import LOST
from reconcile.sandbox.sandbox import Sandbox
from reconcile.serving import in_thread

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
    server = _server(sandbox, speed)
    with in_thread(server, host=host, port=port, name="sandbox") as served:
        yield served.url


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
