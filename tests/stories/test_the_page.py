"""The page's own bodies, word for word, from capture to report."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile import Reconciler, read_document, to_data
from tests.builders import COMPANY, EXAMPLES, SYNC, TRANSACTION, payload

LATER = datetime(2022, 8, 4, tzinfo=UTC)


@pytest.fixture
def data(books: Reconciler) -> dict[str, Any]:
    books.ingest(read_document((EXAMPLES / "page.har").read_bytes()))
    return to_data(books.report(as_of=LATER))


def test_the_example_holds_the_pages_bodies_word_for_word() -> None:
    entries = json.loads((EXAMPLES / "page.har").read_bytes())["log"]["entries"]
    bodies = {
        part.get("text")
        for entry in entries
        for part in (entry["request"].get("postData", {}), entry["response"]["content"])
    }

    for name in _PAGE:
        assert payload(name) in bodies, name


_PAGE = (
    "page-status-successful.json",
    "page-status-failed.json",
    "page-transactions-successful.json",
    "page-transactions-failed.json",
    "page-rule-failed.json",
    "page-rule-complete.json",
)


def test_a_leg_listed_twice_is_one_leg_that_failed(data: dict[str, Any]) -> None:
    failed = [item for item in data["items"] if item["company_id"] == COMPANY]

    assert [item["transaction_id"] for item in failed] == [TRANSACTION]
    assert (failed[0]["state"], failed[0]["kind"]) == ("break", "FAILED")
    legs = [(leg["integration_type"], leg["status"]) for leg in failed[0]["legs"]]
    assert legs == [("bankfeeds", "PushError")]


def test_the_reason_is_codats_and_the_verdict_says_what_to_mend(
    data: dict[str, Any],
) -> None:
    item = next(i for i in data["items"] if i["company_id"] == COMPANY)

    assert "already connected to another Xero Bank Account" in item["reason"]
    assert item["retry"]["verdict"] == "FIX_FIRST"
    assert (item["cause"], item["owner"]) == ("bank_feed_already_connected", "customer")


def test_the_listing_is_incomplete_134_promised_2_seen(data: dict[str, Any]) -> None:
    sync = next(s for s in data["syncs"] if s["sync_id"] == SYNC)

    assert (sync["listing"], sync["promised"], sync["seen"]) == ("incomplete", 134, 2)


def test_the_successful_tab_is_matched_by_its_2000(data: dict[str, Any]) -> None:
    item = next(i for i in data["items"] if i["company_id"] != COMPANY)

    assert item["state"] == "matched"
    assert [leg["integration_type"] for leg in item["legs"]] == ["bankfeeds", "expense"]


def test_before_the_page_was_read_the_expense_was_open(books: Reconciler) -> None:
    books.ingest(read_document((EXAMPLES / "page.har").read_bytes()))

    data = to_data(books.report(as_of=datetime(2022, 8, 3, 1, 12, tzinfo=UTC)))

    assert [item["state"] for item in data["items"]] == ["open"]
