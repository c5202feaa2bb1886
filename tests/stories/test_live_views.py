"""Live views equal a replay at every position, and a report stays what it was."""

from datetime import datetime, timedelta

from hypothesis import strategies as st

from reconcile import Policy, Reconciler, item_data, read_lines, to_data
from tests.builders import COMPANY, at, page, push, row, start, status, uuid_of
from tests.laws import law
from tests.strategies import traffic

NOW = at(60 * 70)


class Clock:
    """A clock that moves on by a minute each time it is asked."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@law(lines=traffic(), step=st.integers(1, 4))
def test_live_views_equal_a_replay_at_every_position(
    url: str, lines: list[bytes], step: int
) -> None:
    with Reconciler.open(url, now=Clock()) as books:
        for start in range(0, len(lines), step):
            books.ingest(read_lines(lines[start : start + step]))

            tied = books.tie_out()

            assert tied.differences == []
            assert tied.poisoned == 0


@law(examples=100, lines=traffic())
def test_the_live_report_equals_the_replayed_one(url: str, lines: list[bytes]) -> None:
    with Reconciler.open(url, now=lambda: NOW) as books:
        books.ingest(read_lines(lines))

        live = to_data(books.report())

        assert live == to_data(books.replayed_report(as_of=NOW))


@law(examples=50, lines=traffic(), now=st.sampled_from([at(5), NOW]))
def test_one_item_looked_up_is_that_of_the_report(
    url: str, lines: list[bytes], now: datetime
) -> None:
    with Reconciler.open(url, now=lambda: now) as books:
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


@law(before=traffic(max_size=8), after=traffic(max_size=8), moment=st.integers(0, 99))
def test_a_report_is_fixed_for_its_two_moments_whatever_arrives_later(
    url: str, before: list[bytes], after: list[bytes], moment: int
) -> None:
    clock = Clock()
    with Reconciler.open(url, now=clock) as books:
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


def test_views_that_another_policy_made_are_folded_anew(store_url: str) -> None:
    with Reconciler.open(store_url, now=lambda: NOW) as books:
        books.ingest(read_lines([push(uuid_of(1), minutes=0), start(minutes=1)]))
        books.catch_up()

    hasty = Policy(undecided_for=timedelta(minutes=5))
    with Reconciler.open(store_url, now=lambda: NOW, policy=hasty) as books:
        tied = books.tie_out()
        (item,) = books.report().items

    assert tied.differences == []
    assert item.item.broken_since == at(6)
