"""The page we were asked to implement, walked from top to bottom, curl by curl.

Source: Codat docs, Syncing expenses, 2023-04-27. What the page shows is compared by its
shape: the same fields, in the same order, of the same types.
"""

import json
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from reconcile.sandbox import AS_DOCUMENTED, Ledger, Sandbox
from reconcile.sandbox.scenarios import Scenario
from reconcile.sandbox.server import serving
from tests.sandbox.calls import (
    COMPANY,
    ask,
    call,
    data_of,
    ended,
    push_dataset,
    start_sync,
    wait,
)

PAYLOADS = Path(__file__).parent.parent / "payloads"
T = "0331d9b9-a1cd-4d46-84d3-5a17dc6ad43e"


def shape(data: Any) -> Any:
    """Return what data is made of: names in order, and types."""
    if isinstance(data, dict):
        return [(name, shape(value)) for name, value in data.items()]
    if isinstance(data, list):
        return [shape(item) for item in data]
    return type(data).__name__


def sample(name: str) -> Any:
    return json.loads((PAYLOADS / f"page-{name}.json").read_text("utf-8"))


@pytest.fixture
def sandbox() -> Sandbox:
    """Return a sandbox that spells as the page does."""
    return Sandbox(settings=AS_DOCUMENTED)


def test_sync_datasets(sandbox: Sandbox) -> None:
    dataset = push_dataset(sandbox, T)

    created = call(sandbox, "POST", "/syncs", {"datasetIds": [dataset]})

    assert created.status == 202
    assert list(data_of(created)) == ["syncId"]


def test_the_pages_own_request_works_as_it_stands(sandbox: Sandbox) -> None:
    dataset = "fd4cc60e-8666-4443-8fad-12c56d7420ee"

    created = call(sandbox, "POST", "/syncs", {"datasetIds": [dataset]})

    assert created.status == 202
    assert ended(sandbox, data_of(created)["syncId"])["syncStatusCode"] == 2040


def test_new_datasets_can_be_created_while_a_sync_is_ongoing(sandbox: Sandbox) -> None:
    start_sync(sandbox, push_dataset(sandbox, T))

    assert push_dataset(sandbox, "another")
    assert ask(sandbox, "/syncs/latest/status")["syncStatusCode"] == 1000


@pytest.mark.parametrize("name", ["rule-failed", "rule-complete"])
def test_a_rule_is_created(sandbox: Sandbox, name: str) -> None:
    wanted = sample(name)

    created = call(sandbox, "POST", "/rules", wanted, headers={"authorization": "xxx"})

    assert created.status == 200
    assert data_of(created)["id"]
    assert {field: data_of(created)[field] for field in wanted} == wanted


def test_the_status_of_a_successful_sync(sandbox: Sandbox) -> None:
    status = ended(sandbox, start_sync(sandbox, push_dataset(sandbox, T)))

    assert shape(status) == shape(sample("status-successful"))
    for name in ("syncStatusCode", "syncStatus", "errorMessage", "dataPushed"):
        assert status[name] == sample("status-successful")[name]


def test_the_status_of_a_failed_sync(sandbox: Sandbox) -> None:
    sandbox.company(COMPANY, ledger=Ledger(bank_feed_taken=True))

    status = ended(sandbox, start_sync(sandbox, push_dataset(sandbox, T)))

    assert shape(status) == shape(sample("status-failed"))
    assert (status["syncStatusCode"], status["syncStatus"]) == (5130, "PushError")
    assert cause(status["errorMessage"]) == cause(
        sample("status-failed")["errorMessage"]
    )


def test_the_transactions_of_a_successful_sync(sandbox: Sandbox) -> None:
    sync = start_sync(
        sandbox,
        push_dataset(sandbox, T),
        push_dataset(sandbox, *(f"t{n}" for n in range(50))),
    )
    wait(sandbox)
    page = sample("transactions-successful")

    shown = ask(sandbox, f"/syncs/{sync}/transactions")

    assert shown["results"][:2] == page["results"]
    assert list(shown) == list(page)
    assert {name: list(link) for name, link in shown["_links"].items()} == {
        name: list(link) for name, link in page["_links"].items()
    }
    base = f"/companies/{COMPANY}/syncs/{sync}/transactions"
    assert shown["_links"]["next"]["href"] == f"{base}?page=2&pageSize=100"


def test_the_transactions_of_a_failed_sync(sandbox: Sandbox) -> None:
    sandbox.company(COMPANY, ledger=Ledger(bank_feed_taken=True))
    sync = start_sync(sandbox, push_dataset(sandbox, T))
    wait(sandbox)

    row = ask(sandbox, f"/syncs/{sync}/transactions")["results"][0]

    wanted = sample("transactions-failed")["results"][0]
    assert shape(row) == shape(wanted)
    assert (row["status"], row["integrationType"]) == ("PushError", "bankfeeds")
    assert cause(row["message"]) == cause(wanted["message"])


def test_only_one_sync_at_a_time_by_the_pages_caution() -> None:
    settings = AS_DOCUMENTED.__class__(second_sync="refused")
    sandbox = Sandbox(settings=settings, scenario=Scenario(name="plain"))
    start_sync(sandbox, push_dataset(sandbox, T))
    dataset = push_dataset(sandbox, "another")

    refused = call(sandbox, "POST", "/syncs", {"datasetIds": [dataset]})

    assert refused.status == 409


def cause(message: str) -> str:
    """Return a message without its correlation id."""
    start_sync, mark, rest = message.partition("Correlation ID: ")
    return start_sync + mark + rest[36:]


CURLS = """\
curl -s -X 'POST' '{url}/rules' -H 'accept: application/json' -H 'Authorization: xxx' \
 -H 'Content-Type: application/json' -d '{{"type": "sync-failed", "notifiers": \
{{"webhook": "https://api.dev.v2.infinnitytest.com/api/codat/callback/sync-error"}}}}'
curl -s -X POST '{url}/companies/{company}/sync/expenses/syncs' -d \
'{{"datasetIds": ["fd4cc60e-8666-4443-8fad-12c56d7420ee"]}}'
curl -s '{url}/companies/{company}/sync/expenses/syncs/latest/status'
curl -s '{url}/companies/{company}/sync/expenses/syncs/list/status'
"""


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
def test_the_page_by_curl(sandbox: Sandbox) -> None:
    with serving(sandbox, speed=0) as url:
        commands = CURLS.replace("\\\n", "").format(url=url, company=COMPANY)
        result = [
            json.loads(subprocess.check_output(shlex.split(line)))
            for line in commands.splitlines()
        ]

    rule, started, latest, every = result
    assert rule["type"] == "sync-failed"
    assert latest["syncId"] == started["syncId"]
    assert every == [latest]
