"""A form is acted on once it is ours, small, and from who was given it; else never."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import ClassVar

import pytest
from starlette.responses import PlainTextResponse, Response

from reconcile import ConsoleApp
from reconcile.console.pages.visit import Page, Visit
from tests.console.browser import HOME, Browser, Seen
from tests.console.stores import STORY, store_with

ACTED: list[str] = []


def _asks(visit: Visit) -> Response:
    return PlainTextResponse(visit.token)


def _acts(visit: Visit) -> Response:
    ACTED.append(visit.form["what"][0])
    return PlainTextResponse("done")


class Acting(ConsoleApp):
    """A console with one form, which notes that it was acted on."""

    pages: ClassVar[tuple[Page, ...]] = (
        *ConsoleApp.pages,
        Page(path="/form", name="form", view=_asks),
        Page(path="/act", name="act", view=_acts, method="POST"),
    )


@pytest.fixture
def console(tmp_path: Path) -> Acting:
    ACTED.clear()
    return Acting(store_with(tmp_path, STORY), lambda r: r.headers.get("x-user"))


@pytest.fixture
def browser(console: Acting) -> Browser:
    return Browser(console)


def test_a_form_of_ours_is_acted_on(browser: Browser) -> None:
    token = browser.get("/form").text

    answer = browser.post("/act", {"csrf": token, "what": "it"})

    assert (answer.status_code, ACTED) == (200, ["it"])


def test_the_cookie_of_a_browser_is_for_this_place_alone(browser: Browser) -> None:
    given = browser.get("/form").headers["set-cookie"]
    secure = Browser(browser._app, home="https://books.example").get("/form")

    assert given.startswith("reconcile_browser=")
    assert given.endswith("; Path=/; HttpOnly; SameSite=Strict")
    assert secure.headers["set-cookie"].endswith("; SameSite=Strict; Secure")
    assert "set-cookie" not in browser.get("/form").headers


@pytest.mark.parametrize("token", ["", "0" * 64, "ü", "\u202e", "x" * 10_000])
def test_a_form_with_a_token_of_its_own_is_refused(
    browser: Browser, token: str
) -> None:
    browser.get("/form")

    answer = browser.post("/act", {"csrf": token, "what": "it"})

    assert (answer.status_code, ACTED) == (403, [])
    assert "nothing was recorded" in Seen(answer.text).text


def test_a_form_without_a_token_or_with_two_is_refused(browser: Browser) -> None:
    token = browser.get("/form").text

    none = browser.post("/act", {"what": "it"})
    two = browser.post("/act", {"csrf": [token, token], "what": "it"})

    assert (none.status_code, two.status_code, ACTED) == (403, 403, [])


def test_a_token_of_another_browser_is_refused(console: Acting) -> None:
    stolen = Browser(console).get("/form").text
    other = Browser(console)
    other.get("/form")

    answer = other.post("/act", {"csrf": stolen, "what": "it"})
    without_cookie = Browser(console).post("/act", {"csrf": stolen, "what": "it"})

    assert (answer.status_code, without_cookie.status_code, ACTED) == (403, 403, [])


def test_a_token_that_was_given_to_another_person_is_refused(browser: Browser) -> None:
    token = browser.get("/form", headers={"x-user": "ann"}).text
    fields = {"csrf": token, "what": "it"}

    by_bob = browser.post("/act", fields, headers={"x-user": "bob"})
    by_nobody = browser.post("/act", fields)
    by_ann = browser.post("/act", fields, headers={"x-user": "ann"})

    assert (by_bob.status_code, by_nobody.status_code) == (403, 403)
    assert (by_ann.status_code, ACTED) == (200, ["it"])


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1"},
        {"origin": "http://127.0.0.1:8790"},
        {"origin": "http://127.0.0.1:8789.evil.example"},
        {"origin": "file://"},
        {"origin": "ftp://127.0.0.1"},
        {"origin": "https://127.0.0.1"},
        {"origin": "http://["},
    ],
)
def test_a_form_from_elsewhere_is_refused_even_with_its_token(
    browser: Browser, headers: dict[str, str]
) -> None:
    token = browser.get("/form").text

    answer = browser.post("/act", {"csrf": token, "what": "it"}, headers=headers)

    assert (answer.status_code, ACTED) == (403, [])
    assert "from another site" in Seen(answer.text).text


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": HOME},
        {"sec-fetch-site": "same-origin", "origin": HOME},
        {"host": "office.example", "origin": "https://office.example"},  # by a proxy
    ],
)
def test_a_form_from_here_is_acted_on(
    browser: Browser, headers: dict[str, str]
) -> None:
    token = browser.get("/form").text

    answer = browser.post("/act", {"csrf": token, "what": "it"}, headers=headers)

    assert (answer.status_code, ACTED) == (200, ["it"])


def test_a_form_of_ten_megabytes_is_refused_and_not_read(browser: Browser) -> None:
    pieces = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal pieces
        for _ in range(1000):
            pieces += 1
            yield b"x" * 10_000

    form = {"content-type": "application/x-www-form-urlencoded"}
    chunked = browser.ask("POST", "/act", content=body(), headers=form)
    declared = browser.ask("POST", "/act", content=b"x" * 10_000_000, headers=form)

    assert (chunked.status_code, declared.status_code, ACTED) == (413, 413, [])
    assert pieces < 10
    assert "longer than 64 KiB" in Seen(declared.text).text


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"{}", "application/json"),
        (b"what=it", "text/plain"),
        (b"--a", "multipart/form-data; boundary=a"),
        (b"what=\xff", "application/x-www-form-urlencoded"),
        (b"&".join([b"a=1"] * 3000), "application/x-www-form-urlencoded"),
    ],
)
def test_what_is_not_a_form_is_refused(
    browser: Browser, content: bytes, kind: str
) -> None:
    answer = browser.ask(
        "POST", "/act", content=content, headers={"content-type": kind}
    )

    assert (answer.status_code, ACTED) == (400, [])


def test_processes_that_share_a_secret_take_each_others_forms(tmp_path: Path) -> None:
    where = store_with(tmp_path, STORY)
    ACTED.clear()
    first, second = (Acting(where, secret=b"s" * 32) for _ in range(2))
    browser = Browser(first)
    token = browser.get("/form").text
    other = Browser(second)
    other.cookies = browser.cookies

    answer = other.post("/act", {"csrf": token, "what": "it"})

    assert (answer.status_code, ACTED) == (200, ["it"])


@pytest.mark.parametrize(
    "cookie",
    ["", "reconcile_browser=", "reconcile_browser=<b>", "=;=;", "a" * 8000, '"\\"'],
)
def test_a_cookie_of_anybodys_making_is_replaced(browser: Browser, cookie: str) -> None:
    answer = browser.get("/health", headers={"cookie": cookie})

    assert answer.status_code == 200
    assert "reconcile_browser=" in answer.headers["set-cookie"]
