"""The page's whole story, live: by the commands, over real sockets."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from reconcile import Reconciler
from reconcile.report.wire import to_data
from reconcile.sandbox import Sandbox
from reconcile.sandbox.server import serving
from tests.engines import url_at
from tests.live.office import COMPANY, expense
from tests.sandbox.calls import push_dataset, start_sync

ONE = "11111111-1111-4111-8111-111111111111"
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - of these tests alone
COMMAND = Path(sys.executable).with_name("reconcile")
WAIT_MAX_S = 30.0


def now() -> datetime:
    """Return the present: signatures are held against the time of day."""
    return datetime.now(UTC)


@contextmanager
def running(store: str, *words: str) -> Iterator[str]:
    """Run a command until the end of the `with`; yield the line it begins with."""
    command = [str(COMMAND), "--store", store, *words]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    )
    assert process.stdout is not None
    try:
        yield process.stdout.readline()
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=WAIT_MAX_S)
    assert process.returncode == 0


def until_matched(store: str) -> dict[str, str]:
    """Return the states of all expenses once none is open, or as they are by then."""
    ends = time.monotonic() + WAIT_MAX_S
    states: dict[str, str] = {}
    while time.monotonic() < ends:
        with Reconciler.open(store) as books:
            items = to_data(books.report())["items"]
        states = {item["transaction_id"]: item["state"] for item in items}
        if states and set(states.values()) == {"matched"}:
            return states
        time.sleep(0.2)
    return states


@pytest.mark.parametrize("webhooks", [True, False], ids=["webhooks", "none arrives"])
def test_a_sync_is_followed_to_its_end(webhooks: bool, tmp_path: Path) -> None:
    store = url_at(tmp_path / "books.db")
    sandbox = Sandbox(now=now())
    with serving(sandbox, speed=20) as codat:
        push_by_command(store, codat, tmp_path)
        words = ["serve", "--port", "0", "--api-key", "key", "--base-url", codat]
        with running(store, *words, "--webhook-secret", SECRET) as result:
            url = re.search(r"http://\S+codat", result)
            assert url is not None
            if webhooks:
                sandbox.webhooks.subscribe(url[0])
                for consumer in sandbox.webhooks.consumers():
                    sandbox.webhooks.consumer(consumer["id"]).secrets[:] = [SECRET]

            assert until_matched(store) == {ONE: "matched"}


@pytest.mark.usefixtures("engine")
def test_only_webhooks_tell_of_a_sync_for_a_day(tmp_path: Path) -> None:
    store = url_at(tmp_path / "books.db")
    sandbox = Sandbox(now=now())
    with running(store, "serve", "--port", "0", "--webhook-secret", SECRET) as result:
        url = re.search(r"http://\S+codat", result)
        assert url is not None
        created = sandbox.webhooks.subscribe(url[0])
        sandbox.webhooks.consumer(created["id"]).secrets[:] = [SECRET]
        with serving(sandbox, speed=20):
            start_sync(sandbox, push_dataset(sandbox, ONE))

            assert until_matched(store) == {ONE: "matched"}


def test_following_once_reads_what_is_due(tmp_path: Path) -> None:
    store = url_at(tmp_path / "books.db")
    sandbox = Sandbox(now=now())
    with serving(sandbox, speed=200) as codat:
        push_by_command(store, codat, tmp_path)
        for _ in range(4):
            time.sleep(2)  # a status is first asked for after five seconds
            run(store, "follow", "--once", "--api-key", "key", "--base-url", codat)

        assert until_matched(store) == {ONE: "matched"}


def test_a_follower_without_a_key_says_so(tmp_path: Path) -> None:
    ended = run(url_at(tmp_path / "books.db"), "follow", "--once", fails=True)

    assert ended.returncode == 2
    assert "API key" in ended.stderr


def push_by_command(store: str, codat: str, folder: Path) -> None:
    file = folder / "expenses.json"
    file.write_text(httpx.Request("POST", codat, json=[expense(ONE)]).content.decode())
    words = ["push", str(file), "--company", COMPANY, "--dialect", "v1", "--sync"]
    run(store, *words, "--api-key", "key", "--base-url", codat)


def run(
    store: str, *words: str, fails: bool = False
) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "--store", store, *words]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert fails or ended.returncode == 0, ended.stderr
    return ended
