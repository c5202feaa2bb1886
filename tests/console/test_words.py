"""What pages say is said as in finance: names first, and no names of ours."""

import re
from collections.abc import Iterator

import pytest

from tests.console.browser import Browser, Seen
from tests.console.months import EVERY_PAGE, HARROW, console_of, store_of_everything

PAGES = (*EVERY_PAGE, "/expenses?state=resolved")
WRONG_PLURAL = re.compile(
    r"\b1 (expenses|breaks|causes|customers|syncs|events|notes|checks|calls|rows)\b"
)
NAME_OF_OURS = re.compile(r"\b(FIX_FIRST|RESEND|NEVER|accounting_software)\b")


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Give a browser at a console over a store with a bit of everything."""
    with console_of(store_of_everything(tmp_path_factory.mktemp("words"))) as app:
        yield Browser(app)


def text_of(pages: Browser, path: str) -> str:
    """Return what a page says, once it has counted."""
    answer = pages.get(path)
    while answer.status_code == 202:
        answer = pages.get(path)
    assert answer.status_code == 200
    return Seen(answer.text).text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_no_wrong_plural_and_no_name_of_ours(
    pages: Browser, path: str
) -> None:
    text = text_of(pages, path)

    assert WRONG_PLURAL.findall(text) == []
    assert NAME_OF_OURS.findall(text) == []


@pytest.mark.parametrize(
    ("path", "phrase"),
    [
        ("/", "15 need someone to act: 2 of them us."),
        ("/", "Expenses by day of issue, 1 Feb 2026 to 22 Feb 2026"),
        (f"/?customer={HARROW}", "9 need someone to act: 2 of them us."),
        ("/expenses?type=transfer", "7 no currency"),
        ("/health", "SQLite Well version"),
        ("/decisions", "Kestrel Hotel 642.50 GBP, 15 Feb 2026 Booked by hand"),
        ("/retries", "12,493.65 EUR 1,959.00 GBP 52,080 JPY Refunds 86.00 GBP"),
        ("/retries", "The books are locked for this date: 5"),
    ],
)
def test_what_a_page_says(pages: Browser, path: str, phrase: str) -> None:
    assert phrase in text_of(pages, path)
