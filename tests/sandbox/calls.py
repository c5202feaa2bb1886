"""Calls to a sandbox, in few words."""

import json
from datetime import timedelta
from typing import Any

from reconcile.sandbox import Call, Response, Sandbox

COMPANY = "8cba59e5-ae8a-418b-918a-09f90850e8d8"
BASE = f"/companies/{COMPANY}/sync/expenses"


def call(
    sandbox: Sandbox,
    method: str,
    path: str,
    data: Any = None,
    *,
    headers: dict[str, str] | None = None,
    **query: object,
) -> Response:
    """Return the answer to a call; a path without a leading /companies is COMPANY's."""
    return sandbox.handle(
        Call(
            method=method,
            path=path
            if path.startswith(("/companies", "/rules", "/webhooks"))
            else f"{BASE}{path}",
            query={name: str(value) for name, value in query.items()},
            headers=headers or {},
            body=b"" if data is None else json.dumps(data).encode(),
        )
    )


def data_of(answer: Response) -> Any:
    """Return an answer's JSON."""
    return json.loads(answer.body)


def ask(sandbox: Sandbox, path: str, **query: Any) -> Any:
    """Return the JSON of a read."""
    return data_of(call(sandbox, "GET", path, **query))


def expense(transaction_id: str, *, net: float = 10, **more: Any) -> dict[str, Any]:
    """Return an expense that every dialect takes."""
    return {
        "id": transaction_id,
        "type": "Payment",
        "issueDate": "2026-01-04T00:00:00Z",
        "currency": "GBP",
        "lines": [
            {"netAmount": net, "taxAmount": 2, "accountRef": {"id": "account-1"}}
        ],
        **more,
    }


def push_dataset(sandbox: Sandbox, *transaction_ids: str) -> str:
    """Push a dataset (v1) and return its id."""
    items = [expense(item) for item in transaction_ids]
    created = call(sandbox, "POST", "/data/expense-transactions", {"items": items})
    return str(data_of(created)["datasetId"])


def start_sync(sandbox: Sandbox, *dataset_ids: str) -> str:
    """Start a sync of datasets (v1) and return its id."""
    created = call(sandbox, "POST", "/syncs", {"datasetIds": dataset_ids})
    return str(data_of(created)["syncId"])


def create_expenses(sandbox: Sandbox, *items: dict[str, Any] | str) -> str:
    """Create expenses (current) and return their sync's id."""
    whole = [expense(item) if isinstance(item, str) else item for item in items]
    return str(data_of(call(sandbox, "POST", "/expense-transactions", whole))["syncId"])


def wait(sandbox: Sandbox, **span: float) -> None:
    """Let time pass; without a span, long enough for any sync to end."""
    sandbox.advance(timedelta(**(span or {"minutes": 5})))


def ended(sandbox: Sandbox, sync_id: str) -> dict[str, Any]:
    """Return a sync's status after its end."""
    wait(sandbox)
    status: dict[str, Any] = ask(sandbox, f"/syncs/{sync_id}/status")
    return status


def rows(sandbox: Sandbox, sync_id: str) -> dict[tuple[str, str], str]:
    """Return every row's word by transaction and integration type."""
    page = ask(sandbox, f"/syncs/{sync_id}/transactions", pageSize=5000)
    return {
        (row["transactionId"], row["integrationType"]): row["status"]
        for row in page["results"]
    }
