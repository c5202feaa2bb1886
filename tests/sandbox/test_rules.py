"""The legacy service: rules, and the bodies they fire."""

from typing import Any

import pytest

from reconcile.sandbox import Response
from reconcile.sandbox.deliveries import RULE_STATUSES
from tests.sandbox.calls import COMPANY
from tests.sandbox.hooks import DONE, SYNC, Listener, bench, heard_by, notice

HOOKS = "http://localhost:9/hooks"


@pytest.mark.parametrize(
    ("spelt", "rule_type"),
    [
        ("sync-failed", "Sync Failed"),
        ("Sync Failed", "Sync Failed"),
        ("SyncFailed", "Sync Failed"),
        ("sync-complete", "Sync Completed"),
        ("Sync Complete", "Sync Completed"),
        ("Sync Completed", "Sync Completed"),
        ("sync-started", "Sync Started"),
        ("Sync Started", "Sync Started"),
    ],
)
def test_a_rule_is_kept_in_every_spelling_and_fires_in_the_portals(
    spelt: str, rule_type: str
) -> None:
    listener = Listener()
    kit = bench(send=listener)
    kit.hooks.subscribe_rule("rule-1", spelt, HOOKS)

    kit.start()
    kit.complete(DONE)
    kit.fail(DONE)
    kit.wait(seconds=1)

    (body,) = listener.bodies
    assert (body["RuleType"], body["RuleId"]) == (rule_type, "rule-1")
    seen = notice(listener.heard[0])
    assert (seen.event_type, seen.dated) == (rule_type, False)
    assert (seen.company_id, seen.sync_id) == (COMPANY, SYNC)


def test_a_rules_body_is_that_of_codats_example() -> None:
    listener = Listener()
    kit = bench(send=listener, alert_auth_header="Bearer of-alerts")
    kit.hooks.subscribe_rule("rule-1", "sync-failed", HOOKS)

    kit.fail(DONE)
    kit.wait(seconds=1)

    ((body,), (heard,)) = listener.bodies, listener.heard
    text = f"Sync {SYNC} for company {COMPANY} of type Expense has failed at step"
    assert body == {
        "AlertId": heard.message_id,
        "RuleId": "rule-1",
        "RuleType": "Sync Failed",
        "ClientId": kit.hooks.client_id,
        "ClientName": "Expense Sync",
        "CompanyId": COMPANY,
        "Message": f"{text} Pushing.",
        "Data": {"syncId": SYNC, "syncType": "Expense", "FailureStage": "Pushing"},
    }
    assert dict(heard.headers) == {
        "Content-Type": "application/json",
        "X-Codat-ClientId": kit.hooks.client_id,
        "Authorization": "Bearer of-alerts",
    }


def test_a_sync_that_never_pushed_failed_at_no_stage() -> None:
    kit, listener = bench(), Listener()
    kit.hooks.subscribe_callable(listener, generation="legacy")

    kit.fail(code=4220)
    kit.wait(seconds=1)

    (body,) = listener.bodies
    assert "FailureStage" not in body["Data"]
    assert body["Message"].endswith("has failed.")


def test_a_rule_of_one_company_is_silent_about_others() -> None:
    listener = Listener()
    kit = bench(send=listener)
    kit.hooks.subscribe_rule("here", "sync-failed", HOOKS, company_id=COMPANY.upper())
    kit.hooks.subscribe_rule("elsewhere", "sync-failed", HOOKS, company_id="another")

    kit.fail(DONE)
    kit.wait(seconds=1)

    assert [body["RuleId"] for body in listener.bodies] == ["here"]


@pytest.mark.parametrize(
    "given", [{"completed_rule": "any"}, {"contradicts": lambda _: True}]
)
def test_a_completed_rule_can_fire_for_a_sync_that_failed(given: Any) -> None:
    kit, listener = bench(**given), Listener()
    kit.hooks.subscribe_callable(listener, generation="legacy")

    kit.fail(DONE)
    kit.wait(seconds=1)

    kinds = [body["RuleType"] for body in listener.bodies]
    assert kinds == ["Sync Failed", "Sync Completed"]
    assert listener.bodies[1]["Message"].endswith("of type Expense completed.")


@pytest.mark.parametrize("status", sorted({0, *RULE_STATUSES}))
def test_a_rule_tries_four_times_within_two_minutes(status: int) -> None:
    _, listener, _ = heard_by(status, generation="legacy")

    assert listener.seconds == [0, 10, 40, 100]
    assert len({item.message_id for item in listener.heard}) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 404, 500])
def test_a_rule_that_gets_another_status_is_lost(status: int) -> None:
    _, listener, _ = heard_by(status, generation="legacy")

    assert listener.seconds == [0]


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", [0, 7]),
        ("0", [0, 0]),
        ("Mon, 05 Jan 2026 09:01:30 GMT", [0, 90]),
        ("Mon, 05 Jan 2026 08:00:00 -0000", [0, 0]),
        ("121", [0]),  # after the two minutes
        ("soon", [0, 10]),
    ],
)
def test_a_rule_waits_as_long_as_it_is_asked_to(value: str, seconds: list[int]) -> None:
    busy = Response(status=503, headers=(("retry-after", value),))

    _, listener, _ = heard_by(busy, 200, generation="legacy")

    assert listener.seconds == seconds
