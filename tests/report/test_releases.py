"""What may be sent again although it failed for what somebody had to mend."""

import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from reconcile import Item, Reconciler, read_lines
from reconcile.report.wire import digest
from tests.builders import (
    DATASET,
    at,
    create_of,
    entry,
    expense_of,
    page,
    push_of,
    row,
    start,
    status,
    url,
    uuid_of,
)
from tests.engines import tables_of, url_at

pytestmark = pytest.mark.usefixtures("engine")


ONE, TWO = uuid_of(1), uuid_of(2)
LATER = at(60 * 24)
LOCKED = "The document date cannot be before the period lock date."
BAD_ACCOUNT = "Account code '475' is not a valid code for this document."


def failed(
    *names: str, message: str, sync: str = "a", minutes: float = 0
) -> list[bytes]:
    """Return a create call of expenses that all fail with one message."""
    rows = [row(name, "PushError", message=message) for name in names]
    sent = [expense_of(name, "10") for name in names]
    return [
        create_of(*sent, sync=sync, minutes=minutes),
        status(5130, sync=sync, minutes=minutes + 2),
        page(*rows, sync=sync, minutes=minutes + 3),
    ]


def written(
    *expenses: dict[str, object], sync: str = "b", minutes: float = 30
) -> list[bytes]:
    """Return a create call of expenses that are all written."""
    rows = [row(str(item["id"])) for item in expenses]
    return [
        create_of(*expenses, sync=sync, minutes=minutes),
        status(2000, sync=sync, minutes=minutes + 2),
        page(*rows, sync=sync, minutes=minutes + 3),
    ]


def found(lines: Sequence[bytes], folder: Path, name: str = TWO) -> Item:
    """Return an item as live, replayed, single and explained, in any order of lines."""
    items: list[Item] = []
    digests = set()
    shuffled = [*lines]
    random.Random(7).shuffle(shuffled)
    for number, order in enumerate((lines, shuffled)):
        path = folder / f"{number}.db"
        with Reconciler.open(url_at(path), now=lambda: LATER) as books:
            for line in order:  # in batches of one event
                books.ingest(read_lines([line]))
                books.catch_up()
            live, replayed = books.report(), books.replayed_report(as_of=LATER)
            alone = books.report(company_id=live.items[0].company_id)
            digests |= {digest(live), digest(replayed), digest(alone)}
            items += [r.item for r in live.items if r.transaction_id == name]
            company_id = live.items[0].company_id
            single = books.item(name, company_id=company_id)
            assert single is not None
            (story,) = books.explain(name, company_id=company_id, as_of=LATER)
            items += [single.item, story.item]
            assert books.tie_out().differences == []
    assert len(digests) == 1
    assert all(item == items[0] for item in items)
    return items[0]


def step(item: Item) -> tuple[str, str, str | None]:
    return item.verdict.value, item.action.value, item.owner


def test_a_locked_period_stays_locked_until_somebody_says_otherwise(
    tmp_path: Path,
) -> None:
    item = found(failed(ONE, TWO, message=LOCKED), tmp_path)

    assert step(item) == ("FIX_FIRST", "ask_customer", "customer")


def test_a_later_success_of_the_same_failure_releases_the_others(
    tmp_path: Path,
) -> None:
    lines = [
        *failed(ONE, TWO, message=LOCKED),
        *written(expense_of(ONE, "10")),
    ]

    item = found(lines, tmp_path)

    assert step(item) == ("RESEND", "resend", "us")
    assert item.cause == "period_locked"
    assert ONE in item.advice


def test_a_success_of_what_was_changed_proves_nothing_for_others(
    tmp_path: Path,
) -> None:
    lines = [
        *failed(ONE, TWO, message=LOCKED),
        *written(expense_of(ONE, "10", issued="2026-03-20")),
    ]

    assert step(found(lines, tmp_path))[0] == "FIX_FIRST"


def test_a_success_before_the_failure_proves_nothing(tmp_path: Path) -> None:
    lines = [
        *failed(ONE, message=LOCKED),
        *written(expense_of(ONE, "10")),
        *failed(TWO, message=LOCKED, sync="c", minutes=40),
    ]

    assert step(found(lines, tmp_path))[0] == "FIX_FIRST"


def test_another_failure_releases_nothing(tmp_path: Path) -> None:
    lines = [
        *failed(ONE, message=BAD_ACCOUNT),
        *failed(TWO, message=LOCKED, sync="c"),
        *written(expense_of(ONE, "10")),
    ]

    assert step(found(lines, tmp_path))[0] == "FIX_FIRST"


