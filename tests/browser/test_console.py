"""The console in a browser: whole at each width, alone on its origin, for all eyes."""

from collections import Counter

import pytest
from playwright.sync_api import Browser

from tests.browser.chromium import (
    OF_COLOUR,
    SCHEMES,
    WIDTHS,
    Scheme,
    axe_findings,
    opened,
    too_wide,
    visit,
)
from tests.console.months import EVERY_PAGE

WAIT_MS = 10_000
PAGES = (*EVERY_PAGE, "/expenses?q=nobody", "/?as_of=2026-03-10", "/nowhere")


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_stands_whole_at_each_width_and_scheme(
    browser: Browser, home: str, width: int, scheme: Scheme
) -> None:
    rules = OF_COLOUR if scheme == "dark" else ()
    with opened(browser, width=width, scheme=scheme) as shown:
        requests: set[str] = set()
        shown.on("request", lambda request: requests.add(request.url))
        for path in PAGES:
            visit(shown, home + path)

            assert too_wide(shown) == [], path
            assert shown.locator("h1").count() == 1, path
            if width == 1440 or (width, scheme) == (320, "light"):
                assert axe_findings(shown, *rules) == [], path

        assert {url for url in requests if not url.startswith(home)} == set()


def test_a_page_is_one_document_one_style_sheet_one_script_and_an_icon(
    browser: Browser, home: str
) -> None:
    with opened(browser) as shown:
        kinds: list[str] = []
        shown.on("request", lambda request: kinds.append(request.resource_type))
        shown.goto(f"{home}/expenses?state=break", wait_until="networkidle")

    assert sorted(kinds) in (
        ["document", "other", "script", "stylesheet"],
        ["document", "script", "stylesheet"],
    )


def test_without_javascript_a_page_says_no_less(browser: Browser, home: str) -> None:
    with opened(browser) as shown, opened(browser, scripts=False) as plain:
        for path in ("/", "/expenses?booked=no", "/causes/period_locked", "/audit"):
            visit(shown, home + path)
            visit(plain, home + path)

            words = [Counter(p.inner_text("main").split()) for p in (shown, plain)]
            assert words[0] - words[1] == Counter(), path


def test_a_decision_is_made_by_keyboard_alone_and_its_reason_is_asked_for(
    browser: Browser, home: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{home}/causes/period_locked")
        entry = shown.locator("[name=entry]")
        shown.locator("[name=kind][value=mended]").focus()
        assert not entry.is_visible()
        shown.keyboard.press("ArrowDown")
        assert entry.is_visible()
        shown.locator("tbody .tick input").first.focus()
        shown.keyboard.press("Space")
        entry.focus()
        shown.keyboard.type("4411")
        shown.locator("[name=reason]").focus()
        shown.keyboard.type("short")
        shown.evaluate("document.querySelector('form#decide').noValidate = true")
        shown.locator("form#decide button.go").focus()
        with shown.expect_navigation():
            shown.keyboard.press("Enter")

        assert shown.locator("[name=reason][aria-invalid=true]").count() == 1
        assert shown.input_value("[name=reason]") == "short"
        assert shown.input_value("[name=entry]") == "4411"


def test_the_search_is_reached_by_a_slash(browser: Browser, home: str) -> None:
    with opened(browser) as shown:
        visit(shown, home)
        shown.keyboard.press("/")
        shown.keyboard.type("kestrel")
        shown.keyboard.press("Enter")
        shown.wait_for_url("**/expenses?*q=kestrel*", timeout=WAIT_MS)

        assert "Kestrel Hotel" in shown.inner_text("main")


def test_on_paper_there_is_no_navigation_and_no_button(
    browser: Browser, home: str
) -> None:
    with opened(browser, scheme="dark") as shown:
        visit(shown, f"{home}/expenses?booked=no")
        shown.emulate_media(media="print")

        assert not shown.locator(".top nav").is_visible()
        for button in shown.locator(".btn").all():
            assert not button.is_visible()
        assert shown.locator(".st.break").first.is_visible()
        assert shown.pdf().startswith(b"%PDF")
