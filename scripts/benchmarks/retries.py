"""Plans: of 100,000 breaks of 40 causes, and of one; and what a plan adds to a replay.

Plans and reports are timed with their digests. A plan as of a past moment is timed
beside the report as of it, in one run, for a month of which one expense in ten failed:
their ratio is what it adds.
"""

import random
import resource
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from statistics import median
from typing import TypeVar

from reconcile import Plan, Reconciler, read_lines
from reconcile.report.wire import digest
from reconcile.rules import BUILT_IN
from scripts.benchmarks.generator import START, entry, expense, uuid_of

T = TypeVar("T")
BREAKS = 100_000
CAUSES = 40
BATCH = 50
LATER = START + timedelta(days=2)
_OUTAGE = "Service unavailable(503): The service is temporarily unavailable."


def lines(
    expenses: int, companies: int, messages: list[str], *, failing: int = 1
) -> Iterator[bytes]:
    """Yield captured calls: each create of 50, its status, its page.

    One in so many is `failing`: half of a call for a cause, half for another.
    """
    chance = random.Random(expenses)
    for number in range(expenses // BATCH):
        company = str(uuid.UUID(int=number % companies))
        sync = uuid_of(chance)
        batch = [expense(chance, START) for _ in range(BATCH)]
        ids = [each["id"] for each in batch]
        base = f"https://api.codat.io/companies/{company}/sync/expenses"
        minutes = number / 100
        yield _line(
            f"{base}/expense-transactions",
            minutes,
            {"syncId": sync},
            batch,
        )
        code = {"companyId": company, "syncId": sync, "syncStatusCode": 5130}
        status = code | {"syncStatus": "PushError"}
        yield _line(f"{base}/syncs/{sync}/status", minutes + 5, status)
        rows = [
            _row(name, messages[(number + place // 25) % len(messages)])
            if place % failing == 0
            else _row(name, None)
            for place, name in enumerate(ids)
        ]
        page = {"results": rows, "pageNumber": 1, "pageSize": 100, "totalResults": 50}
        query = "?page=1&pageSize=100"
        yield _line(f"{base}/syncs/{sync}/transactions{query}", minutes + 6, page)


def _row(name: str, message: str | None) -> dict[str, object]:
    row: dict[str, object] = {"transactionId": name, "integrationType": "expense"}
    if message is None:
        return row | {"status": "Completed"}
    return row | {"status": "PushError", "message": message}


def messages_of(number: int) -> list[str]:
    """Return messages of so many causes, in the words of the rules' own examples."""
    found = [
        example.message
        for rule in BUILT_IN.rules
        for example in rule.matches[:1]
        if example.message and "previously been processed" not in example.message
    ]
    return (found * (number // len(found) + 1))[:number]


def _line(url: str, minutes: float, answer: object, request: object = None) -> bytes:
    return entry(url, START + timedelta(minutes=minutes), answer, request)


def _named(plan: Plan) -> Plan:
    """Return a plan whose digest has been made."""
    assert plan.digest
    return plan


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


@contextmanager
def books_of(
    expenses: int, companies: int, causes: int, *, failing: int = 1
) -> Iterator[Reconciler]:
    """Give books of so many expenses, of which people have mended some causes."""
    messages = messages_of(causes) if causes > 1 else [_OUTAGE]
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{folder}/b.db", now=lambda: LATER) as books,
    ):
        books.ingest(read_lines(lines(expenses, companies, messages, failing=failing)))
        books.catch_up()
        for number in range(min(companies, 2)):
            company = str(uuid.UUID(int=number))
            for group in books.causes(company_id=company):
                books.decide(
                    "mended",
                    company_id=company,
                    cause=group.fingerprint,
                    actor="bench",
                    reason="bench",
                )
        yield books


def plans(name: str, breaks: int, companies: int, causes: int) -> None:
    """Print the seconds of a live plan, the median of three."""
    with books_of(breaks, companies, causes) as books:
        seconds = []
        for _ in range(3):
            taken, plan = _timed(lambda: _named(books.plan()))
            seconds.append(taken)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\n{name}: {breaks} breaks, {companies} companies")
    print(f"  a plan, live                 {median(seconds):6.2f} s   (bar 5)")
    print(f"  {len(plan.lines)} lines, {len(plan.left_out)} left out; {peak:.0f} MB")


def month(expenses: int) -> None:
    """Print what a plan adds to a replay, the median of five rounds."""
    with books_of(expenses, 20, CAUSES, failing=10) as books:
        ratios = []
        for _ in range(5):
            replay, _ = _timed(lambda: digest(books.replayed_report(as_of=LATER)))
            planned, _ = _timed(lambda: _named(books.plan(as_of=LATER)))
            ratios.append(planned / replay)
    print(f"\nA month: {expenses} expenses, one in ten failed")
    print(f"  a plan / a report, replayed  {median(ratios):6.2f}     (bar 1.10)")


def main() -> None:
    """Measure plans over many causes, over one, and of a month."""
    breaks = int(sys.argv[1]) if len(sys.argv) > 1 else BREAKS
    plans("Forty causes", breaks, 20, CAUSES)
    plans("One cause", breaks, 1, 1)
    month(breaks)


if __name__ == "__main__":
    main()
