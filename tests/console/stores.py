"""Stores for the console's tests: a few expenses, one of them hostile."""

import json
from pathlib import Path

from reconcile import ConsoleApp, Reconciler, read_lines
from tests.builders import (
    COMPANY,
    create_of,
    entry,
    expense_of,
    hook,
    page,
    row,
    status,
    url,
)

HOSTILE = "<script>alert(1)</script>\u202egnp.exe'\"\x1b[2J&"
LOCKED = "The document date cannot be before the end of the locked period."
UNREAD = json.dumps({"x": "not an entry"}).encode()
CUSTOMER = "Harrow & Finch Ltd"
STORY = [
    create_of(expense_of("t1", 642, merchant="Kestrel Hotel")),
    status(5130, minutes=2),
    page(row("t1", "PushError", message=LOCKED), minutes=3),
    hook("expenses.sync.unsuccessful", ("t1", "PushError", LOCKED), minutes=4),
]


def url_in(folder: Path) -> str:
    """Return the URL of the test's store."""
    return f"sqlite:///{folder / 'books.db'}"


def store_with(folder: Path, lines: list[bytes]) -> str:
    """Return the URL of a store that has taken in some lines of a capture."""
    where = url_in(folder)
    with Reconciler.open(where) as books:
        books.ingest(read_lines(lines))
    return where


def hostile_store(folder: Path) -> str:
    """Return the URL of a store in which others wrote all they could."""
    long = "x" * 2**20
    where = store_with(
        folder,
        [
            create_of(
                expense_of(HOSTILE, 1, merchant=HOSTILE),
                expense_of("t2", 2, merchant=long),
            ),
            page(
                row(HOSTILE, "PushError", message=HOSTILE),
                row("t2", HOSTILE, message=long),
                minutes=3,
            ),
            entry("POST", url("/syncs"), minutes=4, answer=HOSTILE),
            UNREAD,
        ],
    )
    with Reconciler.open(where) as books:
        books.decide(
            "note",
            company_id=COMPANY,
            transactions=["t2"],
            actor=HOSTILE,
            reason=HOSTILE,
        )
    return where


def console_on(where: str) -> ConsoleApp:
    """Return a console on a store, for somebody who is signed in."""
    return ConsoleApp(where, lambda _: "Dana Whitfield", customers={COMPANY: CUSTOMER})
