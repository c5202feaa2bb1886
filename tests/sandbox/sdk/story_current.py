"""A story of the current API in the words of Codat's SDK, run by its own Python.

Prints, as one JSON object, what the SDK's own models made of each answer.
"""

import json
import sys
import time
from typing import Any

# The SDK is in an environment of its own; see environments.py.
from codat_sync_for_expenses import (  # type: ignore[import-not-found]
    CodatSyncExpenses,
)
from codat_sync_for_expenses.models import (  # type: ignore[import-not-found]
    errors,
    shared,
)
from codat_sync_for_expenses.utils import (  # type: ignore[import-not-found]
    RetryConfig,
)

POLLS_MAX = 200
POLL_WAIT_S = 0.05


def main(url: str, company_id: str, transaction_ids: list[str]) -> dict[str, Any]:
    """Tell of one transaction of each kind: created, synced, and some updated."""
    expense, transfer, adjustment, reimbursable = transaction_ids
    with CodatSyncExpenses(
        security=shared.Security(auth_header="Basic c2VjcmV0"),
        server_url=url,
        retry_config=RetryConfig(strategy="none"),  # fail, do not wait
    ) as sdk:
        story = Story(sdk, company_id)
        result: dict[str, Any] = {"setting up": story.set_up()}
        result["expense"] = story.follow(story.create_expense(expense), expense)
        result["statuses"] = story.statuses(result["expense"]["status"]["sync"])
        result["page"] = story.page(result["expense"]["status"]["sync"])
        result["attachment"] = story.attach(
            result["expense"]["status"]["sync"], expense
        )
        result["transfer"] = story.follow(story.put_transfer(transfer), transfer)
        result["adjustment"] = story.follow(story.adjust(adjustment), adjustment)
        result["reimbursable"] = story.follow(
            story.create_reimbursable(reimbursable), reimbursable
        )
        result["updates"] = {
            "expense": story.follow(story.update_expense(expense), expense),
            "transfer": story.follow(story.put_transfer(transfer), transfer),
            "reimbursable": story.follow(
                story.update_reimbursable(reimbursable), reimbursable
            ),
        }
        result["refusals"] = story.refusals()
        return result


