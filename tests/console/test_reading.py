"""What is read of a worksheet: each filter, each order, each line once."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import strategies as st

from reconcile import UsageError
from reconcile.console.figures import ExpenseLine
from reconcile.console.filter import EVERYTHING, Filter, Sort
from reconcile.console.sheet import LIMIT_MAX, Sheet
from reconcile.report.money import StateKey, Sum
from tests.builders import create_of, expense_of, page, row, status, uuid_of
from tests.console.drawn import CUTS, is_cut, months
from tests.console.sheets import (
    ageing_of,
    assert_is_the_report,
    expense_line_of,
    office_at,
)
from tests.engines import SQLITE
from tests.laws import law


def paged(
    sheet: Sheet, cut: Filter, sort: Sort, *, limit: int, down: bool
) -> Iterator[list[ExpenseLine]]:
    """Yield the pages of an order, to its end."""
    after = None
    while True:
        found = sheet.lines(cut, sort=sort, descending=down, after=after, limit=limit)
        yield [*found.rows]
        after = found.next
        if after is None:
            return


@law(
    examples=60,
    calls=months(),
    cuts=st.lists(CUTS, min_size=1, max_size=8),
    later=st.sampled_from([60 * 12, 60 * 24 * 3, 60 * 24 * 40]),
)
def test_each_figure_is_of_the_lines_that_its_filter_lists(
    url: str, calls: list[list[bytes]], cuts: list[Filter], later: int
) -> None:
    with office_at(url) as office:
        office.clock.minutes = later
        office.ingest(*(line for lines in calls for line in lines))
        with office.sheet() as sheet:
            report = office.report(sheet.as_of)
            assert_is_the_report(sheet, report)
            for cut in (*cuts, EVERYTHING):
                expected = [r for r in report.items if is_cut(cut, r, sheet.as_of)]
                listed = [*sheet.every_line(cut)]
                assert listed == [*map(expense_line_of, expected)]
                assert sheet.count(cut) == len(listed)
                assert sum(sheet.states(cut).values()) == len(listed)
                customers = sheet.parts(cut, ["company_id"])
                assert sum(part.sum.items for part in customers) == len(listed)
                days = sheet.by_day(cut)
                assert sum(sum(d.states.values()) for d in days) == len(listed)
                broken = sum(line.state == "break" for line in listed)
                owners = sheet.parts(cut, ["state", "owner", "verdict"])
                owned = [part.sum.items for part in owners if part.by[0] == "break"]
                assert sum(owned) == broken
                assert sum(sheet.breaks_by_name(cut).values()) == broken
                assert sum(s.items for s in ageing_of(sheet, cut).values()) == broken
                due = [x.changes_at for x in listed if x.state == "open"]
                assert sheet.due_at(cut) == min(filter(None, due), default=None)
                sums: dict[StateKey, Sum] = {}
                for r in expected:
                    content = r.content
                    key = StateKey(
                        r.item.state,
                        content.type if content else None,
                        content.currency if content else None,
                    )
                    sums.setdefault(key, Sum()).add(content)
                assert sheet.sums(cut) == sums


@law(
    examples=40,
    engines=[SQLITE],
    calls=months(),
    cut=st.one_of(st.just(EVERYTHING), CUTS),
    sort=st.sampled_from(Sort),
    down=st.booleans(),
    limit=st.integers(1, 4),
)
def test_pages_give_each_line_once_in_order_and_back_again(
    url: str,
    calls: list[list[bytes]],
    cut: Filter,
    sort: Sort,
    down: bool,
    limit: int,
) -> None:
    with office_at(url) as office:
        office.clock.minutes = 60 * 24 * 3
        for lines in calls:
            office.ingest(*lines)
            with office.sheet() as sheet:  # so that some lines come later
                expected = {line_key(line) for line in sheet.every_line(cut)}
        with office.sheet() as sheet:
            pages = [*paged(sheet, cut, sort, limit=limit, down=down)]
            whole = sheet.lines(cut, sort=sort, descending=down, limit=LIMIT_MAX)
            rows = [line for found in pages for line in found]
            assert len(rows) == len(expected)
            assert {line_key(line) for line in rows} == expected
            assert rows == [*whole.rows]
            values = [value_of(sort, line) for line in rows]
            pairs = [*pairwise(values)]
            assert all((a >= b) if down else (a <= b) for a, b in pairs)

            found = sheet.lines(cut, sort=sort, descending=down, limit=limit)
            steps = [found]
            while found.next:
                found = sheet.lines(
                    cut, sort=sort, descending=down, limit=limit, after=found.next
                )
                steps.append(found)
            for earlier in reversed(steps[:-1]):
                assert found.previous is not None
                found = sheet.lines(
                    cut, sort=sort, descending=down, limit=limit, after=found.previous
                )
                assert found.rows == earlier.rows
            assert found.previous is None or len(steps) == 1


def line_key(line: ExpenseLine) -> tuple[str, str]:
    return line.company_id, line.transaction_id


def value_of(sort: Sort, line: ExpenseLine) -> Any:
    """Return by what a line is in an order; nothing known comes first."""
    since = line.broken_since
    return {
        Sort.MERCHANT: (line.merchant or "").casefold(),
        Sort.AMOUNT: float("-inf") if line.amount is None else float(line.amount),
        Sort.DATE: line.issue_date or "",
        Sort.CUSTOMER: f"{line.company_id} {line.transaction_id}",
        Sort.AGE: float("-inf") if since is None else -since.timestamp(),
    }[sort]


@pytest.mark.parametrize("limit", [0, -1, LIMIT_MAX + 1])
def test_a_page_beyond_the_limit_is_refused(store_url: str, limit: int) -> None:
    with (
        office_at(store_url) as office,
        office.sheet() as sheet,
        pytest.raises(UsageError, match=f"expected 1 to {LIMIT_MAX}"),
    ):
        sheet.lines(limit=limit)


def test_an_empty_store_has_an_empty_worksheet(store_url: str) -> None:
    with office_at(store_url) as office, office.sheet() as sheet:
        assert (sheet.count(), [*sheet.sums()], sheet.lines().rows) == (0, [], [])
        assert sheet.lines().next is None
        assert sheet.line("c", "t") is None
        assert (sheet.customers(), sheet.breaks_by_name(), sheet.by_day()) == (
            [],
            {},
            [],
        )


def sent_to(
    company: str, *names: int, word: str, merchant: str, minutes: int
) -> list[bytes]:
    """Return a company's call that ends with one word for all of its expenses."""
    sync = f"{company}-{minutes}"
    expenses = [expense_of(uuid_of(n), n + 1, merchant=merchant) for n in names]
    return [
        create_of(*expenses, company=company, sync=sync, minutes=minutes),
        status(5130, company=company, sync=sync, minutes=minutes + 1),
        page(
            *(row(uuid_of(n), word) for n in names),
            company=company,
            sync=sync,
            minutes=minutes + 2,
        ),
    ]


