"""A cause's page: what it means, what to do, which expenses, what was decided."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from reconcile.console.causes import cause_rows
from reconcile.console.figures import PartFigure
from reconcile.console.worksheet import LiveWorksheet
from reconcile.console.worths import worths_of
from reconcile.report.groups import NOT_TAKEN_UP
from reconcile.report.html.tally import MoneyKey
from reconcile.report.html.view import prices_of
from reconcile.report.money import Sum
from reconcile.rules import BUILT_IN
from tests.builders import create_of, page, row, status, uuid_of
from tests.console.browser import Browser, Seen
from tests.console.linked import Figures
from tests.console.months import (
    HARROW,
    KITANO,
    LOCKED,
    Traffic,
    clock,
    console_of,
    store_of_everything,
)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the URL of a store with a bit of everything."""
    return store_of_everything(tmp_path_factory.mktemp("months"))


@pytest.fixture(scope="module")
def browser(where: str) -> Iterator[Browser]:
    """Give a browser on a console of that store."""
    with console_of(where) as app:
        yield Browser(app)


def test_a_cause_says_what_it_means_what_to_do_and_what_to_tell(
    browser: Browser,
) -> None:
    text = Seen(browser.get("/causes/period_locked").text).text

    for phrase in (
        "The books are locked for this date",
        "What it means",
        "Ask them to open the period.",
        "What to tell the customer Your books are locked",
        f"In Codat’s words {LOCKED}",
        "Fingerprint fp2:",
        "Customers 1 of 3",
        "1 to 5 of 5",
    ):
        assert phrase in text, phrase


def test_what_was_decided_about_its_expenses_stands_beside_them(
    browser: Browser,
) -> None:
    text = Seen(browser.get("/causes/period_locked").text).text

    assert "Decided before" in text
    assert text.count("see ticket 4411") == 3
    assert "Booked by hand" in text
    assert "ticket 4411" not in browser.get("/causes/account_archived").text


@pytest.mark.parametrize("scope", ["", f"?customer={KITANO}", "?month=2026-02"])
def test_each_figure_of_a_cause_is_that_of_the_expenses_it_leads_to(
    browser: Browser, where: str, scope: str
) -> None:
    with (
        LiveWorksheet(lambda: Reconciler.open(where, now=clock)) as worksheet,
        worksheet.reading(budget_s=60) as sheet,
    ):
        assert sheet is not None
        names = [*sheet.breaks_by_name()]
        for path in ("/causes", *(f"/causes/{name}" for name in names)):
            for figure in Figures(browser.get(path + scope).text):
                if figure.number is None:
                    continue
                if figure.currency is None:
                    assert sheet.count(figure.filter) == figure.number
                else:
                    (found,) = sheet.sums(figure.filter).values()
                    assert found.amount == figure.number


