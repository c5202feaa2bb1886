"""The traffic of every benchmark: syncs read to the end, page after page, as HAR lines.

200 companies, pages of 100, two legs a transaction with a random UUIDv4, one in ten
transactions failing with the page's kind of message: 142 bytes a leg.
"""

import json
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

COMPANIES = 200
PAGE = 100
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
_MESSAGE = (
    "An error occurred in a downstream service. Correlation ID: {}. Message:  Feed "
    "Connection failed(409): The AccountToken, AccountId or AccountNumber is already "
    "connected to another Xero Bank Account in the selected Xero Organization."
)


def lines(legs: int, *, interleaved: bool = False) -> list[bytes]:
    """Return captured lines that hold so many legs, company after company."""
    chance = random.Random(legs)
    per_company = legs // COMPANIES
    companies = [list(_company(chance, per_company)) for _ in range(COMPANIES)]
    if not interleaved:
        return [line for company in companies for line in company]
    return [line for together in zip(*companies, strict=True) for line in together]


def _company(chance: random.Random, legs: int) -> Iterator[bytes]:
    company, sync = _uuid(chance), _uuid(chance)
    base = f"https://api.codat.io/companies/{company}/sync/expenses/syncs/{sync}"
    status = {"companyId": company, "syncId": sync, "syncStatusCode": 5130}
    yield _line(f"{base}/status", status | {"syncStatus": "PushError"}, 0)
    for number in range(1, legs // PAGE + 1):
        rows = [row for index in range(PAGE // 2) for row in _rows(chance, index)]
        body = {
            "results": rows,
            "pageNumber": number,
            "pageSize": PAGE,
            "totalResults": legs,
        }
        url = f"{base}/transactions?page={number}&pageSize={PAGE}"
        yield _line(url, body, number)


def _rows(chance: random.Random, index: int) -> Iterator[dict[str, str]]:
    transaction = _uuid(chance)
    for leg in ("bankfeeds", "expense"):
        row = {"transactionId": transaction, "status": "Completed"}
        if index % 10 == 0:
            row["status"] = "PushError"
            row["message"] = _MESSAGE.format(_uuid(chance))
        yield row | {"integrationType": leg}


def _uuid(chance: random.Random) -> str:
    return str(uuid.UUID(int=chance.getrandbits(128), version=4))


def _line(url: str, body: object, second: int) -> bytes:
    entry = {
        "startedDateTime": (START + timedelta(seconds=second)).isoformat(),
        "time": 12,
        "request": {"method": "GET", "url": url, "headers": []},
        "response": {
            "status": 200,
            "content": {"mimeType": "application/json", "text": json.dumps(body)},
        },
    }
    return json.dumps(entry).encode()
