"""`reconcile console` as it is installed: one line, one link, and a clean end."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.builders import COMPANY
from tests.console.browser import Seen
from tests.console.stores import STORY, store_with

COMMAND = str(Path(sys.executable).parent / "reconcile")
WAIT_MAX_S = 30
LINE = re.compile(r"The console is at (http://\S+/\?token=[\w-]{43}); stop it with")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    ours = ("RECONCILE", "CODAT")
    recorded = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    return {**recorded, "RECONCILE_STORE": store_with(tmp_path, STORY)}


@contextmanager
def console_started(
    environment: dict[str, str], *options: str
) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """Yield a running command and its link."""
    running = subprocess.Popen(
        [COMMAND, "console", "--port", "0", *options],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert running.stdout is not None
        found = LINE.match(running.stdout.readline())
        assert found is not None
        yield running, found[1]
    finally:
        running.terminate()
        running.communicate(timeout=WAIT_MAX_S)


def refused(environment: dict[str, str], *options: str) -> str:
    """Return the one sentence of a command that does not start."""
    ended = subprocess.run(
        [COMMAND, *options],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_MAX_S,
        check=False,
    )
    assert (ended.returncode, ended.stdout) == (2, "")
    assert ended.stderr.count("\n") == 1
    return ended.stderr


def test_it_prints_one_link_which_works_once_and_ends_at_an_interrupt(
    environment: dict[str, str], tmp_path: Path
) -> None:
    names = tmp_path / "names.json"
    names.write_text(json.dumps({COMPANY.upper(): "Harrow & Finch Ltd"}))

    with console_started(environment, "--customers", str(names), "--actor", "Dana") as (
        running,
        link,
    ):
        with httpx.Client(follow_redirects=True) as browser:
            start = browser.get(link)
            page = browser.get(str(httpx.URL(link).join(f"/expenses/{COMPANY}/t1")))
        again = httpx.get(link)
        running.send_signal(signal.SIGINT)
        _, written = running.communicate(timeout=WAIT_MAX_S)

    assert start.status_code == page.status_code == 200
    assert "token" not in str(start.url)
    seen = Seen(page.text).text
    assert "Harrow & Finch Ltd" in seen
    assert "Dana" in seen
    assert again.status_code == 403
    assert (running.returncode, written) == (0, "")


def test_who_serves_others_is_warned_of_it(environment: dict[str, str]) -> None:
    with console_started(environment, "--host", "0.0.0.0", "--actor", "d") as (  # noqa: S104 - what is warned of
        running,
        _,
    ):
        running.send_signal(signal.SIGTERM)
        _, written = running.communicate(timeout=WAIT_MAX_S)

    assert written.startswith("Others can reach 0.0.0.0: whoever has the link")


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        (("--zone", "Mars/Base"), "'Mars/Base' is not a known zone"),
        (("--customers", "none.json"), "none.json cannot be read"),
        (("--actor", " "), "--actor is blank"),
        (("--host", "no.such.host.invalid"), "no.such.host.invalid"),
    ],
)
def test_what_is_wrong_at_the_start_is_one_sentence(
    environment: dict[str, str], options: tuple[str, ...], phrase: str
) -> None:
    assert phrase in refused(environment, "console", "--port", "0", *options)


def test_a_store_that_is_not_there_is_one_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    away = {**environment, "RECONCILE_STORE": f"sqlite:///{tmp_path / 'none.db'}"}

    assert "none.db" in refused(away, "console", "--port", "0")


@pytest.mark.parametrize(
    ("content", "phrase"),
    [
        (b"c1,A", "is not JSON"),
        (b'{"c1": "\xff"}', "is not JSON"),
        (b'{"c1": 1}', "is not an object of company ids and names"),
    ],
)
def test_a_file_of_customers_that_cannot_be_read_is_one_sentence(
    environment: dict[str, str], tmp_path: Path, content: bytes, phrase: str
) -> None:
    names = tmp_path / "names.json"
    names.write_bytes(content)

    sentence = refused(environment, "console", "--customers", str(names))

    assert phrase in sentence


@pytest.mark.parametrize("package", ["starlette", "jinja2", "uvicorn", "svg"])
def test_a_missing_package_is_named_with_the_extra_that_brings_it(
    environment: dict[str, str], package: str
) -> None:
    code = (
        f"import sys; sys.modules[{package!r}] = None\n"
        "from reconcile.cli import main\n"
        "sys.argv = ['reconcile', 'console', '--port', '0']\n"
        "main()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=WAIT_MAX_S,
        check=False,
    )

    assert ended.returncode == 2
    assert "codat-reconcile[" in ended.stderr
    assert "Traceback" not in ended.stderr
