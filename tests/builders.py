"""Builders of captured traffic: one HAR entry a call, times as minutes after nine."""

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PAYLOADS = Path(__file__).parent / "payloads"
EXAMPLES = Path(__file__).parent.parent / "docs" / "examples"
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
COMPANY = "8cba59e5-ae8a-418b-918a-09f90850e8d8"
SYNC = "2b5d5fd1-f4b2-49de-98c3-ca37a0dcd8cd"
DATASET = "fd4cc60e-8666-4443-8fad-12c56d7420ee"
TRANSACTION = "0331d9b9-a1cd-4d46-84d3-5a17dc6ad43e"

Row = Mapping[str, Any]


def at(minutes: float) -> datetime:
    """Return the moment so many minutes after nine."""
    return NINE + timedelta(minutes=minutes)


def uuid_of(number: int) -> str:
    """Return a transaction id that is easily told from others."""
    return f"00000000-0000-4000-8000-{number:012d}"


def entry(
    method: str,
    url: str,
    *,
    minutes: float = 0,
    status: int = 200,
    answer: Any = None,
    request: Any = None,
    headers: Mapping[str, str] | None = None,
    answer_headers: Mapping[str, str] | None = None,
) -> bytes:
    """Return one HAR entry as a line; str bodies stand as they are, others as JSON."""
    captured: dict[str, Any] = {
        "startedDateTime": at(minutes).isoformat(),
        "time": 0,
        "request": {
            "method": method,
            "url": url,
            "headers": [
                {"name": name, "value": value}
                for name, value in (headers or {}).items()
            ],
        },
        "response": {"status": status, "content": {}},
    }
    if answer_headers is not None:
        captured["response"]["headers"] = [
            {"name": name, "value": value} for name, value in answer_headers.items()
        ]
    if request is not None:
        captured["request"]["postData"] = {"text": _text(request)}
    if answer is not None:
        captured["response"]["content"]["text"] = _text(answer)
    return json.dumps(captured).encode()


def _text(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body)


def url(path: str, *, company: str = COMPANY) -> str:
    """Return a URL of the product's API."""
    return f"https://api.codat.io/companies/{company}/sync/expenses{path}"


def push(
    *ids: str,
    minutes: float = 0,
    dataset: str = DATASET,
    company: str = COMPANY,
    status: int = 200,
    answer: Any = None,
) -> bytes:
    """Return a v1 push of expenses."""
    items = [{"id": item, "type": "Payment", "currency": "GBP"} for item in ids]
    return entry(
        "POST",
        url("/data/expense-transactions", company=company),
        minutes=minutes,
        status=status,
        request={"items": items},
        answer={"datasetId": dataset} if answer is None and status == 200 else answer,
    )


def start(
    *datasets: str,
    minutes: float = 0,
    sync: str = SYNC,
    company: str = COMPANY,
    status: int = 202,
    answer: Any = None,
) -> bytes:
    """Return `POST …/syncs`."""
    return entry(
        "POST",
        url("/syncs", company=company),
        minutes=minutes,
        status=status,
        request={"datasetIds": list(datasets or (DATASET,))},
        answer={"syncId": sync} if answer is None and status == 202 else answer,
    )


def create(
    *ids: str,
    minutes: float = 0,
    sync: str = SYNC,
    company: str = COMPANY,
    status: int = 200,
    answer: Any = None,
) -> bytes:
    """Return a current create call."""
    return entry(
        "POST",
        url("/expense-transactions", company=company),
        minutes=minutes,
        status=status,
        request=[{"id": item, "type": "Payment", "currency": "GBP"} for item in ids],
        answer={"syncId": sync} if answer is None and status == 200 else answer,
    )


def expense_of(
    transaction: str,
    *amounts: Any,
    kind: str | None = "Payment",
    currency: str | None = "GBP",
    issued: str | None = "2026-03-01",
    merchant: str | None = None,
) -> dict[str, Any]:
    """Return an expense with one line for each amount; a transfer has the first."""
    created: dict[str, Any] = {"id": transaction, "type": kind, "issueDate": issued}
    if kind == "Transfer":
        created["from"] = {"account": {"id": "a"}, "amount": amounts[0]}
    else:
        created["currency"] = currency
        created["lines"] = [{"netAmount": amount} for amount in amounts]
    if merchant is not None:
        created["merchantName"] = merchant
    return created


def create_of(
    *expenses: dict[str, Any],
    minutes: float = 0,
    sync: str = SYNC,
    company: str = COMPANY,
) -> bytes:
    """Return a create call of whole expenses."""
    return entry(
        "POST",
        url("/expense-transactions", company=company),
        minutes=minutes,
        request=list(expenses),
        answer={"syncId": sync},
    )


