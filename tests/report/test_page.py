"""The report as a page says what the report says, to the last digit, and no more."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import pairwise
from tempfile import TemporaryDirectory

import pytest

from reconcile import Reconciler, Report, UsageError, digest, read_lines, to_html
from reconcile.domain.vocabulary import ItemState
from reconcile.report.html import figures, words
from reconcile.report.html.tally import LISTED_MAX
from tests.builders import create_of, expense_of, page, row, status, uuid_of
from tests.laws import law
from tests.report.pages import ReadPage, read_page
from tests.report.test_money import LATER, Sent, months, store_of
from tests.strategies import crowded

COMPANY = "harrow-and-finch"
HARMLESS = {
    *("html", "head", "meta", "title", "style", "body", "main", "header", "section"),
    *("h1", "h2", "h3", "p", "b", "i", "ul", "ol", "li", "dl", "dt", "dd", "div", "a"),
    *("nav", "table", "caption", "thead", "tbody", "tfoot", "tr", "th", "td", "br"),
    *("span", "code", "pre", "small", "time", "bdi", "figure", "details", "summary"),
    *("svg", "symbol", "use", "path", "circle", "rect"),
}
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "=1+1",
    "</td></table></main>",
    "{{ 7 * 7 }}{% raw %}",
    "</style><style>*{display:none}",
    "javascript:alert(1)",
    "https://evil.example/a.png",
    "&lt;&amp;&#34;",
    "\u202eevil\u202c \u2066inner",
    "a\x00b\x1b[31mc\x7f\x85",
    "שלום עולם",
    "株式会社北野商事",
    "W" * 200,
    "e\u0301" * 300,
]


@contextmanager
def opened(lines: list[bytes]) -> Iterator[Reconciler]:
    """Give a store of traffic, for as long as it is asked."""
    with (
        TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{folder}/books.db", now=lambda: LATER) as books,
    ):
        books.ingest(read_lines(lines))
        yield books


@contextmanager
def reported(lines: list[bytes]) -> Iterator[Report]:
    """Give the report of traffic."""
    with opened(lines) as books:
        yield books.report()


def failed(*merchants: str, company: str = COMPANY, message: str = "") -> list[bytes]:
    """Return the traffic of expenses that all failed."""
    names = [uuid_of(number) for number in range(len(merchants))]
    expenses = [
        expense_of(name, "10.00", merchant=merchant)
        for name, merchant in zip(names, merchants, strict=True)
    ]
    rows = [row(name, "PushError", message=message or "Odd.") for name in names]
    return [
        create_of(*expenses, company=company),
        status(5130, minutes=2, company=company),
        page(*rows, minutes=3, company=company),
    ]


def number_in(cell: str) -> int:
    """Return the count that a cell shows."""
    return 0 if cell in {"–", ""} else int(cell.replace(",", ""))


def money_in(cell: str) -> tuple[Decimal | None, int]:
    """Return the amount and count of a cell of the totals."""
    parts = [*filter(None, cell.replace("–", "").replace(",", "").split())]
    if len(parts) == 2:
        return Decimal(parts[0]), int(parts[1])
    return None, int(parts[0]) if parts else 0


def assert_totals(read: ReadPage, report: Report) -> None:
    """Hold the table of totals against the report's own."""
    head, *rows, foot = read.table("totals")
    states = [*words.STATES]
    assert head[1:-1] == [words.STATES[state].name for state in states]
    counts = dict.fromkeys(states, 0)
    shown: dict[tuple[str, ItemState], Decimal] = {}
    for name, *cells in rows:
        for state, cell in zip(states, cells, strict=False):
            amount, number = money_in(cell)
            counts[state] += number
            if amount is not None:
                shown[name, state] = amount
    assert shown == {
        (f"{words.types(key.type)}, {key.currency}", ItemState(key.state)): some.amount
        for key, some in report.totals.money.items()
        if key.currency is not None and some.items > some.unpriced
    }
    assert [counts[state] for state in states] == [number_in(c) for c in foot[1:-1]]
    assert number_in(foot[-1]) == report.totals.items


