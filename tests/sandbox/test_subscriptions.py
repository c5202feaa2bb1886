"""Consumers and rules, as they are asked for over HTTP."""

import json
from typing import Any

import pytest

from reconcile.errors import UsageError
from reconcile.sandbox import Call, Response, Sandbox
from reconcile.sandbox.account import CONSUMERS_MAX, TAGS_MAX
from tests.sandbox.calls import COMPANY, data_of
from tests.sandbox.hooks import DONE, Listener, bench

HOOKS = "http://localhost:9/hooks"
TYPES = ["expenses.sync.successful", "expenses.sync.unsuccessful"]


def ask(sandbox: Sandbox, method: str, path: str, data: Any = None) -> Response:
    return sandbox.handle(
        Call(method=method, path=path, body=json.dumps(data).encode())
    )


def test_a_consumer_is_created_listed_and_deleted() -> None:
    sandbox = Sandbox()

    created = ask(sandbox, "POST", "/webhooks", {"url": HOOKS, "eventTypes": TYPES[:1]})

    consumer = data_of(created)
    assert created.status == 201
    assert consumer == {
        "id": consumer["id"],
        "url": HOOKS,
        "disabled": False,
        "eventTypes": TYPES[:1],
        "companyTags": [],
    }
    assert data_of(ask(sandbox, "GET", "/webhooks")) == {"results": [consumer]}
    assert ask(sandbox, "DELETE", f"/webhooks/{consumer['id']}").status == 204
    assert data_of(ask(sandbox, "GET", "/webhooks")) == {"results": []}
    assert ask(sandbox, "DELETE", f"/webhooks/{consumer['id']}").status == 404


@pytest.mark.parametrize(
    "data",
    [
        None,
        {},
        {"url": ""},
        {"url": HOOKS, "eventTypes": "expenses.sync.successful"},
        {"url": HOOKS, "eventTypes": [1]},
        {"url": HOOKS, "companyTags": ["a:b"] * (TAGS_MAX + 1)},
    ],
)
def test_a_consumer_that_cannot_be_is_refused(data: Any) -> None:
    assert ask(Sandbox(), "POST", "/webhooks", data).status == 400


def test_there_are_at_most_fifty_consumers() -> None:
    sandbox = Sandbox()

    answers = [
        ask(sandbox, "POST", "/webhooks", {"url": HOOKS}).status
        for _ in range(CONSUMERS_MAX + 1)
    ]

    assert answers == [201] * CONSUMERS_MAX + [400]


def test_a_consumer_without_types_hears_of_every_current_one() -> None:
    kit = bench()

    assert kit.hooks.subscribe(HOOKS)["eventTypes"] == TYPES


def test_the_interim_types_are_known_in_their_older_spellings() -> None:
    kit = bench()

    created = kit.hooks.subscribe(
        HOOKS, event_types=["Sync Completed", "SyncFailed", "Dataset data changed"]
    )

    assert created["eventTypes"] == [
        "SyncCompleted",
        "SyncFailed",
        "Dataset data changed",
    ]


def test_a_rule_is_answered_with_its_id_and_kept_from_deletion() -> None:
    sandbox = Sandbox()
    rule = {"id": "mine", "type": "sync-failed", "notifiers": {"webhook": HOOKS}}

    created = ask(sandbox, "POST", "/rules", rule)

    assert created.status == 200
    assert data_of(created) == {**rule, "id": data_of(created)["id"]}
    assert data_of(created)["id"] != "mine"
    assert list(sandbox.webhooks.subscribers) == [data_of(created)["id"]]
    assert ask(sandbox, "DELETE", f"/webhooks/{data_of(created)['id']}").status == 404


@pytest.mark.parametrize(
    "data", [None, [], {}, {"type": ""}, {"type": "sync-failed", "companyId": 1}]
)
def test_a_rule_that_cannot_be_is_refused(data: Any) -> None:
    assert ask(Sandbox(), "POST", "/rules", data).status == 400


def test_a_rule_about_something_else_stays_silent() -> None:
    listener = Listener()
    kit = bench(send=listener)
    kit.hooks.subscribe_rule("rule-1", "DataConnectionStatusChanged", HOOKS)

    kit.fail(DONE)
    kit.wait(hours=1)

    assert listener.heard == []


@pytest.mark.parametrize(
    ("filters", "hears"),
    [
        ({}, True),
        ({"company_tags": ["region:north"]}, True),
        ({"company_tags": ["Region:north", "region:south"]}, False),
        ({"company_id": COMPANY}, True),
        ({"company_id": "another"}, False),
        ({"disabled": True}, False),
        ({"event_types": TYPES[1:]}, False),
    ],
)
def test_a_consumer_hears_what_its_filters_let_through(
    filters: dict[str, Any], *, hears: bool
) -> None:
    listener = Listener()
    kit = bench(send=listener)
    kit.hooks.company_tags[COMPANY] = {"region": "north"}
    kit.hooks.subscribe(HOOKS, **filters)

    kit.complete(DONE)
    kit.wait(seconds=1)

    assert bool(listener.heard) is hears


def test_consumers_of_one_event_see_one_message_id() -> None:
    kit, item, two = bench(), Listener(), Listener()
    kit.hooks.subscribe_callable(item)
    kit.hooks.subscribe_callable(two)

    kit.complete(DONE)
    kit.wait(seconds=1)

    assert item.heard[0].message_id == two.heard[0].message_id
    assert item.heard[0].headers != two.heard[0].headers  # each has its own secret


@pytest.mark.parametrize(
    "secret", ["MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_é", "whsec_"]
)
def test_a_secret_that_is_none_is_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(UsageError, match="secret is malformed") as refused:
        bench().hooks.subscribe_callable(Listener(), secret=secret)

    assert not any(part in str(refused.value) for part in ("MfKQ", "é"))


def test_nobody_unknown_is_enabled() -> None:
    with pytest.raises(UsageError, match="no webhook consumer"):
        bench().hooks.enable("nobody")
