"""The console behind a port of its own, on uvicorn (the extra `console`)."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Final

import uvicorn

from reconcile.console.app import ConsoleApp
from reconcile.console.local import LocalAccess
from reconcile.serving import Served, in_thread

CONNECTIONS_MAX: Final = 100
STOP_WAIT_MAX_S: Final = 3


@contextmanager
def serving(
    app: ConsoleApp, *, host: str = "127.0.0.1", port: int = 0
) -> Iterator[tuple[Served, str]]:
    """Serve a console from a thread; give the server and the link that works once.

    Port 0 is any free one. The app is closed at the end.

    Raises:
        UsageError: the port is in use, or the host is none of this machine's.

    """
    access = LocalAccess(app, is_loopback=is_loopback(host))
    server = uvicorn.Server(
        uvicorn.Config(
            access,
            log_config=None,  # the host's logging; by itself, warnings and errors
            access_log=False,  # its lines would have the token
            lifespan="on",
            ws="none",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=CONNECTIONS_MAX,
            timeout_graceful_shutdown=STOP_WAIT_MAX_S,
        )
    )
    with in_thread(server, host=host, port=port, name="console") as served:
        yield served, access.link(served.url)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host of that name."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"
