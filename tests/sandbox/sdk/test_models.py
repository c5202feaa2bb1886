"""Codat's own SDKs read what our client sends, and would have sent the same."""

import json
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import pytest

from reconcile.codat.requests import (
    Request,
    create_adjustments,
    create_expenses,
    create_reimbursables,
    push_dataset,
    put_transfer,
    start_sync,
    update_expense,
    update_reimbursable,
)
from reconcile.expenses import read_csv
from tests.sandbox.calls import COMPANY
from tests.sandbox.environments import CURRENT, V1, python_with

ID: Final = "4d7c6929-7770-412b-91bb-44d3bc71d111"
DAY: Final = "2026-01-04T00:00:00+00:00"
LINE: Final = {
    "netAmount": 12.5,
    "taxAmount": 2.5,
    "taxRateRef": {"id": "20%"},
    "accountRef": {"id": "travel"},
    "trackingRefs": [{"id": "department", "dataType": "trackingCategories"}],
}
EXPENSE: Final = {
    "id": ID,
    "type": "Payment",
    "issueDate": DAY,
    "currency": "GBP",
    "currencyRate": 1,
    "bankAccountRef": {"id": "bank"},
    "contactRef": {"id": "a contact", "type": "Supplier"},
    "merchantName": "Night Bakery",
    "notes": "lunch",
    "lines": [LINE],
}
EXPENSE_V1: Final = {
    **{name: value for name, value in EXPENSE.items() if name != "bankAccountRef"},
    "contactRef": {"id": "a contact"},
    "lines": [LINE | {"trackingRefs": [{"id": "department"}]}],
}
UPDATE: Final = {name: value for name, value in EXPENSE.items() if name != "id"}
UPDATE_V1: Final = {name: value for name, value in EXPENSE_V1.items() if name != "id"}
OWED: Final = {
    "issueDate": DAY,
    "dueDate": DAY,
    "reference": "April",
    "contactRef": {"id": "a contact"},
    "currency": "GBP",
    "lines": [{"netAmount": 12.5, "taxAmount": 0, "accountRef": {"id": "travel"}}],
}
ADJUSTMENT: Final = {
    "id": ID,
    "date": DAY,
    "currency": "GBP",
    "lines": [{"amount": 12.5, "accountRef": {"id": "travel"}}],
}
TRANSFER: Final = {
    "date": DAY,
    "from": {"accountRef": {"id": "a"}, "amount": 10},
    "to": {"accountRef": {"id": "b"}, "amount": 10},
}
SHEET: Final = (
    b"id,type,issueDate,currency,netAmount,taxAmount,accountId,merchantName\n"
    b"4d7c6929-7770-412b-91bb-44d3bc71d111,Payment,2026-01-04,GBP,12.50,0,travel,Rail\n"
)


def sent(request: Request) -> Any:
    return json.loads(request.body or b"", parse_float=Decimal)


def read_by(dialect: str, asked: list[tuple[str, Any]]) -> list[Any]:
    """Return what an SDK's models made of bodies."""
    python = python_with(V1 if dialect == "v1" else CURRENT)
    script = Path(__file__).with_name("models.py")
    lines = [json.dumps({"model": m, "body": b}, default=float) for m, b in asked]
    done = subprocess.run(
        [str(python), "-I", str(script), dialect],
        input="\n".join(lines),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result = done.stdout.splitlines()
    return [json.loads(item, parse_float=Decimal) for item in result]


def plain(value: Any) -> Any:
    """Return a body with times as moments and without what is empty: no more."""
    if isinstance(value, dict):
        return {name: plain(item) for name, item in value.items() if item is not None}
    if isinstance(value, list):
        return [plain(entry) for entry in value]
    if isinstance(value, str) and value[:4].isdigit() and "T" in value:
        return value.replace("+00:00", "Z").removesuffix("Z").split(".")[0]
    return value


def in_v1() -> list[tuple[str, Any]]:
    return [
        ("CreateExpenseRequest", sent(push_dataset(COMPANY, [EXPENSE_V1]))),
        ("PostSync", sent(start_sync(COMPANY, ["a dataset"]))),
        ("UpdateExpenseRequest", sent(update_expense(COMPANY, ID, UPDATE_V1))),
    ]


def in_current() -> list[tuple[str, Any]]:
    sheet = read_csv(SHEET, "current")
    assert not sheet.problems
    expenses = sent(create_expenses(COMPANY, [EXPENSE, *sheet.items]))
    (adjustment,) = sent(create_adjustments(COMPANY, [ADJUSTMENT]))
    (owed,) = sent(create_reimbursables(COMPANY, [{"id": ID, **OWED}]))
    changed = sent(update_reimbursable(COMPANY, ID, OWED))
    return [
        *(("ExpenseTransaction", expense) for expense in expenses),
        ("UpdateExpenseRequest", sent(update_expense(COMPANY, ID, UPDATE))),
        ("AdjustmentTransactionRequest", adjustment),
        ("ReimbursableExpenseTransaction", owed),
        ("UpdateReimbursableExpenseTransactionRequest", changed),
        ("TransferTransactionRequest", sent(put_transfer(COMPANY, ID, TRANSFER))),
    ]


@pytest.mark.parametrize(
    ("dialect", "asked"),
    [("v1", in_v1()), ("current", in_current())],
    ids=["v1", "current"],
)
def test_an_sdk_would_have_sent_what_our_client_sends(
    dialect: str, asked: list[tuple[str, Any]]
) -> None:
    result = read_by(dialect, asked)

    for (model, body), item in zip(asked, result, strict=True):
        assert plain(item) == plain(body), model
