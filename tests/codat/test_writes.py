"""Pushes, creates, updates and `POST …/syncs`: receipts, refusals, lost answers."""

from typing import Any

import pytest

from reconcile.domain.observations import (
    DatasetReceipt,
    SyncReceipt,
    WriteUnsettled,
)
from reconcile.domain.vocabulary import FindingKind
from reconcile.errors import PayloadError
from tests.builders import (
    COMPANY,
    DATASET,
    SYNC,
    TRANSACTION,
    create,
    entry,
    push,
    start,
    update,
    url,
)
from tests.codat.readers import IDENTITY, observations_in

EXPENSES = url("/expense-transactions")
PUSHES = url("/data/expense-transactions")
FIRST = f"https://expensesync.codat.io/companies/{COMPANY}"


def created(
    request: Any, *, method: str = "POST", address: str = EXPENSES
) -> SyncReceipt:
    (seen,) = observations_in(
        entry(method, address, request=request, answer={"syncId": SYNC})
    )
    assert isinstance(seen, SyncReceipt)
    return seen


@pytest.mark.parametrize("address", [PUSHES, f"{FIRST}/data/expense-transactions"])
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_push_is_a_dataset_of_its_expenses(address: str, wrapped: bool) -> None:
    items = [{"id": TRANSACTION.upper(), "type": "Payment"}, {"id": "t2"}]
    request = {"items": items} if wrapped else items

    (seen,) = observations_in(
        entry("POST", address, request=request, answer={"datasetId": DATASET.upper()})
    )

    assert isinstance(seen, DatasetReceipt)
    assert (seen.company_id, seen.dataset_id) == (COMPANY, DATASET)
    assert [transaction.transaction_id for transaction in seen.transactions] == [
        TRANSACTION,
        "t2",
    ]
    assert (seen.whole, seen.flaws) == (True, ())


@pytest.mark.parametrize("address", [url("/syncs"), f"{FIRST}/syncs"])
@pytest.mark.parametrize("accepted", [200, 202])
def test_a_sync_is_of_its_datasets(address: str, accepted: int) -> None:
    request = {"datasetIds": [DATASET.upper(), "set-b", DATASET]}

    (seen,) = observations_in(
        entry("POST", address, status=accepted, request=request, answer={"syncId": "s"})
    )

    assert isinstance(seen, SyncReceipt)
    assert (seen.operation, seen.sync_id) == ("syncs", "s")
    assert seen.dataset_ids == (DATASET, "set-b")
    assert seen.whole


@pytest.mark.parametrize("ids", [[], [5], [DATASET, None], [""]])
def test_a_dataset_that_is_no_id_leaves_the_sync_not_whole(ids: list[Any]) -> None:
    (seen,) = observations_in(
        entry(
            "POST", url("/syncs"), request={"datasetIds": ids}, answer={"syncId": "s"}
        )
    )

    assert isinstance(seen, SyncReceipt)
    assert not seen.whole
    assert [flaw.kind for flaw in seen.flaws] == [FindingKind.UNREADABLE]


@pytest.mark.parametrize("request_body", [{}, [], "null", {"datasetIds": "x"}])
def test_a_sync_request_without_datasets_is_refused(request_body: Any) -> None:
    with pytest.raises(
        PayloadError, match="datasets of a sync request are not a list"
    ) as refused:
        observations_in(
            entry("POST", url("/syncs"), request=request_body, answer={"syncId": "s"})
        )

    assert len(refused.value.digest) == 64


@pytest.mark.parametrize(
    "path",
    [
        "/expense-transactions",
        "/adjustment-transactions",
        "/reimbursable-expense-transactions",
    ],
)
def test_a_create_call_is_a_sync_of_its_expenses(path: str) -> None:
    seen = created([{"id": "t1"}, {"id": "t2"}], address=url(path))

    assert (seen.operation, seen.sync_id, seen.whole) == ("create", SYNC, True)
    assert [transaction.transaction_id for transaction in seen.transactions] == [
        "t1",
        "t2",
    ]


def test_a_create_call_may_hold_one_expense_alone() -> None:
    seen = created({"id": "t1", "type": "Payment"})

    assert [transaction.transaction_id for transaction in seen.transactions] == ["t1"]


@pytest.mark.parametrize("item", [5, None, {}, {"id": 7}, {"id": " "}])
def test_an_expense_without_an_id_leaves_the_good_ones(item: Any) -> None:
    seen = created([{"id": "t1"}, item])

    assert [transaction.transaction_id for transaction in seen.transactions] == ["t1"]
    assert not seen.whole
    assert "expense 2" in seen.flaws[0].reason


def test_ids_of_a_template_are_text_as_they_stand() -> None:
    seen = created([{"id": "{{$guid}}"}])

    assert [transaction.transaction_id for transaction in seen.transactions] == [
        "{{$guid}}"
    ]


