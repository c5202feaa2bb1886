"""What has failed before a how-to begins: a store, and a Codat that is served."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import attrs
import httpx

from reconcile import CodatClient, Reconciler, create_expenses
from reconcile.sandbox import Sandbox
from reconcile.sandbox.scenarios import Scenario
from reconcile.sandbox.server import serving
from reconcile.sandbox.world import Company

COMPANY = "8cba59e5-ae8a-418b-918a-09f90850e8d8"
ANEW = "5f1d7e4a-93c6-4b0f-8f27-0a6c1e9b2d34"
LAG = timedelta(minutes=4)
"""So far the sandbox is behind the clock that commands read."""
SPEED = 2000
NIGHT = """name = "night"

[[quiet]]
begins = "22:00"
until = "06:00"
zone = "Europe/London"

[owner.accounting_software]
first_min = 30
"""
MERCHANTS = ("Rail & Co", "Harbour Hotel", "Night Bakery")


def january_expense(number: int, account: str = "travel") -> dict[str, Any]:
    """Return an expense of January by its number."""
    line = {"netAmount": 40 + number, "taxAmount": 0, "accountRef": {"id": account}}
    return {
        "id": f"{number:08d}-2222-4222-8222-222222222222",
        "type": "Payment",
        "issueDate": f"2026-01-{9 + number:02d}",
        "currency": "GBP",
        "merchantName": MERCHANTS[number % len(MERCHANTS)],
        "lines": [line],
    }


@attrs.frozen(kw_only=True)
class Desk:
    """A back office on a sandbox's clock."""

    codat: Sandbox
    books: Reconciler
    client: CodatClient
    folder: Path

    def company(self, company_id: str = COMPANY) -> Company:
        """Return a customer as the sandbox has it, one without a bank feed."""
        found = self.codat.companies.get(company_id) or self.codat.company(company_id)
        found.ledger.bank_feeds = False
        return found

    def send(self, numbers: Iterable[int], company_id: str = COMPANY) -> None:
        """Send expenses in one call, and read what becomes of them."""
        items = [january_expense(number) for number in numbers]
        dispatch = self.books.dispatch(self.client.ask, actor="night run")
        dispatch.send(create_expenses(company_id, items))
        self.codat.advance(timedelta(minutes=1))
        for status in self.client.statuses(company_id).data():
            self.client.sync_status(company_id, status["syncId"])
            list(self.client.transaction_pages(company_id, status["syncId"]))


def locked_period(desk: Desk) -> None:
    """Fail three expenses for a locked period, which the accountant opens then."""
    ledger = desk.company().ledger
    ledger.closed_until = date(2026, 1, 31)
    desk.send([1, 2, 3])
    ledger.closed_until = None


def archived_account(desk: Desk) -> None:
    """Fail one for an archived account; a file has it on another account."""
    desk.company().ledger.deleted_accounts.add("travel")
    desk.send([1])
    text = json.dumps([january_expense(1, "transport")], indent=2) + "\n"
    (desk.folder / "corrected.json").write_text(text)


def outage(desk: Desk) -> None:
    """Fail three for an outage, which is over in the morning."""
    desk.company()
    well = desk.codat.faults.scenario
    desk.codat.faults.scenario = Scenario(name="outage", broken=1)
    desk.send([1, 2, 3])
    desk.codat.faults.scenario = well
    (desk.folder / "retries.toml").write_text(NIGHT)


def reconnected(desk: Desk) -> None:
    """Fail two as the connection ended; they are sent to the company's new id."""
    desk.company().linked = False
    desk.send([1, 2])
    desk.company(ANEW)
    desk.send([1, 2], ANEW)


def by_hand(desk: Desk) -> None:
    """Fail two for a locked period that stays locked."""
    desk.company().ledger.closed_until = date(2026, 1, 31)
    desk.send([1, 2])


BEGINNINGS: Mapping[str, Callable[[Desk], None]] = {
    "retry-a-mended-cause": locked_period,
    "retry-corrected": archived_account,
    "retry-after-an-outage": outage,
    "retry-after-a-reconnect": reconnected,
    "retry-booked-by-hand": by_hand,
}
EVENING = datetime(2026, 2, 3, 21, tzinfo=UTC)


@contextmanager
def trouble(name: str, folder: Path) -> Iterator[Mapping[str, str]]:
    """Serve a Codat after what a page begins with; yield what commands are told."""
    begin = BEGINNINGS[name]
    here = datetime.now(UTC) - LAG
    codat = Sandbox(now=EVENING if begin is outage else here - timedelta(days=1))
    with (
        Reconciler.open(
            f"sqlite:///{folder / 'reconcile.db'}", now=lambda: codat.now
        ) as books,
        httpx.Client(transport=codat.transport()) as http,
    ):
        client = CodatClient(
            http, api_keys="key", record=books.record, now=lambda: codat.now
        )
        begin(Desk(codat=codat, books=books, client=client, folder=folder))
    codat.advance(here - codat.now)
    with account(codat) as environment:
        yield environment


@contextmanager
def account(codat: Sandbox) -> Iterator[Mapping[str, str]]:
    """Serve a Codat whose syncs end at once; yield what commands are told of it."""
    with serving(codat, speed=SPEED) as url:
        yield {"CODAT_API_KEY": "key", "CODAT_BASE_URL": url}
