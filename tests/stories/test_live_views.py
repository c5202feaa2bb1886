"""Live views equal a replay at every position, and a report stays what it was."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import Policy, Reconciler, item_data, read_lines, to_data
from tests.builders import COMPANY, at, page, push, row, start, status, uuid_of
from tests.strategies import traffic

NOW = at(60 * 70)


@contextmanager
def fresh_books(clock: "Clock") -> Iterator[Reconciler]:
    """Give a reconciler on an empty store, with a clock that a test turns."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{Path(folder) / 'books.db'}", now=clock) as books,
    ):
        yield books


class Clock:
    """A clock that moves on by a minute each time it is asked."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@given(lines=traffic(), step=st.integers(1, 4))
def test_live_views_equal_a_replay_at_every_position(
    lines: list[bytes], step: int
) -> None:
    with fresh_books(Clock()) as books:
        for start in range(0, len(lines), step):
            books.ingest(read_lines(lines[start : start + step]))

            tied = books.tie_out()

            assert tied.differences == []
            assert tied.poisoned == 0


@settings(max_examples=100)
@given(lines=traffic())
def test_the_live_report_equals_the_replayed_one(lines: list[bytes]) -> None:
    with fresh_books(lambda: NOW) as books:  # type: ignore[arg-type]  # a clock that stands
        books.ingest(read_lines(lines))

        live = to_data(books.report())

        assert live == to_data(books.replayed_report(as_of=NOW))


@settings(max_examples=50)
@given(lines=traffic(), now=st.sampled_from([at(5), NOW]))
def test_one_item_looked_up_is_that_of_the_report(
    lines: list[bytes], now: datetime
) -> None:
    with fresh_books(lambda: now) as books:  # type: ignore[arg-type]  # a clock that stands
        books.ingest(read_lines(lines))
        report = books.report()

        found = [
            books.item(item.transaction_id, company_id=item.company_id)
            for item in report.items
        ]

        assert found == list(report.items)
        data = [item_data(item, as_of=now) for item in found if item is not None]
        assert data == to_data(report)["items"]
        assert books.item("nobody's", company_id=COMPANY) is None


@given(before=traffic(max_size=8), after=traffic(max_size=8), moment=st.integers(0, 99))
def test_a_report_is_fixed_for_its_two_moments_whatever_arrives_later(
    before: list[bytes], after: list[bytes], moment: int
) -> None:
    clock = Clock()
    with fresh_books(clock) as books:
        books.ingest(read_lines(before))
        known_at, as_of = clock(), at(moment)
        before_it = to_data(books.report(as_of=as_of, known_at=known_at))

        books.ingest(read_lines(after))

        assert to_data(books.report(as_of=as_of, known_at=known_at)) == before_it


def test_a_fact_of_the_future_does_not_count_yet(books: Reconciler) -> None:

    books.ingest(
        read_lines(
            [
                push(uuid_of(1), minutes=0),
                start(minutes=1),
                status(2000, minutes=10),
                page(row(uuid_of(1)), minutes=11),
            ]
        )
    )

    early = to_data(books.report(as_of=at(5)))

    assert [item["state"] for item in early["items"]] == ["open"]


def test_views_that_another_policy_made_are_folded_anew(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'books.db'}"
    with Reconciler.open(url, now=lambda: NOW) as books:
        books.ingest(read_lines([push(uuid_of(1), minutes=0), start(minutes=1)]))
        books.catch_up()

    hasty = Policy(undecided_for=timedelta(minutes=5))
    with Reconciler.open(url, now=lambda: NOW, policy=hasty) as books:
        tied = books.tie_out()
        (item,) = books.report().items

    assert tied.differences == []
    assert item.item.broken_since == at(6)
