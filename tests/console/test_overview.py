"""The overview: its figures add up, and each leads to exactly what it counts."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest
from starlette.responses import Response

from reconcile import ConsoleApp, Reconciler, read_lines
from reconcile.console.flow import Flow
from reconcile.console.pages import PAGES, overview
from reconcile.console.pages.visit import Visit
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from reconcile.domain.instants import parse_instant
from reconcile.storage.worksheet.read import SheetReads
from tests.builders import at, create_of, expense_of, uuid_of
from tests.console.browser import Browser, Seen
from tests.console.linked import Figures, Linked
from tests.console.months import (
    HARROW,
    KITANO,
    LOCKED,
    MOREL,
    NOW,
    Traffic,
    clock,
    console_of,
    store_of_everything,
)

SCOPES = [
    "/",
    f"/?customer={HARROW}",
    f"/?customer={MOREL}&customer={KITANO}",
    "/?month=2026-02",
    f"/?month=2026-02&month=2026-03&customer={KITANO}",
    "/?as_of=2026-03-10T12:00:00Z",
    "/?as_of=2026-03-23T12:00:00Z&month=2026-02",
    "/?known_at=2026-04-11T09:00:00Z",
    "/?all=customers",
]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Give the URL of a store with a bit of everything."""
    return store_of_everything(tmp_path_factory.mktemp("months"))


@pytest.fixture(scope="module")
def browser(where: str) -> Iterator[Browser]:
    """Give a browser on a console of that store."""
    with console_of(where) as app:
        yield Browser(app)


@pytest.fixture(scope="module")
def worksheet(where: str) -> Iterator[LiveWorksheet]:
    """Give a worksheet of its own of that store."""
    with LiveWorksheet(lambda: Reconciler.open(where, now=clock)) as found:
        yield found


@contextmanager
def sheet_of(worksheet: LiveWorksheet, figure: Linked) -> Iterator[Sheet]:
    """Give the worksheet of the moments that a figure's link asks for."""
    as_of, known_at = (
        parse_instant(figure.words[word][0]) if word in figure.words else None
        for word in ("as_of", "known_at")
    )
    moment = as_of or known_at
    if moment is None:
        with worksheet.reading(budget_s=60) as sheet:
            assert sheet is not None
            yield sheet
        return
    with worksheet.past(as_of=moment, known_at=known_at, budget_s=60) as past:
        assert isinstance(past, Sheet)
        yield past


def assert_is_what_it_leads_to(figure: Linked, sheet: Sheet) -> None:
    number = figure.number
    if number is None:
        rows = sheet.lines(figure.filter, limit=200).rows
        oldest = min(row.broken_since for row in rows if row.broken_since)
        assert figure.text == age_of(sheet.as_of, oldest)
    elif figure.currency is None:
        assert sheet.count(figure.filter) == number, figure
    else:
        sums = sheet.sums(figure.filter)
        assert {key.currency for key in sums} == {figure.currency}, figure
        assert len({key.type for key in sums}) == 1, figure
        total = sum((found.amount for found in sums.values()), Decimal(0))
        assert total == number, figure


def age_of(now: datetime, then: datetime) -> str:
    hours = (now - then).total_seconds() // 3600
    return f"{hours // 24:.0f} d" if hours >= 24 else f"{hours:.0f} h"


@pytest.mark.parametrize("path", SCOPES)
def test_each_figure_is_that_of_exactly_the_expenses_it_leads_to(
    browser: Browser, worksheet: LiveWorksheet, path: str
) -> None:
    figures = [*Figures(browser.get(path).text)]
    asked = {w: tuple(v) for w, v in parse_qs(urlsplit(path).query).items()}

    assert len(figures) > 15
    for figure in figures:
        for word in ("as_of", "known_at"):
            assert figure.words.get(word) == asked.get(word)
        for word in ("customer", "month"):
            assert set(figure.words.get(word, ())) <= set(
                asked.get(word, figure.words.get(word, ()))
            )
            assert word in figure.words or word not in asked
        with sheet_of(worksheet, figure) as sheet:
            assert_is_what_it_leads_to(figure, sheet)


@pytest.mark.parametrize("path", ["/", f"/?customer={HARROW}&month=2026-02"])
def test_a_list_says_the_number_of_the_figure_that_leads_to_it(
    browser: Browser, path: str
) -> None:
    counts = [
        figure
        for figure in Figures(browser.get(path).text)
        if figure.currency is None and figure.number
    ]

    for figure in counts[:12]:
        listed = Seen(browser.get(figure.href).text).text
        assert re.search(rf"\b{int(figure.number or 0):,}\b", listed), figure


