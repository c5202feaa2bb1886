"""The governor of one account's quotas: what goes out now, and what is kept back."""

import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from reconcile.codat.client.quota import SLOT_WAIT_S, Priority, Quota

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
MIDNIGHT = datetime(2026, 1, 6, tzinfo=UTC)
LOW, HIGH = Priority.SWEEP, Priority.WEBHOOK


def rate_headers(limit: int, remaining: int, reset: str) -> tuple[tuple[str, str], ...]:
    return (
        ("x-rate-limit-limit", str(limit)),
        ("x-rate-limit-remaining", str(remaining)),
        ("x-rate-limit-reset", reset),
    )


def take(
    quota: Quota, times: int, priority: Priority = HIGH, now: datetime = NOW
) -> int:
    """Admit and release up to so many requests; return how many were let out."""
    for number in range(times):
        if quota.admit(priority, f"c{number % 100}", now):
            return number
        quota.release(f"c{number % 100}")
    return times


def test_a_request_that_has_room_goes_out_at_once() -> None:
    quota = Quota()

    assert quota.plan(LOW, "c", NOW) == 0.0
    assert quota.admit(LOW, "c", NOW) == 0.0
    assert quota.figures(NOW).in_flight == {"c": 1}


def test_planning_takes_nothing() -> None:
    quota = Quota()

    quota.plan(HIGH, "c", NOW)

    assert quota.figures(NOW).used == 0
    assert quota.figures(NOW).in_flight == {}


def test_a_webhooks_read_goes_out_when_everything_else_has_to_wait() -> None:
    quota = Quota(per_day=100, per_minute=1000)
    for priority in (Priority.SWEEP, Priority.FOLLOW, Priority.WRITE):
        take(quota, 1000, priority)

    waits = {item: quota.plan(item, "c", NOW) for item in Priority}

    assert waits.pop(Priority.WEBHOOK) == 0.0
    assert set(waits.values()) == {(MIDNIGHT - NOW).total_seconds()}
    assert quota.figures(NOW).remaining == 10


def test_nothing_goes_out_beyond_the_day_and_everything_after_it() -> None:
    quota = Quota(per_day=10)

    assert take(quota, 100) == 10
    assert quota.admit(HIGH, "c", MIDNIGHT - timedelta(seconds=1)) == 1.0
    assert quota.admit(HIGH, "c", MIDNIGHT) == 0.0


def test_a_minute_is_the_sixty_seconds_before() -> None:
    quota = Quota(per_day=10_000, per_minute=20)
    take(quota, 10)
    assert take(quota, 100, now=NOW + timedelta(seconds=30)) == 10

    assert quota.plan(HIGH, "c", NOW + timedelta(seconds=31)) == 29.0
    assert quota.plan(LOW, "c", NOW + timedelta(seconds=31)) == 29.0
    assert take(quota, 100, now=NOW + timedelta(seconds=60)) == 10
    assert quota.plan(LOW, "c", NOW + timedelta(seconds=60)) == 30.0


def test_a_company_has_so_many_requests_at_once_and_a_webhook_the_last_ones() -> None:
    quota = Quota()
    while quota.admit(LOW, "c", NOW) == 0:
        pass

    assert quota.figures(NOW).in_flight == {"c": 6}
    assert quota.plan(LOW, "c", NOW) == SLOT_WAIT_S
    assert quota.plan(LOW, "another", NOW) == 0.0
    assert [quota.admit(HIGH, "c", NOW) for _ in range(5)] == [0, 0, 0, 0, SLOT_WAIT_S]
    quota.release("c")
    assert quota.admit(HIGH, "c", NOW) == 0.0


def test_the_days_quota_is_learnt_from_the_headers() -> None:
    quota = Quota()

    quota.learn(200, rate_headers(5000, 4321, "2026-01-06T00:00:00Z"), NOW)

    figures = quota.figures(NOW)
    assert (figures.limit, figures.remaining, figures.learnt) == (5000, 4321, True)
    assert figures.resets_at == MIDNIGHT


