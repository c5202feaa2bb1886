"""What the sandbox holds: companies with their connections, datasets and syncs."""

from datetime import date, datetime
from typing import Any, Literal

import attrs

Kind = Literal["expense", "transfer", "adjustment", "reimbursable"]
EXPENSE_LEG = "expense"
BANK_LEG = "bankfeeds"


@attrs.frozen(kw_only=True)
class Transaction:
    """One transaction as it was sent; `given` is its JSON."""

    transaction_id: str
    kind: Kind
    given: dict[str, Any]
    update: bool = False

    @property
    def currency(self) -> str | None:
        """Return its currency, None where it names none."""
        return self.given.get("currency")

    @property
    def issued(self) -> date | None:
        """Return the day it is booked on, None where it names none we can read."""
        text = self.given.get("issueDate") or self.given.get("date")
        try:
            return date.fromisoformat(str(text)[:10])
        except ValueError:
            return None

    @property
    def accounts(self) -> set[str]:
        """Return the ids of every account its lines name."""
        lines = [*(self.given.get("lines") or ()), self.given.get("from")]
        refs = [line.get("accountRef") for line in lines if isinstance(line, dict)]
        return {str(ref["id"]) for ref in refs if isinstance(ref, dict) and "id" in ref}


@attrs.define(kw_only=True)
class SyncedRow:
    """One leg of one transaction in one sync, in Codat's words."""

    transaction_id: str
    leg: str
    status: str = "Pending"
    message: str | None = None


@attrs.define(kw_only=True)
class Sync:
    """One sync from its request to its end."""

    sync_id: str
    company_id: str
    origin: Literal["datasets", "create", "update", "portal"]
    transactions: tuple[Transaction, ...]
    requested_at: datetime
    code: int = 1000
    status: str = "NotStarted"
    error: str = ""
    exception: str = ""
    pushed: bool = False
    rows: list[SyncedRow] = attrs.field(factory=list)
    started_at: datetime | None = None
    ended_at: datetime | None = None


@attrs.define(kw_only=True)
class Ledger:
    """How the company's accounting software stands: all that can make a write fail."""

    platform: str = "Xero"
    base_currency: str = "GBP"
    multi_currency: bool = True
    bank_feeds: bool = True  # expenses also appear on the bank's feed
    bank_feed_taken: bool = False  # by another bank account: the page's 409
    closed_until: date | None = None
    deleted_accounts: set[str] = attrs.field(factory=set)
    billing_expired: bool = False


@attrs.define(kw_only=True)
class Company:
    """One company."""

    company_id: str
    name: str
    created_at: datetime
    ledger: Ledger = attrs.field(factory=Ledger)
    linked: bool = True  # False: de-authorised
    deleted: bool = False
    config: dict[str, Any] | None = None
    connections: list[dict[str, Any]] = attrs.field(factory=list)
    datasets: dict[str, tuple[Transaction, ...]] = attrs.field(factory=dict)
    syncs: dict[str, Sync] = attrs.field(factory=dict)  # in order of request
    processed: set[str] = attrs.field(factory=set)  # ids that duplicates are known by
    attachments: list[tuple[str, str, str]] = attrs.field(factory=list)

    @property
    def running(self) -> Sync | None:
        """Return the first sync that has not ended."""
        return next((s for s in self.syncs.values() if s.ended_at is None), None)
