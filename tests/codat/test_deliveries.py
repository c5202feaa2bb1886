"""Webhooks of every generation and spelling."""

import json
from datetime import datetime
from typing import Any

import pytest

from reconcile.codat.deliveries import is_delivery
from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import BODY_BYTES_MAX, Exchange, OtherTraffic
from reconcile.domain.observations import WebhookNotice
from reconcile.domain.vocabulary import FindingKind, NoticeKind
from reconcile.errors import PayloadError
from tests.builders import COMPANY, NINE, SYNC, entry, hook, legacy_hook
from tests.codat.readers import captured, delivered

HOOKS = "https://backoffice.example/hooks"


def post(body: Any, *, headers: dict[str, str] | None = None) -> bytes:
    return entry("POST", HOOKS, status=204, request=body, headers=headers)


def notice(line: bytes) -> WebhookNotice:
    (seen,) = delivered(line)
    return seen


CURRENT: dict[str, Any] = {
    "id": "1",
    "eventType": "expenses.sync.successful",
    "generatedDate": "2026-03-02T08:00:00Z",
    "payload": {"referenceCompany": {"id": COMPANY}, "syncId": SYNC},
}
LEGACY: dict[str, Any] = {
    "AlertId": "1",
    "RuleType": "Sync Failed",
    "CompanyId": COMPANY,
    "Message": "It failed at step Pushing.",
    "Data": {"syncId": SYNC, "syncType": "Expense", "FailureStage": "Pushing"},
}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ("Sync Started", NoticeKind.STARTED),
        ("Sync Failed", NoticeKind.FAILED),
        ("Sync Completed", NoticeKind.COMPLETED),
        ("Sync Complete", NoticeKind.COMPLETED),
        ("sync-started", NoticeKind.STARTED),
        ("sync-failed", NoticeKind.FAILED),
        ("sync-complete", NoticeKind.COMPLETED),
        ("sync-completed", NoticeKind.COMPLETED),
        ("SyncFailed", NoticeKind.FAILED),
        ("SYNC_COMPLETED", NoticeKind.COMPLETED),
        ("Sync Paused", NoticeKind.UNRECOGNISED),
    ],
)
def test_a_rule_is_known_in_every_spelling(rule: str, kind: NoticeKind) -> None:
    seen = notice(legacy_hook(rule))

    assert (seen.kind, seen.event_type) == (kind, rule)
    assert (seen.company_id, seen.sync_id) == (COMPANY, SYNC)
    assert (seen.dated, seen.at, seen.rows) == (False, NINE, ())


@pytest.mark.parametrize("event_type", ["SyncFailed", "SyncCompleted", "SyncStarted"])
@pytest.mark.parametrize("shape", ["old body", "in the payload", "data in the payload"])
def test_the_interim_service_kept_the_old_bodies(event_type: str, shape: str) -> None:
    old = {name: LEGACY[name] for name in ("CompanyId", "Message", "Data")}
    body: dict[str, Any] = {"id": "1", "eventType": event_type}
    match shape:
        case "old body":
            body |= old
        case "in the payload":
            body["payload"] = {"CompanyId": COMPANY, **LEGACY["Data"]}
        case _:
            body["payload"] = old

    seen = notice(post(body))

    kinds = {
        "SyncFailed": NoticeKind.FAILED,
        "SyncCompleted": NoticeKind.COMPLETED,
        "SyncStarted": NoticeKind.STARTED,
    }
    assert seen.kind == kinds[event_type]
    assert (seen.company_id, seen.sync_id) == (COMPANY, SYNC)
    assert is_delivery(captured(post(body)))


@pytest.mark.parametrize(
    ("event_type", "kind"),
    [
        ("expenses.sync.successful", NoticeKind.SUCCESSFUL),
        ("expenses.sync.unsuccessful", NoticeKind.UNSUCCESSFUL),
        ("expenses.sync.paused", NoticeKind.UNRECOGNISED),
    ],
)
@pytest.mark.parametrize("name", ["eventType", "type"])
def test_an_event_is_known_by_its_type(
    event_type: str, kind: NoticeKind, name: str
) -> None:
    body = {key: value for key, value in CURRENT.items() if key != "eventType"}

    seen = notice(post({**body, name: event_type}))

    assert (seen.kind, seen.event_type) == (kind, event_type)
    assert (seen.company_id, seen.sync_id) == (COMPANY, SYNC)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, NoticeKind.STARTED),
        (2000, NoticeKind.COMPLETED),
        ("2040", NoticeKind.COMPLETED),
        (4000, NoticeKind.FAILED),
        (9999, NoticeKind.UNRECOGNISED),
        ("odd", NoticeKind.UNRECOGNISED),
    ],
)
def test_a_body_shaped_like_a_status_is_a_notice(code: Any, kind: NoticeKind) -> None:
    body = {"companyId": COMPANY, "syncId": SYNC, "syncStatusCode": code}

    seen = notice(post({**body, "syncStatus": "Stated"}))

    assert (seen.kind, seen.event_type) == (kind, "Stated")


