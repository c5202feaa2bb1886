"""The console's pages over a large store: what each costs, cold and warm.

`scripts/bench console [ITEMS] [--store URL] [--only WORD]`. The store is made first: a
real month of so many expenses; one that is named and has events is used as it is. Each
page is asked for through the app, as a server asks it, and the median is printed.
"""

import argparse
import asyncio
import itertools
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from statistics import median

import httpx

from reconcile import ConsoleApp, Reconciler, migrate, read_lines
from scripts.benchmarks.bars import Bar
from scripts.benchmarks.generator import EXPENSES, LATER, LEGS, month

ITEMS = 1_000_000
AGAIN = 1.05
"""Of each hundred expenses of a sync, some were sent before: so many more are drawn."""
BAR_MS = 300.0
ROUNDS = 7
LINES_PER_INTAKE = 2_000


def now() -> datetime:
    """Return when the month is over."""
    return LATER


def say(text: str) -> None:
    """Tell how far it is; standard output is for figures."""
    print(text, file=sys.stderr, flush=True)


def fill(url: str, items: int) -> int:
    """Make a store of about so many expenses, where it has none; return its events."""
    migrate(url)
    with Reconciler.open(url, now=now) as books:
        if not books.store.position():
            captured = month(int(items / EXPENSES * LEGS * AGAIN))
            while some := [*itertools.islice(captured, LINES_PER_INTAKE)]:
                books.ingest(read_lines(some))
            books.catch_up()
        return books.store.position()


class Asker:
    """Asks an app for pages, one after another."""

    def __init__(self, app: ConsoleApp) -> None:
        self._app = app

    def ask(self, path: str) -> tuple[float, httpx.Response]:
        """Return how long a page took, in milliseconds, and the page."""

        async def asked() -> httpx.Response:
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1", timeout=600
            ) as client:
                return await client.get(path)

        started = time.perf_counter()
        answer = asyncio.run(asked())
        return 1e3 * (time.perf_counter() - started), answer

    def wait_for(self, path: str) -> float:
        """Return how many seconds it takes until a page no longer says to wait."""
        started = time.perf_counter()
        while self.ask(path)[1].status_code == 202:
            time.sleep(0.5)
        return time.perf_counter() - started


def pages(url: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the address of each page that is timed."""
    with Reconciler.open(url, now=now) as books:
        company = books.store.companies()[-1]
        broken = next(books.items(state="break", company_id=company))
        day = LATER.date().isoformat()
    yield "overview", "/"
    yield "overview of a customer", f"/?customer={company}"
    yield "overview of a month", f"/?month={day[:7]}"
    yield "expenses", "/expenses"
    yield "expenses that are broken", "/expenses?state=break"
    yield "expenses not in the books, by amount", "/expenses?booked=no&sort=-amount"
    yield "expenses in the books, by merchant", "/expenses?booked=yes&sort=merchant"
    yield "expenses of a merchant", "/expenses?q=hotel"
    yield "an expense by its id", f"/expenses?q={broken.transaction_id}"
    yield "causes", "/causes"
    if broken.item.cause is not None:
        yield "a cause", f"/causes/{broken.item.cause}"
    yield "an expense", f"/expenses/{company}/{broken.transaction_id}"
    yield "syncs", "/syncs"
    yield "retries", "/retries"
    yield "requests in doubt", "/requests"
    yield "decisions", "/decisions"
    yield "quarantine", "/quarantine"
    yield "health", "/health"


def timed(asker: Asker, name: str, path: str) -> Bar:
    """Return the median of a page, asked for once before."""
    asker.wait_for(path)
    took = []
    for _ in range(ROUNDS):
        ms, answer = asker.ask(path)
        if answer.status_code != 200:
            say(f"  {name}: answered {answer.status_code}")
        took.append(ms)
        if ms > 10 * BAR_MS:
            break
    return Bar(name, median(took), BAR_MS, unit="ms")


def main() -> None:
    """Measure, and print the bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("items", nargs="?", type=int, default=ITEMS)
    parser.add_argument("--store", metavar="URL")
    parser.add_argument("--worksheet", metavar="PATH", type=Path)
    parser.add_argument("--only", default="", metavar="WORD")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.store or f"sqlite:///{folder}/books.db"
        say(f"{fill(url, asked.items):,} events")
        with ConsoleApp(
            lambda: Reconciler.open(url, create=False, now=now),
            lambda _: "bench",
            now=now,
            worksheet=asked.worksheet or Path(folder) / "worksheet",
        ) as app:
            asker = Asker(app)
            print(Bar("laid out, cold", asker.wait_for("/"), None, unit="s").line())
            for name, path in pages(url):
                if asked.only in name:
                    print(timed(asker, name, path).line(), flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(Bar("peak of memory", peak, None, unit="MiB").line())


if __name__ == "__main__":
    main()
