"""A filter refuses what no line could have, and says what it expected."""

import sqlite3
from contextlib import closing

import pytest

from reconcile import UsageError
from reconcile.console.filter import SOUGHT_MAX, VALUES_MAX, Filter, Sort, ascii_lower
from reconcile.console.places import LinePlace, place_of, place_text


@pytest.mark.parametrize(
    ("word", "value", "says"),
    [
        ("state", "lost", "state: 'lost' is not known, expected one of open, matched"),
        ("booked", "maybe", "booked: 'maybe' is not known, expected one of yes, no"),
        ("half_booked", "", "half_booked: '' is not known, expected one of yes, no"),
        ("owner", "them", "owner: 'them' is not known, expected one of customer, us"),
        ("verdict", "wait", "verdict: 'wait' is not known, expected one of NEVER"),
        ("age", "old", "age: 'old' is not known, expected one of <1d, 1-7d"),
        ("month", "2026-13", "'2026-13' is not a month"),
        ("day", "2026-02-30", "'2026-02-30' is not a day, expected one like"),
        ("day", "2026-02-03T10:00:00Z", "is not a day"),
        ("run", "41", "'41' is not a run, expected the 64 digits of a plan's digest"),
        ("q", "  ", "has 2 letters, expected 1 to"),
        ("q", "x" * (SOUGHT_MAX + 1), "letters, expected 1 to"),
    ],
)
def test_a_value_that_no_line_could_have_is_refused(
    word: str, value: str, says: str
) -> None:
    with pytest.raises(UsageError, match=says.replace("(", r"\(")):
        Filter(**{word: (value,)})


def test_more_values_than_a_person_chooses_are_refused() -> None:
    with pytest.raises(UsageError, match=f"expected at most {VALUES_MAX}"):
        Filter(customer=tuple(map(str, range(VALUES_MAX + 1))))


@pytest.mark.parametrize("kind", ["REFUND", "Écart", "İade", "ΣΑΣ", "支払い", "ẞ"])
def test_a_type_is_compared_as_the_worksheet_compares_it(kind: str) -> None:
    with closing(sqlite3.connect(":memory:")) as db:
        (lowered,) = db.execute("SELECT lower(?)", [kind]).fetchone()

    assert ascii_lower(kind) == lowered


@pytest.mark.parametrize(
    "text",
    ["", "x", "====", "ä", "bm9uZQ", "W10", "W1tdXQ", "A" * 5000, "\0", "%22"],
)
def test_a_damaged_cursor_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="expected that of a link of ours"):
        place_of(text, sort=Sort.DATE, descending=False)


@pytest.mark.parametrize(
    ("sort", "value", "line"),
    [("date", 1, 1), ("amount", "x", 1), ("date", "x", 2**63), ("age", 2**70, 1)],
)
def test_a_cursor_of_a_place_that_cannot_be_is_refused(
    sort: str, value: str | float, line: int
) -> None:
    text = place_text(LinePlace(sort, False, False, value, "c", "t", line, "g"))

    with pytest.raises(UsageError, match="is damaged"):
        place_of(text, sort=Sort(sort), descending=False)


def test_a_cursor_of_another_order_is_refused() -> None:
    text = place_text(LinePlace("date", True, False, "2026-01-01", "c", "t", 1, "g"))

    with pytest.raises(UsageError, match="is by date, expected one by age"):
        place_of(text, sort=Sort.AGE, descending=True)
    with pytest.raises(UsageError, match="is by date"):
        place_of(text, sort=Sort.DATE, descending=False)