def test_an_event_lists_its_expenses() -> None:
    rows = (("T1", "Completed"), ("t2", "Failed", "Why."))

    seen = notice(hook("expenses.sync.unsuccessful", *rows, delivery="msg-1"))

    assert seen.rows == (
        ("T1", "Completed", None, None),
        ("t2", "Failed", None, "Why."),
    )
    assert (seen.delivery_id, seen.unread) == ("msg-1", 0)


def test_one_wrong_row_of_an_event_leaves_the_good_ones() -> None:
    rows = [{"id": "t1", "status": "Completed"}, 5, {"id": "t2", "status": {}}]
    body = {**CURRENT, "payload": {**CURRENT["payload"], "transactions": rows}}

    seen = notice(post(body))

    assert [row[0] for row in seen.rows] == ["t1"]
    assert seen.unread == 2
    assert [flaw.kind for flaw in seen.flaws] == [FindingKind.UNREADABLE] * 2


def test_expenses_that_are_no_list_are_told() -> None:
    body = {**CURRENT, "payload": {**CURRENT["payload"], "transactions": {"id": "t1"}}}

    seen = notice(post(body))

    assert seen.rows == ()
    assert [flaw.kind for flaw in seen.flaws] == [FindingKind.UNREADABLE]


@pytest.mark.parametrize(
    ("generated", "moment", "dated"),
    [
        ("2026-03-02T08:00:00.1234567Z", "2026-03-02T08:00:00.123456Z", True),
        ("2026-03-02T08:00:00Z", "2026-03-02T08:00:00Z", True),
        ("2026-03-02T10:00:00+02:00", "2026-03-02T08:00:00Z", True),
        ("2026-03-03T00:00:00Z", "2026-03-02T09:00:00Z", True),
        ("2024-09-01T23:59:99Z", "2026-03-02T09:00:00Z", False),
        ("2026-03-02T08:00:00", "2026-03-02T09:00:00Z", False),
        ("0001-01-01T00:00:00+14:00", "2026-03-02T09:00:00Z", False),
        ("9999-12-31T23:59:59-14:00", "2026-03-02T09:00:00Z", False),
        ("", "2026-03-02T09:00:00Z", False),
        (5, "2026-03-02T09:00:00Z", False),
        (None, "2026-03-02T09:00:00Z", False),
    ],
)
def test_an_event_is_of_the_earlier_of_its_own_time_and_ours(
    generated: Any, moment: str, dated: bool
) -> None:
    seen = notice(post({**CURRENT, "generatedDate": generated}))

    assert (seen.at, seen.dated) == (datetime.fromisoformat(moment), dated)


@pytest.mark.parametrize("header", ["webhook-id", "Webhook-Id", "svix-id", "SVIX-ID"])
def test_a_delivery_is_named_by_its_header(header: str) -> None:
    line = post(CURRENT, headers={header: "msg-7"})

    assert notice(line).delivery_id == "msg-7"
    assert is_delivery(captured(line))


@pytest.mark.parametrize("header", ["webhook-id", "svix-id", "X-Codat-ClientId"])
@pytest.mark.parametrize("body", [None, "", "rubbish", '{"pay', {}])
def test_a_telling_header_makes_any_post_a_delivery(header: str, body: Any) -> None:
    line = post(body, headers={header: "1"})

    assert is_delivery(captured(line))
    with pytest.raises(PayloadError):
        delivered(line)


@pytest.mark.parametrize(
    "body",
    [
        CURRENT,
        LEGACY,
        {**CURRENT, "eventType": "client.rateLimit.reached", "payload": {"quota": 1}},
        {"type": "expenses.sync.odd", "payload": {}},
        {"eventType": "x", "payload": {"referenceCompany": {"id": COMPANY}}},
        {"companyId": COMPANY, "syncId": SYNC, "syncStatusCode": 2000},
    ],
)
def test_a_post_is_a_delivery_by_its_body(body: Any) -> None:
    assert is_delivery(captured(post(body)))


