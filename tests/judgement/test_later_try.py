"""What was tried after the attempt that names a break stands beside the reason."""

from pathlib import Path

import pytest

from reconcile import Item, Reconciler, read_lines
from tests.builders import at, create, page, row, status, uuid_of

ONE = uuid_of(1)
LOCKED = "The document date cannot be before the period lock date."
FAILED = [
    create(ONE, sync="a"),
    status(5130, sync="a", minutes=1),
    page(row(ONE, "PushError", message=LOCKED), sync="a", minutes=2),
]


def judged(more: list[bytes], folder: Path) -> Item:
    with Reconciler.open(f"sqlite:///{folder / 'b.db'}") as books:
        books.ingest(read_lines([*FAILED, *more]))
        (row_of_report,) = books.report(as_of=at(120)).items
    return row_of_report.item


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (
            [create(ONE, minutes=60, status=401, answer={"error": "Unauthorized"})],
            "Sent again on 2026-03-02 10:00 UTC, and refused (HTTP 401) before it was"
            " tried.",
        ),
        (
            [create(ONE, sync="b", minutes=60), status(5000, sync="b", minutes=61)],
            "Sent again on 2026-03-02 10:00 UTC, and that is not decided yet.",
        ),
        (
            [
                create(ONE, sync="b", minutes=60),
                status(5000, sync="b", minutes=61),
                page(sync="b", minutes=62),
            ],
            "Sent again on 2026-03-02 10:00 UTC, and that sync ended (5000) before it"
            " was tried.",
        ),
        (
            [create(ONE, sync="b", minutes=60)],
            "Sent again on 2026-03-02 10:00 UTC, and that is not decided yet.",
        ),
    ],
)
def test_a_try_that_says_nothing_of_it_is_named(
    more: list[bytes], sentence: str, tmp_path: Path
) -> None:
    item = judged(more, tmp_path)

    assert item.cause == "period_locked"
    assert item.reason.endswith(f"period lock date. {sentence}")


def test_a_try_that_speaks_for_it_is_not_named_twice(tmp_path: Path) -> None:
    more = [
        create(ONE, sync="b", minutes=60),
        status(5130, sync="b", minutes=61),
        page(row(ONE, "PushError", message=LOCKED), sync="b", minutes=62),
    ]

    assert "Sent again" not in judged(more, tmp_path).reason


def test_what_was_never_sent_again_says_so_by_silence(tmp_path: Path) -> None:
    assert judged([], tmp_path).reason.endswith("period lock date.")
