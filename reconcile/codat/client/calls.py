"""Every call by its name, for the sync and the async client alike.

`T` is what asking returns: an answer, or one to await.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from reconcile.codat import requests
from reconcile.codat.client.quota import Priority
from reconcile.codat.requests import Request

T = TypeVar("T")


class Endpoints(ABC, Generic[T]):
    """The calls of both dialects; `key` is an idempotency key, a GUID of the caller's.

    Each returns an answer that accepts or refuses, and raises `CodatUnavailable` where
    none came: `ask` says more.
    """

    @abstractmethod
    def ask(self, request: Request, *, priority: Priority | None = None) -> T:
        """Return the answer to a request."""

    # Writes of v1

    def push_dataset(
        self, company_id: str, items: Sequence[object], *, key: str | None = None
    ) -> T:
        """Push 1 to 50 expenses as a dataset; the answer names a `datasetId`."""
        return self.ask(requests.push_dataset(company_id, items).under(key))

    def start_sync(
        self, company_id: str, dataset_ids: Iterable[str], *, key: str | None = None
    ) -> T:
        """Start a sync of datasets; the answer names a `syncId`."""
        return self.ask(requests.start_sync(company_id, dataset_ids).under(key))

    # Writes of the current API

    def create_expenses(
        self, company_id: str, items: Sequence[object], *, key: str | None = None
    ) -> T:
        """Create 1 to 50 expenses; the answer names a `syncId`, as in all below."""
        return self.ask(requests.create_expenses(company_id, items).under(key))

    def create_adjustments(
        self, company_id: str, items: Sequence[object], *, key: str | None = None
    ) -> T:
        """Create 1 to 50 adjustments."""
        return self.ask(requests.create_adjustments(company_id, items).under(key))

    def create_reimbursables(
        self, company_id: str, items: Sequence[object], *, key: str | None = None
    ) -> T:
        """Create 1 to 50 reimbursable expenses."""
        return self.ask(requests.create_reimbursables(company_id, items).under(key))

    def update_expense(
        self, company_id: str, transaction_id: str, expense: object
    ) -> T:
        """Update an expense (both dialects)."""
        return self.ask(requests.update_expense(company_id, transaction_id, expense))

    def put_transfer(self, company_id: str, transaction_id: str, transfer: object) -> T:
        """Create or update a transfer."""
        return self.ask(requests.put_transfer(company_id, transaction_id, transfer))

    def update_reimbursable(
        self, company_id: str, transaction_id: str, expense: object
    ) -> T:
        """Update a reimbursable expense."""
        return self.ask(
            requests.update_reimbursable(company_id, transaction_id, expense)
        )

    def attach(
        self,
        company_id: str,
        sync_id: str,
        transaction_id: str,
        *,
        name: str,
        content: bytes,
        media_type: str = "application/octet-stream",
        key: str | None = None,
    ) -> T:
        """Upload a receipt; the answer names its `id`, and no sync."""
        request = requests.attach(
            company_id,
            sync_id,
            transaction_id,
            name=name,
            content=content,
            media_type=media_type,
        )
        return self.ask(request.under(key))

    # Reads

    def sync_status(
        self, company_id: str, sync_id: str, *, priority: Priority | None = None
    ) -> T:
        """Ask how a sync stands."""
        return self.ask(requests.sync_status(company_id, sync_id), priority=priority)

    def latest_status(self, company_id: str, *, priority: Priority | None = None) -> T:
        """Ask how the sync requested last stands."""
        return self.ask(requests.latest_status(company_id), priority=priority)

    def last_successful_status(
        self, company_id: str, *, priority: Priority | None = None
    ) -> T:
        """Ask which sync ended well last."""
        return self.ask(requests.last_successful_status(company_id), priority=priority)

    def statuses(self, company_id: str, *, priority: Priority | None = None) -> T:
        """Ask how every sync of a company stands."""
        return self.ask(requests.statuses(company_id), priority=priority)

    def transaction(
        self,
        company_id: str,
        sync_id: str,
        transaction_id: str,
        *,
        priority: Priority | None = None,
    ) -> T:
        """Ask what a sync says of one transaction."""
        asked = requests.transaction(company_id, sync_id, transaction_id)
        return self.ask(asked, priority=priority)

    def company(self, company_id: str) -> T:
        """Ask for one company and its connections."""
        return self.ask(requests.company(company_id))

    def webhook_consumers(self) -> T:
        """Ask which consumers of webhooks the account has."""
        return self.ask(requests.webhook_consumers())
