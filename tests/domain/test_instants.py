"""Moments in and out."""

from datetime import UTC, datetime, timedelta

import pytest

from reconcile.domain.instants import END_OF_TIME, format_instant, later, parse_instant


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("2026-03-02T09:00:00Z", "2026-03-02T09:00:00.000000Z"),
        ("2026-03-02T09:00:00.1234567Z", "2026-03-02T09:00:00.123456Z"),
        ("2026-03-02T09:00:00+02:00", "2026-03-02T07:00:00.000000Z"),
    ],
)
def test_a_time_with_a_zone_is_read_and_written_in_utc(text: str, result: str) -> None:
    moment = parse_instant(text)

    assert moment is not None
    assert format_instant(moment) == result


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "2026-03-02T09:00:00",
        "2024-09-01T23:59:99Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
    ],
)
def test_a_time_that_means_no_moment_is_none(text: str) -> None:
    assert parse_instant(text) is None


def test_a_year_before_a_thousand_keeps_four_digits() -> None:
    assert format_instant(datetime(9, 1, 1, tzinfo=UTC)).startswith("0009-01-01T")


def test_a_deadline_beyond_time_is_the_end_of_time() -> None:
    last = END_OF_TIME - timedelta(hours=1)

    assert later(last, timedelta(hours=2)) == END_OF_TIME
    assert later(last, timedelta(minutes=1)) == last + timedelta(minutes=1)
