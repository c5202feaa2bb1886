"""A long list in a browser: its head stays, its columns stand, its ticks are summed."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page

from reconcile import Reconciler, read_lines
from tests.browser.chromium import opened, too_wide, visit
from tests.browser.serving import console_served
from tests.console.months import (
    HARROW,
    LOCKED,
    Traffic,
    clock,
    console_of,
)

AMOUNTS = ("642.50", "-0.25", "12.005", "1234567", "0.1", "-1.105", "123456789012.34")
ROW = [
    "Kestrel Hotel, 7",
    "Kestrel Hotel Transfer",
    "7 no currency",
    "15 Feb 2026",
    "Harrow & Finch Ltd",
    "Break",
    "The accounting software refused it",
    "Us",
    "Ask Codat",
    "19 d",
]
"""Its tick, then merchant, amount, date, customer, state, why, move, step and age."""
A4_PX = 688  # between the margins
CURRENCIES = ("GBP", "EUR", "JPY", "KWD")

EDGES = """() => {
    const round = box => [Math.round(box.left * 2) / 2, Math.round(box.right * 2) / 2];
    const rows = [...document.querySelectorAll('table.list tr')]
        .filter(row => !row.closest('tfoot') && !row.matches('.g'));
    return [...new Set(rows.map(row => JSON.stringify(
        [...row.cells].map(cell => round(cell.getBoundingClientRect()))
    )))];
}"""
"""Where each row's cells begin and end, the head's too: alike rows count once."""

AMOUNT_ENDS = """() => {
    const amounts = document.querySelectorAll('.list tbody :is(.a, .amt1) .amt');
    const ends = [...amounts].map(amount => {
        const range = document.createRange();
        range.selectNodeContents(amount);
        return range.getBoundingClientRect().right;
    });
    return Math.max(...ends) - Math.min(...ends);
}"""
OVERFULL = """() => [...document.querySelectorAll('.list :is(th, td)')]
    .filter(cell => cell.scrollWidth > cell.clientWidth + 1)
    .map(cell => cell.outerHTML)"""
HEAD_IN_SIGHT = """() => {
    const head = [...document.querySelectorAll('.list thead th')].at(-2);
    const box = head.getBoundingClientRect();
    const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
    return box.top >= 0 && head.contains(document.elementFromPoint(x, y));
}"""
HIDDEN_FOCUS = """() => {
    const head = document.querySelector('thead th');
    const seen = [...document.querySelectorAll('tbody :is(a, button, input)')];
    return seen.reverse().filter(each => {
        each.focus();
        return each.getBoundingClientRect().top
            < head.getBoundingClientRect().bottom - 1;
    }).map(each => each.outerHTML);
}"""
"""What of a list lies behind its head once it has the focus, going upwards."""


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of a console over a thousand expenses that failed alike."""
    traffic = Traffic()
    for call in range(20):
        expenses = [
            traffic.expense(
                AMOUNTS[n % len(AMOUNTS)], currency=CURRENCIES[n % len(CURRENCIES)]
            )
            for n in range(50)
        ]
        traffic.sync(HARROW, call / 24, *((LOCKED, expense) for expense in expenses))
    where = f"sqlite:///{tmp_path_factory.mktemp('rows') / 'books.db'}"
    with Reconciler.open(where, now=clock) as books:
        books.ingest(read_lines(traffic.lines))
    with console_of(where) as app, console_served(app) as address:
        yield address


