"""What is found across attempts and companies: twice, elsewhere, gone."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from reconcile import Reconciler, Report, read_lines
from reconcile.report.wire import digest
from tests.builders import (
    at,
    create_of,
    entry,
    expense_of,
    page,
    row,
    status,
    update,
    url,
    uuid_of,
)
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


ONE = uuid_of(1)
LATER = at(60 * 24)


def report_of(
    lines: Iterable[bytes], folder: Path, company: str | None = None
) -> Report:
    """Return the report, which is the same live and replayed."""
    with Reconciler.open(url_at(folder / "b.db"), now=lambda: LATER) as books:
        books.ingest(read_lines(lines))
        report = books.report(company_id=company)
        replayed = books.replayed_report(as_of=LATER, company_id=company)
        assert digest(report) == digest(replayed)
        assert books.tie_out().differences == []
    return report


def kinds(report: Report) -> list[tuple[str | None, str | None, str]]:
    return [(f.company_id, f.transaction_id, f.kind.value) for f in report.findings]


def synced(
    company: str, sync: str, *, word: str = "Completed", minutes: float = 0
) -> list[bytes]:
    return [
        create_of(expense_of(ONE, "10"), company=company, sync=sync, minutes=minutes),
        status(2000, company=company, sync=sync, minutes=minutes + 1),
        page(row(ONE, word), company=company, sync=sync, minutes=minutes + 2),
    ]


def test_two_creates_that_are_both_written_are_written_twice(tmp_path: Path) -> None:
    report = report_of([*synced("c", "a"), *synced("c", "b", minutes=9)], tmp_path)

    assert kinds(report) == [("c", ONE, "WRITTEN_TWICE")]


def test_an_update_writes_nothing_twice(tmp_path: Path) -> None:
    lines = [
        *synced("c", "a"),
        update(ONE, company="c", sync="b", minutes=9),
        status(2000, company="c", sync="b", minutes=10),
        page(row(ONE), company="c", sync="b", minutes=11),
    ]

    assert "WRITTEN_TWICE" not in {
        kind for _, _, kind in kinds(report_of(lines, tmp_path))
    }


def test_what_another_companys_books_hold_is_never_sent_again(tmp_path: Path) -> None:
    lines = [
        *synced("old", "a", word="PushError"),
        *synced("new", "b", minutes=60),
    ]

    report = report_of(lines, tmp_path)

    (old,) = [r for r in report.items if r.company_id == "old"]
    assert (old.item.state.value, old.item.verdict.value) == ("break", "NEVER")
    assert old.item.action.value == "look_in_books"
    assert "company new" in old.item.advice
    assert kinds(report) == [("old", ONE, "ELSEWHERE")]


def test_a_companys_own_report_and_item_look_elsewhere_too(tmp_path: Path) -> None:
    lines = [*synced("old", "a", word="PushError"), *synced("new", "b", minutes=60)]

    report = report_of(lines, tmp_path, company="old")
    with Reconciler.open(url_at(tmp_path / "b.db"), now=lambda: LATER) as books:
        single = books.item(ONE, company_id="old")
        stories = [
            *books.explain(ONE, company_id="old"),
            *books.explain(ONE, company_id="old", as_of=at(60 * 20)),
            *[s for s in books.explain(ONE) if s.company_id == "old"],
        ]
        earlier = books.explain(ONE, company_id="old", as_of=at(30))[0]

    assert single is not None
    assert {r.item.verdict.value for r in [*report.items, single]} == {"NEVER"}
    assert {story.item.verdict.value for story in stories} == {"NEVER"}
    assert earlier.item.verdict.value != "NEVER"  # it was in no books by then


def test_an_id_that_names_another_expense_elsewhere_says_nothing(
    tmp_path: Path,
) -> None:
    lines = [
        *synced("old", "a", word="PushError"),
        create_of(expense_of(ONE, "11"), company="new", sync="b"),
        status(2000, company="new", sync="b", minutes=1),
        page(row(ONE), company="new", sync="b", minutes=2),
    ]

    assert kinds(report_of(lines, tmp_path)) == []


def refused(http_status: int, words: str, minutes: float = 0) -> bytes:
    return entry(
        "POST",
        url("/expense-transactions", company="c"),
        minutes=minutes,
        status=http_status,
        request=[expense_of(ONE, "10")],
        answer={"error": words},
    )


def test_a_company_that_codat_does_not_know_is_gone(tmp_path: Path) -> None:
    report = report_of([refused(404, "No company was found with ID c")], tmp_path)

    assert kinds(report) == [("c", None, "COMPANY_GONE")]
    assert "No company was found" in report.findings[0].reason


def test_a_connection_that_is_not_found_is_no_company(tmp_path: Path) -> None:
    report = report_of([refused(404, "Data connection 1 not found")], tmp_path)

    assert kinds(report) == []


def test_a_company_that_answers_again_is_not_gone(tmp_path: Path) -> None:
    lines = [refused(404, "No company was found"), *synced("c", "a", minutes=20)]

    assert kinds(report_of(lines, tmp_path)) == []
