"""The audit: two moments, the same digests each time, and what changed between them."""

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import attrs
import pytest

from reconcile import ConsoleApp, Reconciler, digest, read_lines
from reconcile.console.comparing import Reason, because_of
from reconcile.console.figures import ExpenseLine
from reconcile.console.worksheet import LiveWorksheet
from tests.builders import (
    COMPANY,
    at,
    create_of,
    expense_of,
    page,
    row,
    status,
    uuid_of,
)
from tests.console.browser import Browser, Seen
from tests.console.ledgers import LATER, clock_at, ledger_console, ledger_in

DAY = 60 * 24


def moment(minutes: int) -> str:
    """Return a moment as an address has it."""
    return at(minutes).strftime("%Y-%m-%dT%H:%M:%SZ")


TWO = f"as_of_a={moment(DAY)}&known_at_a={moment(DAY)}&as_of_b={moment(5 * DAY)}"


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store that no test changes."""
    return ledger_in(tmp_path_factory.mktemp("audit"), number=30)


@pytest.fixture(scope="module")
def app(where: str) -> Iterator[ConsoleApp]:
    """Give a console on the store."""
    with ledger_console(where) as console:
        yield console


def audited(app: ConsoleApp, query: str) -> str:
    """Return the page of two moments, however long it takes to make."""
    answer = Browser(app).get(f"/audit?{query}")
    while answer.status_code == 202:
        answer = Browser(app).get(f"/audit?{query}")
    assert answer.status_code == 200, answer.text
    return answer.text


EVIDENCE = (
    r"Pieces of evidence stored at .*? UTC (\d+) Requests of ours, with their answers"
    r" (\d+) Pages and statuses that we read (\d+) Webhooks (\d+) What could not be"
    r" read as traffic (\d+)"
)


def digests_of(html: str) -> list[str]:
    """Return the digests that the page gives."""
    return re.findall(r'<code class="id">(sha256:[0-9a-f]{64})</code>', html)


def test_two_moments_have_the_reports_digests_also_after_a_restart(where: str) -> None:
    found = []
    for _ in range(2):
        with ledger_console(where) as app:
            found.append(digests_of(audited(app, TWO)))
    with Reconciler.open(where, now=clock_at(LATER)) as books:
        expected = [
            digest(books.report(as_of=at(DAY), known_at=at(DAY))),
            digest(books.report(as_of=at(5 * DAY))),
        ]

    assert found == [expected, expected]


def test_the_changes_explain_the_difference_of_every_total(app: ConsoleApp) -> None:
    html = audited(app, TWO).replace("&amp;", "&")
    changed: dict[str, int] = {}
    for link, number in re.findall(
        r'href="(/audit\?[^"]*moved=[^"]*)">(\d+)</a>', html
    ):
        before, after = parse_qs(urlsplit(link).query)["moved"][0].split("-")
        changed[before] = changed.get(before, 0) - int(number)
        changed[after] = changed.get(after, 0) + int(number)
    totals = {
        state: int(after) - int(before)
        for before, state, after in re.findall(
            r'state=\w+[^"]*">(\d+)</a></td><td class="num"><a class="n"'
            r' href="/expenses\?[^"]*state=(\w+)[^"]*">(\d+)</a>',
            html,
        )
    }

    assert len(totals) == 5
    assert any(totals.values())
    assert {state: changed.get(state, 0) for state in totals} == totals


def test_every_figure_of_a_moment_leads_to_as_many_expenses(app: ConsoleApp) -> None:
    html = audited(app, TWO).replace("&amp;", "&")
    figures = re.findall(r'class="n" href="(/expenses\?[^"]*)">([\d,]+)</a>', html)

    assert len(figures) >= 12
    for link, number in figures:
        text = Seen(Browser(app).get(link).text).text
        if number == "0":
            assert "No expense is like that." in text
        else:
            assert re.search(rf"\b{number} (of [\d,]+ )?expenses?", text)


def test_it_rests_on_every_piece_of_evidence_counted_by_kind(
    app: ConsoleApp, where: str
) -> None:
    text = ""
    while not (kinds := re.findall(EVIDENCE, text)):
        text = Seen(audited(app, TWO)).text
    with Reconciler.open(where, now=clock_at(LATER)) as books:
        stored = len(books.store.evidence_keys())

    (found,) = kinds
    whole, sent, read, webhooks, unread = map(int, found)
    assert whole == stored == sent + read + webhooks + unread
    assert (sent, read, webhooks) == (3, 4, 0)


def test_changes_of_one_kind_are_listed_alone_on_the_page_and_in_the_file(
    app: ConsoleApp,
) -> None:
    html = audited(app, TWO).replace("&amp;", "&")
    links = re.findall(r'href="(/audit\?[^"]*moved=[^"#]*)#changed">(\d+)</a>', html)

    assert links
    for link, number in links:
        query = urlsplit(link).query
        listed = audited(app, query)
        lines = Browser(app).get(f"/audit.csv?{query}").text.strip().splitlines()
        section = listed.partition('id="h-listed"')[2].partition("</section>")[0]
        assert len(lines) - 1 == int(number)
        assert section.count("<tr><th") - 1 == min(int(number), 50)


def test_the_fields_keep_the_moments_that_were_asked_for(app: ConsoleApp) -> None:
    html = audited(app, f"{TWO}&month=2026-02")

    assert f'name="as_of_a" value="{moment(DAY)[:-1]}"' in html
    assert f'name="as_of_b" value="{moment(5 * DAY)[:-1]}"' in html
    assert '<input type="hidden" name="month" value="2026-02">' in html
    assert "The close of February 2026" in html


@pytest.mark.parametrize(
    ("query", "phrase"),
    [
        ("as_of_a=2031-01-01", "in the future"),
        ("known_at_b=2031-01-01", "in the future"),
        ("as_of_a=soon", "expected a date"),
        (f"as_of_a={moment(DAY)}&as_of_b={moment(0)}", "is later than the second"),
        (
            f"as_of_a={moment(DAY)}&as_of_b={moment(DAY)}&known_at_b={moment(0)}",
            "is later than the second",
        ),
        ("moved=open", "expected one like open-break"),
        ("because=of", "expected one of"),
        ("state=break", "not known here"),
    ],
)
def test_moments_that_make_no_sense_are_refused_in_a_sentence(
    app: ConsoleApp, query: str, phrase: str
) -> None:
    for path in ("/audit", "/audit.csv"):
        answer = Browser(app).get(f"{path}?{query}")

        assert answer.status_code == 400
        assert phrase in Seen(answer.text).text


# Because of what


def reasons_between(where: str, query: str) -> dict[str, str]:
    """Return because of what each expense changed, as the file says it."""
    with ledger_console(where) as app:
        audited(app, query)
        lines = Browser(app).get(f"/audit.csv?{query}").text.splitlines()
    cells = [line.split(",") for line in lines[1:]]
    return {cell[2]: cell[9] for cell in cells}


def test_facts_news_decisions_and_deadlines_are_told_apart(tmp_path: Path) -> None:
    where = f"sqlite:///{tmp_path / 'books.db'}"
    later, late, decided, overdue = (uuid_of(n) for n in range(4))
    clock = [at(1)]
    with Reconciler.open(where, now=lambda: clock[0]) as books:
        syncs = {name: uuid_of(50 + n) for n, name in enumerate((later, late, decided))}
        syncs[overdue] = uuid_of(60)
        sent = [create_of(expense_of(n, 10), sync=sync) for n, sync in syncs.items()]
        failed = page(
            row(decided, "PushError", message="Locked."), minutes=1, sync=syncs[decided]
        )
        books.ingest(read_lines([*sent, failed]))
        for known, minutes, name in ((20, 2, late), (40, 40, later)):
            clock[0] = at(known)
            ended = status(2000, minutes=minutes, sync=syncs[name])
            books.ingest(
                read_lines([ended, page(row(name), minutes=minutes, sync=syncs[name])])
            )
        books.decide(
            "booked", company_id=COMPANY, transactions=[decided], actor="D", reason="R."
        )
    two = f"as_of_a={moment(10)}&known_at_a={moment(10)}&as_of_b={moment(5 * DAY)}"

    found = reasons_between(where, two)

    assert found[later] == "Later facts"
    assert found[late] == "Late news"
    assert found[decided] == "Decisions"
    assert found[overdue] == "Deadlines"


def test_where_several_things_had_a_part_no_reason_is_guessed(where: str) -> None:
    with (
        LiveWorksheet(lambda: Reconciler.open(where, now=clock_at(LATER))) as worksheet,
        worksheet.reading(budget_s=60) as sheet,
    ):
        assert sheet is not None
        lines = [*sheet.every_line()]
    by_state: dict[str, ExpenseLine] = {line.state.value: line for line in lines}
    broken, booked = by_state["break"], by_state["matched"]
    ended = by_state["resolved"]
    early = attrs.evolve(broken, changes_at=at(2), changes_to=broken.kind)

    def reason_of(
        before: ExpenseLine | None, then: ExpenseLine | None, after: ExpenseLine | None
    ) -> Reason | None:
        return because_of(before, then, after, since=at(0), until=at(LATER))

    assert reason_of(None, broken, booked) is None
    assert reason_of(ended, ended, broken) is None
    assert reason_of(None, None, booked) is Reason.LATER_FACTS
    assert reason_of(None, booked, booked) is Reason.LATE_NEWS
    assert reason_of(early, early, booked) is Reason.LATER_FACTS


# The tie-out


def token_in(html: str) -> str:
    """Return the token of a page's form."""
    found = re.search(r'name="csrf" value="([0-9a-f]+)"', html)
    assert found is not None
    return found.group(1)


@pytest.mark.parametrize("actor", ["Dana", None])
def test_anybody_may_tie_out_and_sees_that_the_figures_equal_the_history(
    where: str, actor: str | None
) -> None:
    with ledger_console(where, actor=actor) as app:
        browser = Browser(app)
        before = browser.get("/audit/tie-out").text

        answer = browser.post("/audit/tie-out", {"csrf": token_in(before)})
        assert answer.status_code == 303
        shown = browser.get(answer.headers["location"])
        while shown.status_code == 202:
            shown = browser.get(answer.headers["location"])

    assert "No tie-out was made" in before
    assert "The live figures equal a replay of the history." in shown.text
    assert "0 differences" in Seen(shown.text).text


def test_a_tie_out_that_no_page_of_ours_asks_for_is_refused(where: str) -> None:
    with ledger_console(where) as app:
        browser = Browser(app)

        assert browser.post("/audit/tie-out", {"csrf": "0" * 64}).status_code == 403
        assert "No tie-out was made" in browser.get("/audit/tie-out").text