@pytest.mark.parametrize("path", SCOPES)
def test_states_add_up_to_all_and_the_rest_to_the_breaks(
    browser: Browser, path: str
) -> None:
    page = Sections(browser.get(path).text)
    total, broken = page.total, page.states["break"]

    assert sum(page.states.values()) == total
    assert sum(page.counts("h-move", lambda w: set(w) == {"state", "owner"})) == broken
    assert (
        sum(page.counts("h-causes", lambda w: set(w) == {"state", "cause"})) == broken
    )
    assert sum(page.counts("h-age", lambda w: set(w) == {"state", "age"})) == broken
    by_customer = page.counts(
        "h-cust", lambda w: set(w) == {"state", "customer"} and w["state"] == ("break",)
    )
    if "customer" not in path:  # else the foot's words are a row's
        assert sum(by_customer) == broken
    days = page.counts("h-days", lambda w: "state" in w or "booked" in w)
    assert sum(days) == total


class Sections:
    """The figures of a page, by the heading of their section, without the scope."""

    def __init__(self, html: str) -> None:
        self._parts = {
            name: [*Figures(part)]
            for name, part in re.findall(
                r'<h2 id="(h-\w+)">(.*?)</section>', html, re.DOTALL
            )
        }
        strip = html.split('class="sum"')[1].split("</ul>", maxsplit=1)[0]
        self.states = {
            figure.words["state"][0]: int(figure.number or 0)
            for figure in Figures(strip)
        }
        sentence = html.split("<h1>")[1].split("</div>", maxsplit=1)[0]
        self.total = max(int(figure.number or 0) for figure in Figures(sentence))
        self._asked = set(parse_qs(urlsplit(_link(strip)).query)) - {"state"}

    def counts(self, section: str, which: object) -> list[int]:
        """Return the counts of a section whose words, but the scope's, are some."""
        assert callable(which)
        return [
            int(figure.number)
            for figure in self._parts.get(section, ())
            if figure.number is not None
            and figure.currency is None
            and which({w: v for w, v in figure.words.items() if w not in self._asked})
        ]


def _link(html: str) -> str:
    return Figures(html).hrefs[0].replace("&amp;", "&")


@pytest.mark.parametrize(
    ("step", "unit"), [(1, "day"), (5, "week"), (30, "month"), (200, "year")]
)
def test_a_long_time_is_by_week_month_or_year_and_its_figures_still_lead_there(
    tmp_path: Path, step: int, unit: str
) -> None:
    traffic = Traffic()
    first = date(2020, 1, 29)
    issued = [f"{first + timedelta(days=step * n)}" for n in range(20)]
    traffic.sync(
        HARROW,
        0,
        *(
            (LOCKED if n % 3 else None, traffic.expense(n + 1, issued=day))
            for n, day in enumerate(issued)
        ),
    )
    url = f"sqlite:///{tmp_path / 'long.db'}"
    with Reconciler.open(url, now=clock) as books:
        books.ingest(read_lines(traffic.lines))
    months = "&".join(f"month={day[:7]}" for day in sorted({*issued[::2]}))
    with (
        console_of(url) as app,
        LiveWorksheet(lambda: Reconciler.open(url, now=clock)) as worksheet,
    ):
        for path in ("/", f"/?{months}"):
            html = Browser(app).get(path).text
            for figure in Figures(html):
                with sheet_of(worksheet, figure) as sheet:
                    assert_is_what_it_leads_to(figure, sheet)
            if path == "/":
                assert f"Expenses by {unit} of issue" in html


def test_no_sum_is_over_two_currencies_and_no_refund_is_set_off(
    browser: Browser,
) -> None:
    figures = [*Figures(browser.get("/").text)]
    money = [figure for figure in figures if figure.currency is not None]

    assert {figure.currency for figure in money} == {"EUR", "GBP", "JPY", "USD"}
    for figure in money:
        assert figure.words["currency"] == (figure.currency,)
        assert len(figure.words["type"]) == 1
    texts = {figure.text for figure in figures}
    assert {"1 refund", "1 transfer", "1 without an amount", "86.00"} <= texts


def test_what_others_wrote_is_text_and_no_part_of_the_page_acts(
    browser: Browser,
) -> None:
    for path in ("/", "/causes", "/causes/period_locked", "/causes/unclassified"):
        answer = browser.get(path)
        seen = Seen(answer.text)
        assert answer.status_code == 200
        assert seen.acting == []
        assert seen.elements.count("h1") == 1
        assert len(seen.ids) == len(set(seen.ids))


