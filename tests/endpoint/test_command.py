"""`reconcile serve` as it is installed: one line, answers, and a clean end."""

import os
import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.endpoint.deliveries import (
    OTHER,
    PATH,
    SECRET,
    evidence_count,
    signed,
    webhook,
)

COMMAND = str(Path(sys.executable).parent / "reconcile")
WAIT_MAX_S = 30


def _environment(given: Mapping[str, str] | None) -> dict[str, str]:
    """Return the test's environment without settings of ours, and with those given."""
    ours = ("RECONCILE", "CODAT")
    recorded = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**recorded, **(given or {})}


@contextmanager
def started(
    folder: Path,
    *options: str,
    environment: Mapping[str, str] | None = None,
    before: Callable[[], None] | None = None,
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a running command and its URL."""
    running = subprocess.Popen(
        [COMMAND, "serve", "--port", "0", *options],
        cwd=folder,
        env=_environment(
            {"RECONCILE_STORE": "sqlite:///books.db", **(environment or {})}
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=before,  # noqa: PLW1509 - no thread of the test's forks
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        url = next(w for w in line.split() if w.startswith("http://")).rstrip(";")
        assert line == f"Webhooks are taken at {url}; stop it with Ctrl-C.\n"
        yield running, url
    finally:
        running.terminate()
        running.communicate(timeout=WAIT_MAX_S)


def fresh(body: bytes, *, named: str = "msg_1", secret: str = SECRET) -> dict[str, str]:
    return signed(body, named=named, secret=secret, at=int(time.time()))


def delivered(url: str, **given: str) -> int:
    body = webhook()
    return httpx.post(url, content=body, headers=fresh(body, **given)).status_code


def ended(folder: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Return the exit status of a command that cannot start, and what it said."""
    result = subprocess.run(
        [*arguments],
        cwd=folder,
        env=_environment(environment),
        capture_output=True,
        text=True,
        timeout=WAIT_MAX_S,
        check=False,
    )
    assert result.stdout == ""
    return result.returncode, result.stderr


def test_a_port_in_use_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = ended(tmp_path, COMMAND, "serve", "--port", port)

    assert result == (2, f"reconcile: port {port} of 127.0.0.1 is in use\n")


@pytest.mark.parametrize("secrets", ["mine", f"{SECRET},mine"])
def test_a_secret_that_is_none_is_one_sentence(tmp_path: Path, secrets: str) -> None:
    result = ended(tmp_path, COMMAND, "serve", RECONCILE_WEBHOOK_SECRETS=secrets)

    status, sentence = result
    assert status == 2
    assert "webhook secret is malformed" in sentence
    assert sentence.count("\n") == 1
    assert not (tmp_path / "reconcile.db").exists()


def test_a_file_that_is_no_store_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "reconcile.db").write_text("mine")

    status, result = ended(tmp_path, COMMAND, "serve", "--port", "0")

    assert status == 2
    assert result.startswith("reconcile: reconcile.db is not a store")


@pytest.mark.parametrize("package", ["uvicorn", "httptools"])
def test_without_its_extra_it_names_the_package(tmp_path: Path, package: str) -> None:
    program = (
        f"import sys; sys.modules['{package}'] = None;"
        "sys.argv = ['reconcile', 'serve'];"
        "from reconcile.cli import main; main()"
    )

    result = ended(tmp_path, sys.executable, "-c", program)

    assert result == (
        2,
        f"reconcile: serving needs the package {package}:"
        " install codat-reconcile[serve]\n",
    )


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_when_told(
    tmp_path: Path, stop: signal.Signals
) -> None:
    with (
        started(tmp_path, "--webhook-secret", SECRET) as (running, url),
        httpx.Client() as codat,  # whose connection is still open when it stops
    ):
        alive = codat.get(url.replace(PATH, "/healthz")).status_code
        running.send_signal(stop)
        running.send_signal(stop)
        rest, errors = running.communicate(timeout=WAIT_MAX_S)

    assert alive == 200
    assert (running.returncode, rest) == (0, "")
    assert errors == "No API key was given: syncs are not followed.\n"


def test_without_a_secret_it_says_that_it_refuses_everything(tmp_path: Path) -> None:
    with started(tmp_path) as (running, url):
        status = delivered(url)
        running.terminate()
        _, errors = running.communicate(timeout=WAIT_MAX_S)

    assert status == 401
    assert errors.startswith("No webhook secret was given: deliveries are refused.\n")


def test_secrets_come_from_the_environment_with_commas_between_them(
    tmp_path: Path,
) -> None:
    environment = {"RECONCILE_WEBHOOK_SECRETS": f" {OTHER} ,{SECRET},"}

    with started(tmp_path, environment=environment) as (_, url):
        statuses = [delivered(url, secret=item) for item in (SECRET, OTHER)]

    assert statuses == [204, 204]
    assert evidence_count(tmp_path) == 1


def test_an_option_outranks_the_environment(tmp_path: Path) -> None:
    environment = {"RECONCILE_WEBHOOK_SECRETS": OTHER}
    options = ("--webhook-secret", SECRET)

    with started(tmp_path, *options, environment=environment) as (_, url):
        statuses = [delivered(url, secret=item) for item in (SECRET, OTHER)]

    assert statuses == [204, 401]


def test_a_store_that_can_grow_no_more_is_answered_503(tmp_path: Path) -> None:
    """As on a full disk; what was refused comes again, and is kept then."""
    with started(tmp_path, "--webhook-secret", SECRET) as (_, url):
        assert delivered(url) == 204
    size = max(item.stat().st_size for item in tmp_path.iterdir())

    def hold() -> None:
        limit = size + 4096
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    body = webhook("another") + os.urandom(2**20).hex().encode()
    with started(tmp_path, "--webhook-secret", SECRET, before=hold) as (_, url):
        full = httpx.post(url, content=body, headers=fresh(body, named="msg_2"))
    with started(tmp_path, "--webhook-secret", SECRET) as (_, url):
        recorded = httpx.post(url, content=body, headers=fresh(body, named="msg_2"))

    assert (full.status_code, full.headers["retry-after"]) == (503, "30")
    assert recorded.status_code == 204
    assert evidence_count(tmp_path) == 2
