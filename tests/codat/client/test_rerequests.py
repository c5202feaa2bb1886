"""When the client sends a request again, and when never."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from reconcile.codat import requests
from reconcile.codat.client.quota import Priority, Quota
from reconcile.codat.client.rerequests import Rerequests
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable
from tests.codat.client.clients import BEGIN, Wire, response, wired
from tests.sandbox.calls import COMPANY

KEY = "6a1b2c3d-0000-4000-8000-000000000001"
READ = requests.statuses(COMPANY)
CREATE = requests.create_expenses(COMPANY, [{"id": "t1"}])
KEYED = CREATE.under(KEY)
PUT = requests.update_expense(COMPANY, "t1", {})
REFUSED = httpx.ConnectError("Connection refused")
UNRESOLVED = httpx.ConnectError("[Errno -2] Name or service not known")
LATE = httpx.ReadTimeout("late")
CUT = httpx.RemoteProtocolError("Server disconnected")
OK = response(200, {"syncId": "s1"})
EMPTY = response(200, [])


def unavailable(wire: Wire, request: Request) -> CodatUnavailable:
    with pytest.raises(CodatUnavailable) as caught:
        wire.client.ask(request)
    return caught.value


@pytest.mark.parametrize("first", [408, 429, 500, 502, 503, 599, REFUSED, LATE, CUT])
def test_a_read_is_sent_again_until_it_is_answered(first: Any) -> None:
    wire = wired(first, first, EMPTY)

    answer = wire.client.ask(READ)

    assert answer.data() == []
    assert len(wire.sent) == 3


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 405, 409, 422])
@pytest.mark.parametrize("request_", [READ, CREATE, KEYED, PUT])
def test_a_refusal_is_an_answer(status: int, request_: Request) -> None:
    wire = wired(status)

    answer = wire.client.ask(request_)

    assert (answer.status, answer.accepted) == (status, False)
    assert len(wire.sent) == 1


@pytest.mark.parametrize("request_", [CREATE, PUT])
@pytest.mark.parametrize("first", [302, 408, 500, 503, LATE, CUT])
def test_a_write_that_may_have_arrived_is_never_sent_again(
    request_: Request, first: Any
) -> None:
    wire = wired(first, OK)

    error = unavailable(wire, request_)

    assert len(wire.sent) == 1
    assert not error.safe_to_resend


@pytest.mark.parametrize("request_", [CREATE, KEYED, PUT])
@pytest.mark.parametrize(
    "first", [429, REFUSED, UNRESOLVED, httpx.ConnectTimeout(""), httpx.PoolTimeout("")]
)
def test_a_write_that_was_certainly_not_carried_out_is_sent_again(
    request_: Request, first: Any
) -> None:
    wire = wired(first, OK)

    assert wire.client.ask(request_).accepted
    assert len(wire.sent) == 2


@pytest.mark.parametrize("first", [408, LATE, CUT])
def test_under_a_key_a_write_without_an_answer_is_sent_again_the_same(
    first: Any,
) -> None:
    wire = wired(first, OK)

    assert wire.client.ask(KEYED).accepted
    assert [item.headers["Idempotency-Key"] for item in wire.sent] == [KEY, KEY]
    assert wire.sent[0].content == wire.sent[1].content


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_under_a_key_a_5xx_is_not_asked_for_again_since_it_would_be_replayed(
    status: int,
) -> None:
    wire = wired(status, OK)

    error = unavailable(wire, KEYED)

    assert len(wire.sent) == 1
    assert (error.status, error.safe_to_resend) == (status, False)


def test_under_a_key_a_409_after_a_lost_answer_is_waited_for() -> None:
    wire = wired(LATE, 409, 409, OK)

    assert wire.client.ask(KEYED).accepted


@pytest.mark.parametrize("status", [401, 402, 403, 409])
def test_a_refusal_of_this_attempt_says_nothing_of_one_in_doubt(status: int) -> None:
    wire = wired(LATE, status)

    error = unavailable(wire, KEYED)

    assert not error.safe_to_resend
    assert "an earlier attempt is in doubt" in str(error)


def test_a_rate_limit_after_a_lost_answer_does_not_make_it_safe() -> None:
    wire = wired(LATE, 429)

    assert not unavailable(wire, KEYED).safe_to_resend


def test_a_refusal_of_the_content_under_the_key_is_the_answer_to_both() -> None:
    wire = wired(LATE, 400)

    assert wire.client.ask(KEYED).status == 400


@pytest.mark.parametrize("given", [429, REFUSED, UNRESOLVED])
def test_what_certainly_did_not_arrive_may_be_sent_again_later(given: Any) -> None:
    wire = wired(given)

    error = unavailable(wire, CREATE)

    assert error.safe_to_resend
    assert "\n" not in str(error)


@pytest.mark.parametrize(
    "value", ["7", "Mon, 05 Jan 2026 09:00:07 GMT", "2026-01-05T09:00:07Z"]
)
def test_retry_after_is_kept_to_in_seconds_or_as_a_date(value: str) -> None:
    wire = wired(response(503, retry_after=value), EMPTY)

    wire.client.ask(READ)

    assert wire.time.now - BEGIN == timedelta(seconds=7)


def test_a_wait_longer_than_ours_ends_it_and_is_told() -> None:
    wire = wired(response(429, retry_after="3600"), EMPTY)

    error = unavailable(wire, READ)

    assert len(wire.sent) == 1
    assert error.wait_s == 3600
    assert wire.time.waits == []


@pytest.mark.parametrize("value", ["", "soon", "-1", "nan", "1e9", "٣"])
def test_a_retry_after_that_says_nothing_does_no_harm(value: str) -> None:
    headers = {b"Retry-After": value.encode()}
    wire = wired(httpx.Response(503, headers=headers), EMPTY)

    assert wire.client.ask(READ).accepted
    assert wire.time.waits == [0.5]


@pytest.mark.parametrize("value", ["9" * 20, "9999-12-31T23:59:59Z"])
def test_a_retry_after_of_years_is_told_and_not_waited_for(value: str) -> None:
    error = unavailable(wired(response(503, retry_after=value), EMPTY), READ)

    assert error.wait_s
    assert error.wait_s > 1e8


def test_waits_grow_up_to_a_limit_and_half_of_each_is_chance() -> None:
    long = wired(503, rerequests=Rerequests(attempts_max=9, wait_all_max_s=1e6))
    short = wired(
        503,
        rerequests=Rerequests(attempts_max=9, wait_all_max_s=1e6),
        chance=lambda: 0.0,
    )
    unavailable(long, READ)
    unavailable(short, READ)

    assert long.time.waits == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert short.time.waits == [0.25, 0.5, 1, 2, 4, 8, 15, 15]


def test_attempts_have_a_limit() -> None:
    wire = wired(LATE, rerequests=Rerequests(attempts_max=3))

    unavailable(wire, READ)

    assert len(wire.sent) == 3
    assert wire.statuses == [0, 0, 0]


def test_the_time_of_all_attempts_has_a_limit() -> None:
    rules = Rerequests(attempts_max=1000, wait_all_max_s=60)
    wire = wired(503, rerequests=rules)

    unavailable(wire, READ)

    assert wire.time.now - BEGIN <= timedelta(seconds=60)


def test_every_attempt_is_recorded_when_its_answer_is_complete() -> None:
    wire = wired(LATE, 503, EMPTY)

    answer = wire.client.ask(READ)

    assert wire.statuses == [0, 503, 200]
    assert [(item.observed_at - BEGIN).total_seconds() for item in wire.recorded] == [
        0,
        0.5,
        1.5,
    ]
    assert wire.recorded[0].response_body is None
    assert wire.recorded[-1] is answer.exchange


def test_what_the_record_raises_the_caller_gets_and_nothing_is_sent_again() -> None:
    def full(_: object) -> None:
        raise OSError("disk full")

    wire = wired(OK, record=full)

    with pytest.raises(OSError, match="disk full"):
        wire.client.ask(CREATE)

    assert len(wire.sent) == 1
    assert wire.client.figures().in_flight == {}


def test_an_interrupted_write_is_recorded_as_lost() -> None:
    interrupted: Any = KeyboardInterrupt()

    def answer(_: httpx.Request) -> httpx.Response:
        raise interrupted

    wire = wired(OK)
    wire.client._http = httpx.Client(transport=httpx.MockTransport(answer))

    with pytest.raises(KeyboardInterrupt):
        wire.client.ask(CREATE)

    assert wire.statuses == [0]
    assert wire.client.figures().in_flight == {}


def test_an_attempt_that_is_dropped_gives_its_slot_back() -> None:
    wire = wired(OK)
    steps = wire.client._steps(CREATE, None)
    next(steps)
    assert wire.client.figures().in_flight == {COMPANY: 1}

    steps.close()

    assert wire.client.figures().in_flight == {}


def test_no_room_in_our_own_quota_is_a_wait() -> None:
    wire = wired(EMPTY, quota=Quota(per_minute=2))

    for _ in range(3):
        wire.client.ask(READ, priority=Priority.WEBHOOK)
        wire.time.now += timedelta(seconds=5)

    assert wire.time.waits == [50]
    assert len(wire.sent) == 3


def test_no_room_for_long_sends_and_records_nothing() -> None:
    wire = wired(OK, quota=Quota(per_day=1))
    wire.client.ask(CREATE)

    error = unavailable(wire, CREATE)

    assert error.safe_to_resend
    assert error.wait_s == 15 * 3600
    assert "our own quota" in str(error)
    assert len(wire.sent) == len(wire.recorded) == 1