@law(examples=60, month=months())
def test_every_figure_of_a_random_month_is_the_reports(
    url: str, month: list[Sent]
) -> None:
    with store_of(month, url) as books:
        report = books.report()

    read = read_page(to_html(report))

    totals = report.totals
    assert_totals(read, report)
    if totals.broken:
        assert number_in(read.table("causes")[-1][2]) == totals.broken
        assert sum(number_in(r[2]) for r in read.table("causes")[1:-1]) == totals.broken
        assert number_in(read.table("age")[-1][1]) == totals.broken
        assert sum(number_in(r[1]) for r in read.table("age")[1:-1]) == totals.broken
    assert len(read.rows("breaks")) == totals.broken
    _, *customers, whole = read.table("customers")
    for column in range(1, 6):
        parts = [number_in(customer[column]) for customer in customers]
        assert sum(parts) == number_in(whole[column])
    assert number_in(whole[1]) == totals.items
    assert number_in(whole[4]) == totals.broken
    assert digest(report) in read.text


@law(examples=40, month=months())
def test_the_ages_of_payments_add_up_by_currency(url: str, month: list[Sent]) -> None:
    with store_of(month, url) as books:
        report = books.report()

    read = read_page(to_html(report))

    if not report.totals.broken:
        return
    head, *rows, foot = read.table("age")
    for place, currency in enumerate(head[2:], 2):
        if currency == "Apart":
            continue
        shown = [Decimal(r[place].replace(",", "")) for r in rows if r[place] != "–"]
        payments = [
            some.amount
            for key, some in report.totals.money.items()
            if (key.state, key.type, key.currency) == ("break", "Payment", currency)
        ]
        assert sum(shown) == sum(payments) == Decimal(foot[place].replace(",", ""))


@law(examples=40, lines=crowded())
def test_whatever_happened_the_states_add_up_and_nothing_is_left_open(
    url: str, lines: list[bytes]
) -> None:
    with Reconciler.open(url, now=lambda: LATER) as books:
        books.ingest(read_lines(lines))
        report = books.report()
        with books.streamed_report() as stream:
            streamed = b"".join(to_html(stream))

    read = read_page(to_html(report))

    assert_totals(read, report) if report.totals.items else None
    assert len(read.rows("open")) == min(report.totals.open, LISTED_MAX)
    assert {*read.tags} <= HARMLESS
    assert streamed == b"".join(to_html(report))


def test_the_same_report_gives_the_same_bytes() -> None:
    with reported(failed("Shell", "Rail & Co")) as report:
        pages = {b"".join(to_html(report, zone="Asia/Tokyo")) for _ in range(3)}

    assert len(pages) == 1


def test_no_request_leaves_the_page() -> None:
    with reported(failed(*HOSTILE, message="See https://evil.example")) as report:
        read = read_page(to_html(report))

    assert {*read.tags} <= HARMLESS
    assert {name for _, name, _ in read.attributes}.isdisjoint(
        {"src", "srcset", "style", "action", "data", "poster", "background", "onload"}
    )
    assert all(v.startswith("#") for _, name, v in read.attributes if name == "href")
    assert not any(word in read.style for word in ("url(", "http", "@import", "//"))
    assert "meta" not in {t for t, name, _ in read.attributes if name == "http-equiv"}


@pytest.mark.parametrize("merchant", HOSTILE)
def test_a_hostile_merchant_is_text_and_nothing_else(merchant: str) -> None:
    with reported(failed(merchant, message=merchant)) as report:
        whole = b"".join(to_html(report, customers={COMPANY: merchant})).decode()

    read = read_page([whole.encode()])

    shown = figures.clean(merchant, 60)[:40]
    assert shown in read.text
    assert {*read.tags} <= HARMLESS
    assert not any(ord(c) < 32 and c != "\n" for c in whole)
    assert not any(c in whole for c in "\x7f\x85\u202e\u2066")


def test_a_merchant_of_a_million_letters_is_cut() -> None:
    with reported(failed("x" * 1_000_000)) as report:
        whole = b"".join(to_html(report))

    assert "x" * figures.TEXT_MAX + "…" in whole.decode()
    assert len(whole) < 100_000