@pytest.mark.parametrize(
    "reset",
    [
        "2026-01-05T12:00:00Z",
        "2026-01-05T12:00:00.0000000Z",
        "2026-01-05T14:00:00+02:00",
        "2026-01-05T12:00:00",
        "Mon, 05 Jan 2026 12:00:00 GMT",
        "10800",
        "10800.0",
        str(int((NOW + timedelta(hours=3)).timestamp())),
    ],
)
def test_the_reset_is_read_in_whichever_form_it_is_told(reset: str) -> None:
    quota = Quota()

    quota.learn(200, rate_headers(1000, 1, reset), NOW)

    assert quota.figures(NOW).resets_at == NOW + timedelta(hours=3)


@pytest.mark.parametrize(
    "reset", ["", "soon", "-5", "9" * 30, "2020-01-01T00:00:00Z", "2030-01-01", "１"]
)
def test_a_reset_that_cannot_be_is_no_reason_to_wait_for_years(reset: str) -> None:
    quota = Quota()

    quota.learn(200, rate_headers(1000, 0, reset), NOW)

    assert quota.plan(HIGH, "c", NOW) <= (MIDNIGHT - NOW).total_seconds()


def test_an_answer_that_was_overtaken_gives_nothing_back() -> None:
    quota = Quota()
    reset = "2026-01-06T00:00:00Z"

    quota.learn(200, rate_headers(1000, 10, reset), NOW)
    quota.learn(200, rate_headers(1000, 12, reset), NOW)

    assert quota.figures(NOW).remaining == 10


def test_an_answer_of_yesterday_says_nothing_of_today() -> None:
    quota = Quota()

    quota.learn(200, rate_headers(1000, 0, "2026-01-06T00:00:00Z"), MIDNIGHT)

    assert quota.figures(MIDNIGHT).used == 0


def test_a_company_that_was_connected_adds_to_the_day() -> None:
    quota = Quota()
    reset = "2026-01-06T00:00:00Z"

    quota.learn(200, rate_headers(2000, 1500, reset), NOW)
    quota.learn(200, rate_headers(3000, 2499, reset), NOW)

    assert quota.figures(NOW).remaining == 2499


@pytest.mark.parametrize(
    ("value", "wait_s"),
    [("7", 7.0), ("Mon, 05 Jan 2026 09:00:07 GMT", 7.0), ("", 1.0), ("x", 1.0)],
)
def test_after_a_429_nobody_goes_before_the_time_it_tells(
    value: str, wait_s: float
) -> None:
    quota = Quota()

    quota.learn(429, (("retry-after", value),), NOW)

    assert quota.plan(HIGH, "c", NOW) == wait_s
    assert quota.plan(HIGH, "c", NOW + timedelta(seconds=wait_s)) == 0.0


def test_a_429_that_tells_of_years_closes_for_a_day_at_most() -> None:
    quota = Quota()

    quota.learn(429, (("retry-after", "99999999999"),), NOW)

    assert quota.plan(HIGH, "c", NOW) == 86_400


def test_a_clock_that_goes_back_closes_nothing_for_longer() -> None:
    quota = Quota(per_day=10_000, per_minute=5)
    ahead = NOW + timedelta(days=30)
    take(quota, 5, now=ahead)
    quota.learn(429, (("retry-after", "60"),), ahead)

    assert quota.plan(HIGH, "c", NOW) == 0.0


def test_the_day_ends_at_midnight_utc_wherever_the_clock_stands() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=13)))

    assert Quota().figures(there).resets_at == MIDNIGHT


def test_threads_that_ask_together_are_let_out_as_one_account() -> None:
    quota = Quota(per_day=500)
    out: list[int] = []

    def ask(name: str) -> None:
        admitted = 0
        for _ in range(200):
            if quota.admit(HIGH, name, NOW) == 0:
                admitted += 1
                quota.release(name)
        out.append(admitted)

    threads = [threading.Thread(target=ask, args=(f"c{n}",)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(out) == quota.figures(NOW).used == 500
    assert quota.figures(NOW).in_flight == {}
