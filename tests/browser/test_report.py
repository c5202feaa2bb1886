"""The report as a page, in a browser: whole at each width, and asking nobody."""

from typing import Final

import pytest
from playwright.sync_api import Browser, Page

from reconcile import Reconciler, read_lines, to_html
from tests.browser.chromium import (
    SCHEMES,
    WIDTHS,
    Scheme,
    axe_findings,
    opened,
    too_wide,
)
from tests.builders import at, create_of, expense_of, page, row, status, uuid_of

MERCHANTS = (
    "Kestrel Hotel",
    "<script>alert(1)</script>",
    "=1+1",
    "W" * 200,
    "株式会社北野商事",
    "שלום עולם \u202eevil",
)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the address of a report's file: broken, open and written expenses."""
    folder = tmp_path_factory.mktemp("report")
    names = [uuid_of(number) for number in range(2 * len(MERCHANTS))]
    expenses = [
        expense_of(name, f"{10 * n + 1}.50", merchant=MERCHANTS[n % len(MERCHANTS)])
        for n, name in enumerate(names)
    ]
    rows = [
        row(name, "PushError", message="The period is locked.") for name in names[:-2]
    ]
    lines = [
        create_of(*expenses),
        status(5130, minutes=2),
        page(*rows, row(names[-2], "Completed"), minutes=3),
    ]
    url = f"sqlite:///{folder / 'books.db'}"
    with Reconciler.open(url, now=lambda: at(60 * 24)) as books:
        books.ingest(read_lines(lines))
        file = folder / "report.html"
        file.write_bytes(b"".join(to_html(books.report())))
    return file.as_uri()


def asked(browser_page: Page, address: str) -> list[str]:
    """Open a page; return every address that was asked for."""
    requests: list[str] = []
    browser_page.on("request", lambda request: requests.append(request.url))
    browser_page.goto(address, wait_until="networkidle")
    return requests


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_report_stands_whole_at_each_width_and_scheme(
    browser: Browser, address: str, width: int, scheme: Scheme
) -> None:
    with opened(browser, width=width, scheme=scheme) as shown:
        requests = asked(shown, address)

        assert requests == [address]
        assert too_wide(shown) == []
        if width in (1440, 320):
            assert axe_findings(shown) == []


def test_a_report_says_all_without_javascript_and_runs_nothing_of_a_merchant(
    browser: Browser, address: str
) -> None:
    with opened(browser, scripts=False) as plain, opened(browser) as shown:
        dialogs: list[str] = []
        shown.on("dialog", lambda dialog: dialogs.append(dialog.message))
        plain.goto(address)
        shown.goto(address)

        assert plain.inner_text("main") == shown.inner_text("main")
        assert "<script>alert(1)</script>" in plain.inner_text("main")
        assert dialogs == []


def test_a_printed_report_has_no_navigation_and_repeats_its_heads(
    browser: Browser, address: str
) -> None:
    with opened(browser, scheme="dark") as shown:
        shown.goto(address)
        shown.emulate_media(media="print", color_scheme="dark")
        heads = shown.eval_on_selector_all(
            "thead", "all => all.map(head => getComputedStyle(head).display)"
        )
        paper = shown.evaluate("getComputedStyle(document.body).backgroundColor")

        assert not shown.locator("nav").first.is_visible()
        assert set(heads) == {"table-header-group"}
        assert paper in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)")
        assert shown.pdf().startswith(b"%PDF")


def test_on_paper_the_lists_are_tables_and_no_cell_runs_over_its_neighbour(
    browser: Browser, address: str
) -> None:
    with opened(browser, width=A4_LESS_MARGINS) as shown:
        shown.emulate_media(media="print")
        shown.goto(address)
        cells = shown.eval_on_selector_all("td, th", _RUN_OVER)
        rows = shown.eval_on_selector_all(
            "tr", "all => all.map(row => getComputedStyle(row).display)"
        )

        assert cells == []
        assert set(rows) == {"table-row"}


A4_LESS_MARGINS: Final = 688
_RUN_OVER: Final = """all => all.filter(e => e.scrollWidth > e.clientWidth + 1)
    .map(e => e.innerText)"""
