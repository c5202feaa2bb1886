"""Every body that Codat publishes is read; where they are missing, bodies of our own.

Codat's own documented page has `integrationType: "expense"`, which both of its official
kits refuse.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, read_lines
from reconcile.codat.deliveries import is_delivery
from reconcile.domain.observations import (
    DatasetReceipt,
    StatusReport,
    SyncReceipt,
    TransactionPage,
    WriteUnsettled,
)
from reconcile.domain.vocabulary import FindingKind, NoticeKind
from tests.builders import PAYLOADS, SYNC, create, entry, push, start, url
from tests.codat.readers import captured, delivered, observations_in

PUBLISHED = Path(__file__).parents[3] / "shared" / "codat" / "examples.jsonl"
KINDS = (
    "dataset",
    "dataset-created",
    "sync-created",
    "sync-status",
    "transactions",
    "transfer",
    "adjustment",
    "error",
    "webhook",
    "webhook-legacy",
)
OWN = {
    "page-status": "sync-status",
    "page-transactions": "transactions",
    **{kind: kind for kind in KINDS},
}


def published() -> Iterator[tuple[str, Any]]:
    """Yield kind and body of each example that Codat published."""
    if not PUBLISHED.is_file():
        return
    for line in PUBLISHED.read_text("utf-8").splitlines():
        example = json.loads(line)
        if example["kind"] in KINDS:
            yield example["kind"], example["body"]


def own() -> Iterator[tuple[str, Any]]:
    """Yield kind and body of each file that a kind's name begins."""
    for path in sorted(PAYLOADS.glob("*.json")):
        names = [name for name in OWN if path.stem.startswith(name)]
        if names:
            kind = OWN[max(names, key=len)]
            yield kind, json.loads(path.read_text("utf-8"))


def line_of(kind: str, body: Any) -> bytes:
    """Return the call or delivery that would carry a body of this kind."""
    match kind:
        case "dataset" if isinstance(body, dict) and "items" in body:
            path, method = "/data/expense-transactions", "POST"
        case "dataset" if isinstance(body, list) or "id" in body:
            path, method = "/expense-transactions", "POST"
        case "dataset":
            path, method = "/expense-transactions/t1", "PUT"
        case "transfer":
            path, method = "/transfer-transactions/t1", "PUT"
        case "adjustment":
            path, method = "/adjustment-transactions", "POST"
        case "dataset-created":
            return push("t1", answer=body)
        case "sync-created":
            return start(answer=body)
        case "sync-status":
            return entry("GET", url(f"/syncs/{body['syncId']}/status"), answer=body)
        case "transactions":
            return entry("GET", url(f"/syncs/{SYNC}/transactions"), answer=body)
        case "error":
            return create("t1", status=body["statusCode"], answer=body)
        case _:
            return entry("POST", "https://backoffice.example/", request=body)
    answer = {"datasetId" if path.startswith("/data") else "syncId": "named"}
    return entry(method, url(path), request=body, answer=answer)


def ids_of(body: Any) -> list[str]:
    items = body.get("items", [body]) if isinstance(body, dict) else body
    return [item.get("id", "t1") for item in items]


def an_expense_list_is_expected_as_it_was_sent(body: Any) -> None:
    (seen,) = observations_in(line_of("dataset", body))

    assert isinstance(seen, DatasetReceipt | SyncReceipt)
    assert [transaction.transaction_id for transaction in seen.transactions] == ids_of(
        body
    )
    assert seen.whole
    assert all(len(transaction.digest) == 64 for transaction in seen.transactions)


def an_answer_to_a_push_names_its_dataset(body: Any) -> None:
    (seen,) = observations_in(line_of("dataset-created", body))

    assert isinstance(seen, DatasetReceipt)
    assert seen.dataset_id == body["datasetId"]


def an_answer_to_a_write_names_its_sync(body: Any) -> None:
    (seen,) = observations_in(line_of("sync-created", body))

    assert isinstance(seen, SyncReceipt)
    assert seen.sync_id == body["syncId"]


def a_status_is_told_word_for_word(body: Any) -> None:
    (seen,) = observations_in(line_of("sync-status", body))

    assert isinstance(seen, StatusReport)
    assert (seen.sync_id, seen.code) == (body["syncId"], body["syncStatusCode"])
    assert (seen.status, seen.sync_utc) == (body["syncStatus"], body["syncUtc"])
    assert seen.error_message == (body["errorMessage"] or None)
    assert {flaw.kind for flaw in seen.flaws} <= {FindingKind.IDENTITY_MISMATCH}
    for name in ("latest", "lastSuccessful"):
        (same,) = observations_in(
            entry("GET", url(f"/syncs/{name}/status"), answer=body)
        )
        assert same == seen
    listed = observations_in(
        entry("GET", url("/syncs/list/status"), answer=[body, body])
    )
    assert listed[1:] == (seen, seen)


