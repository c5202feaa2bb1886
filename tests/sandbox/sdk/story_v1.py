"""A v1 story in the words of Codat's SDK, run by its own Python.

Prints, as one JSON object, what the SDK's own models made of each answer.
"""

import json
import sys
import time
from decimal import Decimal
from typing import Any

# The SDK is in an environment of its own; see environments.py.
from codatsyncexpenses import (  # type: ignore[import-not-found]
    CodatSyncExpenses,
)
from codatsyncexpenses.models import (  # type: ignore[import-not-found]
    errors,
    operations,
    shared,
)
from codatsyncexpenses.utils.retries import (  # type: ignore[import-not-found]
    RetryConfig,
)

POLLS_MAX = 200
POLL_WAIT_S = 0.05


def main(url: str, company_id: str, transaction_ids: list[str]) -> dict[str, Any]:
    """Tell the story of one company whose transactions are synced, then one updated."""
    sdk = CodatSyncExpenses(
        security=shared.Security(auth_header="Basic c2VjcmV0"),
        server_url=url,
        retry_config=RetryConfig("none", None, False),  # fail, do not wait
    )
    result: dict[str, Any] = {"setting up": set_up(sdk, company_id)}
    dataset_id = push(sdk, company_id, transaction_ids)
    sync_id, refused_with = start(sdk, company_id, dataset_id)
    result["dataset"] = dataset_id
    result["sync"] = sync_id
    result["starting looks to the SDK like"] = refused_with
    result["statuses"] = statuses(sdk, company_id, sync_id)
    result["page"] = page(sdk, company_id, sync_id)
    result["rows"] = rows(sdk, company_id, sync_id, transaction_ids[0])
    result["attachment"] = attach(sdk, company_id, sync_id, transaction_ids[0])
    result["update"] = update(sdk, company_id, transaction_ids[0])
    result["refusal"] = refusal(sdk, company_id)
    return result


def set_up(sdk: Any, company_id: str) -> dict[str, Any]:
    """Configure the company; return what the SDK read of it."""
    sdk.connections.create_partner_expense_connection(
        operations.CreatePartnerExpenseConnectionRequest(company_id=company_id)
    )
    sdk.configuration.save_company_configuration(
        operations.SaveCompanyConfigurationRequest(
            company_id=company_id,
            company_configuration=shared.CompanyConfiguration(
                bank_account=shared.BankAccount(id="bank-7"),
                customer=shared.Customer(id="customer-7"),
                supplier=shared.Supplier(id="supplier-7"),
            ),
        )
    )
    recorded = sdk.configuration.get_company_configuration(
        operations.GetCompanyConfigurationRequest(company_id=company_id)
    ).company_configuration
    options = sdk.mapping_options.get_mapping_options(
        operations.GetMappingOptionsRequest(company_id=company_id)
    ).mapping_options
    return {
        "bank account": recorded.bank_account.id,
        "account types": [account.account_type.value for account in options.accounts],
    }


def push(sdk: Any, company_id: str, transaction_ids: list[str]) -> str:
    """Push a dataset; return its id."""
    items = [
        shared.ExpenseTransaction(
            id=item,
            type=shared.Type.PAYMENT,
            issue_date="2026-01-04T00:00:00+00:00",
            currency="GBP",
            currency_rate=Decimal(1),
            merchant_name="Amazon UK",
            contact_ref=shared.ContactRef(
                id="supplier-7", contact_type=shared.ContactType.SUPPLIER
            ),
            lines=[line("110.42")],
        )
        for item in transaction_ids
    ]
    created = sdk.expenses.create_expense_dataset(
        operations.CreateExpenseDatasetRequest(
            company_id=company_id,
            create_expense_request=shared.CreateExpenseRequest(items=items),
        )
    )
    return str(created.create_expense_response.dataset_id)


def line(net: str) -> Any:
    """Return a line of an expense."""
    return shared.ExpenseTransactionLine(
        account_ref=shared.RecordRef(id="account-1"),
        net_amount=Decimal(net),
        tax_amount=Decimal("14.43"),
    )


def start(sdk: Any, company_id: str, dataset_id: str) -> tuple[str, list[Any]]:
    """Start a sync; return its id, and how the SDK puts it.

    The file this SDK was generated from lists no success of this call, so the SDK takes
    every one for an error; what came is in it.
    """
    asked = operations.InitiateSyncRequest(
        company_id=company_id, post_sync=shared.PostSync(dataset_ids=[dataset_id])
    )
    try:
        sdk.sync.initiate_sync(asked)
    except errors.SDKError as error:
        return json.loads(error.body)["syncId"], [error.message, error.status_code]
    raise RuntimeError("The SDK has learned of a success.")


