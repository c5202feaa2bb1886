"""The list of expenses: the rows of its address, no other, and what its foot sums."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, quote, urlencode, urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import ConsoleApp
from reconcile.report.groups import Judged
from reconcile.report.money import BUCKETS, bucket_of
from tests.builders import COMPANY, at
from tests.console.browser import Browser, Seen
from tests.console.ledgers import (
    LATER,
    OTHER,
    judged_at,
    ledger_console,
    ledger_in,
)
from tests.console.stores import store_with

CHOICES: Mapping[str, list[str]] = {
    "customer": [COMPANY, OTHER],
    "state": ["matched", "open", "break", "resolved", "cleared"],
    "booked": ["yes", "no"],
    "owner": ["us", "customer", "none"],
    "verdict": ["NEVER", "FIX_FIRST", "WAIT", "RESEND"],
    "currency": ["GBP", "EUR", "none", "unpriced"],
    "type": ["payment", "Refund", "transfer"],
    "age": [*BUCKETS],
    "month": ["2026-01", "2026-02", "2026-03"],
    "half_booked": ["yes", "no"],
    "cause": ["account_archived", "period_locked", "MISSING"],
}
FILTERS = st.dictionaries(
    st.sampled_from([*CHOICES]), st.integers(1, 3), max_size=3
).flatmap(
    lambda sizes: st.fixed_dictionaries(
        {
            word: st.lists(
                st.sampled_from(CHOICES[word]), min_size=1, max_size=size, unique=True
            )
            for word, size in sizes.items()
        }
    )
)
ORDERS = st.sampled_from(["merchant", "-amount", "date", "customer", "-age", "age"])


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store that no test changes."""
    return ledger_in(tmp_path_factory.mktemp("ledger"))


@pytest.fixture(scope="module")
def app(where: str) -> Iterator[ConsoleApp]:
    """Give a console on the store."""
    with ledger_console(where) as console:
        yield console


@pytest.fixture(scope="module")
def items(where: str) -> list[Judged]:
    """Return what the report of the same moment says."""
    return judged_at(where)


def rows_of(html: str) -> list[tuple[str, str]]:
    """Return company and id of each row of a page."""
    found = []
    for link in Seen(html).links:
        parts = urlsplit(link).path.split("/")
        if len(parts) == 4 and parts[1] == "expenses":
            found.append((parts[2], parts[3]))
    return found


def link_named(html: str, rel: str) -> str | None:
    """Return where a page's `next` or `prev` leads."""
    before, found, _ = html.partition(f'rel="{rel}"')
    if not found:
        return None
    return before.rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")


def pages_from(browser: Browser, path: str) -> Iterator[str]:
    """Yield a list's pages, from one on to the end."""
    left: str | None = path
    while left is not None:
        answer = browser.get(left)
        assert answer.status_code == 200, answer.text
        yield answer.text
        left = link_named(answer.text, "next")


def has(judged: Judged, word: str, value: str) -> bool:
    """Return whether an item of the report is of a word's value."""
    item, content = judged.item, judged.content
    amount = content.amount if content else None
    currency = content.currency if content else None
    kind = content.type if content else None
    match word:
        case "customer":
            return judged.company_id == value
        case "booked":
            states = {"yes": ("matched", "cleared"), "no": ("open", "break")}
            return item.state.value in states[value]
        case "half_booked":
            return item.half_booked == (value == "yes")
        case "currency" if value == "unpriced":
            return amount is None or (currency is None and kind != "Transfer")
        case "currency":
            return (currency or "none") == value
        case "type":
            return (kind or "none").lower() == value.lower()
        case "age":
            is_broken = item.state.value == "break"
            return is_broken and bucket_of(item.broken_since, at(LATER)) == value
        case "month":
            issued = content.issue_date if content else None
            return (issued or "").startswith(value)
        case "cause":
            return value in (item.cause, item.kind)
        case _:
            return (getattr(item, word) or "none") == value


def test_the_rows_of_all_pages_are_the_items_of_the_report_for_any_filter(
    app: ConsoleApp, items: list[Judged]
) -> None:
    browser = Browser(app)

    @settings(max_examples=25, deadline=None)
    @given(cut=FILTERS, order=ORDERS)
    def holds(cut: dict[str, list[str]], order: str) -> None:
        query = urlencode({**cut, "sort": order}, doseq=True)
        pages = [*pages_from(browser, f"/expenses?{query}")]
        shown = [row for html in pages for row in rows_of(html)]
        expected = {
            (each.company_id, each.transaction_id)
            for each in items
            if all(any(has(each, w, v) for v in values) for w, values in cut.items())
        }

        assert len(shown) == len(set(shown))
        assert set(shown) == expected
        assert f"{len(expected)}</b>" in pages[0]

    holds()


def test_previous_leads_back_over_the_same_rows(app: ConsoleApp) -> None:
    browser = Browser(app)
    pages = [*pages_from(browser, "/expenses?sort=merchant")]
    back = [rows_of(pages[-1])]
    html = pages[-1]
    while (link := link_named(html, "prev")) is not None:
        html = browser.get(link).text
        back.append(rows_of(html))

    assert len(pages) == 3
    assert back[::-1] == [rows_of(page) for page in pages]


