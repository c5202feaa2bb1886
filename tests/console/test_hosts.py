"""The console in a host: below its path, behind its login, signed by its people."""

from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from reconcile import ConsoleApp
from tests.console.browser import Browser, Seen
from tests.console.months import HARROW, store_of_everything

PEOPLE = {"dana-session": "Dana Whitfield", "guest-session": None}


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store with a bit of everything."""
    return store_of_everything(tmp_path_factory.mktemp("hosts"))


def in_fastapi(console: ConsoleApp) -> ASGIApp:
    """Return a host whose login stands before the console."""
    app = FastAPI()

    @app.middleware("http")
    async def signed_in(request: Request, call_next: Any) -> Response:
        if request.cookies.get("session") not in PEOPLE:
            return RedirectResponse("/login", 303)
        answer: Response = await call_next(request)
        return answer

    app.mount("/finance", console)
    return app


def in_django(console: ConsoleApp) -> ASGIApp:
    """Return an ASGI app as a Django project's `asgi.py` has it."""

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["path"].startswith("/finance/")
        inner = {**scope, "root_path": scope.get("root_path", "") + "/finance"}
        await console(inner, receive, send)

    return application


def console_at(where: str) -> ConsoleApp:
    """Return a console whose people are known by a cookie of the host's."""
    return ConsoleApp(where, lambda request: PEOPLE[request.cookies.get("session", "")])


@pytest.mark.parametrize("host", [in_fastapi, in_django])
def test_every_link_of_a_mounted_console_stays_below_its_path(
    where: str, host: Any
) -> None:
    with console_at(where) as console:
        browser = Browser(host(console))
        browser.cookies.set("session", "dana-session")

        for path in ("/finance/", "/finance/expenses", "/finance/causes"):
            answer = browser.get(path)
            while answer.status_code == 202:
                answer = browser.get(path)
            page = Seen(answer.text)

            assert answer.status_code == 200
            assert "Dana Whitfield" in page.text
            assert page.links
            assert {
                link for link in page.links if not link.startswith(("/finance/", "#"))
            } == set()


def test_nobody_comes_past_the_login_of_a_host(where: str) -> None:
    with console_at(where) as console:
        answer = Browser(in_fastapi(console)).get("/finance/")

    assert answer.status_code == 303
    assert answer.headers["location"] == "/login"


def test_who_has_no_name_may_look_and_sees_why_nothing_can_be_decided(
    where: str,
) -> None:
    with console_at(where) as console:
        browser = Browser(in_fastapi(console))
        browser.cookies.set("session", "guest-session")
        seen = Seen(browser.get("/finance/causes/period_locked").text)
        refused = browser.post(
            "/finance/decisions/new", {"kind": "waived", "item": f"{HARROW}/x"}
        )

    assert "Read only" in seen.text
    assert "right to act" in seen.text
    assert refused.status_code == 403
