"""Each figure of the overview leads to as much as it says; sums agree everywhere."""

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.browser.chromium import opened, visit
from tests.console.months import HARROW

PART = f"customer={HARROW}&month=2026-02"
PAST = "as_of=2026-03-23T12:00:00Z&known_at=2026-04-11T09:00:00Z"
SCOPES = ("", PART, f"{PART}&{PAST}")
SCOPE_WORDS = ("customer", "month", "as_of", "known_at")
SECTIONS = {"h-causes", "h-move", "h-money", "h-age", "h-cm", "h-days", "h-cust", None}
Sums = Mapping[str | None, Decimal]

FIGURES = """() => [...document.querySelectorAll('main a')]
    .filter(a => a.pathname === '/expenses')
    .map(a => ({
        href: a.href,
        currency: a.dataset.currency ?? null,
        text: (a.querySelector('.v') ?? a).textContent.trim(),
        section: a.closest('section')?.getAttribute('aria-labelledby') ?? null,
    }))
    .filter(({text}) => /[0-9]/.test(text))"""
UNLINKED = """() => [...document.querySelectorAll('td.num, span.num, .v')]
    .filter(e => /[1-9]/.test(e.textContent))
    .filter(e => !e.closest('a') && !e.querySelector('a'))
    .map(e => e.outerHTML)"""
LISTED = """pages => pages.map(html => {
    const page = new DOMParser().parseFromString(html, 'text/html');
    return {
        number: page.querySelector('.head p b').textContent,
        sums: [...page.querySelectorAll('tfoot .amt')].map(e => e.textContent.trim()),
        age: page.querySelector('tbody [data-l=Age]')?.textContent.trim(),
    };
})"""
LEAD = """html => [
    ...new DOMParser().parseFromString(html, 'text/html').querySelectorAll('.lead .amt')
].map(amount => amount.textContent)"""


def words_of(address: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(address).query, keep_blank_values=True)


def assert_says(figure: Mapping[str, Any], listed: Mapping[str, Any]) -> None:
    """Check that a list says what the figure says that leads to it."""
    text = figure["text"]
    if re.fullmatch(r"\d+ (d|h|min)", text):
        assert listed["age"] == text, figure
    elif figure["currency"] or re.search(r" [A-Z]{3}$", text):
        amount = f"{text} {figure['currency']}" if figure["currency"] else text
        assert listed["sums"] == [amount], figure
    else:
        assert listed["number"] == text.split()[0], figure


def assert_keeps(address: str, scope: str) -> None:
    """Check that an address is of the same customers, months and moments."""
    asked, found = words_of(f"?{scope}"), words_of(address)
    for word in asked:
        assert found.get(word) == asked[word], address
    assert not {"as_of", "known_at"} & (set(found) - set(asked)), address


@pytest.mark.parametrize("scope", SCOPES)
def test_the_list_behind_each_figure_says_the_same(
    browser: Browser, home: str, scope: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{home}/?{scope}")
        figures = shown.evaluate(FIGURES)
        unlinked = shown.evaluate(UNLINKED)
        addresses = list(dict.fromkeys(figure["href"] for figure in figures))
        pages = [shown.request.get(address).text() for address in addresses]
        lists = dict(zip(addresses, shown.evaluate(LISTED, pages), strict=True))

    assert unlinked == []
    assert {figure["section"] for figure in figures} == SECTIONS
    for figure in figures:
        assert_keeps(figure["href"], scope)
        assert_says(figure, lists[figure["href"]])


def test_a_click_on_a_figure_of_each_kind_opens_that_list(
    browser: Browser, home: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{home}/?{PART}&{PAST}")
        figures = {
            (
                figure["section"],
                bool(figure["currency"]),
                figure["text"][-1].isdigit(),
            ): figure
            for figure in shown.evaluate(FIGURES)
            if figure["text"] != "0"
        }
        for figure in figures.values():
            shown.locator("summary").first.click()
            path = figure["href"].removeprefix(home)
            links = shown.locator(f'main a[href="{path}"]')
            links.filter(has_text=figure["text"]).first.click()

            assert_keeps(shown.url, f"{PART}&{PAST}")
            assert_says(figure, *shown.evaluate(LISTED, [shown.content()]))
            shown.go_back()

    assert len(figures) > 10


def amount_in(text: str) -> tuple[str | None, Decimal]:
    """Return an amount as a page shows it, by its currency."""
    figure, _, currency = text.strip().partition(" ")
    return currency, Decimal(figure.replace(",", ""))


def downloaded(shown: Page, name: str) -> str:
    """Return the file that a link of the page downloads."""
    with shown.expect_download() as found:
        shown.get_by_role("link", name=name).click()
    return found.value.path().read_text("utf-8-sig")


def added(rows: Iterable[Mapping[str, Any]]) -> Sums:
    """Return the sums of what is a payment and not in the books, by currency."""
    found: dict[str | None, Decimal] = {}
    for row in rows:
        if row["type"] == "Payment" and row["state"] in ("open", "break"):
            amount = Decimal(row["amount"] or 0)
            found[row["currency"]] = found.get(row["currency"], Decimal(0)) + amount
    return {currency: amount for currency, amount in found.items() if amount}


def sums_of_the_overview(shown: Page) -> Sums:
    rows = shown.locator("section[aria-labelledby=h-money] tbody tr").all()
    cells = [(row.locator("td").last, row.locator("th")) for row in rows]
    return dict(amount_in(f"{td.inner_text()} {th.inner_text()}") for td, th in cells)


def priced(rows: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return the lines of a file of expenses that are in its sums."""
    return [row for row in rows if row["in_sums"] == "yes"]


def known(rows: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """Return a line for each expense of a file of postings that has an amount."""
    found = {row["transaction_id"]: row for row in rows}
    return [row for row in found.values() if re.match(r"[\d.]+$", row["amount"])]


@pytest.mark.parametrize("scope", SCOPES)
def test_sums_by_currency_are_equal_on_pages_and_in_files_to_the_last_digit(
    browser: Browser, home: str, scope: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{home}/?{scope}")
        overview = sums_of_the_overview(shown)
        beside = shown.locator(".beside .amt").all_inner_texts()
        visit(shown, f"{home}/expenses?{scope}&booked=no")
        foot = shown.locator("tfoot td[colspan] > .amt").all_inner_texts()
        foot_beside = shown.locator("tfoot .sub .amt").all_inner_texts()
        table = csv.DictReader(io.StringIO(downloaded(shown, "CSV")))
        data = json.loads(downloaded(shown, "JSON"))
        visit(shown, f"{home}/report?{scope}")
        lead = shown.locator(".lead .amt").all_inner_texts()
        mailed = shown.evaluate(LEAD, downloaded(shown, "this page"))
        postings = csv.DictReader(io.StringIO(downloaded(shown, "CSV")))
        report = json.loads(downloaded(shown, "JSON"))

    assert overview
    assert dict(map(amount_in, foot)) == overview
    assert beside == foot_beside
    assert dict(map(amount_in, lead)) == overview
    assert dict(map(amount_in, mailed)) == overview
    assert added(priced(table)) == overview
    assert added(known(postings)) == overview
    assert added(data["money"]) == overview
    assert added(report["totals"]["money"]) == overview
