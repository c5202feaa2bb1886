"""A history in which everything happens that is found across companies."""

import sqlite3
from pathlib import Path

from reconcile import Reconciler, read_lines
from tests.builders import (
    at,
    create_of,
    entry,
    expense_of,
    hook,
    page,
    row,
    status,
    url,
    uuid_of,
)

LATER = at(60 * 24 * 3)
COMPANIES = tuple(f"company-{number:02}" for number in range(12))


def eventful(path: Path) -> Path:
    """Make a store of twelve companies; return its path.

    Expenses of one company are in another's books, deliveries have an id and several
    bodies, evidence waits in quarantine with and without a company or was set aside,
    people decided, and an event cannot be read.
    """
    clock = iter(range(10_000))
    with Reconciler.open(f"sqlite:///{path}", now=lambda: at(next(clock))) as books:
        for number, company in enumerate(COMPANIES):
            books.ingest(read_lines(_of_company(number, company)))
        unread = books.ingest(read_lines([b"garbage", b'{"a": 1}'])).unread
        books.set_aside(unread[0].digest, actor="ada", reason="not ours")
        books.decide(
            "booked",
            company_id=COMPANIES[3],
            transactions=[uuid_of(31)],
            actor="ada",
            reason="entered",
        )
        books.catch_up()
    with sqlite3.connect(path) as db:
        db.execute(
            "INSERT INTO stored_events VALUES (NULL, ?, 1, 'sync.completed', ?, 0)",
            (f"sync:{COMPANIES[5]}:poison", b"\xff\x00"),
        )
    db.close()
    return path


def _of_company(number: int, company: str) -> list[bytes]:
    """Return the traffic of a company; those of odd numbers fail what others wrote."""
    sync, name = f"sync-{number}", uuid_of(10 * (number // 4))
    word = "Completed" if number % 2 else "PushError"
    lines = [
        create_of(
            expense_of(name, "10"),
            expense_of(uuid_of(10 * number + 1), "20.50"),
            company=company,
            sync=sync,
        ),
        status(5130, company=company, sync=sync, minutes=1),
        page(
            row(name, word),
            row(uuid_of(10 * number + 1), "PushError"),
            company=company,
            sync=sync,
            minutes=2,
        ),
        hook(
            "expenses.sync.successful",
            (name, word),
            delivery=f"msg-{number // 3}",
            company=company,
            sync=sync,
            minutes=3 + number,
        ),
    ]
    if number % 5 == 0:
        lines.append(
            entry("GET", url(f"/syncs/{sync}/status", company=company), answer="<html>")
        )
    return lines
