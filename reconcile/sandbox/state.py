"""Everything one sandbox is made of, as its handlers reach it."""

from datetime import datetime

import attrs

from reconcile.sandbox.books import Books
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.engine import Engine
from reconcile.sandbox.faults import Faults
from reconcile.sandbox.refusals import RefusedError
from reconcile.sandbox.settings import Settings
from reconcile.sandbox.webhooks import Webhooks
from reconcile.sandbox.world import Company, Ledger, Sync


@attrs.define(kw_only=True)
class State:
    """The companies, and all that acts on them."""

    settings: Settings
    clock: Clock
    chance: Chance
    books: Books
    engine: Engine
    webhooks: Webhooks
    faults: Faults
    companies: dict[str, Company] = attrs.field(factory=dict)

    def company(self, company_id: str) -> Company:
        """Return a company; unless strict, one that nobody created springs into being.

        Raises:
            RefusedError: there is none.

        """
        company = self.companies.get(company_id)
        if company is not None and not company.deleted:
            return company
        if company is not None or self.settings.strict:
            raise RefusedError(404, f"Company {company_id} was not found.")
        return self.create(company_id, f"Company {company_id[:8]}")

    def create(
        self, company_id: str, name: str, ledger: Ledger | None = None
    ) -> Company:
        """Return a new company, linked and configured."""
        company = Company(
            company_id=company_id, name=name, created_at=self.clock.now, config=CONFIG
        )
        if ledger is not None:
            company.ledger = ledger
        company.connections.append(self.connection(company, company.ledger.platform))
        self.faults.of_company(company)
        self.companies[company_id] = company
        return company

    def connection(self, company: Company, platform: str) -> dict[str, object]:
        """Return a linked connection of a company."""
        connection_id = self.chance.uuid("connection")
        return {
            "id": connection_id,
            "integrationId": self.chance.uuid("integration"),
            "integrationKey": "gbol",
            "sourceId": self.chance.uuid("source"),
            "sourceType": "Accounting",
            "platformName": platform,
            "linkUrl": f"https://link-api.codat.io/companies/{company.company_id}",
            "status": "Linked",
            "created": instant(self.clock.now),
            "lastSync": instant(self.clock.now),
        }

    def sync(self, company_id: str, sync_id: str) -> tuple[Company, Sync]:
        """Return a company's sync.

        Raises:
            RefusedError: there is none.

        """
        company = self.company(company_id)
        sync = company.syncs.get(sync_id)
        if sync is None:
            raise RefusedError(404, f"Sync {sync_id} was not found.")
        return company, sync


CONFIG = {
    "bankAccount": {"id": "bank-1"},
    "supplier": {"id": "supplier-1"},
    "customer": {"id": "customer-1"},
}


def instant(moment: datetime) -> str:
    """Return a time as Codat writes it: seven fractional digits."""
    return f"{moment:%Y-%m-%dT%H:%M:%S.%f}0Z"