class Story:
    """What happens, as one company's calls."""

    def __init__(self, sdk: Any, company_id: str) -> None:
        self.sdk = sdk
        self.company = {"company_id": company_id}

    def set_up(self) -> dict[str, Any]:
        """Configure the company; return what the SDK read of it."""
        recorded = self.sdk.configuration.set(
            request={
                **self.company,
                "company_configuration": {
                    "bank_account": {"id": "bank-7"},
                    "supplier": {"id": "supplier-7"},
                    "customer": {"id": "customer-7"},
                },
            }
        )
        options = self.sdk.mapping_options.get_mapping_options(request=self.company)
        return {
            "bank account": recorded.bank_account.id,
            "account types": [
                account.account_type.value for account in options.accounts
            ],
        }

    def create_expense(self, transaction_id: str) -> str:
        """Create an expense; return the id of its sync."""
        item = {"id": transaction_id, **EXPENSE, "lines": [line(110.42)]}
        created = self.sdk.expenses.create(
            request={**self.company, "request_body": [item]},
            http_headers={"Idempotency-Key": transaction_id},
        )
        return str(created.sync_id)

    def update_expense(self, transaction_id: str) -> str:
        """Update an expense; return the id of the sync that makes."""
        created = self.sdk.expenses.update(
            request={
                **self.company,
                "transaction_id": transaction_id,
                "update_expense_request": {**EXPENSE, "lines": [line(99.99)]},
            }
        )
        return str(created.sync_id)

    def put_transfer(self, transaction_id: str) -> str:
        """Create a transfer, or update it; return the id of its sync."""
        created = self.sdk.transfers.create(
            request={
                **self.company,
                "transaction_id": transaction_id,
                "transfer_transaction_request": {
                    "date_": "2026-01-04T00:00:00+00:00",
                    "from_": {"account_ref": {"id": "bank-7"}, "amount": 100},
                    "to": {"account_ref": {"id": "bank-8"}, "amount": 100},
                },
            }
        )
        return str(created.sync_id)

    def adjust(self, transaction_id: str) -> str:
        """Create an adjustment; return the id of its sync."""
        item = {
            "id": transaction_id,
            "date_": "2026-01-04T00:00:00+00:00",
            "currency": "GBP",
            "lines": [
                {"amount": 10, "account_ref": {"id": "account-1"}},
                {"amount": -10, "account_ref": {"id": "account-1"}},
            ],
        }
        created = self.sdk.adjustments.create(
            request={**self.company, "request_body": [item]}
        )
        return str(created.sync_id)

    def create_reimbursable(self, transaction_id: str) -> str:
        """Create a reimbursable expense; return the id of its sync."""
        item = {"id": transaction_id, **REIMBURSABLE, "lines": [line(42)]}
        created = self.sdk.reimbursements.create(
            request={**self.company, "request_body": [item]}
        )
        return str(created.sync_id)

    def update_reimbursable(self, transaction_id: str) -> str:
        """Update a reimbursable expense; return the id of the sync that makes."""
        created = self.sdk.reimbursements.update(
            request={
                **self.company,
                "transaction_id": transaction_id,
                "update_reimbursable_expense_transaction_request": {
                    **REIMBURSABLE,
                    "lines": [line(43)],
                },
            }
        )
        return str(created.sync_id)

    def follow(self, sync_id: str, transaction_id: str) -> dict[str, Any]:
        """Return how a sync ended, and what it says of a transaction."""
        ended = self.ended(sync_id)
        rows = self.sdk.transaction_status.get(
            request={
                **self.company,
                "sync_id": sync_id,
                "transaction_id": transaction_id,
            }
        )
        return {"status": plain(ended), "rows": [row(item) for item in rows]}

    def ended(self, sync_id: str) -> Any:
        """Return a sync's status once it is no longer in progress."""
        for _ in range(POLLS_MAX):
            found = self.sdk.sync.get(request={**self.company, "sync_id": sync_id})
            if found.sync_status_code not in (1000, 1010):
                return found
            time.sleep(POLL_WAIT_S)
        raise RuntimeError(f"The sync did not end: {found}")

    def statuses(self, sync_id: str) -> dict[str, Any]:
        """Return a sync as each of the four reads tells it."""
        by_id = self.sdk.sync.get(request={**self.company, "sync_id": sync_id})
        latest = self.sdk.sync.get_latest_sync(request=self.company)
        successful = self.sdk.sync.get_last_successful_sync(request=self.company)
        return {
            "by id": plain(by_id),
            "latest": plain(latest),
            "last successful": plain(successful),
            "list": [plain(item) for item in self.sdk.sync.list(request=self.company)],
        }

    def page(self, sync_id: str) -> dict[str, Any]:
        """Return the first page of a sync's rows, one row to a page."""
        found = self.sdk.transaction_status.list(
            request={**self.company, "sync_id": sync_id, "page": 1, "page_size": 1}
        )
        return {
            "number": found.page_number,
            "size": found.page_size,
            "total": found.total_results,
            "rows": [row(result) for result in found.results],
            "self": found.links.self_.href,
            "current": found.links.current.href,
            "next": found.links.next and found.links.next.href,
        }

    def attach(self, sync_id: str, transaction_id: str) -> dict[str, Any]:
        """Upload a receipt; return what the SDK read of it."""
        receipt = {"file_name": "receipt.pdf", "content": b"%PDF-1.7 a receipt"}
        found = self.sdk.attachments.upload(
            request={
                **self.company,
                "sync_id": sync_id,
                "transaction_id": transaction_id,
                "attachment_upload": {"file": receipt},
            }
        )
        return {
            "id": found.id,
            "company": found.company_id,
            "transaction": found.transaction_id,
        }

    def refusals(self) -> dict[str, Any]:
        """Return what the SDK read of two refusals: a bad amount, an unknown sync."""
        item = {"id": "refused", **EXPENSE, "lines": [line(5_000_001)]}
        unknown = "11111111-1111-4111-8111-111111111111"
        return {
            "amount": refusal(
                self.sdk.expenses.create, {**self.company, "request_body": [item]}
            ),
            "unknown sync": refusal(
                self.sdk.sync.get, {**self.company, "sync_id": unknown}
            ),
        }


EXPENSE = {
    "type": "Payment",
    "issue_date": "2026-01-04T00:00:00+00:00",
    "currency": "GBP",
    "merchant_name": "Amazon UK",
    "contact_ref": {"id": "supplier-7", "type": "Supplier"},
    "bank_account_ref": {"id": "bank-7"},
}
REIMBURSABLE = {
    "contact_ref": {"id": "supplier-7"},
    "issue_date": "2026-01-04T00:00:00+00:00",
    "due_date": "2026-02-04T00:00:00+00:00",
    "currency": "GBP",
}


def line(net: float) -> dict[str, Any]:
    """Return a line of an expense."""
    return {"net_amount": net, "tax_amount": 0, "account_ref": {"id": "account-1"}}


def plain(status: Any) -> dict[str, Any]:
    """Return the fields of a status that a story is about."""
    return {
        "company": status.company_id,
        "sync": status.sync_id,
        "code": status.sync_status_code,
        "text": status.sync_status,
        "pushed": status.data_pushed,
        "error": status.error_message,
        "at": status.sync_utc,
    }


def row(found: Any) -> list[str]:
    """Return a row as its words; the SDK has made sure that it knows them."""
    return [found.transaction_id, found.status.value, found.integration_type.value]


def refusal(call: Any, request: dict[str, Any]) -> dict[str, Any]:
    """Return what the SDK read of a call's refusal."""
    try:
        call(request=request)
    except errors.ErrorMessage as error:
        found = error.data
        return {
            "code": found.status_code,
            "can be retried": found.can_be_retried,
            "places": [item.item_id for item in found.validation.errors]
            if found.validation
            else None,
        }
    raise RuntimeError(f"This was taken: {request}")


if __name__ == "__main__":
    json.dump(main(sys.argv[1], sys.argv[2], sys.argv[3:]), sys.stdout)
