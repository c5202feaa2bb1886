"""`reconcile sandbox` as it is installed: one line, answers, and a clean end."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.sandbox.calls import BASE, expense

COMMAND = str(Path(sys.executable).parent / "reconcile")
WAIT_MAX_S = 30


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Yield a running command, the line it printed, and its URL."""
    running = subprocess.Popen(
        [COMMAND, "sandbox", "--port", "0", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        yield running, line, next(w for w in line.split() if w.startswith("http://"))
    finally:
        running.terminate()
        running.communicate(timeout=WAIT_MAX_S)


def ended(*arguments: str) -> tuple[int, str]:
    """Return the exit status of a command that cannot start, and what it said."""
    result = subprocess.run(
        [*arguments], capture_output=True, text=True, timeout=WAIT_MAX_S, check=False
    )
    assert result.stdout == ""
    return result.returncode, result.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_it_says_where_it_is_and_stops_when_told(stop: signal.Signals) -> None:
    with started("--scenario", "happy", "--seed", "7") as (running, line, url):
        answered = httpx.get(f"{url}/companies").status_code
        running.send_signal(stop)
        rest, errors = running.communicate(timeout=WAIT_MAX_S)

    assert line == (
        f"A Codat to test against is at {url} (scenario happy, seed 7);"
        " stop it with Ctrl-C.\n"
    )
    assert answered == 200
    assert (running.returncode, rest, errors) == (0, "", "")


def test_its_options_reach_the_sandbox() -> None:
    options = ("--as-documented", "--no-quotas", "--speed", "1000")

    with started(*options) as (_, _, url), httpx.Client(base_url=url) as codat:
        created = codat.post(f"{BASE}/expense-transactions", json=[expense("t1")])
        path = f"{BASE}/syncs/{created.json()['syncId']}/transactions"
        for _ in range(1000):
            page = codat.get(path)
            if page.json()["totalResults"]:
                break

    assert page.json()["results"][1]["integrationType"] == "expense"
    assert "X-Rate-Limit-Limit" not in page.headers


def test_a_strict_one_knows_no_company_that_nobody_created() -> None:
    with started("--strict") as (_, _, url):
        assert httpx.get(f"{url}{BASE}/syncs/latest/status").status_code == 404


def test_a_port_in_use_is_one_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        result = ended(COMMAND, "sandbox", "--port", port)

    assert result == (2, f"reconcile: port {port} of 127.0.0.1 is in use\n")


def test_a_scenario_that_is_not_there_is_one_sentence() -> None:
    status, result = ended(COMMAND, "sandbox", "--scenario", "doom")

    assert status == 2
    assert result.startswith("reconcile: 'doom' is not a scenario")


def test_without_its_extra_it_names_the_package() -> None:
    program = (
        "import sys; sys.modules['uvicorn'] = None;"
        "sys.argv = ['reconcile', 'sandbox'];"
        "from reconcile.cli import main; main()"
    )

    result = ended(sys.executable, "-c", program)

    assert result == (
        2,
        "reconcile: the sandbox needs the package uvicorn:"
        " install codat-reconcile[sandbox]\n",
    )
