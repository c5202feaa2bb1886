"""Merchants that are markup, formulas, long, or of other scripts: text everywhere."""

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import opened, too_wide, visit
from tests.console.months import BACKWARDS, LONGEST, MARKUP

FORMULA = "=1+1"
JAPANESE = "鳥貴族"
HEBREW = BACKWARDS.split(" \u202e")[0]
OTHERS = (MARKUP, FORMULA, LONGEST[:40], JAPANESE, HEBREW)

OVERLAPPING = """() => {
    const cells = [...document.querySelectorAll('tbody tr')].map(row =>
        [...row.cells].map(cell => cell.getBoundingClientRect())
            .filter(box => box.width && box.height));
    const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
        && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
    return cells.filter(row =>
        row.some((a, n) => row.slice(n + 1).some(b => meet(a, b)))).length;
}"""
"""How many rows have cells that lie over one another."""


@contextmanager
def watched(browser: Browser, width: int) -> Iterator[Page]:
    """Give a page of a width, in which nothing of a merchant runs."""
    with opened(browser, width=width) as shown:
        dialogs: list[str] = []
        errors: list[str] = []
        shown.on("dialog", lambda dialog: dialogs.append(dialog.message))
        shown.on("pageerror", lambda error: errors.append(str(error)))
        yield shown
        assert (dialogs, errors) == ([], [])


def assert_is_whole(shown: Page) -> None:
    assert too_wide(shown) == []
    assert shown.evaluate(OVERLAPPING) == 0


@pytest.mark.parametrize("width", [1440, 320])
def test_what_a_merchant_is_called_is_text_and_leaves_each_page_whole(
    browser: Browser, home: str, width: int
) -> None:
    with watched(browser, width) as shown:
        visit(shown, f"{home}/report")
        for merchant in OTHERS:
            assert merchant in shown.inner_text("main")
        assert_is_whole(shown)
        visit(shown, f"{home}/expenses?state=break&sort=merchant")
        for merchant in OTHERS:
            assert merchant in shown.inner_text("main")
        assert_is_whole(shown)
        links = [
            shown.locator("th.lead a", has_text=merchant).first.get_attribute("href")
            for merchant in OTHERS
        ]
        for link, merchant in zip(links, OTHERS, strict=True):
            visit(shown, f"{home}{link}")
            assert merchant in shown.inner_text("h1")
            assert merchant in shown.title()
            assert_is_whole(shown)

        visit(shown, f"{home}/expenses?state=break")
        ticks = shown.locator("td.tick input")
        for place in range(ticks.count()):
            ticks.nth(place).check()
        shown.get_by_role("button", name="Waive…").click()
        shown.locator("#decide [name=reason]").fill(f"{MARKUP} {LONGEST}")
        shown.get_by_role("button", name="See what it changes").click()
        assert MARKUP in shown.inner_text("aside")
        assert_is_whole(shown)


def test_a_search_for_it_finds_it_and_says_what_was_sought(
    browser: Browser, home: str
) -> None:
    with watched(browser, 320) as shown:
        for merchant in OTHERS:
            visit(shown, f"{home}/expenses?q={quote(merchant)}")
            assert shown.locator("tbody tr").count() == 1
            assert merchant in shown.inner_text(".filtered")
            assert_is_whole(shown)


@pytest.mark.parametrize("path", ["/expenses", "/report"])
def test_in_a_file_for_spreadsheets_it_is_no_formula(
    browser: Browser, home: str, path: str
) -> None:
    with watched(browser, 1440) as shown:
        visit(shown, home + path)
        with shown.expect_download() as found:
            shown.get_by_role("link", name="CSV").click()
        text = found.value.path().read_text("utf-8-sig")

    merchants = {row["merchant"] for row in csv.DictReader(io.StringIO(text))}
    assert f"'{FORMULA}" in merchants
    assert {MARKUP, JAPANESE, LONGEST} <= merchants
    assert not [merchant for merchant in merchants if merchant.startswith("=")]
