"""Which content of an expense the books hold: that of the sync that wrote it."""

from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from tests.builders import (
    at,
    create_of,
    expense_of,
    page,
    push_of,
    row,
    start,
    status,
)
from tests.engines import url_at

pytestmark = pytest.mark.usefixtures("engine")


LATER = at(60 * 24)


def amount(
    lines: list[bytes], folder: Path, minutes: float | None = None
) -> str | None:
    """Return what a lone expense costs, by a store of the lines in any order."""
    found = set()
    for name, order in (("a", lines), ("b", lines[::-1])):
        with Reconciler.open(f"sqlite:///{folder / name}.db") as books:
            books.ingest(read_lines(order))
            report = books.report(as_of=LATER if minutes is None else at(minutes))
            (item,) = report.items
            found.add(item.content.amount if item.content else None)
    (only,) = found  # in whatever order it came
    return only


def written(sync: str, minutes: float) -> list[bytes]:
    return [
        status(2000, sync=sync, minutes=minutes),
        page(row("t"), sync=sync, minutes=minutes + 1),
    ]


def test_a_sync_of_a_dataset_takes_what_it_held_when_it_was_started(
    tmp_path: Path,
) -> None:
    lines = [
        push_of(expense_of("t", "10")),
        start(minutes=1),
        *written("2b5d5fd1-f4b2-49de-98c3-ca37a0dcd8cd", 2),
        push_of(expense_of("t", "11"), minutes=5),
    ]

    assert amount(lines, tmp_path) == "10"


def test_a_dataset_that_goes_back_to_what_it_said_first_is_heard(
    tmp_path: Path,
) -> None:
    lines = [
        push_of(expense_of("t", "10")),
        push_of(expense_of("t", "11"), minutes=1),
        push_of(expense_of("t", "10"), minutes=2),
        start(minutes=3),
        *written("2b5d5fd1-f4b2-49de-98c3-ca37a0dcd8cd", 4),
    ]

    assert amount(lines, tmp_path) == "10"


def test_what_is_not_in_the_books_costs_what_was_sent_last(tmp_path: Path) -> None:
    lines = [
        create_of(expense_of("t", "10"), sync="a"),
        create_of(expense_of("t", "11"), sync="b", minutes=1),
        page(row("t", "PushError"), sync="b", minutes=2),
    ]

    assert amount(lines, tmp_path) == "11"


def test_what_is_sent_later_costs_nothing_yet(tmp_path: Path) -> None:
    lines = [
        create_of(expense_of("t", "10"), sync="a"),
        create_of(expense_of("t", "11"), sync="b", minutes=10),
    ]

    assert amount(lines, tmp_path, minutes=5) == "10"


@pytest.mark.parametrize(
    ("lines", "total"),
    [
        (["0.1", "0.2"], "0.3"),
        ([0.1, 0.2], "0.3"),
        (["1e3"], "1000"),
        (["1.005"], "1.005"),
        ([-5], "-5"),
        (["1e999"], None),
        (["12,50"], None),
        ([True], None),
        ([None], None),
        (["NaN"], None),
        ([{"amount": 1}], None),
    ],
)
def test_an_amount_is_an_exact_decimal_or_none(
    lines: list[object], total: str | None, tmp_path: Path
) -> None:
    assert amount([create_of(expense_of("t", *lines))], tmp_path) == total


@pytest.mark.parametrize("currency", ["", "£", "POUND", 7, None])
def test_a_currency_that_is_none_leaves_it_unpriced(
    currency: object, tmp_path: Path
) -> None:
    body = {**expense_of("t", "10"), "currency": currency}
    with Reconciler.open(url_at(tmp_path / "b.db")) as books:
        books.ingest(read_lines([create_of(body)]))
        (found,) = books.report(as_of=LATER).totals.money.values()

    assert (found.items, found.unpriced, str(found.amount)) == (1, 1, "0")