def test_a_title_says_what_is_shown_and_its_figures_lead_to_as_many_rows(
    app: ConsoleApp, items: list[Judged]
) -> None:
    browser = Browser(app)
    html = browser.get("/expenses?booked=no").text
    states = [each.item.state.value for each in items]
    broken, undecided = states.count("break"), states.count("open")

    text = Seen(html).text

    assert "Not in the books" in text
    assert f"{broken + undecided} of {len(items)} expenses: {broken} broken" in text
    link = next(x for x in Seen(html).links if "state=break" in x)
    whole = [row for page in pages_from(browser, link) for row in rows_of(page)]
    assert len(whole) == broken


def test_a_condition_can_be_taken_away_and_the_others_stay(app: ConsoleApp) -> None:
    html = Browser(app).get("/expenses?booked=no&state=break&month=2026-01").text
    chips = [x for x in Seen(html).links if "month" not in x and "booked=no" in x]

    assert 'aria-label="Remove: Not in the books"' in html
    assert 'aria-label="Remove: Issued in January 2026"' in html
    assert {"booked": ["no"], "state": ["break"]} in [
        parse_qs(urlsplit(link).query) for link in chips
    ]


def test_a_column_says_its_order_and_leads_to_the_other_one(app: ConsoleApp) -> None:
    html = Browser(app).get("/expenses?sort=-amount").text

    assert html.count("aria-sort=") == 1
    assert 'aria-sort="descending"><a href="/expenses?sort=amount"' in html
    assert 'aria-sort="descending"' in Browser(app).get("/expenses").text


def test_an_empty_list_says_which_condition_to_drop_and_what_that_gives(
    app: ConsoleApp, items: list[Judged]
) -> None:
    browser = Browser(app)
    html = browser.get("/expenses?state=matched&month=2019-01").text
    number = sum(each.item.state.value == "matched" for each in items)

    assert "No expense is like that." in Seen(html).text
    assert f"there would be {number}." in Seen(html).text
    assert "/expenses?state=matched" in Seen(html).links


def test_a_page_past_the_end_says_so_and_leads_to_the_first(app: ConsoleApp) -> None:
    browser = Browser(app)
    last = next(pages_from(browser, "/expenses?sort=customer"))
    link = link_named(last, "next")
    assert link is not None
    after = parse_qs(urlsplit(link).query)["after"][0]

    html = browser.get(
        f"/expenses?sort=customer&customer={COMPANY}&state=resolved&after={after}"
    ).text

    assert "The list ends before this place." in Seen(html).text


def test_a_past_moment_goes_along_with_every_link(app: ConsoleApp) -> None:
    as_of = at(60).strftime("%Y-%m-%dT%H:%M:%SZ")
    html = Browser(app).get(f"/expenses?as_of={as_of}&state=open&state=break").text
    links = [x for x in Seen(html).links if not x.startswith("#") and "static" not in x]
    left_out = [x for x in links if dict(parse_qsl(urlsplit(x).query)) == {}]

    assert rows_of(html)
    assert [x for x in links if f"as_of={quote(as_of)}" not in x] == left_out
    assert left_out == ["/expenses"]  # "as it stands now"


HOSTILE_ROWS = (
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "=1+1",
    "W" * 80 + "…",
    "大阪メトロ定期券",
    "مطعم الشرق",
    "x" * 80 + "…",
    "No merchant",
)


def test_what_merchants_wrote_is_text_and_cut_where_it_is_long(app: ConsoleApp) -> None:
    pages = [*pages_from(Browser(app), "/expenses")]
    html = "".join(pages)

    for name in HOSTILE_ROWS:
        assert f"<bdi>{name}</bdi></a>" in html
    assert [acting for page in pages for acting in Seen(page).acting] == []
    assert max(len(page) for page in pages) < 200_000


@pytest.mark.parametrize(
    ("query", "phrase"),
    [
        ("colour=red", "not known here"),
        ("run=1", "not a run"),
        ("state=lost", "expected one of"),
        ("owner=me", "expected one of"),
        ("month=2026-13", "expected a month"),
        ("day=2026-02-30", "expected a date"),
        ("age=old", "expected one of"),
        ("currency=pounds", "expected a code"),
        ("booked=perhaps", "expected one of yes, no"),
        ("sort=colour", "expected one of"),
        ("after=%00", "control"),
        ("after=eyJhIjo1MH0", "expected"),
        ("q=" + "x" * 300, "expected 1 to 200"),
        ("as_of=2031-01-01", "in the future"),
        ("known_at=2031-01-01", "in the future"),
        ("as_of=yesterday", "expected a date"),
        ("&".join(f"cause={n}" for n in range(201)), "expected"),
    ],
)
def test_nonsense_in_an_address_is_refused_in_a_sentence(
    app: ConsoleApp, query: str, phrase: str
) -> None:
    answer = Browser(app).get(f"/expenses?{query}")

    assert answer.status_code == 400
    assert phrase in Seen(answer.text).text
    assert rows_of(answer.text) == []


def test_a_cursor_of_another_order_is_refused(app: ConsoleApp) -> None:
    browser = Browser(app)
    link = link_named(browser.get("/expenses?sort=date").text, "next")
    assert link is not None

    answer = browser.get(link.replace("sort=date", "sort=merchant"))

    assert answer.status_code == 400


def test_a_store_without_expenses_says_what_would_fill_the_list(tmp_path: Path) -> None:
    with ledger_console(store_with(tmp_path, [])) as app:
        text = Seen(Browser(app).get("/expenses").text).text

    assert "No expenses yet." in text