@pytest.mark.parametrize(
    ("path", "rows"), [("/expenses?sort=amount", 50), ("/report", 1000)]
)
def test_of_a_thousand_rows_the_head_stays_in_sight_and_columns_keep_their_edges(
    browser: Browser, thousand: str, path: str, rows: int
) -> None:
    with opened(browser) as shown:
        visit(shown, thousand + path)
        before = shown.evaluate(EDGES)
        listed = shown.locator("table.list tbody tr:not(.g)")
        listed.nth(rows // 2).evaluate("row => row.scrollIntoView({block: 'center'})")

        assert listed.count() == rows
        assert len(before) == 1
        assert shown.evaluate(EDGES) == before
        assert shown.evaluate(HEAD_IN_SIGHT)
        assert shown.evaluate(AMOUNT_ENDS) < 1
        assert shown.evaluate(OVERFULL) == []
        assert too_wide(shown) == []
        shown.set_viewport_size({"width": A4_PX, "height": 900})
        shown.emulate_media(media="print")
        assert shown.evaluate(OVERFULL) == []


def test_nothing_that_has_the_focus_lies_behind_the_head(
    browser: Browser, thousand: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{thousand}/expenses")

        assert shown.evaluate(HIDDEN_FOCUS) == []


def test_ticked_rows_are_counted_and_summed_in_a_bar_that_comes_and_goes(
    browser: Browser, thousand: str
) -> None:
    with opened(browser) as shown:
        visit(shown, f"{thousand}/expenses?sort=merchant")
        rows = shown.locator("tbody tr")
        bar, picked = shown.locator(".bulk"), shown.locator("[data-picked]")
        assert not bar.is_visible()

        for place in range(3):
            rows.nth(place).locator(".tick input").check()
        assert bar.is_visible()
        assert picked.inner_text() == f"3 ticked: {sums_of(shown, 3)}"
        shown.locator("thead .tick input").check()
        assert picked.inner_text() == f"50 ticked: {sums_of(shown, 50)}"
        shown.locator("thead .tick input").uncheck()
        assert not bar.is_visible()


def sums_of(shown: Page, number: int) -> str:
    """Return the sums of the first rows by currency, as a page writes them."""
    found: dict[str, Decimal] = {}
    for text in shown.locator("tbody .amt").all_inner_texts()[:number]:
        amount, currency = text.replace(",", "").split()
        found[currency] = found.get(currency, Decimal(0)) + Decimal(amount)
    return " · ".join(
        f"{written(found[currency], currency)} {currency}" for currency in sorted(found)
    )


def written(amount: Decimal, currency: str) -> str:
    least = {"JPY": 0, "KWD": 3}.get(currency, 2)
    whole, _, part = f"{amount:,f}".partition(".")
    shown = part.rstrip("0").ljust(least, "0")
    return f"{whole}.{shown}" if shown else whole


@pytest.mark.parametrize("path", ["/expenses?booked=no", "/causes/currency_off"])
def test_what_is_no_payment_is_counted_apart_as_in_the_foot(
    browser: Browser, home: str, path: str
) -> None:
    with opened(browser) as shown:
        visit(shown, home + path)
        shown.locator("thead .tick input").check()
        picked = shown.locator("[data-picked]").inner_text()
        visit(shown, f"{home}/expenses?booked=no&cause={path.rpartition('/')[2]}")
        if "?" in path:
            visit(shown, home + path)
        foot = shown.locator("tfoot td[colspan]")
        payments = " · ".join(foot.locator("> .amt").all_inner_texts())
        beside = foot.locator(".sub").inner_text().removeprefix("and ")
        apart = re.sub(r" of [\d.,]+ \w+| without currency|expense ", "", beside)

    assert f": {payments} · apart: " in picked
    assert sorted(picked.partition("apart: ")[2].split(", ")) == sorted(
        apart.split(", ")
    )


def test_without_scripts_the_list_is_filtered_and_turned_over(
    browser: Browser, thousand: str
) -> None:
    with opened(browser, scripts=False) as shown:
        visit(shown, f"{thousand}/expenses")
        shown.locator("select[name=currency]").select_option("GBP")
        shown.get_by_role("button", name="Filter").click()
        assert shown.locator(".head p b").inner_text() == "260"
        addresses: list[list[str]] = []
        for turn in ("Next", "Next", "Previous"):
            addresses.append(expenses_of(shown))
            shown.get_by_role("link", name=turn, exact=True).click()

        assert expenses_of(shown) == addresses[1]
        assert len({link for links in addresses for link in links}) == 150


def expenses_of(shown: Page) -> list[str]:
    """Return the addresses of the expenses that a page lists."""
    links = shown.locator("tbody th a").all()
    return [link.get_attribute("href") or "" for link in links]


@pytest.mark.parametrize("width", [1440, 320])
def test_a_screen_reader_reads_a_row_in_the_order_of_its_heads(
    browser: Browser, home: str, width: int
) -> None:
    with opened(browser, width=width) as shown:
        visit(shown, f"{home}/expenses?state=break&type=Transfer")
        session = shown.context.new_cdp_session(shown)
        nodes = session.send("Accessibility.getFullAXTree")["nodes"]

    spoken = [
        node["name"]["value"]
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in ("cell", "rowheader")
    ]
    assert spoken[: len(ROW)] == ROW
