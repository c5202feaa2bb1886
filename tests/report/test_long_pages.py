"""A page of a hundred thousand expenses is small, and says what it leaves out."""

from collections.abc import Iterator, Mapping

import attrs
import pytest

from reconcile import Reconciler, Report, read_lines, to_html
from reconcile.domain.vocabulary import DecisionKind, ItemState
from reconcile.judgement.facts import Content, Decision
from reconcile.judgement.item import Item
from reconcile.report.build import Part, share_of
from reconcile.report.build import report_of as built
from reconcile.report.groups import Judged
from reconcile.report.html.tally import LISTED_MAX
from reconcile.report.html.view import CUSTOMERS_MAX
from reconcile.report.selection import ALL
from reconcile.rules import BUILT_IN
from tests.builders import at, create_of, expense_of, page, row, status, uuid_of
from tests.report.pages import read_page

NOW = at(60 * 24 * 20)
BYTES_MAX = 5_000_000
HARD = "&\"'<>" * 40  # five bytes a character, once it is escaped
STATES = (ItemState.BREAK, ItemState.OPEN, ItemState.RESOLVED, ItemState.MATCHED)


@pytest.fixture(scope="module")
def items(tmp_path_factory: pytest.TempPathFactory) -> Mapping[ItemState, Item]:
    """Return an item of each state, as judgement makes it."""
    names = [uuid_of(n) for n in range(4)]
    words = ("PushError", "Pending", "PushError", "Completed")
    url = f"sqlite:///{tmp_path_factory.mktemp('store') / 'books.db'}"
    with Reconciler.open(url, now=lambda: at(60)) as books:
        books.ingest(
            read_lines(
                [
                    create_of(*[expense_of(name, "10") for name in names], company="c"),
                    status(2000, minutes=2, company="c"),
                    page(*map(row, names, words), minutes=3, company="c"),
                ]
            )
        )
        books.decide(
            "waive",
            company_id="c",
            transactions=[names[2]],
            actor="Ada",
            reason=HARD,
        )
        found = {r.transaction_id: r.item for r in books.report().items}
    states = {found[name].state: found[name] for name in names}
    assert {*states} == {*STATES}
    return states


def company_rows(
    number: int, many: int, items: Mapping[ItemState, Item], merchant: str
) -> Iterator[Judged]:
    """Yield a company's expenses, a quarter of each state."""
    for n in range(many):
        item = items[STATES[n % 4]]
        if item.state is ItemState.BREAK:
            item = attrs.evolve(item, broken_since=at(n % 1000))
        if item.state is ItemState.RESOLVED:
            decision = Decision(DecisionKind.WAIVED, "", HARD, HARD, at(n % 500))
            item = attrs.evolve(item, decision=decision)
        day = f"2026-03-{n % 28 + 1:02}"
        content = Content("Payment", "10.50", "GBP", day, merchant, None, "")
        name = uuid_of(number * many + n)
        yield Judged(f"company-{number:05}", name, item, content)


def large(
    companies: int, many: int, items: Mapping[ItemState, Item], merchant: str
) -> Report:
    """Return the report of so many companies with so many expenses each."""
    found = [
        share_of(
            Part(
                company_id=f"company-{number:05}",
                items=[*company_rows(number, many, items, merchant)],
                syncs=(),
                findings=(),
            ),
            (),
            as_of=NOW,
            selection=ALL,
        )
        for number in range(companies)
    ]
    return built(
        [share for share, _ in found],
        [pair for _, breaks in found for pair in breaks],
        as_of=NOW,
        known_at=None,
        selection=ALL,
        position=1,
        ruleset="codat@2",
        policy="default",
        causes=BUILT_IN,
        unprocessed=0,
        poisoned=0,
    )


def test_a_hundred_thousand_expenses_make_less_than_five_megabytes(
    items: Mapping[ItemState, Item],
) -> None:
    report = large(10, 10_000, items, HARD)

    pieces = [*to_html(report)]

    assert sum(map(len, pieces)) < BYTES_MAX
    assert max(map(len, pieces)) < BYTES_MAX // 10
    read = read_page(pieces)
    assert len(read.rows("breaks")) == LISTED_MAX
    assert len(read.rows("open")) == LISTED_MAX
    assert len(read.rows("resolved")) == LISTED_MAX
    assert read.text.count("The other 23,000 are in every sum of this page") == 3
    assert "Of 100,000 expenses" in " ".join(read.text.split())
    assert read.table("causes")[-1][2:4] == ["25,000", "262,500.00 GBP"]


def test_the_breaks_that_are_listed_are_the_oldest(
    items: Mapping[ItemState, Item],
) -> None:
    report = large(2, 10_000, items, "Shell")

    listed = {row[0].split()[-1] for row in read_page(to_html(report)).rows("breaks")}

    broken = [row for row in report.items if row.item.state is ItemState.BREAK]
    oldest = sorted(broken, key=lambda row: (row.item.broken_since, *row.key))
    assert listed == {row.transaction_id for row in oldest[:LISTED_MAX]}


def test_thousands_of_customers_are_summed_where_they_are_not_listed(
    items: Mapping[ItemState, Item],
) -> None:
    report = large(CUSTOMERS_MAX + 100, 4, items, HARD)

    pieces = [*to_html(report)]

    assert sum(map(len, pieces)) < BYTES_MAX
    _, *customers, rest, whole = read_page(pieces).table("customers")
    assert len(customers) == CUSTOMERS_MAX
    assert rest[:2] == ["100 more customers in the data file", "400"]
    assert whole[1] == "2,400"
