"""What a webhook says of a sync, in the words of each generation.

Source: Codat docs, "Core rules types" and "Migrating to new event types", and the
schemas SyncFailedWebhook, SyncCompleteWebhook and ExpensesSyncWebhook of its OpenAPI
files; read 2026-11-22.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec

from reconcile.sandbox.world import Company, Sync, SyncedRow

STARTED: Final = "Sync Started"
COMPLETED: Final = "Sync Completed"
FAILED: Final = "Sync Failed"
SUCCESSFUL: Final = "expenses.sync.successful"
UNSUCCESSFUL: Final = "expenses.sync.unsuccessful"

# A transaction has one row, its legs several: the worst word is the one that is told.
_WORDS: Final = {
    "PushError": "PushError",
    "ValidationError": "Failed",
    "Unknown": "Unknown",
    "Pending": "Pending",
    "Completed": "Completed",
}
_WORST_FIRST: Final = tuple(_WORDS)


def current(
    event_type: str,
    company: Company,
    sync: Sync,
    *,
    event_id: str,
    at: datetime,
    transactions: bool,
    tags: Mapping[str, str],
) -> bytes:
    """Return an envelope of the current service."""
    reference: dict[str, Any] = {
        "id": company.company_id,
        "name": company.name,
        "links": {
            "portal": f"https://app.codat.io/companies/{company.company_id}/summary"
        },
    }
    if tags:
        reference["tags"] = dict(tags)
    payload: dict[str, Any] = {"referenceCompany": reference, "syncId": sync.sync_id}
    if transactions:
        payload["transactions"] = _transactions(sync)
    return msgspec.json.encode(
        {
            "id": event_id,
            "eventType": event_type,
            "generatedDate": f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "payload": payload,
        }
    )


def _transactions(sync: Sync) -> list[dict[str, Any]]:
    legs: dict[str, list[SyncedRow]] = {}
    for row in sync.rows:
        legs.setdefault(row.transaction_id, []).append(row)
    return [_transaction(name, rows) for name, rows in legs.items()]


def _transaction(name: str, rows: list[SyncedRow]) -> dict[str, Any]:
    worst = min(rows, key=lambda row: _WORST_FIRST.index(row.status))
    return {
        "id": name,
        "status": _WORDS[worst.status],
        "errorMessage": None if worst.status == "Completed" else worst.message,
    }


def legacy(
    rule_type: str,
    sync: Sync,
    *,
    alert_id: str,
    rule_id: str | None,
    client_id: str,
    client_name: str,
) -> bytes:
    """Return a body of the rules service; without a rule's id, the interim one's.

    Source: Codat's blog, 2024-03-20: the rule's id is unpopulated after the migration.
    """
    # The one stage that is published; a sync that ends earlier names none.
    pushing = rule_type == FAILED and sync.code == 5130
    data = {"syncId": sync.sync_id, "syncType": "Expense"}
    if pushing:
        data["FailureStage"] = "Pushing"
    body = {
        "AlertId": alert_id,
        "RuleId": rule_id,
        "RuleType": rule_type,
        "ClientId": client_id,
        "ClientName": client_name,
        "CompanyId": sync.company_id,
        "Message": (
            f"Sync {sync.sync_id} for company {sync.company_id} of type Expense"
            f" {_became(rule_type, sync, pushing=pushing)}."
        ),
        "Data": data,
    }
    if rule_id is None:
        del body["RuleId"]
    return msgspec.json.encode(body)


def _became(rule_type: str, sync: Sync, *, pushing: bool) -> str:
    if rule_type == STARTED:
        return "has started"
    if rule_type == COMPLETED:
        well = sync.code in (2000, 2040)
        return "completed successfully" if well else "completed"
    return "has failed at step Pushing" if pushing else "has failed"
