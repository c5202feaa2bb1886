"""The console's worksheet: made cold, refreshed after one sync, and read.

`python -m scripts.benchmarks.console [--items N] [--store PATH]`. A store that is there
is used as it is. Figures go to standard output, one a line.
"""

import argparse
import itertools
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from statistics import median

from reconcile import Reconciler, read_lines
from reconcile.console.filter import Filter, Sort
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from scripts.benchmarks.generator import EXPENSES, LATER, LEGS, month

ITEMS = 1_000_000
AGAIN = 1.05
"""Of each hundred expenses of a sync, some were sent before: so many more are drawn."""
ROUNDS = 5
LINES_PER_INTAKE = 2_000


def say(text: str) -> None:
    """Tell how far it is; standard output is for figures."""
    print(text, file=sys.stderr, flush=True)


def show(what: str, seconds: float, more: str = "") -> None:
    """Print one figure."""
    text = f"{seconds:9.2f} s " if seconds >= 1 else f"{seconds * 1e3:9.1f} ms"
    print(f"{what:<52}{text} {more}", flush=True)


def now() -> datetime:
    """Return when the month is over."""
    return LATER


def fill(url: str, items: int) -> None:
    """Make a store of about so many expenses."""
    legs = int(items / EXPENSES * LEGS * AGAIN)
    captured = month(legs)
    with Reconciler.open(url, now=now) as books:
        count = 0
        while some := [*itertools.islice(captured, LINES_PER_INTAKE)]:
            books.ingest(read_lines(some))
            count += len(some)
            say(f"  {count} lines taken in")
        books.catch_up()


def timed(what: str, read: Callable[[Sheet], object], sheet: Sheet) -> None:
    """Show the median of a read."""
    took = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        read(sheet)
        took.append(time.perf_counter() - started)
    show(what, median(took))


def reads(sheet: Sheet) -> None:
    """Show what each read costs."""
    customers = sheet.customers()
    broken = Filter(state=("break",))
    outside = Filter(booked=("no",))
    inside = Filter(booked=("yes",))
    customer = Filter(customer=(customers[len(customers) // 2],))
    timed("footing", lambda s: s.footing, sheet)
    timed("states", lambda s: s.states(), sheet)
    timed("states of one customer", lambda s: s.states(customer), sheet)
    timed("sums", lambda s: s.sums(), sheet)
    timed("by_cause", lambda s: s.by_cause(), sheet)
    timed("by_owner", lambda s: s.by_owner(), sheet)
    timed("by_age", lambda s: s.by_age(), sheet)
    timed("by_customer", lambda s: s.by_customer(), sheet)
    timed("by_day", lambda s: s.by_day(), sheet)
    timed(
        "currencies, types, months",
        lambda s: (s.currencies(), s.types(), s.months()),
        sheet,
    )
    for sort in Sort:
        for name, cut in (
            ("all", Filter()),
            ("broken", broken),
            ("not booked", outside),
            ("booked", inside),
            ("one customer", customer),
        ):
            timed(
                f"page of {name} by {sort}",
                lambda s, c=cut, o=sort: s.lines(c, sort=o, descending=True),
                sheet,
            )
            timed(
                f"page 2 of {name} by {sort}",
                lambda s, c=cut, o=sort: s.lines(
                    c, sort=o, after=s.lines(c, sort=o).next
                ),
                sheet,
            )
    day = sheet.months()[0]
    timed(
        "page of a month by amount",
        lambda s: s.lines(Filter(month=(day,)), sort=Sort.AMOUNT),
        sheet,
    )
    timed(
        "page of a rare currency", lambda s: s.lines(Filter(currency=("none",))), sheet
    )
    some = sheet.lines(broken).rows[0]
    timed("one line", lambda s: s.line(some.company_id, some.transaction_id), sheet)
    timed("found by id", lambda s: s.lines(Filter(q=(some.transaction_id,))), sheet)
    timed(
        "found by words, breaks",
        lambda s: s.lines(Filter(q=("shell",), state=("break",))),
        sheet,
    )
    timed("found by words, none", lambda s: s.lines(Filter(q=("nobody",))), sheet)
    timed("count by words", lambda s: s.count(Filter(q=("shell",))), sheet)
    timed("digest_of breaks", lambda s: s.digest_of(broken), sheet)
    timed("syncs", lambda s: s.syncs(), sheet)
    timed("findings", lambda s: s.findings(), sheet)


def run(url: str, folder: Path) -> None:
    """Show what a worksheet of a store costs."""
    path = folder / "worksheet"
    with LiveWorksheet(lambda: Reconciler.open(url, now=now), path=path) as worksheet:
        started = time.perf_counter()
        with worksheet.reading(budget_s=3600) as sheet:
            assert sheet is not None  # there was time enough
            cold = time.perf_counter() - started
            size = path.stat().st_size / 2**20
            most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
            show(
                "cold",
                cold,
                f"{sheet.count()} items, file {size:.0f} MiB, {most:.0f} MiB in memory",
            )
            reads(sheet)
        chance = [*month(LEGS * 7)][-5:]
        with Reconciler.open(url, now=now) as books:
            books.ingest(read_lines(chance))
        started = time.perf_counter()
        with worksheet.reading(budget_s=3600) as sheet:
            assert sheet is not None
            show(
                "refresh after a sync of a small company", time.perf_counter() - started
            )
        _to_largest(url)
        started = time.perf_counter()
        with worksheet.reading(budget_s=3600) as sheet:
            assert sheet is not None
            show(
                "refresh after a sync of a usual company", time.perf_counter() - started
            )
        started = time.perf_counter()
        with worksheet.reading() as sheet:
            show("a page when nothing came", time.perf_counter() - started)


def _to_largest(url: str) -> None:
    """Take in a call of a company that has many expenses."""
    with Reconciler.open(url, now=now) as books:
        company = books.store.companies()[-1]
        name = str(random.Random(0).getrandbits(64))
        lines = [line.replace(b"x", b"x") for line in month(LEGS)]
        first = lines[0]
        start = first.index(b"/companies/") + len(b"/companies/")
        was = first[start : start + 36]
        books.ingest(
            read_lines([line.replace(was, company.encode()) for line in lines])
        )
        say(f"  a sync of {company} ({name})")


def main() -> None:
    """Run it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--items", type=int, default=ITEMS)
    asked.add_argument("--store", type=Path)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.store or Path(folder) / "books.db"
        url = f"sqlite:///{store}"
        if not store.exists():
            started = time.perf_counter()
            fill(url, options.items)
            show("store made", time.perf_counter() - started)
        run(url, Path(folder))


if __name__ == "__main__":
    main()