def push_of(
    *expenses: dict[str, Any],
    minutes: float = 0,
    dataset: str = DATASET,
    company: str = COMPANY,
) -> bytes:
    """Return a v1 push of whole expenses."""
    return entry(
        "POST",
        url("/data/expense-transactions", company=company),
        minutes=minutes,
        request={"items": list(expenses)},
        answer={"datasetId": dataset},
    )


def update(
    transaction: str,
    *,
    minutes: float = 0,
    sync: str = SYNC,
    company: str = COMPANY,
    status: int = 202,
    answer: Any = None,
) -> bytes:
    """Return an update (PUT) of an expense."""
    return entry(
        "PUT",
        url(f"/expense-transactions/{transaction}", company=company),
        minutes=minutes,
        status=status,
        request={"type": "Payment", "issueDate": "2026-03-01", "currency": "GBP"},
        answer={"syncId": sync} if answer is None and status == 202 else answer,
    )


def status(
    code: Any,
    *,
    minutes: float = 0,
    sync: str = SYNC,
    company: str = COMPANY,
    message: str = "",
    text: str | None = None,
) -> bytes:
    """Return a read of a sync's status."""
    body = {
        "companyId": company,
        "syncId": sync,
        "syncStatusCode": code,
        "syncStatus": text or str(code),
        "errorMessage": message,
        "syncExceptionMessage": "",
        "syncUtc": "2026-03-02T09:00:00.1234567Z",
        "dataPushed": code == 2000,
    }
    return entry(
        "GET",
        url(f"/syncs/{sync}/status", company=company),
        minutes=minutes,
        answer=body,
    )


def row(
    transaction: str,
    word: str = "Completed",
    leg: str | None = "expense",
    message: str | None = None,
) -> dict[str, Any]:
    """Return one row of a page."""
    created: dict[str, Any] = {"transactionId": transaction, "status": word}
    if leg is not None:
        created["integrationType"] = leg
    if message is not None:
        created["message"] = message
    return created


def page(
    *rows: Any,
    minutes: float = 0,
    number: int = 1,
    size: int = 100,
    total: Any = None,
    sync: str = SYNC,
    company: str = COMPANY,
) -> bytes:
    """Return a read of one page of a sync's transactions; total: that of the rows."""
    body: dict[str, Any] = {
        "results": list(rows),
        "pageNumber": number,
        "pageSize": size,
        "totalResults": len(rows) if total is None else total,
        "_links": {},
    }
    return entry(
        "GET",
        url(
            f"/syncs/{sync}/transactions?page={number}&pageSize={size}", company=company
        ),
        minutes=minutes,
        answer=body,
    )


def hook(
    event_type: str,
    *rows: tuple[str, str] | tuple[str, str, str],
    minutes: float = 0,
    generated: float | str | None = None,
    delivery: str | None = None,
    sync: str = SYNC,
    company: str = COMPANY,
) -> bytes:
    """Return a delivery of the current service; rows are (id, word[, message])."""
    payload: dict[str, Any] = {"referenceCompany": {"id": company}, "syncId": sync}
    if rows:
        payload["transactions"] = [
            {
                "id": item[0],
                "status": item[1],
                "errorMessage": item[2] if len(item) > 2 else None,
            }
            for item in rows
        ]
    body: dict[str, Any] = {
        "id": "ba29118f-5406-4e59-b05c-ba307ca38d01",
        "eventType": event_type,
        "payload": payload,
    }
    if isinstance(generated, str):
        body["generatedDate"] = generated
    elif generated is not None:
        body["generatedDate"] = at(generated).isoformat()
    return entry(
        "POST",
        "https://backoffice.example/hooks",
        minutes=minutes,
        status=204,
        request=body,
        headers={"webhook-id": delivery} if delivery else {},
    )


def legacy_hook(
    rule_type: str,
    *,
    minutes: float = 0,
    sync: str = SYNC,
    company: str = COMPANY,
) -> bytes:
    """Return a delivery of the rules service."""
    return entry(
        "POST",
        "https://backoffice.example/hooks",
        minutes=minutes,
        status=204,
        request={
            "AlertId": "33a4f8e9-09ae-4334-9b00-7bbe83024672",
            "RuleType": rule_type,
            "CompanyId": company,
            "Message": f"{rule_type} of {sync}",
            "Data": {"syncId": sync, "syncType": "Expense"},
        },
    )


def payload(name: str) -> str:
    """Return a body of `tests/payloads`, word for word."""
    return (PAYLOADS / name).read_text("utf-8")


def har(entries: Iterable[bytes]) -> bytes:
    """Return a HAR document of entries."""
    return b'{"log":{"version":"1.2","entries":[' + b",".join(entries) + b"]}}"
