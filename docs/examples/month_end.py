"""A month of expenses through the sandbox, with what goes wrong at a month's end.

    python docs/examples/month_end.py STORE

Three companies send their expenses week by week, hear webhooks, and read statuses and
pages; what arrived is taken in week by week; the books of the sandbox are not.
"""

import json
import random
import sys
from datetime import UTC, datetime, timedelta

import httpx

from reconcile import Exchange, Reconciler
from reconcile.sandbox import Delivery, Sandbox, Settings, scenario

HOST = "https://api.codat.io"
JANUARY = datetime(2026, 1, 1, 8, tzinfo=UTC)
MERCHANTS = ("Rail & Co", "Harbour Hotel", "Night Bakery", "City Cabs", "Paper Works")


class Office:
    """A back office with three companies; what it captures goes into the store."""

    def __init__(self, sandbox: Sandbox, books: Reconciler) -> None:
        self.sandbox = sandbox
        self.books = books
        self.captured: list[Exchange] = []
        self.sent = self.taken_in = 0
        self._chance = random.Random(2026)
        self._client = httpx.Client(base_url=HOST, transport=sandbox.transport())

    def live(self) -> None:
        """Send, listen and read for a month, and take in what arrived each week."""
        companies = [self.sandbox.company().company_id for _ in range(3)]
        for company_id in companies:
            self.sandbox.webhooks.subscribe_callable(self.hear, company_id=company_id)
        for _ in range(4):
            for company_id in companies:
                self.week(company_id)
            self.take_in()
            self.sandbox.advance(timedelta(days=7))
        for company_id in companies:
            self.read_all(company_id)
        self.take_in()
        self.sandbox.advance(timedelta(days=3))

    def take_in(self) -> None:
        """Hand over to the store what arrived since the last time."""
        self.books.ingest(self.captured)
        self.taken_in += len(self.captured)
        self.captured.clear()

    def week(self, company_id: str) -> None:
        """Send a week's expenses, and look at their sync a little later."""
        expenses = [self.expense() for _ in range(self._chance.randint(8, 14))]
        self.sent += len(expenses)
        answer = self.call("POST", f"{_at(company_id)}/expense-transactions", expenses)
        self.sandbox.advance(timedelta(minutes=1))
        if answer:
            self.read(company_id, answer["syncId"])

    def expense(self) -> dict[str, object]:
        """Return one expense of these days."""
        chance, now = self._chance, self.sandbox.now
        line = {
            "netAmount": chance.randint(300, 90_000) / 100,
            "taxAmount": 0,
            "accountRef": {"id": f"account-{chance.randint(1, 4)}"},
        }
        return {
            "id": self.sandbox.chance.uuid("expense"),
            "type": "Payment",
            "issueDate": f"{now - timedelta(days=chance.randint(0, 6)):%Y-%m-%d}",
            "currency": chance.choice(("GBP", "GBP", "GBP", "EUR")),
            "merchantName": chance.choice(MERCHANTS),
            "lines": [line],
        }

    def read(self, company_id: str, sync_id: str) -> None:
        """Read one sync's status and its pages."""
        sync = f"{_at(company_id)}/syncs/{sync_id}"
        self.call("GET", f"{sync}/status")
        page, more = 1, True
        while more:
            answer = self.call("GET", f"{sync}/transactions?page={page}&pageSize=20")
            more = bool(answer) and page * 20 < answer["totalResults"]
            page += 1

    def read_all(self, company_id: str) -> None:
        """Read every sync of the company, also those without a webhook."""
        for sync in self.call("GET", f"{_at(company_id)}/syncs/list/status") or ():
            self.read(company_id, sync["syncId"])

    def hear(self, delivery: Delivery) -> int:
        """Keep a webhook before answering it."""
        self.keep("POST", "https://office.example/codat", delivery.body, 204, None)
        return 204

    def call(self, method: str, path: str, body: object = None) -> dict[str, object]:
        """Return an answer's JSON, empty where none arrived; capture the exchange."""
        sent = None if body is None else json.dumps(body).encode()
        try:
            answer = self._client.request(method, path, content=sent)
        except httpx.TransportError:
            self.keep(method, HOST + path, sent, 0, None)
            return {}
        self.keep(method, HOST + path, sent, answer.status_code, answer.content)
        return answer.json() if answer.is_success else {}

    def keep(
        self, method: str, url: str, sent: bytes | None, status: int, got: bytes | None
    ) -> None:
        """Capture one exchange or delivery."""
        self.captured.append(
            Exchange(
                method=method,
                url=url,
                request_body=sent,
                status=status,
                response_body=got,
                observed_at=self.sandbox.now,
            )
        )


def _at(company_id: str) -> str:
    return f"/companies/{company_id}/sync/expenses"


def codat() -> Sandbox:
    """Return the Codat of January: three companies, and what goes wrong with each."""
    return Sandbox(
        scenario=scenario("month-end"),
        settings=Settings(integration_type="expense"),
        seed=0,
        now=JANUARY,
    )


def lived(store: str, sandbox: Sandbox) -> Office:
    """Return an office that has lived the month, with its history in a store."""
    with Reconciler.open(store, now=lambda: sandbox.now) as books:
        office = Office(sandbox, books)
        office.live()
    return office


def main(store: str) -> None:
    """Live a month, and say what was sent."""
    sandbox = codat()
    office = lived(store, sandbox)
    syncs = sum(len(company.syncs) for company in sandbox.companies.values())
    print(f"{office.sent} expenses of 3 companies sent in January, in {syncs} syncs;")
    print(f"{office.taken_in} exchanges and webhooks captured.")


if __name__ == "__main__":
    main(sys.argv[1])
