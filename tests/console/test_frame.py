"""What stands around every page: the number of breaks, the search, who is asking."""

import time
from pathlib import Path
from typing import ClassVar

from starlette.responses import Response

from reconcile import ConsoleApp
from reconcile.console.asking import FILTER_WORDS
from reconcile.console.pages.visit import Page, Visit
from tests.builders import COMPANY
from tests.console.browser import Browser, Seen
from tests.console.stores import OPEN, STORY, store_with

WAIT_MAX_S = 30


def _lists(visit: Visit) -> Response:
    return visit.page("health.html", checks=[], problems=0)


class Listing(ConsoleApp):
    """A console with an empty page where the list of expenses is to be."""

    pages: ClassVar[tuple[Page, ...]] = (
        *(page for page in ConsoleApp.pages if page.name != "expenses"),
        Page(path="/expenses", name="expenses", view=_lists, words=FILTER_WORDS),
    )


def test_the_number_of_breaks_stands_at_the_top_and_the_search_keeps_the_scope(
    tmp_path: Path,
) -> None:
    console = Listing(store_with(tmp_path, STORY))
    OPEN.append(console)
    browser = Browser(console)
    end = time.monotonic() + WAIT_MAX_S
    html = ""
    while 'aria-label="1 break"' not in html and time.monotonic() < end:
        html = browser.get(f"/health?customer={COMPANY}&month=2026-03").text

    assert "Expenses 1" in Seen(html).text
    assert f'type="hidden" name="customer" value="{COMPANY}"' in html
    assert 'type="hidden" name="month" value="2026-03"' in html


def test_a_past_moment_has_no_number_of_now_at_its_top(tmp_path: Path) -> None:
    console = Listing(store_with(tmp_path, STORY))
    OPEN.append(console)

    html = Browser(console).get("/health?as_of=2026-03-02T09:01").text

    assert "Expenses Causes" in Seen(html).text
    assert "As it stood" in Seen(html).text
