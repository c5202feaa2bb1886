"""A console behind a real port, for a browser."""

from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn

from reconcile import ConsoleApp
from reconcile.serving import in_thread


@contextmanager
def console_served(app: ConsoleApp) -> Iterator[str]:
    """Give the address of a console's first page; it is closed at the end."""
    config = uvicorn.Config(app, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    with in_thread(server, host="127.0.0.1", port=0, name="console") as served:
        yield served.url