def test_a_refused_key_that_works_again_releases_what_it_had_refused(
    tmp_path: Path,
) -> None:
    refused = [
        entry(
            "POST",
            url("/expense-transactions"),
            minutes=minutes,
            status=401,
            request=[expense_of(name, "10")],
            answer={"error": "Unauthorized"},
        )
        for minutes, name in ((0, ONE), (1, TWO))
    ]

    assert step(found(refused, tmp_path))[:2] == ("FIX_FIRST", "mend_ours")
    (tmp_path / "then").mkdir()
    item = found([*refused, *written(expense_of(ONE, "10"))], tmp_path / "then")
    assert step(item) == ("RESEND", "resend", "us")


def test_a_changed_expense_of_ours_may_be_sent(tmp_path: Path) -> None:
    lines = [
        push_of(expense_of(ONE, "10"), expense_of(TWO, "10")),
        start(sync="a", minutes=1),
        status(5130, sync="a", minutes=2),
        page(
            row(ONE, "PushError", message=BAD_ACCOUNT),
            row(TWO, "PushError", message=BAD_ACCOUNT),
            sync="a",
            minutes=3,
        ),
        push_of(expense_of(TWO, "10", merchant="Mended"), minutes=9, dataset="new"),
    ]

    assert step(found(lines, tmp_path)) == ("RESEND", "start_sync", "us")
    (tmp_path / "other").mkdir()
    other = found(lines, tmp_path / "other", name=ONE)
    assert step(other) == ("FIX_FIRST", "resend_changed", "us")


def test_what_is_pushed_again_unchanged_stays_as_it_is(tmp_path: Path) -> None:
    lines = [
        push_of(expense_of(TWO, "10")),
        start(sync="a", minutes=1),
        status(5130, sync="a", minutes=2),
        page(row(TWO, "PushError", message=BAD_ACCOUNT), sync="a", minutes=3),
        push_of(expense_of(TWO, "10"), minutes=9, dataset="new"),
    ]

    assert step(found(lines, tmp_path)) == ("FIX_FIRST", "resend_changed", "us")


def test_a_change_does_not_mend_what_is_the_customers(tmp_path: Path) -> None:
    lines = [
        push_of(expense_of(TWO, "10")),
        start(sync="a", minutes=1),
        status(5130, sync="a", minutes=2),
        page(row(TWO, "PushError", message=LOCKED), sync="a", minutes=3),
        push_of(expense_of(TWO, "11"), minutes=9, dataset="new"),
    ]

    assert step(found(lines, tmp_path))[0] == "FIX_FIRST"


def test_a_changed_expense_that_failed_again_is_judged_by_that(
    tmp_path: Path,
) -> None:
    lines = [
        *failed(TWO, message=BAD_ACCOUNT),
        create_of(expense_of(TWO, "10", merchant="Mended"), sync="b", minutes=20),
        status(5130, sync="b", minutes=22),
        page(
            row(TWO, "PushError", message="Unable to connect: Gateway Timeout (504)"),
            sync="b",
            minutes=23,
        ),
    ]

    item = found(lines, tmp_path)

    assert item.verdict.value == "RESEND"
    assert item.not_before is not None
    assert item.cause != "account_invalid"


def test_the_table_says_what_an_expenses_own_facts_say(tmp_path: Path) -> None:
    lines = [*failed(ONE, TWO, message=LOCKED), *written(expense_of(ONE, "10"))]
    path = tmp_path / "books.db"
    with Reconciler.open(url_at(path), now=lambda: LATER) as books:
        books.ingest(read_lines(lines))
        books.catch_up()
    with tables_of(url_at(path)) as tables:
        query = "SELECT verdict FROM items WHERE transaction_id = ?"
        assert tables.rows(query, TWO) == [("FIX_FIRST",)]


@pytest.mark.parametrize("dataset", [DATASET, "another"])
def test_before_the_success_nothing_was_released(tmp_path: Path, dataset: str) -> None:
    lines = [
        *failed(ONE, TWO, message=LOCKED),
        *written(expense_of(ONE, "10")),
        push_of(expense_of("x", "1"), dataset=dataset),
    ]
    with Reconciler.open(url_at(tmp_path / "b.db")) as books:
        books.ingest(read_lines(lines))
        then = books.report(as_of=at(20))

    verdicts = {r.transaction_id: r.item.verdict.value for r in then.items}
    assert verdicts[TWO] == "FIX_FIRST"