def statuses(sdk: Any, company_id: str, sync_id: str) -> dict[str, Any]:
    """Wait for a sync's end; return it as each of the four reads tells it."""
    by_id = ended(sdk, company_id, sync_id)
    latest = sdk.sync_status.get_latest_sync(
        operations.GetLatestSyncRequest(company_id=company_id)
    )
    successful = sdk.sync_status.get_last_successful_sync(
        operations.GetLastSuccessfulSyncRequest(company_id=company_id)
    )
    listed = sdk.sync_status.list_syncs(
        operations.ListSyncsRequest(company_id=company_id)
    )
    return {
        "by id": plain(by_id),
        "latest": plain(latest.company_sync_status),
        "last successful": plain(successful.company_sync_status),
        "list": [plain(item) for item in listed.classes],
    }


def ended(sdk: Any, company_id: str, sync_id: str) -> Any:
    """Return a sync's status once it is no longer in progress."""
    asked = operations.GetSyncByIDRequest(company_id=company_id, sync_id=sync_id)
    for _ in range(POLLS_MAX):
        found = sdk.sync_status.get_sync_by_id(asked).company_sync_status
        if found.sync_status_code not in (1000, 1010):
            return found
        time.sleep(POLL_WAIT_S)
    raise RuntimeError(f"The sync did not end: {found}")


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


def page(sdk: Any, company_id: str, sync_id: str) -> dict[str, Any]:
    """Return the second page of a sync's rows, one row to a page."""
    found = sdk.transaction_status.list_sync_transactions(
        operations.ListSyncTransactionsRequest(
            company_id=company_id, sync_id=sync_id, page=2, page_size=1
        )
    ).transaction_metadata_list
    return {
        "number": found.page_number,
        "size": found.page_size,
        "total": found.total_results,
        "rows": [row(result) for result in found.results],
        "self": found.links.self_.href,
        "current": found.links.current.href,
        "previous": found.links.previous.href,
    }


def rows(
    sdk: Any, company_id: str, sync_id: str, transaction_id: str
) -> list[list[str]]:
    """Return one transaction's rows."""
    found = sdk.transaction_status.get_sync_transaction(
        operations.GetSyncTransactionRequest(
            company_id=company_id, sync_id=sync_id, transaction_id=transaction_id
        )
    )
    return [row(item) for item in found.classes]


def row(found: Any) -> list[str]:
    """Return a row as its words; the SDK has made sure that it knows them."""
    return [found.transaction_id, found.status.value, found.integration_type.value]


def attach(
    sdk: Any, company_id: str, sync_id: str, transaction_id: str
) -> dict[str, Any]:
    """Upload a receipt; return what the SDK read of it."""
    receipt = shared.CodatFile(content=b"%PDF-1.7 a receipt", file_name="receipt.pdf")
    found = sdk.expenses.upload_attachment(
        operations.UploadAttachmentRequest(
            company_id=company_id,
            sync_id=sync_id,
            transaction_id=transaction_id,
            attachment_upload=shared.AttachmentUpload(file=receipt),
        )
    ).attachment
    return {
        "id": found.id,
        "company": found.company_id,
        "transaction": found.transaction_id,
    }


def update(sdk: Any, company_id: str, transaction_id: str) -> dict[str, Any]:
    """Update a transaction; return the end of the sync that makes."""
    created = sdk.expenses.update_expense_dataset(
        operations.UpdateExpenseDatasetRequest(
            company_id=company_id,
            transaction_id=transaction_id,
            update_expense_request=shared.UpdateExpenseRequest(
                type="Payment",
                issue_date="2026-01-04T00:00:00+00:00",
                currency="GBP",
                lines=[line("99.99")],
            ),
        )
    ).object
    return {
        "status": plain(ended(sdk, company_id, created.sync_id)),
        "rows": rows(sdk, company_id, created.sync_id, transaction_id),
    }


def refusal(sdk: Any, company_id: str) -> dict[str, Any]:
    """Push a dataset that cannot be taken; return what the SDK read of the refusal."""
    asked = operations.CreateExpenseDatasetRequest(
        company_id=company_id,
        create_expense_request=shared.CreateExpenseRequest(
            items=[
                shared.ExpenseTransaction(
                    id="4d7c6929-7770-412b-91bb-44d3bc71d111",
                    type=shared.Type.PAYMENT,
                    issue_date="2026-01-04T00:00:00+00:00",
                    currency="GBP",
                    lines=[line("5000001")],
                )
            ]
        ),
    )
    try:
        sdk.expenses.create_expense_dataset(asked)
    except errors.ErrorMessage as error:
        return {
            "code": error.status_code,
            "places": [item.item_id for item in error.validation.errors],
        }
    raise RuntimeError("An amount out of range was taken.")


if __name__ == "__main__":
    json.dump(main(sys.argv[1], sys.argv[2], sys.argv[3:]), sys.stdout)
