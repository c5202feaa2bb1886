"""Rows in groups: nothing is lost by putting together what says the same."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from reconcile.domain.observations import LegRow
from reconcile.domain.rows import count, grouped, rows_in

FEW = st.sampled_from(["a", "b", "c"])
ROWS = st.lists(st.tuples(FEW, FEW, st.none() | FEW, st.none() | FEW), max_size=8)


@given(ROWS)
def test_groups_hold_every_row_as_often_as_it_stood_there(rows: list[LegRow]) -> None:
    groups = grouped(rows)

    assert Counter(rows_in(groups)) == Counter(rows)
    assert count(groups) == len(rows)


@given(ROWS)
def test_a_transaction_stands_in_one_group_with_its_rows_in_order(
    rows: list[LegRow],
) -> None:
    stored = [
        (transaction_id, *saying)
        for sayings, transaction_ids in grouped(rows)
        for transaction_id in transaction_ids
        for saying in sayings
    ]

    for name in {row[0] for row in rows}:
        assert [r for r in stored if r[0] == name] == [r for r in rows if r[0] == name]


@given(ROWS)
def test_no_two_groups_say_the_same(rows: list[LegRow]) -> None:
    reported = [sayings for sayings, _ in grouped(rows)]

    assert len(set(reported)) == len(reported)
