"""A store with a bit of everything: customers, currencies, types, causes and ages."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from reconcile import ConsoleApp, Reconciler, read_lines
from tests.builders import NINE, create_of, expense_of, hook, page, row, status, uuid_of

HARROW = "11111111-0000-4000-8000-000000000001"
MOREL = "11111111-0000-4000-8000-000000000002"
KITANO = "11111111-0000-4000-8000-000000000003"
CUSTOMERS = {
    HARROW: "Harrow & Finch Ltd",
    MOREL: "Atelier Morel SAS",
    KITANO: "Kitano Trading KK",
}
NOW = NINE + timedelta(days=40)
DAY = 24 * 60
MARKUP = "<script>alert(1)</script>"
LONGEST = "Donaudampfschifffahrtsgesellschaft" * 6
BACKWARDS = "שלום בע״מ \u202egnp.exe"
LOCKED = "The period is locked."
ARCHIVED = "The account is archived."
CURRENCY = "The currency EUR is not enabled."
BUSY = "Too many concurrent connections."
TAX = "The tax code cannot be used with this account."
STRANGE = "Zwölf Boxkämpfer jagen Viktor quer über den Sylter Deich."


class Traffic:
    """Traffic of one sync after another, each with its expenses and their words."""

    def __init__(self) -> None:
        self.lines: list[bytes] = []
        self._expenses = 0
        self._syncs = 0

    def sync(
        self, company: str, day: float, *expenses: tuple[str | None, dict[str, Any]]
    ) -> None:
        """Send some expenses, and read what became of each: None, or why it failed."""
        self._syncs += 1
        sync = f"22222222-0000-4000-8000-{self._syncs:012d}"
        minutes = day * DAY
        failed = any(message for message, _ in expenses)
        rows = [
            row(sent["id"], "PushError" if message else "Completed", message=message)
            for message, sent in expenses
        ]
        of = {"sync": sync, "company": company}
        self.lines += [
            create_of(*(sent for _, sent in expenses), minutes=minutes, **of),
            status(5130 if failed else 2000, minutes=minutes + 2, **of),
            page(*rows, minutes=minutes + 3, sync=sync, company=company),
        ]

    def unanswered(self, company: str, day: float, *sent: dict[str, Any]) -> None:
        """Send some expenses of which nothing is heard yet."""
        self._syncs += 1
        sync = f"22222222-0000-4000-8000-{self._syncs:012d}"
        minutes = day * DAY
        of = {"sync": sync, "company": company}
        self.lines += [
            create_of(*sent, minutes=minutes, **of),
            hook("expenses.sync.started", minutes=minutes + 1, **of),
        ]

    def expense(self, *amounts: Any, **given: Any) -> dict[str, Any]:
        """Return an expense with an id of its own."""
        self._expenses += 1
        day = 1 + self._expenses * 7 % 28
        given = {"issued": f"2026-02-{day:02}", "merchant": "Kestrel Hotel", **given}
        return expense_of(uuid_of(self._expenses), *amounts, **given)


def traffic_of_everything() -> list[bytes]:
    """Return traffic of three customers in which nearly all can be seen."""
    t = Traffic()
    e = t.expense
    t.sync(HARROW, 0, *((None, e(10 + n)) for n in range(40)))
    t.sync(MOREL, 1, *((None, e(20 + n, currency="EUR")) for n in range(20)))
    t.sync(KITANO, 2, *((None, e(1000 + n, currency="JPY")) for n in range(15)))
    t.sync(HARROW, 3, *((LOCKED, e(642 + n / 4)) for n in range(6)))
    t.sync(
        HARROW,
        20,
        (LOCKED, e(86, kind="Refund")),
        (LOCKED, e(30, merchant=MARKUP)),
        (CURRENCY, e(1.5, currency="EUR", merchant=LONGEST)),
        (CURRENCY, e("many", currency="EUR", merchant="=1+1")),
        (STRANGE, e(7, kind="Transfer")),
        (TAX, e(0.005, 12, issued=None)),
        (None, e(5)),
    )
    t.sync(MOREL, 36, *((ARCHIVED, e(4163.05 + n, currency="EUR")) for n in range(3)))
    t.sync(
        KITANO,
        39.8,
        (ARCHIVED, e(52080, currency="JPY", merchant="鳥貴族")),
        (BUSY, e(219270, currency="JPY", merchant=BACKWARDS)),
        (BUSY, e(12, currency="USD", kind="Reward")),
    )
    t.unanswered(MOREL, 39.99, e(99, currency="EUR"), e(3, kind="Chargeback"))
    return t.lines


def store_of_everything(folder: Path) -> str:
    """Return the URL of a store with all of it, and decisions of a person."""
    where = f"sqlite:///{folder / 'months.db'}"
    with Reconciler.open(where, now=clock) as books:
        books.ingest(read_lines(traffic_of_everything()))
        locked = [*_broken(books, HARROW)]
        for decision, some in (("waive", locked[:2]), ("booked", locked[2:3])):
            books.decide(
                decision,
                company_id=HARROW,
                transactions=some,
                actor="Dana Whitfield",
                reason="Entered by their accountant, see ticket 4411.",
            )
    return where


def _broken(books: Reconciler, company: str) -> Iterator[str]:
    for found in books.items(state="break", company_id=company):
        if found.item.cause == "period_locked":
            yield found.transaction_id


def clock() -> datetime:
    """Return the moment at which the store is looked at."""
    return NOW


EVERY_PAGE = (
    "/",
    "/expenses?booked=no",
    "/causes",
    "/causes/period_locked",
    "/syncs",
    "/retries",
    "/requests",
    "/decisions",
    "/audit",
    "/report",
    "/quarantine",
    "/health",
)
"""An address of each page that needs no id."""


def console_of(where: str) -> ConsoleApp:
    """Return a console of a store at that moment, with the names of customers."""
    return ConsoleApp(
        lambda: Reconciler.open(where, create=False, now=clock),
        lambda _: "Dana Whitfield",
        customers=CUSTOMERS,
        now=clock,
    )