def a_page_is_told_row_by_row(body: Any) -> None:
    (seen,) = observations_in(line_of("transactions", body))

    assert isinstance(seen, TransactionPage)
    assert list(seen.rows) == [
        (
            item["transactionId"],
            item["status"],
            item.get("integrationType"),
            item.get("message"),
        )
        for item in body["results"]
    ]
    assert (seen.page, seen.total) == (body["pageNumber"], body["totalResults"])
    assert (seen.unread, seen.flaws) == (0, ())


def a_transfer_has_the_amount_that_went_out(body: Any) -> None:
    (seen,) = observations_in(line_of("transfer", body))

    assert isinstance(seen, SyncReceipt)
    (item,) = seen.transactions
    fields = {name.lower(): value for name, value in body.items()}
    amounts = {name.lower(): value for name, value in fields["from"].items()}
    assert item.amount is not None
    assert Decimal(item.amount) == Decimal(str(amounts["amount"]))
    assert item.issue_date == fields["date"]


def an_adjustment_is_the_sum_of_its_lines(body: Any) -> None:
    (seen,) = observations_in(line_of("adjustment", body))

    assert isinstance(seen, SyncReceipt)
    assert [transaction.transaction_id for transaction in seen.transactions] == ids_of(
        body
    )
    item = body[0] if isinstance(body, list) else body
    total = sum(Decimal(str(line["amount"])) for line in item["lines"])
    assert [
        Decimal(transaction.amount or "NaN") for transaction in seen.transactions
    ] == [total]


def an_error_refuses_in_codats_words(body: Any) -> None:
    (seen,) = observations_in(line_of("error", body))

    assert isinstance(seen, WriteUnsettled)
    outcomes = {429: "throttled", 500: "lost", 503: "lost"}
    assert seen.outcome == outcomes.get(body["statusCode"], "refused")
    assert (seen.words or "").startswith(body["error"])


def a_webhook_tells_of_its_sync(body: Any) -> None:
    line = line_of("webhook", body)
    event_type = body.get("eventType") or body["type"]
    assert is_delivery(captured(line))

    seen = delivered(line)

    if event_type.startswith("client."):
        assert seen == ()
        return
    (notice,) = seen
    payload = body["payload"]
    assert notice.kind is NoticeKind(event_type.rpartition(".")[2])
    assert notice.company_id == payload["referenceCompany"]["id"]
    assert notice.sync_id == payload["syncId"]
    assert [row[:2] for row in notice.rows] == [
        (item["id"], item["status"]) for item in payload.get("transactions", ())
    ]
    assert notice.flaws == ()


def a_legacy_webhook_tells_of_its_sync(body: Any) -> None:
    line = line_of("webhook-legacy", body)
    assert is_delivery(captured(line))

    (notice,) = delivered(line)

    assert notice.kind is NoticeKind(body["RuleType"][5:].lower())
    assert notice.company_id == body["CompanyId"]
    assert notice.sync_id == body["Data"]["syncId"]
    assert notice.message == body["Message"]


HOLDS: dict[str, Callable[[Any], None]] = {
    "dataset": an_expense_list_is_expected_as_it_was_sent,
    "dataset-created": an_answer_to_a_push_names_its_dataset,
    "sync-created": an_answer_to_a_write_names_its_sync,
    "sync-status": a_status_is_told_word_for_word,
    "transactions": a_page_is_told_row_by_row,
    "transfer": a_transfer_has_the_amount_that_went_out,
    "adjustment": an_adjustment_is_the_sum_of_its_lines,
    "error": an_error_refuses_in_codats_words,
    "webhook": a_webhook_tells_of_its_sync,
    "webhook-legacy": a_legacy_webhook_tells_of_its_sync,
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_body_of_our_own_is_read(kind: str) -> None:
    bodies = [body for of_kind, body in own() if of_kind == kind]

    assert bodies
    for body in bodies:
        HOLDS[kind](body)


@pytest.mark.parametrize("kind", KINDS)
def test_every_body_that_codat_published_is_read(kind: str) -> None:
    if not PUBLISHED.is_file():
        pytest.skip("Codat's examples are kept beside the repository, not in it")
    bodies = [body for of_kind, body in published() if of_kind == kind]

    assert bodies
    for body in bodies:
        HOLDS[kind](body)


def test_nothing_of_it_is_quarantined(books: Reconciler) -> None:
    examples = [*own(), *published()]

    intake = books.ingest(read_lines(line_of(*example) for example in examples))

    assert intake.unread == []
    assert (intake.not_codats, intake.read > 0) == (0, True)
    assert intake.read + intake.seen_before == len(examples)
