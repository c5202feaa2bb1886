"""The traffic of every benchmark: a real month, as HAR lines in the order of time.

Every sync has its create call of 50 expenses (in every tenth company a push and the
start of a sync, as in v1), a webhook with a row for each, a status, and a page of 100
legs, two an expense. One expense in ten fails, with the page's kind of message; half of
those are sent again in the company's next call.
"""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

COMPANIES = 200
EXPENSES = 50
LEGS = 2 * EXPENSES
"""Of one sync; the page that lists it holds them all."""
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAYS = 30
LATER = START + timedelta(days=DAYS + 2)
"""When all of the month is over, and nothing waits any more."""
_MESSAGE = (
    "An error occurred in a downstream service. Correlation ID: {}. Message:  Feed "
    "Connection failed(409): The AccountToken, AccountId or AccountNumber is already "
    "connected to another Xero Bank Account in the selected Xero Organization."
)
_KINDS = ("Payment", "Payment", "Payment", "Payment", "Refund", "Chargeback")
_MERCHANTS = ("Amazon UK", "Travelodge", "Pret A Manger", "Shell", "Trainline", "Uber")
_TAXES = ("NON", "OUTPUT2", "ZERORATEDINPUT")


def month(legs: int) -> Iterator[bytes]:
    """Yield the captured lines of a month of so many legs, of up to 200 companies."""
    chance = random.Random(legs)
    syncs = max(1, legs // LEGS)
    companies = [uuid_of(chance) for _ in range(max(1, min(COMPANIES, syncs // 5)))]
    again: dict[str, list[dict[str, Any]]] = {}
    for number in range(syncs):
        place = number % len(companies)
        begin = START + timedelta(days=DAYS) * number / syncs
        sync = _Sync(chance, companies[place], begin, again.get(companies[place], []))
        yield from sync.lines(v1=place % 10 == 9)
        again[companies[place]] = sync.failed[::2]


class _Sync:
    """One sync, from the call to the page; `failed` are the expenses that did."""

    def __init__(
        self,
        chance: random.Random,
        company: str,
        begin: datetime,
        again: list[dict[str, Any]],
    ) -> None:
        self._chance = chance
        self._begin = begin
        self._company = company
        self._id = uuid_of(chance)
        fresh = EXPENSES - len(again)
        self._expenses = [*again, *(expense(chance, begin) for _ in range(fresh))]
        self._messages = {
            each["id"]: _MESSAGE.format(uuid_of(chance))
            for each in self._expenses
            if chance.random() < 0.1
        }
        self.failed = [each for each in self._expenses if each["id"] in self._messages]

    def lines(self, *, v1: bool) -> Iterator[bytes]:
        """Yield what was captured of it."""
        base = f"https://api.codat.io/companies/{self._company}/sync/expenses"
        listed = f"{base}/syncs/{self._id}"
        if v1:
            dataset = uuid_of(self._chance)
            items = {"items": self._expenses}
            pushed = {"datasetId": dataset}
            yield self._line(0, f"{base}/data/expense-transactions", pushed, items)
            named = {"datasetIds": [dataset]}
            yield self._line(1, f"{base}/syncs", {"syncId": self._id}, named, 202)
        else:
            accepted = {"syncId": self._id}
            created = f"{base}/expense-transactions"
            yield self._line(0, created, accepted, self._expenses, 202)
        yield self._webhook(40)
        yield self._line(41, f"{listed}/status", self._status())
        yield self._line(42, f"{listed}/transactions?page=1&pageSize=100", self._page())

    def _line(
        self, second: int, url: str, answer: Any, sent: Any = None, status: int = 200
    ) -> bytes:
        at = self._begin + timedelta(seconds=second)
        return entry(url, at, answer, sent, status=status)

    def _webhook(self, second: int) -> bytes:
        at = self._begin + timedelta(seconds=second)
        rows = [
            {
                "id": each["id"],
                "status": self._word(each["id"]),
                "errorMessage": self._messages.get(each["id"]),
            }
            for each in self._expenses
        ]
        ended = "unsuccessful" if self._messages else "successful"
        portal = f"https://app.codat.io/companies/{self._company}/summary"
        reference = {"name": "A customer of ours", "links": {"portal": portal}}
        body = {
            "id": uuid_of(self._chance),
            "eventType": f"expenses.sync.{ended}",
            "generatedDate": f"{at:%Y-%m-%dT%H:%M:%S.%f}0Z",
            "payload": {
                "referenceCompany": {"id": self._company, **reference},
                "syncId": self._id,
                "transactions": rows,
            },
        }
        name = f"msg_{self._chance.getrandbits(128):032x}"
        headers = {
            "content-type": "application/json",
            "webhook-id": name,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
        }
        url = "https://hooks.example.com/codat"
        return entry(url, at, None, body, status=204, headers=headers)

    def _status(self) -> dict[str, Any]:
        code, word = (5130, "PushError") if self._messages else (2000, "Complete")
        return {
            "companyId": self._company,
            "syncId": self._id,
            "syncStatusCode": code,
            "syncStatus": word,
            "errorMessage": None,
            "syncExceptionMessage": None,
            "syncUtc": f"{self._begin:%Y-%m-%dT%H:%M:%S}.1234567Z",
            "dataPushed": len(self._messages) < EXPENSES,
        }

    def _page(self) -> dict[str, Any]:
        rows = [
            {
                "transactionId": each["id"],
                "integrationType": leg,
                "status": self._word(each["id"]),
                "message": self._messages.get(each["id"]),
            }
            for each in self._expenses
            for leg in ("bankfeeds", "expense")
        ]
        return {
            "results": rows,
            "pageNumber": 1,
            "pageSize": 100,
            "totalResults": len(rows),
        }

    def _word(self, name: str) -> str:
        return "PushError" if name in self._messages else "Completed"


def expense(chance: random.Random, at: datetime) -> dict[str, Any]:
    """Return one expense of a create call, with one line."""
    pence = chance.randrange(100, 99_999)
    line = {
        "netAmount": pence / 100,
        "taxAmount": pence // 5 / 100,
        "taxRateRef": {"id": _TAXES[pence % 3]},
        "accountRef": {"id": f"account-{pence % 40}"},
        "trackingRefs": [{"id": "DEPARTMENT_3", "dataType": "trackingCategories"}],
    }
    return {
        "id": uuid_of(chance),
        "type": _KINDS[pence % 6],
        "issueDate": f"{at:%Y-%m-%d}T00:00:00+00:00",
        "currency": "GBP",
        "merchantName": _MERCHANTS[pence % 6],
        "bankAccountRef": {"id": "bank-1"},
        "reference": f"ref-{pence}",
        "lines": [line],
        "notes": "APPLE.COM/BILL - 09001077498 - Card Ending: 4590",
    }


def uuid_of(chance: random.Random) -> str:
    """Return a random UUIDv4."""
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def entry(
    url: str,
    at: datetime,
    answer: Any,
    sent: Any = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> bytes:
    """Return one HAR line: a GET, or a POST of what is sent."""
    json_headers = {"content-type": "application/json"}
    asked = {"accept": "application/json"} if sent is None else json_headers
    request: dict[str, Any] = {
        "method": "GET" if sent is None else "POST",
        "url": url,
        "headers": [{"name": n, "value": v} for n, v in (headers or asked).items()],
    }
    if sent is not None:
        text = json.dumps(sent)
        request["postData"] = {"mimeType": "application/json", "text": text}
    content = {} if answer is None else {"text": json.dumps(answer)}
    response = {
        "status": status,
        "headers": [{"name": n, "value": v} for n, v in json_headers.items()],
        "content": {"mimeType": "application/json", **content},
    }
    return json.dumps(
        {
            "startedDateTime": at.isoformat(),
            "time": 12,
            "request": request,
            "response": response,
        }
    ).encode()
