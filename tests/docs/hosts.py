"""The hosts of the how-tos as a reader runs them, beside a Codat on real sockets."""

import os
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import attrs
import httpx

from reconcile.sandbox import Call, Response, Sandbox
from reconcile.sandbox.server import serving
from tests.docs.markdown import DOCS, fences
from tests.live.commands import nobody
from tests.sandbox.calls import expense
from tests.sandbox.hooks import SECRET

WAIT_MAX_S = 20
PROGRAMS = DOCS / "examples"
_Found = TypeVar("_Found")


class Stumbling(Sandbox):
    """A sandbox that breaks on writes while it stumbles: before them, or after."""

    stumbles: str | None = None

    def handle(self, call: Call) -> Response:
        """Return the answer to one request, or a server's error."""
        if call.method == "GET" or self.stumbles is None:
            return super().handle(call)
        if self.stumbles == "after":
            super().handle(call)
        return Response(status=500, body=b"{}")


@attrs.frozen(kw_only=True)
class Scene:
    """A sandbox behind a port, and what programs are told of it and of their store."""

    codat: Stumbling
    folder: Path
    environment: Mapping[str, str]

    @property
    def store(self) -> str:
        return self.environment["RECONCILE_STORE"]

    @contextmanager
    def running(self, command: str) -> Iterator[subprocess.Popen[bytes]]:
        """Run a program where the programs are; end it, and see that it ended well."""
        log = self.folder / f"{uuid4()}.log"
        with log.open("wb") as result:
            running = subprocess.Popen(
                shlex.split(command),
                cwd=PROGRAMS,
                env={**os.environ, **self.environment},
                stdout=result,
                stderr=result,
            )
        try:
            yield running
        finally:
            running.terminate()
            running.wait(WAIT_MAX_S)
            reported = log.read_text("utf-8")
            assert "Traceback" not in reported, reported
            assert self.environment["CODAT_API_KEY"] not in reported

    @contextmanager
    def hosting(self, command: str) -> Iterator["Host"]:
        """Serve a host, whose command names port 8000, and have it told of syncs."""
        url = nobody()
        with (
            self.running(command.replace("8000", url.rpartition(":")[2])),
            httpx.Client(base_url=url, timeout=WAIT_MAX_S) as http,
        ):
            hooks = self.codat.webhooks
            consumer = hooks.subscribe(f"{url}/webhooks/codat")
            hooks.rotate(consumer["id"], SECRET)
            eventually(lambda: _listens(url))
            yield Host(codat=self.codat, http=http, company=str(uuid4()))


@attrs.frozen(kw_only=True)
class Host:
    """A host that is served, and a company of it."""

    codat: Stumbling
    http: httpx.Client
    company: str

    def of_another_company(self) -> "Host":
        return attrs.evolve(self, company=str(uuid4()))

    def send(self, expense_id: str, **more: Any) -> httpx.Response:
        """Hand the host an expense to send."""
        path = f"/companies/{self.company}/expenses"
        return self.http.post(path, json=expense(expense_id, **more))

    def state_of(self, expense_id: str) -> httpx.Response:
        """Ask the host what became of an expense."""
        return self.http.get(f"/companies/{self.company}/expenses/{expense_id}")

    def breaks(self) -> list[dict[str, Any]]:
        result: list[dict[str, Any]] = self.http.get(
            f"/companies/{self.company}/breaks"
        ).json()
        return result

    def deliver(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Do as Codat would, or as a stranger."""
        sent = self.http.post("/webhooks/codat", content=body, headers=dict(headers))
        return sent.status_code

    def sync(self) -> list[str]:
        """Let Codat sync; return what became of its webhooks about the company."""
        self.codat.advance(timedelta(seconds=30))
        return [
            run.state
            for message in self.codat.webhooks.messages()
            for run in message.runs.values()
            if message.company_id == self.company
        ]


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """Serve a sandbox whose time lags a little, so that it stays behind ours."""
    codat = Stumbling(now=datetime.now(UTC) - timedelta(minutes=4))
    binaries = str(Path(sys.executable).parent)
    store = f"sqlite:///{folder / 'books.db'}"
    with serving(codat, speed=0) as url:
        yield Scene(
            codat=codat,
            folder=folder,
            environment={
                "PATH": os.pathsep.join((binaries, os.environ.get("PATH", ""))),
                "RECONCILE_STORE": store,
                "RECONCILE_WEBHOOK_SECRETS": f"whsec_b2xkZXI=, {SECRET}",
                "CODAT_API_KEY": "s3cret-key",
                "CODAT_BASE_URL": url,
                "WORKER_TELL_EVERY_S": "0.2",
            },
        )


def command_of(page: str) -> str:
    """Return the command by which a page runs its program."""
    result = [
        fence.text for fence in fences(DOCS / "how-to" / page) if fence.language == "sh"
    ]
    (command,) = (
        line
        for text in result
        for line in text.splitlines()
        if not line.startswith(("pip ", "export "))
    )
    return command


def eventually(ask: Callable[[], _Found | None]) -> _Found:
    """Return the first answer that says something."""
    give_up_at = time.monotonic() + WAIT_MAX_S
    while not (found := ask()):
        assert time.monotonic() < give_up_at, "it never came"
        time.sleep(0.05)
    return found


def _listens(url: str) -> bool:
    host, _, port = url.removeprefix("http://").rpartition(":")
    try:
        with socket.create_connection((host, int(port))):
            return True
    except OSError:
        return False