@pytest.mark.parametrize(
    "body",
    [
        None,
        "",
        "payload=1",
        '{"payload":',
        {},
        [],
        {"type": "pageview", "payload": {"path": "/"}},
        {"eventType": "click", "payload": {}},
        {"eventType": "click", "payload": "x"},
        {"eventType": 5, "payload": {}},
        {"eventTypes": ["expenses.sync.successful"], "url": HOOKS},
        {"type": "sync-failed", "notifiers": {"webhook": HOOKS}},
        {"syncStatusCode": 2000},
        '["RuleType"]',
    ],
)
def test_other_posts_are_no_deliveries(body: Any) -> None:
    found = read_entry(post(body))

    assert isinstance(found, OtherTraffic) or (
        isinstance(found, Exchange) and not is_delivery(found)
    )


@pytest.mark.parametrize(
    "body",
    [
        '["signed", "password"]',
        "[]",
        '"text"',
        {"AlertId": "1", "password": "p"},
        {"RuleType": "firewall", "action": "deny"},
        {"eventType": "page_view", "Data": {"path": "/"}},
        {"eventType": "page_view", "CompanyId": COMPANY},
        {"type": "SYNC_STARTED", "payload": {"password": "p"}},
        {"type": "sync-failed", "payload": {"companyId": COMPANY}},
    ],
)
@pytest.mark.parametrize("headers", [{}, {"content-type": "application/json"}])
def test_what_other_services_post_is_no_delivery(
    body: Any, headers: dict[str, str]
) -> None:
    found = read_entry(post(body, headers=headers))

    assert isinstance(found, OtherTraffic) or (
        isinstance(found, Exchange) and not is_delivery(found)
    )


@pytest.mark.parametrize("body", ["[]", '["password"]', '"text"', "7"])
def test_what_is_signed_and_no_object_is_no_delivery(body: str) -> None:
    assert not is_delivery(captured(post(body, headers={"webhook-id": "1"})))


def test_a_signed_form_is_no_delivery() -> None:
    headers = {"webhook-id": "1", "Content-Type": "application/x-www-form-urlencoded"}

    assert not is_delivery(captured(post("payload=1&password=p", headers=headers)))


@pytest.mark.parametrize("method", ["POST", "PUT", "put"])
def test_a_post_or_a_put_is_a_delivery(method: str) -> None:
    line = entry(method, HOOKS, request=CURRENT, headers={"webhook-id": "1"})

    assert is_delivery(captured(line))


def test_a_body_over_the_limit_is_neither_looked_at_nor_read() -> None:
    body = json.dumps(CURRENT).encode().ljust(BODY_BYTES_MAX + 1)
    huge = Exchange(
        method="POST", url=HOOKS, status=204, request_body=body, observed_at=NINE
    )

    assert not is_delivery(huge)
    with pytest.raises(PayloadError, match="expected at most"):
        delivered(post(body.decode()))


@pytest.mark.parametrize(
    "body",
    [
        {**CURRENT, "payload": {"syncId": SYNC}},
        {**CURRENT, "payload": {"referenceCompany": {"id": COMPANY}}},
        {**CURRENT, "payload": {"referenceCompany": {"id": 5}, "syncId": SYNC}},
        {**CURRENT, "payload": {"referenceCompany": [], "syncId": " "}},
        {**LEGACY, "Data": None},
        {**LEGACY, "CompanyId": None},
        {"syncId": SYNC, "syncStatusCode": 2000},
    ],
)
def test_a_known_event_that_names_no_sync_or_company_is_refused(body: Any) -> None:
    with pytest.raises(PayloadError, match="does not name"):
        delivered(post(body))


@pytest.mark.parametrize(
    "body",
    [
        {"eventType": "client.rateLimit.reached", "payload": {"dailyQuota": 1}},
        {"eventType": "expenses.odd", "payload": {"dailyQuota": 1}},
        {**LEGACY, "RuleType": "Data Sync Status Changed", "Data": {"dataType": "x"}},
        {**LEGACY, "RuleType": 5, "Data": {}},
        {**LEGACY, "Data": {"syncId": SYNC, "syncType": "Commerce"}},
        {"eventType": "SyncFailed", "payload": LEGACY["Data"] | {"syncType": "Shop"}},
        {
            "eventType": "SyncFailed",
            "payload": {"Data": {"syncId": SYNC, "syncType": "Commerce"}},
        },
    ],
)
def test_an_event_about_something_else_says_nothing(body: Any) -> None:
    assert delivered(post(body)) == ()


@pytest.mark.parametrize("sync_type", ["Expense", "expenses", 5])
def test_a_sync_of_expenses_is_ours_in_any_case(sync_type: Any) -> None:
    body = {**LEGACY, "Data": {"SyncId": SYNC, "syncType": sync_type}}

    assert notice(post(body)).sync_id == SYNC
