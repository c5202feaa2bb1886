"""Codat's own SDKs, unchanged, tell their stories to the sandbox and understand it."""

import json
import subprocess
from pathlib import Path
from typing import Any, Final

import pytest

from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.server import serving
from tests.sandbox.environments import CURRENT, V1, python_with

COMPANY: Final = "8a210b68-6988-11ed-a1eb-0242ac120002"
IDS: Final = tuple(f"{n:08d}-7770-412b-91bb-44d3bc71d111" for n in range(1, 5))
LEGS: Final = 2  # of an expense: its own, and the bank feed's
SPEED: Final = 100.0  # a sync is over within a tenth of a second
STORY_WAIT_MAX_S: Final = 60

Told = dict[str, Any]


def tell(requirement: str, story: str) -> Told:
    """Return what an SDK understood of a story it told a sandbox."""
    python = python_with(requirement)
    script = Path(__file__).with_name(story)
    sandbox = Sandbox(settings=Settings(api_keys=("secret",)))
    with serving(sandbox, speed=SPEED) as url:
        done = subprocess.run(
            [str(python), "-I", str(script), url, COMPANY, *IDS],
            capture_output=True,
            text=True,
            timeout=STORY_WAIT_MAX_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    result: Told = json.loads(done.stdout)
    return result


@pytest.fixture(scope="module")
def v1_told() -> Told:
    return tell(V1, "story_v1.py")


@pytest.fixture(scope="module")
def current_told() -> Told:
    return tell(CURRENT, "story_current.py")


def outcome(followed: Told) -> tuple[object, ...]:
    """Return the part of a followed sync that tells whether it was written."""
    status = followed["status"]
    return status["code"], status["text"], status["pushed"], status["error"]


WRITTEN: Final = (2000, "Complete", True, "")


def test_the_v1_sdk_reads_what_it_configured_and_may_map_to(v1_told: Told) -> None:
    assert v1_told["setting up"]["bank account"] == "bank-7"
    assert "Expense" in v1_told["setting up"]["account types"]


def test_the_v1_sdk_reads_one_sync_four_ways(v1_told: Told) -> None:
    statuses = v1_told["statuses"]

    assert outcome({"status": statuses["by id"]}) == WRITTEN
    assert statuses["by id"]["sync"] == v1_told["sync"]
    assert statuses["by id"]["company"] == COMPANY
    assert statuses["latest"] == statuses["last successful"] == statuses["by id"]
    assert statuses["list"] == [statuses["by id"]]


def test_the_v1_sdk_takes_the_start_of_a_sync_for_an_unknown_success(
    v1_told: Told,
) -> None:
    """It was made from a file that lists no success of this call; 202 is the page's."""
    looks = v1_told["starting looks to the SDK like"]

    assert looks == ["unknown status code received", 202]


def test_the_v1_sdk_reads_a_page_in_the_middle_of_a_listing(v1_told: Told) -> None:
    page = v1_told["page"]
    transactions = f"/companies/{COMPANY}/syncs/{v1_told['sync']}/transactions"

    assert (page["number"], page["size"]) == (2, 1)
    assert page["total"] == LEGS * len(IDS)
    assert len(page["rows"]) == 1
    assert page["self"] == transactions
    assert page["current"] == f"{transactions}?page=2&pageSize=1"
    assert page["previous"] == f"{transactions}?page=1&pageSize=1"


def test_the_v1_sdk_reads_both_legs_of_a_transaction(v1_told: Told) -> None:
    assert sorted(v1_told["rows"]) == [
        [IDS[0], "Completed", "bankfeeds"],
        [IDS[0], "Completed", "expenses"],
    ]


def test_the_v1_sdk_uploads_a_receipt(v1_told: Told) -> None:
    attachment = v1_told["attachment"]

    assert (attachment["company"], attachment["transaction"]) == (COMPANY, IDS[0])
    assert attachment["id"]


def test_the_v1_sdk_follows_an_update_under_a_sync_of_its_own(v1_told: Told) -> None:
    update = v1_told["update"]

    assert outcome(update) == WRITTEN
    assert update["status"]["sync"] != v1_told["sync"]
    assert [IDS[0], "Completed", "expenses"] in update["rows"]


def test_the_v1_sdk_reads_where_a_dataset_is_wrong(v1_told: Told) -> None:
    assert v1_told["refusal"] == {
        "code": 400,
        "places": ["Items[0].Lines[0].NetAmount"],
    }


def test_the_current_sdk_reads_what_it_configured_and_may_map_to(
    current_told: Told,
) -> None:
    assert current_told["setting up"]["bank account"] == "bank-7"
    assert "Expense" in current_told["setting up"]["account types"]


@pytest.mark.parametrize(
    ("kind", "transaction_id"),
    [*zip(("expense", "transfer", "adjustment", "reimbursable"), IDS, strict=True)],
)
def test_the_current_sdk_creates_and_follows_each_kind(
    current_told: Told, kind: str, transaction_id: str
) -> None:
    result = current_told[kind]

    assert outcome(result) == WRITTEN
    assert [transaction_id, "Completed", "expenses"] in result["rows"]


@pytest.mark.parametrize("kind", ["expense", "transfer", "reimbursable"])
def test_the_current_sdk_follows_an_update_under_a_sync_of_its_own(
    current_told: Told, kind: str
) -> None:
    update = current_told["updates"][kind]

    assert outcome(update) == WRITTEN
    assert update["status"]["sync"] != current_told[kind]["status"]["sync"]


def test_the_current_sdk_reads_one_sync_four_ways(current_told: Told) -> None:
    statuses = current_told["statuses"]

    assert statuses["by id"] == current_told["expense"]["status"]
    assert statuses["latest"] == statuses["last successful"] == statuses["by id"]
    assert statuses["list"] == [statuses["by id"]]


def test_the_current_sdk_reads_the_first_page_of_a_listing(current_told: Told) -> None:
    page = current_told["page"]
    sync_id = current_told["expense"]["status"]["sync"]
    transactions = f"/companies/{COMPANY}/syncs/{sync_id}/transactions"

    assert (page["number"], page["size"], page["total"]) == (1, 1, LEGS)
    assert page["rows"][0][:2] == [IDS[0], "Completed"]
    assert page["self"] == transactions
    assert page["current"] == f"{transactions}?page=1&pageSize=1"
    assert page["next"] == f"{transactions}?page=2&pageSize=1"


def test_the_current_sdk_uploads_a_receipt(current_told: Told) -> None:
    attachment = current_told["attachment"]

    assert (attachment["company"], attachment["transaction"]) == (COMPANY, IDS[0])
    assert attachment["id"]


def test_the_current_sdk_reads_refusals(current_told: Told) -> None:
    amount, unknown = current_told["refusals"].values()

    assert amount["code"] == 400
    assert len(amount["places"]) == 1
    assert amount["places"][0].endswith("Lines[0].NetAmount")
    assert unknown == {"code": 404, "can be retried": "Unknown", "places": None}
