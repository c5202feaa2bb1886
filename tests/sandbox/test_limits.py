"""Quotas: counted on the sandbox's clock, told on every answer."""

from datetime import UTC, datetime, timedelta

import pytest

from reconcile.sandbox import Response, Sandbox, Settings
from reconcile.sandbox.limits import PER_DAY, PER_MINUTE, Form, Quotas
from tests.sandbox.calls import COMPANY, call, data_of


def headers(answer: Response) -> dict[str, str]:
    return dict(answer.headers)


def used_up(sandbox: Sandbox, calls: int = PER_MINUTE) -> Response:
    """Return the answer that follows so many calls."""
    for _ in range(calls):
        assert call(sandbox, "GET", "/companies").status == 200
    return call(sandbox, "GET", "/companies")


@pytest.mark.parametrize("path", ["/companies", "/companies/none/nothing"])
def test_every_answer_tells_how_much_of_the_day_is_left(path: str) -> None:
    answer = call(Sandbox(), "GET", path)

    assert headers(answer)["X-Rate-Limit-Limit"] == "1000"
    assert headers(answer)["X-Rate-Limit-Remaining"] == "999"
    assert headers(answer)["X-Rate-Limit-Reset"] == "2026-01-06T00:00:00Z"


def test_each_active_connected_company_adds_a_thousand_a_day() -> None:
    sandbox = Sandbox()
    sandbox.company()
    deauthorised, deleted, unlinked = (sandbox.company() for _ in range(3))

    deauthorised.linked = False
    deleted.deleted = True
    unlinked.connections[0]["status"] = "PendingAuth"

    assert sandbox.limits.per_day == 2 * PER_DAY


def test_more_than_a_thousand_calls_a_minute_are_turned_away() -> None:
    sandbox = Sandbox(now=datetime(2026, 1, 5, 9, 0, 20, tzinfo=UTC))
    sandbox.company(COMPANY)

    refused = used_up(sandbox)

    assert refused.status == 429
    assert headers(refused)["Retry-After"] == "40"
    assert headers(refused)["X-Rate-Limit-Remaining"] == "1000"
    assert data_of(refused)["statusCode"] == 429
    assert data_of(refused)["error"] == "The rate limit was exceeded."
    sandbox.advance(timedelta(seconds=40))
    assert call(sandbox, "GET", "/companies").status == 200


def test_the_quota_of_a_day_lasts_until_midnight_in_utc() -> None:
    sandbox = Sandbox()
    refused = used_up(sandbox, PER_DAY)

    sandbox.advance(timedelta(hours=14, minutes=59))
    still_refused = call(sandbox, "GET", "/companies")
    sandbox.advance(timedelta(minutes=1))
    answered = call(sandbox, "GET", "/companies")

    assert headers(refused)["Retry-After"] == str(15 * 60 * 60)
    assert headers(refused)["X-Rate-Limit-Remaining"] == "0"
    assert (still_refused.status, headers(still_refused)["Retry-After"]) == (429, "60")
    assert (answered.status, headers(answered)["X-Rate-Limit-Remaining"]) == (
        200,
        "999",
    )


def test_a_call_that_is_turned_away_does_not_count() -> None:
    sandbox = Sandbox()
    used_up(sandbox, PER_DAY)

    sandbox.company(COMPANY)
    sandbox.advance(timedelta(minutes=1))

    assert headers(call(sandbox, "GET", "/companies"))["X-Rate-Limit-Remaining"] == (
        "999"
    )


@pytest.mark.parametrize(
    ("form", "reset", "retry_after"),
    [
        ("seconds", "54000", "54000"),
        ("date", "2026-01-06T00:00:00Z", "Tue, 06 Jan 2026 00:00:00 GMT"),
    ],
)
def test_both_moments_can_be_told_either_way(
    form: Form, reset: str, retry_after: str
) -> None:
    sandbox = Sandbox()
    sandbox.limits = Quotas(
        clock=sandbox.clock,
        companies=sandbox.companies,
        reset=form,
        retry_after=form,
    )

    refused = headers(used_up(sandbox, PER_DAY))

    assert refused["X-Rate-Limit-Reset"] == reset
    assert refused["Retry-After"] == retry_after


def test_without_quotas_nothing_is_counted_or_told() -> None:
    sandbox = Sandbox(settings=Settings(quotas=False))

    answer = used_up(sandbox, PER_DAY)

    assert answer.status == 200
    assert not any(name.startswith("X-Rate-Limit") for name in headers(answer))


def test_quotas_can_be_small_to_meet_them_in_a_test() -> None:
    settings = Settings(calls_per_day=3, calls_per_minute=2)
    sandbox = Sandbox(settings=settings)

    of_minute = used_up(sandbox, 2)
    sandbox.advance(timedelta(minutes=1))
    of_day = used_up(sandbox, 1)

    assert data_of(of_minute)["error"] == "The rate limit was exceeded."
    assert data_of(of_day)["error"] == "The daily rate limit was exceeded."
