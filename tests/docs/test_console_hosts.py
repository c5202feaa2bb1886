"""The hosts of the console's how-to: served as it says, signed in to, and asked."""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.console.browser import Seen
from tests.console.forms import form_in
from tests.console.months import store_of_everything
from tests.docs.hosts import PROGRAMS, Scene, Stumbling, eventually
from tests.docs.markdown import DOCS, fences
from tests.live.commands import nobody

HOME = "office.example"
DANA = "Dana Whitfield"
PROXIED = {"host": HOME, "x-forwarded-proto": "https", "x-forwarded-user": DANA}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Return where programs run: beside a store, with a secret, and with no Codat."""
    folder = tmp_path_factory.mktemp("finance")
    environment = {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"])),
        "RECONCILE_STORE": store_of_everything(folder),
        "CODAT_API_KEY": "s3cret-key",
        "FINANCE_SECRET": "not to be guessed",
    }
    return Scene(codat=Stumbling(), folder=folder, environment=environment)


@contextmanager
def serving_finance(scene: Scene, program: str) -> Iterator[httpx.Client]:
    """Serve a program of the page by uvicorn; give what asks it."""
    url = nobody()
    with (
        scene.running(f"uvicorn {program} --port {url.rpartition(':')[2]}"),
        httpx.Client(base_url=url, timeout=20) as http,
    ):
        eventually(lambda: answers(http))
        yield http


def answers(http: httpx.Client) -> bool:
    try:
        return http.get("/static/").status_code > 0
    except httpx.TransportError:
        return False


def counted(
    http: httpx.Client, path: str, headers: Mapping[str, str] | None = None
) -> httpx.Response:
    """Return a page once it has its figures."""

    def asked() -> httpx.Response | None:
        answer = http.get(path, headers=headers)
        return None if answer.status_code == 202 else answer

    return eventually(asked)


@pytest.mark.parametrize(
    "program", ["console_fastapi:app", "console_django:application"]
)
def test_a_mounted_console_is_behind_the_login_of_its_host_and_signed_by_it(
    scene: Scene, program: str
) -> None:
    with serving_finance(scene, program) as http:
        before = http.get("/finance/")
        http.post("/login", params={"name": DANA})
        page = Seen(counted(http, "/finance/").text)

    assert (before.status_code, before.headers["location"]) == (303, "/login")
    assert DANA in page.text
    assert "Office finance" in page.text
    assert {li for li in page.links if not li.startswith(("/finance/", "#"))} == set()


def test_a_console_alone_takes_forms_through_a_proxy_that_says_host_and_scheme(
    scene: Scene,
) -> None:
    program = "console_alone:console --root-path /finance"
    with serving_finance(scene, program) as http:
        page = counted(http, "/causes/period_locked", PROXIED)  # /finance is stripped
        cookie = page.headers["set-cookie"]
        form = form_in(page.text, "/decisions/new")
        fields = form.filled(which="all", kind="waived")
        where = form.action.removeprefix("/finance")
        known = {"origin": f"https://{HOME}", "cookie": cookie.split(";")[0]}
        renamed = {**PROXIED, "host": "127.0.0.1:8000"}
        taken = http.post(where, data=fields, headers=PROXIED | known)
        refused = http.post(where, data=fields, headers=renamed | known)

    assert form.action.startswith("/finance/")
    assert "; Path=/finance; " in cookie
    assert cookie.endswith("; Secure")
    assert DANA in Seen(page.text).text
    assert taken.status_code == 422  # it lacks a reason
    assert refused.status_code == 403
    assert "sent from another site" in Seen(refused.text).text


def test_what_the_page_quotes_stands_in_a_program() -> None:
    programs = [item.read_text("utf-8") for item in PROGRAMS.glob("*.py")]
    quotes = [
        fence
        for fence in fences(DOCS / "how-to" / "console.md")
        if fence.language == "python"
    ]

    assert quotes
    for quote in quotes:
        assert any(quote.text in program for program in programs), quote.text
