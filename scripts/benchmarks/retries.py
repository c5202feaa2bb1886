"""Plans: 100,000 breaks of 40 causes, and of one; seconds, and against a report.

A plan as of a past moment is timed beside the report it rests on, in one run: what
planning adds to a replay is their ratio.
"""

import json
import random
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from statistics import median

from reconcile import Reconciler, read_lines
from reconcile.report.wire import digest
from reconcile.rules import BUILT_IN
from scripts.benchmarks.generator import START

BREAKS = 100_000
CAUSES = 40
BATCH = 50
LATER = START + timedelta(days=2)
_OUTAGE = "Service unavailable(503): The service is temporarily unavailable."


def lines(breaks: int, companies: int, messages: list[str]) -> Iterator[bytes]:
    """Yield captured calls: each create of 50, its status, its page, all failed.

    Half of a call fails for a cause, half for another.
    """
    chance = random.Random(breaks)
    for number in range(breaks // BATCH):
        company = str(uuid.UUID(int=number % companies))
        sync = str(uuid.UUID(int=chance.getrandbits(128), version=4))
        ids = [
            str(uuid.UUID(int=chance.getrandbits(128), version=4)) for _ in range(BATCH)
        ]
        base = f"https://api.codat.io/companies/{company}/sync/expenses"
        minutes = number / 100
        yield _line(
            "POST",
            f"{base}/expense-transactions",
            minutes,
            {"syncId": sync},
            [_expense(name, chance) for name in ids],
        )
        code = {"companyId": company, "syncId": sync, "syncStatusCode": 5130}
        status = code | {"syncStatus": "PushError"}
        yield _line("GET", f"{base}/syncs/{sync}/status", minutes + 5, status)
        rows = [
            {
                "transactionId": name,
                "status": "PushError",
                "integrationType": "expense",
                "message": messages[(number + place // 25) % len(messages)],
            }
            for place, name in enumerate(ids)
        ]
        page = {"results": rows, "pageNumber": 1, "pageSize": 100, "totalResults": 50}
        query = "?page=1&pageSize=100"
        yield _line(
            "GET", f"{base}/syncs/{sync}/transactions{query}", minutes + 6, page
        )


def messages_of(number: int) -> list[str]:
    """Return messages of so many causes, in the words of the rules' own examples."""
    found = [
        example.message
        for rule in BUILT_IN.rules
        for example in rule.matches[:1]
        if example.message and "previously been processed" not in example.message
    ]
    return (found * (number // len(found) + 1))[:number]


def _expense(name: str, chance: random.Random) -> dict[str, object]:
    line = {
        "netAmount": chance.randrange(100, 99_999) / 100,
        "taxAmount": 0,
        "accountRef": {"id": "account-1"},
    }
    return {
        "id": name,
        "type": "Payment",
        "issueDate": "2026-01-04",
        "currency": "GBP",
        "merchantName": "A merchant",
        "lines": [line],
    }


def _line(
    method: str, url: str, minutes: float, answer: object, request: object = None
) -> bytes:
    sent = {} if request is None else {"postData": {"text": json.dumps(request)}}
    return json.dumps(
        {
            "startedDateTime": (START + timedelta(minutes=minutes)).isoformat(),
            "time": 0,
            "request": {"method": method, "url": url, "headers": [], **sent},
            "response": {"status": 200, "content": {"text": json.dumps(answer)}},
        }
    ).encode()


def _timed(work: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def measure(folder: Path, breaks: int, name: str, companies: int, causes: int) -> None:
    """Print the seconds of a plan, and what it adds to a replay."""
    messages = messages_of(causes) if causes > 1 else [_OUTAGE]
    url = f"sqlite:///{folder / f'{causes}.db'}"
    with Reconciler.open(url, now=lambda: LATER) as books:
        books.ingest(read_lines(lines(breaks, companies, messages)))
        books.catch_up()
        for number in range(companies):
            company = str(uuid.UUID(int=number))
            for group in books.causes(company_id=company) if number < 2 else ():
                books.decide(
                    "mended",
                    company_id=company,
                    cause=group.fingerprint,
                    actor="bench",
                    reason="bench",
                )
        live, ratios = [], []
        for _ in range(3):
            seconds, plan = _timed(books.plan)
            live.append(seconds)
            replay, _ = _timed(lambda: digest(books.replayed_report(as_of=LATER)))
            planned, _ = _timed(lambda: books.plan(as_of=LATER))
            ratios.append(planned / replay)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{name}: {breaks} breaks, {companies} companies")
    print(f"  a plan, live                 {median(live):6.2f} s   (bar 5)")
    print(f"  a plan / a report, replayed  {median(ratios):6.2f}   (bar 1.10)")
    print(f"  {len(plan.lines)} lines, {len(plan.left_out)} left out; {peak:.0f} MB")


def main() -> None:
    """Measure plans over many causes, and over one."""
    breaks = int(sys.argv[1]) if len(sys.argv) > 1 else BREAKS
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), breaks, "Forty causes", 20, CAUSES)
        measure(Path(folder), breaks, "One cause", 1, 1)


if __name__ == "__main__":
    main()