def test_an_id_from_outside_breaks_out_of_no_attribute() -> None:
    company = 'x" onclick="alert(1)'
    with reported(failed("Shell", company=company)) as report:
        read = read_page(to_html(report))

    assert "onclick" not in {name for _, name, _ in read.attributes}


def test_an_empty_report_says_what_would_fill_it() -> None:
    with reported([]) as report:
        read = read_page(to_html(report))

    assert "No expenses yet" in read.text
    assert "reconcile ingest" in read.text
    assert "Nothing is broken" in read.text
    assert "Nothing is open" in read.text
    assert read.tables == []


def test_a_part_without_expenses_says_so_and_asks_for_no_traffic() -> None:
    with opened(failed("Shell")) as books:
        read = read_page(to_html(books.report(state=ItemState.OPEN)))

    assert "No expense is of the part that this report is about" in read.text
    assert "reconcile ingest" not in read.text


def test_its_headings_are_in_order_and_its_tables_say_what_their_heads_are() -> None:
    with reported(failed("Shell")) as report:
        read = read_page(to_html(report))

    levels = [level for level, _ in read.headings]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    scopes = [tag for tag, name, _ in read.attributes if name == "scope"]
    assert len(scopes) == read.tags.count("th")
    assert ("html", "lang", "en-GB") in read.attributes
    names = [value for _, name, value in read.attributes if name == "id"]
    assert len(names) == len({*names})
    targets = {v[1:] for _, name, v in read.attributes if name == "href"}
    assert targets <= {*names}


def test_its_style_knows_the_dark_the_narrow_and_paper() -> None:
    with reported([]) as report:
        style = read_page(to_html(report)).style

    assert "prefers-color-scheme:dark" in style
    assert "@media print" in style
    assert "max-width:700px" in style


def test_evidence_that_could_not_be_read_stands_above_every_figure() -> None:
    with reported([*failed("Shell"), b'{"a": 1}', b"garbage"]) as report:
        read = read_page(to_html(report))

    assert report.unprocessed
    band = read.text.index("This report may be incomplete")
    assert band < read.text.index("Of 1 expense")
    assert "Nothing is left out" not in read.text


def test_who_decided_and_why_stands_beside_what_a_person_ended() -> None:
    with opened(failed("Shell", "Hotel <&>")) as books:
        books.decide(
            "booked",
            company_id=COMPANY,
            transactions=[uuid_of(1)],
            actor="D. <b>Whitfield</b>",
            reason="Entry 4411 & more",
        )
        report = books.report()

    (resolved,) = read_page(to_html(report)).rows("resolved")

    assert resolved[0].startswith("Hotel <&>")
    assert resolved[0].endswith(uuid_of(1))
    assert resolved[3] == "Booked by hand Entry 4411 & more"
    assert resolved[4].startswith("D. <b>Whitfield</b> ")


def test_customers_have_names_in_any_spelling_of_their_ids() -> None:
    company = uuid_of(7)
    names = {company.upper(): "Harrow & Finch"}
    with reported(failed("Shell", company=company)) as report:
        read = read_page(to_html(report, customers=names))

    assert (3, "Harrow & Finch: 1 break") in read.headings
    assert company in read.text


def test_a_zone_is_shown_beside_utc() -> None:
    with reported(failed("Shell")) as report:
        read = read_page(to_html(report, zone="Asia/Tokyo"))

    assert "UTC" in read.text
    assert "in Asia/Tokyo" in read.text


def test_a_zone_that_is_none_is_told() -> None:
    with (
        reported([]) as report,
        pytest.raises(UsageError, match="'Mars' is not a known"),
    ):
        to_html(report, zone="Mars")


def test_a_report_that_lacks_items_is_refused(store_url: str) -> None:
    with Reconciler.open(store_url, now=lambda: LATER) as books:
        report = books.replayed_report(as_of=LATER, settled=False)

        with pytest.raises(UsageError, match="open and broken expenses alone"):
            b"".join(to_html(report))
