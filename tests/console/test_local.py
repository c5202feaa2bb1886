"""The console of one person: a link that works once, then one browser, on this host."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from starlette.types import Receive, Scope, Send

from reconcile.console.local import LocalAccess
from tests.console.browser import HOME, Browser, Seen
from tests.console.stores import STORY, console_on, store_with


@pytest.fixture
def access(tmp_path: Path) -> LocalAccess:
    return LocalAccess(console_on(store_with(tmp_path, STORY)), is_loopback=True)


def path_of(link: str) -> str:
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def test_the_link_lets_a_browser_in_and_is_gone_from_its_address(
    access: LocalAccess,
) -> None:
    browser = Browser(access)

    entry = browser.get(path_of(access.link(HOME)))
    after = browser.get("/health")

    assert (entry.status_code, entry.headers["location"]) == (303, "/")
    assert "HttpOnly; SameSite=Strict" in entry.headers["set-cookie"]
    assert after.status_code == 200


def test_the_link_works_once(access: LocalAccess) -> None:
    link = path_of(access.link(HOME))
    Browser(access).get(link)

    again = Browser(access).get(link)

    assert again.status_code == 403
    assert "set-cookie" not in again.headers
    assert "start it again for a new one" in Seen(again.text).text


@pytest.mark.parametrize("word", ["token=", "token=x", "token=%FF", "token=a&token=b"])
def test_another_token_lets_nobody_in_and_uses_nothing_up(
    access: LocalAccess, word: str
) -> None:
    assert Browser(access).get(f"/?{word}").status_code == 403
    assert Browser(access).get(path_of(access.link(HOME))).status_code == 303


def test_the_link_leads_the_browser_that_is_in_to_the_overview_again(
    access: LocalAccess,
) -> None:
    browser = Browser(access)
    link = path_of(access.link(HOME))
    browser.get(link)

    again = browser.get(link)

    assert (again.status_code, again.headers["location"]) == (303, "/")


def test_a_look_by_head_does_not_use_the_link_up(access: LocalAccess) -> None:
    link = path_of(access.link(HOME))

    assert Browser(access).ask("HEAD", link).status_code == 403
    assert Browser(access).get(link).status_code == 303


@pytest.mark.parametrize("path", ["/", "/health", "/nothing", "/evidence/a"])
def test_who_has_no_link_sees_no_page_at_all(access: LocalAccess, path: str) -> None:
    answer = Browser(access).get(path)

    assert answer.status_code == 403
    assert "use the link" in Seen(answer.text).text
    assert Seen(answer.text).acting == []
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_at_the_usual_port_a_browser_names_none(access: LocalAccess) -> None:
    async def at_80(scope: Scope, receive: Receive, send: Send) -> None:
        await access({**scope, "server": ("127.0.0.1", 80)}, receive, send)

    answer = Browser(at_80, home="http://127.0.0.1").get(path_of(access.link(HOME)))

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "host", ["evil.example:8789", "127.0.0.1", "127.0.0.1:1", "", "127.0.0.1:8789.a.b"]
)
def test_another_name_for_this_host_is_refused_even_with_the_link(
    access: LocalAccess, host: str
) -> None:
    link = path_of(access.link(HOME))

    answer = Browser(access).get(link, headers={"host": host})

    assert answer.status_code == 403
    assert "a name that is not its own" in Seen(answer.text).text
    assert Browser(access).get(link, headers={"host": "localhost:8789"}).is_redirect
