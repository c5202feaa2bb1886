"""How often a message is delivered, when, and under which id."""

from datetime import timedelta

import pytest

from reconcile.sandbox import Sandbox
from reconcile.sandbox.deliveries import Delivery
from tests.sandbox.calls import create_expenses, wait
from tests.sandbox.hooks import DONE, Listener, bench, heard_by

SCHEDULE = [0, 5, 305, 2105, 9305, 27_305, 63_305, 99_305]


@pytest.mark.parametrize("status", [0, 302, 400, 404, 500, 503])
def test_the_service_tries_eight_times_over_28_hours(status: int) -> None:
    _, listener, _ = heard_by(status)

    assert listener.seconds == SCHEDULE
    assert [item.attempt for item in listener.heard] == [1, 2, 3, 4, 5, 6, 7, 8]


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_any_success_ends_it(status: int) -> None:
    _, listener, _ = heard_by(500, 500, status)

    assert listener.seconds == SCHEDULE[:3]


def test_attempts_share_an_id_and_a_body_but_no_signature() -> None:
    _, listener, _ = heard_by(500, 500, 204)

    assert len({(item.message_id, item.body) for item in listener.heard}) == 1
    assert len({dict(entry.headers)["webhook-id"] for entry in listener.heard}) == 1
    assert (
        len({dict(found.headers)["webhook-timestamp"] for found in listener.heard}) == 3
    )
    assert (
        len({dict(each.headers)["webhook-signature"] for each in listener.heard}) == 3
    )


def test_an_exception_is_no_answer_and_an_assertion_a_tests_own() -> None:
    kit = bench()

    def breaks(_: Delivery) -> int:
        raise RuntimeError("the handler broke")

    def asserts(_: Delivery) -> int:
        raise AssertionError("the test failed")

    consumer = kit.hooks.subscribe_callable(breaks)
    kit.complete(DONE)
    kit.wait(seconds=1)
    assert str(kit.hooks.consumer(consumer).raised) == "the handler broke"
    kit.hooks.subscribe_callable(asserts)
    kit.complete(DONE)
    with pytest.raises(AssertionError, match="the test failed"):
        kit.wait(seconds=1)


@pytest.mark.parametrize(("seconds", "attempts"), [(15, 1), (16, 2)])
def test_an_answer_after_fifteen_seconds_is_none(seconds: int, attempts: int) -> None:
    kit = bench()
    seen = []

    def slow(delivery: Delivery) -> int:
        seen.append(delivery)
        if delivery.attempt == 1:
            kit.clock.advance(kit.clock.now + timedelta(seconds=seconds))
        return 200

    kit.hooks.subscribe_callable(slow)
    kit.complete(DONE)
    kit.wait(hours=1)

    assert len(seen) == attempts


def test_copies_come_late_freshly_signed_and_the_first_decides() -> None:
    route = {1: (30.0, 0.0), 2: (600.0,)}

    _, listener, _ = heard_by(
        500, 200, 200, route=lambda item: route.get(item.attempt, (0.0,))
    )

    assert listener.seconds == [0, 30, 605]
    assert [entry.attempt for entry in listener.heard] == [1, 1, 2]
    stamps = [int(dict(found.headers)["webhook-timestamp"]) for found in listener.heard]
    assert stamps == [int(each.at.timestamp()) for each in listener.heard]


def test_one_seed_delivers_the_same_bytes() -> None:
    def run() -> list[Delivery]:
        sandbox, listener = Sandbox(seed=3), Listener(500, 200)
        for generation in ("legacy", "interim", "current"):
            sandbox.webhooks.subscribe_callable(listener, generation=generation)
        create_expenses(sandbox, "t1", "t2")
        wait(sandbox, days=2)
        return listener.heard

    assert run() == run()
