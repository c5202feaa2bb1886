"""What the follower reads again, how often, and before what else."""

import itertools
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from reconcile import Exchange, Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import create_expenses, push_dataset
from reconcile.errors import CodatUnavailable
from reconcile.sandbox import Sandbox
from reconcile.sandbox.deliveries import Delivery
from tests.builders import uuid_of
from tests.engines import url_at
from tests.live.office import (
    COMPANY,
    Office,
    expense,
    follow,
    office_with,
)

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(), tmp_path) as opened:
        yield opened


@pytest.mark.parametrize("syncs", [1, 3])
@pytest.mark.parametrize(
    ("status", "content", "most"),
    [
        (401, b'{"error": "Unauthorized"}', 20),
        (404, b'{"error": "Not found"}', 35),
        (200, b"<html>Under construction</html>", 35),
        (200, b"{}", 35),
    ],
    ids=["wrong key", "not found", "a web page", "nothing said"],
)
def test_a_read_that_teaches_nothing_is_repeated_ever_less_often(
    office: Office, status: int, content: bytes, most: int, syncs: int
) -> None:
    for number in range(syncs):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(status, content=content)

    with httpx.Client(transport=httpx.MockTransport(answer)) as http:
        client = CodatClient(
            http,
            api_keys="key",
            record=office.books.record,
            now=lambda: office.sandbox.now,
        )
        follower = office.books.follower(client, holder="one")
        follow(office, follower, hours=2)
        assert follower.step() is not None
        assert 0 < len(asked) <= most * syncs

    follow(office, office.books.follower(office.client, holder="two"), hours=8)
    assert set(office.states().values()) == {("matched", None)}


def test_syncs_that_a_list_does_not_tell_are_asked_for_one_by_one(
    tmp_path: Path,
) -> None:
    with office_with(Sandbox(), tmp_path) as office:
        for number in range(3):
            office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
        office.line.lists = False

        follow(office, office.books.follower(office.client, holder="one"), hours=1)

        assert set(office.states().values()) == {("matched", None)}


def test_a_webhook_is_not_kept_waiting_by_what_failed_before(office: Office) -> None:
    late: list[Delivery] = []

    def hold_back(delivery: Delivery) -> int:
        late.append(delivery)
        return 204

    office.sandbox.webhooks.subscribe_callable(hold_back, company_id=COMPANY)
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    follower = office.books.follower(office.client, holder="one")
    office.line.unplugged = True
    follow(office, follower, hours=2)
    office.line.unplugged = False
    for delivery in late:
        office.heard(delivery)

    follower.step()
    follower.step()

    assert office.states() == {uuid_of(1): ("matched", None)}


def test_a_clock_that_goes_on_while_it_plans_keeps_nothing_from_being_read(
    tmp_path: Path,
) -> None:
    with office_with(Sandbox(), tmp_path) as office:
        ticks = itertools.count()

        def now() -> datetime:
            return office.sandbox.now + timedelta(microseconds=next(ticks))

        office.line.lose_answers = 99
        with pytest.raises(CodatUnavailable):
            office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
        office.line.asked.clear()

        with Reconciler.open(url_at(tmp_path / "books.db"), now=now) as books:
            books.follower(office.client, holder="one").step()

        asked = [item.rpartition("/syncs/")[2] for item in office.line.asked]
        assert asked.count("list/status") == 2  # for what is lost, and for all else


@pytest.mark.parametrize("sync_id", ["latest", "list", "..", "x" * 100_000])
def test_a_webhook_of_a_sync_nobody_can_ask_for_keeps_no_other_from_being_read(
    office: Office, sync_id: str
) -> None:
    webhook = {
        "id": uuid_of(9),
        "eventType": "expenses.sync.successful",
        "generatedDate": "2026-01-05T09:00:00Z",
        "payload": {"referenceCompany": {"id": COMPANY}, "syncId": sync_id},
    }
    office.books.record(
        Exchange(
            method="POST",
            url="https://office.example/webhooks/codat",
            request_body=json.dumps(webhook).encode(),
            status=204,
            observed_at=office.sandbox.now,
        )
    )
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))

    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=1)

    assert office.states() == {uuid_of(1): ("matched", None)}
    assert 0 < follower.failed < 15


def test_sources_that_contradict_each_other_are_read_once_more(office: Office) -> None:
    sent = office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=1)
    assert office.states() == {uuid_of(1): ("matched", None)}
    sync_id = sent.answer.named("syncId")
    rows = [{"id": uuid_of(1), "status": "PushError", "errorMessage": "boom"}]
    webhook = {
        "id": uuid_of(9),
        "eventType": "expenses.sync.unsuccessful",
        "generatedDate": office.sandbox.now.isoformat(),
        "payload": {
            "referenceCompany": {"id": COMPANY},
            "syncId": sync_id,
            "transactions": rows,
        },
    }
    office.books.record(
        Exchange(
            method="POST",
            url="https://office.example/webhooks/codat",
            request_body=json.dumps(webhook).encode(),
            status=204,
            observed_at=office.sandbox.now,
        )
    )
    assert office.states() == {uuid_of(1): ("break", "CONFLICTING")}
    office.line.asked.clear()

    office.wait(seconds=1)
    follow(office, follower, hours=5)

    asked = [item.rpartition("/syncs/")[2] for item in office.line.asked]
    assert sum("transactions" in entry for entry in asked) == 1
    assert sum(found == f"{sync_id}/status" for found in asked) == 1
    assert office.states()[uuid_of(1)][0] in ("matched", "cleared")


def test_what_a_webhook_leads_to_is_read_with_the_last_of_the_quota(
    office: Office,
) -> None:
    office.sandbox.webhooks.subscribe_callable(office.heard, company_id=COMPANY)
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.wait(seconds=30)
    result = (("X-Rate-Limit-Limit", "2000"), ("X-Rate-Limit-Remaining", "300"))
    office.client.quota.learn(200, result, office.sandbox.now)

    follower = office.books.follower(office.client, holder="one")
    for _ in range(3):
        follower.step()

    assert office.states() == {uuid_of(1): ("matched", None)}


def test_no_wait_that_codat_asks_for_is_longer_than_a_day(office: Office) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.wait(minutes=1)

    def busy(request: httpx.Request) -> httpx.Response:
        until = {"Retry-After": "Fri, 31 Dec 9999 23:59:59 GMT"}
        return httpx.Response(503, headers=until, request=request)

    with httpx.Client(transport=httpx.MockTransport(busy)) as http:
        client = CodatClient(
            http,
            api_keys="key",
            record=office.books.record,
            now=lambda: office.sandbox.now,
        )
        due = office.books.follower(client, holder="one").step()

    assert due is not None
    assert due - office.sandbox.now <= timedelta(days=1)


def test_a_sync_is_not_read_again_for_what_another_has_yet_to_decide(
    office: Office,
) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.sandbox.companies[COMPANY].ledger.bank_feed_taken = True
    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=1)
    assert office.states() == {uuid_of(1): ("break", "FAILED")}
    office.dispatch.send(push_dataset(COMPANY, [expense(uuid_of(1))]))
    office.line.asked.clear()

    follow(office, follower, hours=5)

    assert [item for item in office.line.asked if "transactions?" in item] == []
