"""A store of two companies with all that a list can have, hostile names included."""

from collections.abc import Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from reconcile import ConsoleApp, Reconciler, read_lines
from reconcile.report.groups import Judged
from tests.builders import (
    COMPANY,
    SYNC,
    at,
    create_of,
    expense_of,
    page,
    row,
    status,
    uuid_of,
)

OTHER = "b18d8d81-fd7b-4764-a31e-475cb1f36591"
FRESH = "9c2f6c1e-7a34-4f0e-9d1b-000000000002"
SYNC_OF_OTHER = "9c2f6c1e-7a34-4f0e-9d1b-000000000001"
MERCHANTS = (
    "<script>alert(1)</script>",
    "=1+1",
    "W" * 200,
    "大阪メトロ定期券",
    "مطعم الشرق",
    "x" * 300,
    "Kestrel Hotel",
    None,
)
VERY_LONG = "x" * 2**20
LONGEST = 5
KINDS = ("Payment", "Payment", "Refund", "Reward", "Transfer")
CURRENCIES = ("GBP", "EUR", "JPY", "KWD", None)
WORDS = ("Completed", "PushError", "PushError", "Pending")
MESSAGES = (
    "The document date cannot be before the end of the locked period.",
    "Bad request(400): Account account-1 is archived or was deleted.",
)
LATER = 60 * 24 * 20
NAMES = {COMPANY: "Harrow & Finch Ltd", OTHER: "=Atelier <Morel>"}


def expenses_of(company: str, number: int) -> Iterable[dict[str, Any]]:
    """Yield expenses of every kind, currency and merchant."""
    for n in range(number):
        yield expense_of(
            uuid_of(n + (1000 if company == OTHER else 0)),
            f"{10 + n * 3}.{n % 10}{n % 7}5" if n % 3 else 100 + n,
            kind=KINDS[n % 5],
            currency=CURRENCIES[n // 2 % 5],
            issued=f"2026-0{1 + n % 3}-{1 + n % 28:02d}" if n % 13 else None,
            merchant=VERY_LONG if n == LONGEST else MERCHANTS[n % 8],
        )


def ledger_in(folder: Path, *, number: int = 60) -> str:
    """Return the URL of the store: sent and decided, then news that came later."""
    where = f"sqlite:///{folder / 'ledger.db'}"
    clock = [at(5)]
    with Reconciler.open(where, now=lambda: clock[0]) as books:
        for company, sync in ((COMPANY, SYNC), (OTHER, SYNC_OF_OTHER)):
            named: dict[str, Any] = {"company": company, "sync": sync}
            sent = [*expenses_of(company, number)]
            rows = [
                row(
                    each["id"],
                    WORDS[n % 4],
                    message=MESSAGES[n // 4 % 2]
                    if WORDS[n % 4] == "PushError"
                    else None,
                )
                for n, each in enumerate(sent)
            ]
            clock[0] = at(5)
            books.ingest(read_lines([create_of(*sent, **named)]))
            clock[0] = at(60 * 24 * 2)
            lines = [
                status(5130, minutes=10, **named),
                page(*rows, minutes=20, **named),
            ]
            books.ingest(read_lines(lines))
        clock[0] = at(60 * 24 * 3)
        books.decide(
            "booked",
            company_id=COMPANY,
            transactions=[uuid_of(1)],
            actor="Dana",
            reason="Entry 4411.",
        )
        clock[0] = at(LATER - 30)
        fresh = [expense_of(uuid_of(2000 + n), 7.5, merchant="New") for n in range(3)]
        books.ingest(read_lines([create_of(*fresh, minutes=LATER - 40, sync=FRESH)]))
    return where


def ledger_console(
    where: str, *, minutes: int = LATER, actor: str | None = "Dana"
) -> ConsoleApp:
    """Return a console on a store, at so many minutes after nine."""
    now = clock_at(minutes)
    return ConsoleApp(
        lambda: Reconciler.open(where, now=now),
        lambda _: actor,
        customers=NAMES,
        now=now,
    )


def clock_at(minutes: int) -> Callable[[], datetime]:
    """Return a clock that stands."""
    return lambda: at(minutes)


def judged_at(where: str, minutes: int = LATER) -> list[Judged]:
    """Return every item of the report of that moment."""
    with Reconciler.open(where, now=clock_at(minutes)) as books:
        return [*books.report(as_of=at(minutes)).items]