@pytest.mark.parametrize("request_body", ["null", "5", {"items": None}, '"x"'])
def test_a_push_that_lists_nothing_is_refused(request_body: Any) -> None:
    with pytest.raises(PayloadError, match="expenses of a push are not a list"):
        created(request_body)


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/expense-transactions/t1", "update"),
        ("/reimbursable-expense-transactions/t1", "update"),
        ("/transfer-transactions/t1", "put"),
    ],
)
@pytest.mark.parametrize("wrapped", [True, False])
def test_a_put_is_of_the_expense_in_its_url(
    path: str, operation: str, wrapped: bool
) -> None:
    body = {"type": "Payment", "currency": "GBP"}

    seen = created([body] if wrapped else body, method="PUT", address=url(path))

    assert (seen.operation, seen.sync_id) == (operation, SYNC)
    assert [transaction.transaction_id for transaction in seen.transactions] == ["t1"]


@pytest.mark.parametrize("body", ["[]", "null", "5", "[1]", "[{},{}]"])
def test_a_put_of_no_expense_is_refused(body: str) -> None:
    with pytest.raises(PayloadError, match="is not an object"):
        created(body, method="PUT", address=url("/expense-transactions/t1"))


def test_a_transfer_may_be_spelled_in_pascal_case() -> None:
    body = {
        "Date": "2026-03-01T00:00:00Z",
        "From": {"AccountRef": {"Id": "a"}, "Amount": 1000.10},
        "To": {"AccountRef": {"Id": "b"}, "Amount": 1001},
    }

    seen = created(body, method="PUT", address=url("/transfer-transactions/t1"))

    item = seen.transactions[0]
    assert (item.amount, item.issue_date) == ("1000.1", "2026-03-01T00:00:00Z")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (400, "refused"),
        (402, "refused"),
        (404, "refused"),
        (422, "refused"),
        (429, "throttled"),
        (0, "lost"),
        (408, "lost"),
        (500, "lost"),
        (503, "lost"),
        (301, "lost"),
        (100, "lost"),
    ],
)
@pytest.mark.parametrize("answer", [{"error": "No.", "statusCode": 1}, None, "<html>"])
def test_a_write_without_an_acceptance_is_refused_throttled_or_lost(
    code: int, outcome: str, answer: Any
) -> None:
    (seen,) = observations_in(create("t1", status=code, answer=answer))

    assert isinstance(seen, WriteUnsettled)
    assert (seen.outcome, seen.http_status) == (outcome, code)
    assert (seen.request_id, seen.operation) == (IDENTITY, "create")
    assert [transaction.transaction_id for transaction in seen.transactions] == ["t1"]
    assert seen.words == ("No." if isinstance(answer, dict) else None)


def test_every_kind_of_write_may_be_refused() -> None:
    writes = [
        push("t1", status=400),
        start("set-a", status=422),
        update("t1", status=422),
    ]

    seen = [observations_in(write)[0] for write in writes]

    result = [
        (item.operation, item.dataset_ids, len(item.transactions))
        for item in seen
        if isinstance(item, WriteUnsettled)
    ]
    assert result == [("push", (), 1), ("syncs", ("set-a",), 0), ("update", (), 1)]


def test_the_words_of_a_refusal_name_each_error_once() -> None:
    errors = [
        {"itemId": "Items[0].Lines[0].NetAmount", "message": "Out of bounds."},
        {"itemId": None, "message": "Twice."},
        {"message": "Twice."},
        {"message": 5},
        "no object",
    ]
    answer = {"error": "Not valid.", "validation": {"errors": errors}}

    (seen,) = observations_in(create("t1", status=400, answer=answer))

    assert isinstance(seen, WriteUnsettled)
    assert seen.words == (
        "Not valid.; Items[0].Lines[0].NetAmount: Out of bounds.; Twice."
    )


@pytest.mark.parametrize(
    "answer",
    [
        {},
        [],
        "null",
        {"error": 5},
        {"error": " "},
        {"validation": 5},
        {"validation": {"errors": 5}},
        "NaN",
        "[" * 100_000,
    ],
)
def test_a_refusal_without_words_is_a_refusal(answer: Any) -> None:
    (seen,) = observations_in(create("t1", status=400, answer=answer))

    assert isinstance(seen, WriteUnsettled)
    assert (seen.outcome, seen.words) == ("refused", None)


@pytest.mark.parametrize("answer", [{}, [], "null", {"syncId": 5}, {"syncId": ""}, "<"])
def test_an_acceptance_that_names_no_sync_is_as_good_as_lost(answer: Any) -> None:
    (seen,) = observations_in(create("t1", answer=answer))

    assert isinstance(seen, WriteUnsettled)
    assert (seen.outcome, seen.http_status) == ("lost", 200)


def test_a_push_is_not_accepted_by_a_sync_id() -> None:
    (seen,) = observations_in(push("t1", answer={"syncId": SYNC}))

    assert isinstance(seen, WriteUnsettled)
    assert seen.outcome == "lost"


@pytest.mark.parametrize("request_body", [None, ""])
@pytest.mark.parametrize("code", [200, 400, 0])
def test_a_write_without_its_request_is_known_by_its_exchange(
    request_body: str | None, code: int
) -> None:
    line = entry(
        "POST", EXPENSES, status=code, request=request_body, answer={"syncId": "s"}
    )

    with pytest.raises(PayloadError, match="left the request body out") as refused:
        observations_in(line)

    assert refused.value.digest == IDENTITY
