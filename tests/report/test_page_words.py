"""The words, figures and charts of pages: one for everything, exact, nothing lost."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile import UsageError
from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    DecisionKind,
    FindingKind,
    ItemState,
    Owner,
    Verdict,
)
from reconcile.report.html import charts, figures, words
from reconcile.report.html.environment import environment
from reconcile.report.money import BUCKETS
from reconcile.rules import BUILT_IN

DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31)).map(date.isoformat)
COUNTS = st.dictionaries(st.sampled_from(ItemState), st.integers(1, 9), min_size=1)


def test_every_word_of_ours_has_one_in_plain_english() -> None:
    assert {*words.STATES} == {*ItemState}
    assert {*words.OWNERS} == {*Owner}
    assert {*words.BREAKS} == {*BreakKind}
    assert {*words.VERDICTS} == {*Verdict}
    assert {*words.FINDINGS} == {*FindingKind}
    assert {*words.DECISIONS} == {*DecisionKind}
    assert [*words.AGES] == [*BUCKETS]
    assert all(words.step(action) for action in Action)


@pytest.mark.parametrize("rule", BUILT_IN.rules, ids=lambda rule: rule.name)
def test_the_next_step_of_every_cause_is_short(rule: object) -> None:
    step = words.step(rule.action, rule.name)  # type: ignore[attr-defined]  # a Rule

    assert 0 < len(step) <= 40


def test_a_known_cause_says_the_next_step_more_closely() -> None:
    assert words.step(Action.ASK_CUSTOMER, "period_locked") == (
        "Ask them to open the period"
    )
    assert words.step(Action.ASK_CUSTOMER, "a host's own") == "Ask the customer"
    assert words.step(Action.RESEND, "period_locked") == "Send it again"


@given(st.decimals(allow_nan=False, allow_infinity=False, places=6))
def test_money_loses_no_digit(amount: Decimal) -> None:
    for currency in ("GBP", "JPY", "KWD", None):
        assert Decimal(figures.money(amount, currency).replace(",", "")) == amount


@pytest.mark.parametrize(
    ("amount", "currency", "shown"),
    [
        ("1234.5", "GBP", "1,234.50"),
        ("738690", "JPY", "738,690"),
        ("0.1234", "EUR", "0.1234"),
        ("1.5000", "KWD", "1.500"),
        ("-86", "GBP", "-86.00"),
        ("300", None, "300"),
        ("12.3", None, "12.30"),
    ],
)
def test_money_has_its_currencys_decimals(
    amount: str, currency: str | None, shown: str
) -> None:
    assert figures.money(amount, currency) == shown


def test_days_moments_and_ages_are_short() -> None:
    moment = datetime(2026, 2, 3, 20, 40, 12, tzinfo=UTC)

    assert figures.day("2026-01-14") == "14 Jan 2026"
    assert figures.month("2026-05") == "May 2026"
    assert figures.instant(moment) == "3 Feb 2026, 20:40:12 UTC"
    assert figures.instant(moment, ZoneInfo("Europe/Paris")) == (
        "3 Feb 2026, 20:40:12 UTC (21:40:12 in Europe/Paris)"
    )
    assert figures.minute_in(moment, ZoneInfo("Asia/Tokyo")) == (
        "4 Feb 2026, 05:40 in Asia/Tokyo"
    )
    assert figures.age(timedelta(days=15, hours=3)) == "15 d"
    assert figures.age(timedelta(hours=5, minutes=59)) == "5 h"
    assert figures.age(timedelta(minutes=-3)) == "under 1 min"
    assert figures.plural(1, "break") == "1 break"
    assert figures.plural(1240, "piece") == "1,240 pieces"


@pytest.mark.parametrize("name", ["Mars", "", "../etc/passwd", "Europe", "a\x00b"])
def test_a_zone_that_is_none_says_what_is_expected(name: str) -> None:
    with pytest.raises(UsageError, match="expected an IANA name"):
        figures.known_zone(name)


@given(st.text(max_size=500), st.integers(1, 60))
def test_clean_text_is_one_short_line_without_controls(text: str, longest: int) -> None:
    shown = figures.clean(text, longest)

    assert len(shown) <= longest + 1
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in shown)
    shown.encode()


@settings(max_examples=200)
@given(st.dictionaries(DAYS, COUNTS, min_size=1, max_size=8))
def test_periods_hold_every_expense_once_and_have_no_gap(
    days: dict[str, dict[ItemState, int]],
) -> None:
    found = charts.periods(days)

    for state in ItemState:
        counted = sum(counts.get(state, 0) for counts in days.values())
        assert sum(period.counts.get(state, 0) for period in found) == counted
    for before, after in pairwise(found):
        assert after.first == before.last + timedelta(days=1)


@pytest.mark.parametrize(
    ("last", "unit", "number"),
    [
        ("2026-01-01", "day", 1),
        ("2026-01-31", "day", 31),
        ("2026-02-01", "week", 5),
        ("2026-06-28", "week", 26),
        ("2026-06-29", "month", 6),
        ("2030-12-31", "month", 60),
        ("2031-01-01", "year", 6),
    ],
)
def test_long_times_are_drawn_by_week_by_month_and_by_year(
    last: str, unit: str, number: int
) -> None:
    counts = {ItemState.BREAK: 1}

    found = charts.periods({"2026-01-01": counts, last: counts})

    assert (charts.unit_of(found), len(found)) == (unit, number)


@given(st.integers(0, 10**9))
def test_a_scale_is_round_and_holds_the_highest(highest: int) -> None:
    top = charts.scale(highest)

    assert highest <= top
    assert str(top).rstrip("0") in {*"1234568"}
    assert top <= max(2 * highest, 1)


def test_charts_have_no_inline_style_and_escape_what_they_say() -> None:
    found = charts.periods({"2026-01-01": {ItemState.BREAK: 2}})

    drawn = (
        charts.columns(found, [*ItemState], label='<b> "x"')
        + charts.meter({ItemState.OPEN: 1, ItemState.BREAK: 10**9})
        + charts.across(1, 3, ItemState.BREAK)
    )

    assert "style=" not in drawn
    assert "xmlns" not in drawn
    assert "<b>" not in drawn
    assert "&lt;b&gt; &#34;x&#34;" in drawn


def test_an_environment_is_made_once_and_finds_templates_of_its_own() -> None:
    assert environment() is environment()
    assert environment("reconcile.report.html") is not environment()
    assert environment().get_template("shared/marks.html") is (
        environment().get_template("shared/marks.html")
    )
