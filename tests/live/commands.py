"""`reconcile` as it is installed, run in a folder against a Codat on real sockets."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import attrs

from reconcile.sandbox import Call, Response, Sandbox
from reconcile.sandbox.server import serving
from tests.engines import environment_at
from tests.sandbox.calls import COMPANY, expense

COMMAND = str(Path(sys.executable).parent / "reconcile")
KEY = "s3cret-key"
PUSH = ("push", "a.json", "--company", COMPANY)


@attrs.frozen(kw_only=True)
class Desk:
    """A folder with a store, and an account to talk to."""

    folder: Path
    url: str
    key: str = KEY

    def run(
        self, *arguments: str, given: bytes = b"", **environment: str
    ) -> tuple[int, str, str]:
        """Return exit status, output and errors; a traceback or the key is neither."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("RECONCILE", "CODAT", "NO_COLOR", "FORCE_COLOR"))
        }
        account = {"CODAT_API_KEY": self.key, "CODAT_BASE_URL": self.url}
        ended = subprocess.run(
            [COMMAND, *arguments],
            cwd=self.folder,
            env={**clean, **account, **environment_at(self.folder), **environment},
            input=given,
            capture_output=True,
            timeout=60,
            check=False,
        )
        result = ended.stdout.decode(), ended.stderr.decode()
        assert "Traceback" not in result[1]
        assert self.key not in "".join(result)
        return ended.returncode, *result

    def write(self, name: str, content: bytes | str) -> str:
        """Return the name of a file that holds the content."""
        body = content if isinstance(content, bytes) else content.encode()
        (self.folder / name).write_bytes(body)
        return name

    @property
    def stored(self) -> bool:
        """Return whether there is a store."""
        return (self.folder / "reconcile.db").exists()


class Losing(Sandbox):
    """A sandbox whose answers to writes are lost after so many, while it loses."""

    losing = False
    answered = 0
    writes = 0

    def handle(self, call: Call) -> Response:
        """Return the answer to one request, lost or not."""
        created = super().handle(call)
        if call.method == "GET":
            return created
        self.writes += 1
        lost = self.losing and self.writes > self.answered
        return attrs.evolve(created, lost=lost) if lost else created


@contextmanager
def desk_at(sandbox: Sandbox, folder: Path) -> Iterator[Desk]:
    """Give a desk whose account is a sandbox behind a port."""
    with serving(sandbox, speed=0) as url:
        yield Desk(folder=folder, url=url)


def name(number: int) -> str:
    return f"{number:08d}-1111-4111-8111-111111111111"


def expenses(number: int) -> bytes:
    return json.dumps([expense(name(item)) for item in range(number)]).encode()


def saying(status: str, *lines: str, body: bytes = b"{}") -> Any:
    """Return what gives one answer to everything."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", "Connection: close"]

    def act(connection: socket.socket) -> None:
        connection.sendall("\r\n".join([*head, *lines, "", ""]).encode() + body)

    return act


def nobody() -> str:
    """Return the URL of a port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return f"http://127.0.0.1:{taken.getsockname()[1]}"