@pytest.mark.parametrize("sort", [*Sort])
@pytest.mark.parametrize("down", [False, True])
def test_what_does_not_move_is_not_skipped_while_lines_change_between_pages(
    store_url: str, sort: Sort, down: bool
) -> None:
    with office_at(store_url) as office:
        office.ingest(
            *sent_to("a", *range(9), word="PushError", merchant="Shell", minutes=0)
        )
        after, seen = None, []
        for turn in range(9):
            with office.sheet() as sheet:
                found = sheet.lines(sort=sort, descending=down, after=after, limit=2)
            seen += [line.transaction_id for line in found.rows]
            after = found.next
            if after is None:
                break
            other = sent_to(f"b{turn}", turn, word="Completed", merchant="A", minutes=9)
            moved = 0 if turn else 8  # what was shown is judged again, or is to come
            again = sent_to(
                "a", moved, word="Completed", merchant="Z", minutes=99 + turn
            )
            office.ingest(*other, *again)

    stayed = {uuid_of(n) for n in range(1, 8)}
    assert stayed <= {*seen}


def test_a_hostile_text_is_a_line_like_any_other(store_url: str) -> None:
    texts = [
        "nul\0here",
        "x" * 1_000_000,
        "\u202ertl",
        "<script>",
        "'; DROP TABLE lines",
        "😀" * 3000,
    ]
    lines = [
        create_of(
            *(expense_of(uuid_of(n), "1", merchant=t) for n, t in enumerate(texts))
        )
    ]
    with office_at(store_url) as office:
        office.ingest(*lines)
        with office.sheet() as sheet:
            report = office.report(sheet.as_of)
            assert_is_the_report(sheet, report)
            rows = [r for sort in Sort for r in paged_rows(sheet, sort)]
            assert len(rows) == len(texts) * len(Sort)
            assert max(len(r.merchant or "") for r in rows) <= 1000
            for sought in ("nul\ufffdhere", "DROP TABLE", "<script>", "😀"):
                assert sheet.count(Filter(q=(sought,))) >= 1
            assert len(sheet.lines(Filter(q=("; --", "' OR 1"))).rows) == 0


def paged_rows(sheet: Sheet, sort: Sort) -> list[ExpenseLine]:
    pages = paged(sheet, EVERYTHING, sort, limit=2, down=True)
    return [line for rows in pages for line in rows]
