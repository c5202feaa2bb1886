"""Every answer, success or refusal, is of the shape that Codat's files give it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from reconcile.sandbox import AS_DOCUMENTED, Ledger, Sandbox, Settings
from reconcile.sandbox.deliveries import Delivery
from tests.sandbox.openapi.schemas import CURRENT, NOT_THERE, V1, Spec, there

pytestmark = pytest.mark.skipif(not there(), reason=NOT_THERE)

KEY: Final = "Basic c2VjcmV0"
COMPANY: Final = "8a210b68-6988-11ed-a1eb-0242ac120002"
EXPENSE: Final = "4d7c6929-7770-412b-91bb-44d3bc71d111"
STRANGER: Final = "11111111-1111-4111-8111-111111111111"
AT: Final = f"/companies/{COMPANY}/sync/expenses"
BOTH: Final = pytest.mark.parametrize("file", [V1, CURRENT], ids=["v1", "current"])
NO_SUCCESS_LISTED: Final = ("POST", "/companies/{companyId}/sync/expenses/syncs", 202)
"""The one answer the v1 file has no word of: that a sync was started."""


class Judge:
    """Holds each answer against a file, as it arrives."""

    def __init__(self, spec: Spec) -> None:
        self.problems: list[tuple[str, ...]] = []
        self.judged: list[tuple[str, str, int]] = []
        self._spec = spec

    def __call__(self, response: httpx.Response) -> None:
        response.read()
        method, path = response.request.method, response.request.url.path
        template = self._spec.template(path)
        assert template is not None, path
        key = (method, template, response.status_code)
        if key == NO_SUCCESS_LISTED:
            return
        body = response.json() if response.content else None
        found = self._spec.problems(method, template, status=key[2], body=body)
        self.judged.append(key)
        if found:
            self.problems.append((f"{method} {path}: {response.text}", *found))


@contextmanager
def judged(
    file: Path, sandbox: Sandbox, key: str = KEY
) -> Iterator[tuple[httpx.Client, Judge]]:
    judge = Judge(Spec(file))
    with httpx.Client(
        transport=sandbox.transport(),
        base_url="https://api.codat.io",
        headers={"Authorization": key},
        event_hooks={"response": [judge]},
    ) as codat:
        yield codat, judge


def expense(transaction_id: str = EXPENSE, net: float = 110.42) -> dict[str, Any]:
    line = {"netAmount": net, "taxAmount": 0, "accountRef": {"id": "account-1"}}
    return {
        "id": transaction_id,
        "type": "Payment",
        "issueDate": "2026-01-04T00:00:00+00:00",
        "currency": "GBP",
        "lines": [line],
    }


def started(codat: httpx.Client, file: Path, item: dict[str, Any]) -> str:
    """Have a sync started, as either dialect does; return its id."""
    if file == CURRENT:
        created = codat.post(f"{AT}/expense-transactions", json=[item])
        return str(created.json()["syncId"])
    pushed = codat.post(f"{AT}/data/expense-transactions", json={"items": [item]})
    data = {"datasetIds": [pushed.json()["datasetId"]]}
    return str(codat.post(f"{AT}/syncs", json=data).json()["syncId"])


def look(codat: httpx.Client, sync_id: str) -> None:
    """Make every read there is of a sync."""
    for name in (sync_id, "latest", "lastSuccessful", "list"):
        codat.get(f"{AT}/syncs/{name}/status")
    for page in (1, 2, 9):
        codat.get(
            f"{AT}/syncs/{sync_id}/transactions", params={"page": page, "pageSize": 1}
        )
    codat.get(f"{AT}/syncs/{sync_id}/transactions/{EXPENSE}")


@BOTH
def test_answers_about_the_account_are_as_documented(file: Path) -> None:
    with judged(file, Sandbox()) as (codat, judge):
        created = codat.post("/companies", json={"name": "Made here"}).json()
        codat.get("/companies")
        codat.get(f"/companies/{created['id']}")
        codat.get(f"/companies/{created['id']}/connections")
        codat.delete(f"/companies/{created['id']}")
        codat.post(f"{AT}/connections/partnerExpense")
        codat.post(f"{AT}/config", json=codat.get(f"{AT}/config").json())
        codat.get(f"{AT}/mappingOptions")

    assert not judge.problems
    assert {status for _, _, status in judge.judged} == {200, 204}


@BOTH
def test_answers_about_a_sync_are_as_documented_at_each_moment(file: Path) -> None:
    sandbox = Sandbox()
    with judged(file, sandbox) as (codat, judge):
        sync_id = started(codat, file, expense())
        for _ in range(8):
            look(codat, sync_id)
            sandbox.advance(timedelta(seconds=1))

    assert not judge.problems


@BOTH
def test_what_the_page_shows_is_not_what_the_files_say(file: Path) -> None:
    sandbox = Sandbox(settings=AS_DOCUMENTED)
    with judged(file, sandbox) as (codat, judge):
        sync_id = started(codat, file, expense())
        sandbox.advance(timedelta(minutes=1))
        look(codat, sync_id)

    assert all("'expense'" in str(problem) for problem in judge.problems)
    assert judge.problems


@BOTH
@pytest.mark.parametrize(
    "ledger",
    [
        Ledger(bank_feed_taken=True),
        Ledger(deleted_accounts={"account-1"}),
        Ledger(billing_expired=True),
        Ledger(base_currency="USD", multi_currency=False),
    ],
    ids=["bank feed taken", "account deleted", "billing expired", "other currency"],
)
def test_answers_about_a_sync_that_fails_are_as_documented(
    file: Path, ledger: Ledger
) -> None:
    sandbox = Sandbox()
    sandbox.company(COMPANY, ledger=ledger)
    with judged(file, sandbox) as (codat, judge):
        sync_id = started(codat, file, expense())
        sandbox.advance(timedelta(minutes=1))
        look(codat, sync_id)
        status = codat.get(f"{AT}/syncs/{sync_id}/status").json()

    assert not judge.problems
    assert status["syncStatusCode"] >= 4000


@BOTH
def test_answers_to_what_follows_a_sync_are_as_documented(file: Path) -> None:
    sandbox = Sandbox()
    with judged(file, sandbox) as (codat, judge):
        sync_id = started(codat, file, expense())
        sandbox.advance(timedelta(minutes=1))
        codat.post(
            f"{AT}/syncs/{sync_id}/transactions/{EXPENSE}/attachments",
            files={"file": ("receipt.pdf", b"%PDF-1.7")},
        )
        codat.put(f"{AT}/expense-transactions/{EXPENSE}", json=expense(net=99))
        started(codat, file, expense())  # a duplicate
        sandbox.advance(timedelta(minutes=1))
        look(codat, codat.get(f"{AT}/syncs/latest/status").json()["syncId"])

    assert not judge.problems


def test_answers_to_the_other_kinds_are_as_documented() -> None:
    account = {"accountRef": {"id": "account-1"}}
    transfer = {
        "date": "2026-01-04",
        "from": account | {"amount": 100},
        "to": account | {"amount": 100},
    }
    adjustment = {
        "id": "3357b3df-5f2e-465d-b9ba-226519dbb8f1",
        "date": "2026-01-04",
        "currency": "GBP",
        "lines": [account | {"amount": 10}, account | {"amount": -10}],
    }
    reimbursable = expense(STRANGER) | {
        "contactRef": {"id": "supplier-1"},
        "dueDate": "2026-02-04",
    }
    sandbox = Sandbox()
    with judged(CURRENT, sandbox) as (codat, judge):
        codat.put(f"{AT}/transfer-transactions/{EXPENSE}", json=transfer)
        codat.post(f"{AT}/adjustment-transactions", json=[adjustment])
        reimbursables = f"{AT}/reimbursable-expense-transactions"
        codat.post(reimbursables, json=[reimbursable])
        sandbox.advance(timedelta(minutes=1))
        codat.put(f"{reimbursables}/{STRANGER}", json=reimbursable)

    assert not judge.problems
    assert [status for _, _, status in judge.judged] == [200] * 4


@BOTH
def test_refusals_are_as_documented(file: Path) -> None:
    sandbox = Sandbox()
    with judged(file, sandbox) as (codat, judge):
        codat.get(f"{AT}/syncs/latest/status")
        codat.get(f"{AT}/syncs/lastSuccessful/status")
        codat.get(f"{AT}/syncs/{STRANGER}/status")
        codat.get(f"{AT}/syncs/{STRANGER}/transactions")
        codat.get(f"{AT}/syncs/{STRANGER}/transactions/{EXPENSE}")
        codat.post(f"{AT}/syncs/{STRANGER}/transactions/{EXPENSE}/attachments")
        codat.post(f"{AT}/config", json={})
        codat.put(f"{AT}/expense-transactions/{EXPENSE}", json={"type": "Payment"})
        codat.get(
            f"{AT}/syncs/{started(codat, file, expense())}/transactions",
            params={"page": 0},
        )

    assert not judge.problems
    assert {400, 404} <= {status for _, _, status in judge.judged}


@BOTH
def test_a_refusal_of_amounts_is_as_documented(file: Path) -> None:
    bad = expense(net=5_000_001)
    with judged(file, Sandbox()) as (codat, judge):
        if file == CURRENT:
            codat.post(f"{AT}/expense-transactions", json=[bad])
        else:
            codat.post(f"{AT}/data/expense-transactions", json={"items": [bad]})

    assert not judge.problems
    assert [status for _, _, status in judge.judged] == [400]


@BOTH
def test_a_refusal_of_the_key_is_as_documented(file: Path) -> None:
    sandbox = Sandbox(settings=Settings(api_keys=("secret",)))
    with judged(file, sandbox, key="Basic d3Jvbmc=") as (codat, judge):
        look(codat, STRANGER)

    assert not judge.problems
    assert {status for _, _, status in judge.judged} == {401}


@BOTH
def test_a_refusal_for_a_quota_is_as_documented(file: Path) -> None:
    with judged(file, Sandbox()) as (codat, judge):
        while codat.get(f"{AT}/config").status_code == 200:
            assert len(judge.judged) <= 1_000

    assert not judge.problems
    assert judge.judged[-1][-1] == 429


@BOTH
@pytest.mark.parametrize("bank_feed_taken", [False, True])
def test_webhooks_are_as_documented(file: Path, bank_feed_taken: bool) -> None:
    heard: list[Delivery] = []

    def listen(delivery: Delivery) -> int:
        heard.append(delivery)
        return 204

    sandbox = Sandbox()
    sandbox.company(COMPANY, ledger=Ledger(bank_feed_taken=bank_feed_taken))
    sandbox.webhooks.subscribe_callable(listen)
    with judged(file, sandbox) as (codat, _):
        started(codat, file, expense())
    sandbox.advance(timedelta(minutes=1))

    [body] = [json.loads(item.body) for item in heard]
    outcome = "unsuccessful" if bank_feed_taken else "successful"
    assert body["eventType"] == f"expenses.sync.{outcome}"
    assert Spec(file).webhook_problems(body["eventType"], body) == ()