def test_breaks_without_a_cause_have_a_page_by_their_kind(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kinds.db'}"
    traffic = Traffic()
    lost, seen = traffic.expense(1, merchant="Lost"), traffic.expense(2)
    with Reconciler.open(url, now=clock) as books:
        books.ingest(
            read_lines(
                [
                    create_of(lost, seen),
                    status(2000, minutes=2),
                    page(row(uuid_of(2)), minutes=3),
                ]
            )
        )
    with console_of(url) as app:
        browser = Browser(app)
        (link,) = {
            href
            for href in Figures(browser.get("/causes").text).hrefs
            if href.startswith("/causes/")
        }
        answer = browser.get(link)

    assert link == "/causes/MISSING"
    assert answer.status_code == 200
    text = Seen(answer.text).text
    assert "Its sync ended without it" in text
    assert "The first below: " in text
    assert "Lost" in text
    assert "Codat said nothing of it in words." in text


def test_a_known_cause_that_breaks_nothing_says_so(browser: Browser) -> None:
    text = Seen(browser.get("/causes/insufficient_funds").text).text

    assert "Nothing is broken by it" in text
    assert "What to do" in text


@pytest.mark.parametrize("name", ["nonsense", "~PHNjcmlwdD4", "period%20locked"])
def test_a_cause_that_nobody_knows_is_not_found_and_says_so(
    browser: Browser, name: str
) -> None:
    answer = browser.get(f"/causes/{name}")

    assert answer.status_code == 404
    assert "No rule and no expense has a cause of this name." in answer.text


def test_a_damaged_place_in_the_list_is_refused_with_one_sentence(
    browser: Browser,
) -> None:
    answer = browser.get("/causes/period_locked?after=nonsense")

    assert answer.status_code == 400
    assert "expected that of a link of ours" in Seen(answer.text).text


def test_pages_of_a_cause_hold_each_expense_once_and_lead_back(tmp_path: Path) -> None:
    traffic = Traffic()
    traffic.sync(HARROW, 0, *((LOCKED, traffic.expense(n)) for n in range(120)))
    url = f"sqlite:///{tmp_path / 'long.db'}"
    with Reconciler.open(url, now=clock) as books:
        books.ingest(read_lines(traffic.lines))
    with console_of(url) as app:
        browser = Browser(app)
        path: str | None = "/causes/period_locked"
        names: list[str] = []
        sizes: list[int] = []
        while path is not None:
            hrefs = Figures(browser.get(path).text).hrefs
            found = [href for href in hrefs if href.startswith("/expenses/")]
            names += found
            sizes.append(len(found))
            pages = [href for href in hrefs if "after=" in href]
            path = pages[-1] if sizes[-1] == 50 else None

    assert sizes == [50, 50, 20]
    assert len(set(names)) == 120


def test_a_past_moment_shows_what_was_broken_then(browser: Browser) -> None:
    past = "?as_of=2026-03-10T12:00:00Z"
    then = browser.get(f"/causes/period_locked{past}").text
    later = browser.get(f"/causes/account_archived{past}").text

    assert "The 6 expenses" in then
    assert "Nothing is broken by it at that moment." in Seen(later).text
    assert "see ticket 4411" not in then


TRIED = "Nothing has decided it in time"


def stuck(verdict: str, action: str) -> PartFigure:
    """Return a count of stuck breaks: of what was tried, or of what never was."""
    by = (None, None, "STUCK", action, verdict, "us", HARROW)
    some = Sum(2, 0, Decimal(9))
    return PartFigure(
        by=by, type="Payment", currency="GBP", sum=some, first_at=None, last_at=None
    )


@pytest.mark.parametrize(
    ("parts", "title"),
    [
        ([stuck("FIX_FIRST", "read_again")], TRIED),
        ([stuck("RESEND", "start_sync")], NOT_TAKEN_UP),
        (
            [stuck("FIX_FIRST", "read_again"), stuck("RESEND", "resend")],
            f"{TRIED}, or no sync has taken it up",
        ),
    ],
)
def test_what_nothing_has_tried_is_told_apart_as_in_the_report(
    parts: list[PartFigure], title: str
) -> None:
    (found,) = cause_rows(parts, BUILT_IN)

    assert found.title == title


@pytest.mark.parametrize("page", ["/", "/causes"])
def test_causes_are_in_the_order_that_is_asked_for(browser: Browser, page: str) -> None:
    def titles(sort: str) -> list[str]:
        html = browser.get(f"{page}?sort={sort}").text
        assert "in the last day" in html
        return re.findall(
            r'class="lead"><a href="/causes/[^"]*">(?:<bdi>)?([^<]+)<', html
        )

    by_title = titles("cause")

    assert len(by_title) > 3
    assert by_title == sorted(by_title, key=str.casefold)
    assert titles("-cause") == by_title[::-1]
    assert titles("-breaks") == titles("") != by_title
    assert sorted(titles("-seen")) == sorted(by_title)
    assert browser.get(f"{page}?sort=money").status_code == 400


@pytest.mark.parametrize(
    ("kind", "currency"),
    [("Transfer", None), ("Refund", "GBP"), ("Payment", "EUR"), ("Reward", None)],
)
@pytest.mark.parametrize("lacking", [0, 1, 3])
def test_as_many_are_without_an_amount_as_in_the_report(
    kind: str, currency: str | None, lacking: int
) -> None:
    some = Sum(3, lacking, Decimal(9))
    part = PartFigure(
        by=(), type=kind, currency=currency, sum=some, first_at=None, last_at=None
    )
    worths = worths_of([part])
    prices = prices_of({MoneyKey(kind, currency): some})

    assert worths.unpriced == prices.unpriced == lacking
    assert [w.amount for w in (*worths.payments, *worths.others)] == [
        price.amount for price in (*prices.payments, *prices.others)
    ]
