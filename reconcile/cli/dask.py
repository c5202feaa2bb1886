"""The workers of a Dask cluster, as an executor; everything it raises is one sentence.

Dask is an extra, and imported where its URL is seen.
"""

import asyncio
import logging
import re
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any, Final

from reconcile.errors import UsageError, WorkersLostError

_WAIT_S: Final = 10
_ADDRESS: Final = re.compile(
    r"dask://(\[[0-9A-Fa-f:.]+\]|[^\s/:@\[\]]+):([0-9]{1,5})/?"
)


@contextmanager
def dask_executor(url: str) -> Iterator[Executor]:
    """Give the executor of the scheduler that a URL names.

    Work that a worker was killed at is done again by another.

    Raises:
        UsageError: the URL names no scheduler, none is there, it has no worker, or
            Dask is not installed.
        WorkersLostError: the cluster is gone, or its workers die of their work.

    """
    found = _ADDRESS.fullmatch(url)
    if found is None or not 0 < int(found[2]) < 65_536:
        raise UsageError(f"--executor: {url!r} is not dask://HOST:PORT")
    try:
        distributed = import_module("distributed")
    except ModuleNotFoundError as error:
        raise UsageError(
            f"clusters need the package {error.name}: install codat-reconcile[cluster]"
        ) from error
    _quieten()
    _check_listens(url, found[1].strip("[]"), int(found[2]))
    client = _client(distributed, url, f"tcp://{found[1]}:{found[2]}")
    lost = (
        distributed.scheduler.KilledWorker,
        distributed.client.FutureCancelledError,
        distributed.CancelledError,
        CancelledError,
        asyncio.CancelledError,
        distributed.comm.CommClosedError,
        distributed.TimeoutError,
    )
    try:
        try:
            yield client.get_executor(pure=False)
        except lost as error:
            why = str(error).partition("\n")[0] or "it is gone"
            raise WorkersLostError(
                f"the cluster at {url} lost the work: {why}"
            ) from error
        except ModuleNotFoundError as error:
            raise UsageError(
                f"a worker at {url} lacks the package {error.name}, expected"
                " codat-reconcile[cluster] there"
            ) from error
    finally:
        client.close(timeout=_WAIT_S)


def _check_listens(url: str, host: str, port: int) -> None:
    """Raise a UsageError where nothing listens: Dask itself would go on asking."""
    try:
        socket.create_connection((host, port), timeout=_WAIT_S).close()
    except (OSError, UnicodeError) as error:
        raise _no_scheduler(url) from error


def _no_scheduler(url: str) -> UsageError:
    return UsageError(
        f"--executor: there is no scheduler at {url}, expected one that runs"
    )


def _client(distributed: Any, url: str, address: str) -> Any:
    """Return a client of a scheduler that has workers.

    It is made in a thread: where something else listens, Dask waits for ever.
    """
    clients: list[Any] = []
    errors: list[BaseException] = []

    def connect() -> None:
        try:
            clients.append(
                distributed.Client(address, timeout=_WAIT_S, set_as_default=False)
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told below
            errors.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(2 * _WAIT_S)
    if not clients:
        raise _no_scheduler(url) from next(iter(errors), None)
    client = clients[0]
    try:
        client.wait_for_workers(1, timeout=_WAIT_S)
    except (OSError, distributed.TimeoutError) as error:
        client.close(timeout=_WAIT_S)
        raise UsageError(
            f"--executor: the scheduler at {url} has no workers, expected one or more"
        ) from error
    return client


def _quieten() -> None:
    """Keep Dask's own log from standard error: what matters is in an error's words."""
    for name in [*logging.root.manager.loggerDict]:  # Dask sets levels one by one
        if name.partition(".")[0] in ("asyncio", "distributed", "tornado"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
