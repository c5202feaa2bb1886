"""Idempotency keys: the same answer to the same key, and nothing done twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from reconcile.errors import ReconcileError
from reconcile.sandbox import Call, Response, Sandbox, Settings
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.idempotency import Replays
from reconcile.sandbox.refusals import RefusedError
from reconcile.sandbox.sandbox import BEGIN
from tests.sandbox.calls import COMPANY, call, data_of, expense

KEY = "0f8fad5b-d9cb-469f-a165-70867728950e"
POST = Call(method="POST", path="/x", headers={"idempotency-key": KEY}, body=b"a")


def sent(
    sandbox: Sandbox, *ids: str, key: str = KEY, path: str = "/expense-transactions"
) -> Response:
    items = [expense(item) for item in ids]
    return call(sandbox, "POST", path, items, headers={"idempotency-key": key})


def counting(*answers: Response) -> tuple[Callable[[Call], Response], list[Call]]:
    """Return a handler that gives one answer after the other, and the calls it saw."""
    seen: list[Call] = []

    def make(call: Call) -> Response:
        seen.append(call)
        return answers[len(seen) - 1]

    return make, seen


def test_the_same_key_gets_the_same_answer_and_one_sync() -> None:
    sandbox = Sandbox()

    first, second = sent(sandbox, "t1"), sent(sandbox, "t1")

    assert (first.status, first.body) == (second.status, second.body)
    assert len(sandbox.companies[COMPANY].syncs) == 1


def test_a_replay_tells_the_quota_as_it_is_now() -> None:
    sandbox = Sandbox()

    first, second = dict(sent(sandbox, "t1").headers), dict(sent(sandbox, "t1").headers)

    assert first["X-Rate-Limit-Remaining"] == "1999"
    assert second["X-Rate-Limit-Remaining"] == "1998"


@pytest.mark.parametrize(("minutes", "syncs"), [(89, 1), (90, 2)])
def test_an_answer_is_kept_for_ninety_minutes(minutes: int, syncs: int) -> None:
    sandbox = Sandbox()
    sent(sandbox, "t1")

    sandbox.advance(timedelta(minutes=minutes))
    sent(sandbox, "t1")

    assert len(sandbox.companies[COMPANY].syncs) == syncs


def test_a_refusal_is_kept_though_its_reason_is_gone() -> None:
    sandbox = Sandbox()
    company = sandbox.company(COMPANY)
    connections, company.connections = company.connections, []
    refused = sent(sandbox, "t1")

    company.connections = connections

    assert refused.status == 422
    assert sent(sandbox, "t1").body == refused.body
    assert sent(sandbox, "t1", key="another").status == 200


@pytest.mark.parametrize("status", [400, 409, 422, 500, 503])
def test_errors_are_kept(status: int) -> None:
    make, seen = counting(Response(status=status), Response(status=200))
    replays = Replays(clock=Clock(BEGIN))

    answers = [replays.answer(POST, make).status for _ in range(2)]

    assert (answers, len(seen)) == ([status, status], 1)


def test_a_429_is_not_kept_and_leaves_the_key_free() -> None:
    make, seen = counting(Response(status=429), Response(status=200))
    replays = Replays(clock=Clock(BEGIN))

    answers = [replays.answer(POST, make).status for _ in range(3)]

    assert (answers, len(seen)) == ([429, 200, 200], 2)


def test_the_quota_releases_the_key_as_well() -> None:
    sandbox = Sandbox()
    for _ in range(1000):
        call(sandbox, "GET", "/companies")

    refused = sent(sandbox, "t1")
    sandbox.advance(timedelta(days=1))

    assert refused.status == 429
    assert sent(sandbox, "t1").status == 200


def test_another_body_or_another_call_with_the_same_key_is_refused() -> None:
    sandbox = Sandbox()
    first = sent(sandbox, "t1")

    other_body = sent(sandbox, "t2")
    other_path = sent(sandbox, "t1", path="/reimbursable-expense-transactions")

    assert [other_body.status, other_path.status] == [422, 422]
    assert "Idempotency-Key" in data_of(other_body)["error"]
    assert sent(sandbox, "t1").body == first.body


def test_a_key_whose_answer_is_on_its_way_conflicts() -> None:
    clock = Clock(BEGIN)
    make, seen = counting(Response(status=200, body=b"late", delay_s=10))
    replays = Replays(clock=clock)
    slow = replays.answer(POST, make)

    clock.advance(BEGIN + timedelta(seconds=9))
    with pytest.raises(RefusedError) as refused:
        replays.answer(POST, make)
    clock.advance(BEGIN + timedelta(seconds=10))
    again = replays.answer(POST, make)

    assert (slow.delay_s, refused.value.status) == (10, 409)
    assert (again.body, again.delay_s, len(seen)) == (b"late", 0, 1)


def test_an_answer_that_was_lost_arrives_at_the_second_attempt() -> None:
    make, seen = counting(Response(status=200, body=b"made", lost=True))
    replays = Replays(clock=Clock(BEGIN))

    first, second = replays.answer(POST, make), replays.answer(POST, make)

    assert (first.lost, second.lost, second.body) == (True, False, b"made")
    assert len(seen) == 1


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_other_methods_pay_no_heed_to_the_key(method: str) -> None:
    make, seen = counting(Response(status=200), Response(status=200))
    replays = Replays(clock=Clock(BEGIN))
    call = Call(method=method, path="/x", headers=POST.headers)

    for _ in range(2):
        replays.answer(call, make)

    assert len(seen) == 2


@pytest.mark.parametrize(("strict", "status"), [(True, 400), (False, 200)])
def test_a_key_that_is_no_guid_is_refused_where_that_is_asked_for(
    strict: bool, status: int
) -> None:
    sandbox = Sandbox(settings=Settings(strict=strict))
    sandbox.company(COMPANY)

    assert sent(sandbox, "t1", key="one").status == status
    assert sent(sandbox, "t2").status == 200


def test_a_refusal_is_one_of_the_librarys_errors() -> None:
    assert issubclass(RefusedError, ReconcileError)