def test_a_past_moment_goes_along_with_every_link(browser: Browser) -> None:
    past = "as_of=2026-03-10T12%3A00%3A00Z"
    html = browser.get(f"/?{past}").text
    inside = html.split("<main")[1]
    leading = [
        href
        for href in Figures(inside).hrefs
        if href.startswith("/") and "As it stands now" not in href
    ]

    assert [href for href in leading if past not in href] == ["/"]  # as it stands now
    assert "As it stood" in html


def test_the_words_of_the_scope_stay_in_its_form(browser: Browser) -> None:
    html = browser.get(
        f"/?customer={KITANO}&month=2026-02&as_of=2026-04-01T10:30&known_at="
        "2026-04-11T09:00:00Z"
    ).text
    form = html.split('<form class="scope')[1].split("</form>")[0]

    assert f'value="{KITANO}" selected' in form
    assert 'name="month" value="2026-02"' in form
    assert 'name="as_of" value="2026-04-01T10:30:00"' in form
    assert 'name="known_at" value="2026-04-11T09:00:00Z"' in form


def test_where_nothing_is_broken_it_says_when_something_may_be(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'open.db'}"
    with Reconciler.open(url, now=lambda: at(5)) as books:
        books.ingest(read_lines([create_of(expense_of(uuid_of(1)))]))
    with ConsoleApp(
        lambda: Reconciler.open(url, now=lambda: at(5)), now=lambda: at(5)
    ) as app:
        text = Seen(Browser(app).get("/").text).text

    assert "Nothing is broken. 0 of 1 are in the books, 1 is being decided." in text
    assert "The next may become overdue on 3 Mar 2026, 13:00 UTC" in text


@pytest.mark.parametrize(
    ("heard", "read", "is_silent"),
    [
        (25, 1, True),
        (23, 1, False),
        (25, 25, False),  # nothing at all was going on
        (None, 1, False),  # a host without webhooks
        (25, None, False),
        (25, -1, False),  # as it stood before the read
    ],
)
def test_webhooks_are_missed_while_reads_go_on(
    heard: int | None, read: int | None, *, is_silent: bool
) -> None:
    moments = [h if h is None else NOW - timedelta(hours=h) for h in (heard, read)]
    flow = Flow(
        heard_at=moments[0],
        read_at=moments[1],
        syncs=1,
        unread_syncs=0,
        part_read_syncs=0,
        refused=0,
        findings={},
    )

    assert flow.is_silent(NOW) is is_silent


def test_an_empty_store_says_what_would_fill_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'empty.db'}"
    Reconciler.open(url).close()
    with console_of(url) as app:
        browser = Browser(app)
        assert "No expenses yet." in browser.get("/").text
        assert "Nothing is broken." in browser.get("/causes").text


def test_a_month_without_expenses_says_which_word_to_drop(browser: Browser) -> None:
    html = browser.get("/?month=2019-05").text

    assert "Nothing was issued in May 2019" in html
    assert "Show everything" in html


def test_of_many_causes_and_customers_the_first_are_shown_then_all(
    tmp_path: Path,
) -> None:
    traffic = Traffic()
    for n in range(25):
        company = f"33333333-0000-4000-8000-{n:012d}"
        sent = traffic.expense(10 + n)
        traffic.sync(company, n / 10, ("The period is locked.", sent))
    url = f"sqlite:///{tmp_path / 'many.db'}"
    with Reconciler.open(url, now=clock) as books:
        books.ingest(read_lines(traffic.lines))
    with console_of(url) as app:
        browser = Browser(app)
        first = browser.get("/").text
        every = browser.get("/?all=customers").text

    assert "5 more customers" in first
    assert "show all 25" in first
    assert "more customers" not in every
    assert every.count('data-l="Oldest break"') == 25


def test_an_overview_costs_at_most_twelve_queries(where: str, tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    queries: list[str] = []

    def counted(visit: Visit) -> Response:
        connection = sqlite3.connect(scratch)
        reads = SheetReads(connection)
        head = reads.head()
        assert head is not None
        connection.set_trace_callback(queries.append)
        sheet = Sheet(reads, head, as_of=NOW, newest=head.position)
        answer = overview.view(attrs.evolve(visit, read=sheet))
        connection.close()
        return answer

    class Counting(ConsoleApp):
        pages = tuple(
            attrs.evolve(page, view=counted) if page.name == "overview" else page
            for page in PAGES
        )

    def opened() -> Reconciler:
        return Reconciler.open(where, create=False, now=clock)

    with Counting(opened, worksheet=scratch, now=clock) as app:
        answer = Browser(app).get("/")

    assert "need someone to act" in answer.text
    assert 0 < len(queries) <= 12
