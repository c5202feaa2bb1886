"""What is sent again on demand, and whom nothing is sent to any more."""

from datetime import timedelta

import pytest

from reconcile.errors import UsageError
from tests.sandbox.hooks import DONE, NINE, Listener, bench, heard_by


def test_five_days_of_failures_disable_a_consumer() -> None:
    kit, listener, consumer = heard_by(500)
    for _ in range(4):
        kit.complete(DONE)
        kit.wait(days=1)
    stored = kit.hooks.consumer(consumer)
    assert stored.disabled
    assert (
        listener.seconds[-1] - listener.seconds[0] < timedelta(days=6).total_seconds()
    )

    kit.complete(DONE)
    kit.wait(days=2)
    kit.hooks.enable(consumer)
    before = len(listener.heard)
    missed = kit.hooks.replay_missed(consumer, NINE)
    kit.wait(seconds=1)

    assert missed == 1 == len(listener.heard) - before


def test_a_success_in_between_keeps_a_consumer() -> None:
    kit, _, consumer = heard_by(500, 500, 200, 500)
    for _ in range(4):
        kit.complete(DONE)
        kit.wait(days=1)

    assert not kit.hooks.consumer(consumer).disabled


def test_a_late_copy_finds_nobody_who_has_unsubscribed() -> None:
    kit, listener = bench(route=lambda _: (0.0, 60.0)), Listener()
    consumer = kit.hooks.subscribe_callable(listener)
    kit.complete(DONE)
    kit.wait(seconds=1)

    kit.hooks.unsubscribe(consumer)
    kit.wait(hours=1)

    assert listener.seconds == [0]


def test_who_unsubscribes_hears_nothing_more() -> None:
    kit, listener = bench(), Listener(500)
    consumer = kit.hooks.subscribe_callable(listener)
    kit.complete(DONE)
    kit.wait(seconds=1)

    assert kit.hooks.unsubscribe(consumer)
    kit.wait(days=2)

    assert listener.seconds == [0]


def test_a_lost_delivery_never_comes_but_on_demand() -> None:
    kit, listener, consumer = heard_by(204, route=lambda item: [0.0] * (item.at > NINE))
    assert listener.heard == []
    assert kit.hooks.recover(consumer, NINE) == 0  # Codat believes it delivered

    (lost,) = [m for m in kit.hooks.messages() if m.generation == "current"]
    kit.hooks.replay(lost.message_id)
    kit.wait(seconds=1)

    assert [entry.message_id for entry in listener.heard] == [lost.message_id]


@pytest.mark.parametrize("new_ids", [False, True])
def test_what_failed_is_recovered_under_its_id_or_a_new_one(*, new_ids: bool) -> None:
    kit, listener, consumer = heard_by(*[500] * 8, 200)

    recovered = kit.hooks.recover(consumer, NINE, new_ids=new_ids)
    kit.wait(seconds=1)

    assert (recovered, len(listener.heard)) == (1, 9)
    same = listener.heard[8].message_id == listener.heard[0].message_id
    assert same is not new_ids
    assert listener.heard[8].body == listener.heard[0].body
    assert kit.hooks.recover(consumer, NINE) == 0


def test_messages_are_kept_for_two_weeks() -> None:
    kit, listener, consumer = heard_by(500)
    (name,) = {item.message_id for item in listener.heard}

    kit.wait(days=14)

    assert kit.hooks.recover(consumer, NINE) == 0
    with pytest.raises(UsageError, match="no message"):
        kit.hooks.replay(name)
    kit.complete(DONE)
    assert len(list(kit.hooks.messages())) == 2  # of the current service, and interim
