"""Who waits for events is woken: by a NOTIFY beside the append, never in it.

A NOTIFY makes the commits of a whole server wait for each other. So one is sent by a
connection of its own, soon after an append, for all appends of that while. It may be
lost, and nothing is decided by it: who waits looks at the store all the same.
"""

import contextlib
import threading
from hashlib import sha256
from typing import Final

import psycopg

from reconcile.storage.postgres.database import PostgresDatabase

BETWEEN_S: Final = 0.05
"""So long is waited for further appends, before one NOTIFY is sent for all."""


def channel_of(database: PostgresDatabase) -> str:
    """Return the channel of one book: a short name, whatever its schema is called."""
    schema = database.location.schema
    return f"reconcile_{sha256(schema.encode()).hexdigest()[:16]}"


class Announcer:
    """Tells others that something was appended: a thread, from the first append on."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._news = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def announce(self) -> None:
        """Have others hear of an append, soon."""
        with self._lock:
            if self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(
                    target=self._run, name="reconcile-notify", daemon=True
                )
                self._thread.start()
        self._news.set()

    def close(self) -> None:
        """Announce what was not yet, and end the thread."""
        self._over.set()
        self._news.set()
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        statement = "SELECT pg_notify(%s, '')"
        values = [channel_of(self._database)]
        while True:
            self._news.wait()
            over = self._over.wait(BETWEEN_S)
            self._news.clear()
            with contextlib.suppress(psycopg.Error):
                self._database.alone(statement, values)
            if over:
                return
            if self._over.is_set():
                self._news.set()  # what close() set may have been cleared above


class Listener:
    """One connection that hears of appends; made anew where it was lost."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._connection: psycopg.Connection | None = None

    def wait(self, timeout_s: float) -> None:
        """Wait until something was appended, or the time is over.

        Raises:
            psycopg.Error: the server cannot be reached.

        """
        connection = self._connection
        if connection is None or connection.closed:
            connection = psycopg.connect(
                self._database.location.conninfo, autocommit=True
            )
            self._connection = connection
            connection.execute(f"LISTEN {channel_of(self._database)}".encode())
            return  # what came before it listened is not announced again
        for _ in connection.notifies(timeout=timeout_s, stop_after=1):
            return

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
