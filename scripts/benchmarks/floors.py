"""The floors: the least work that could be called the same job.

The same lines are decoded in full by msgspec into four kinds of latest facts: what was
sent of an expense, what a webhook said of it, what a page said of its legs, and how its
sync stands. No history, no evidence, no judgement. SQLite is set up as ours is, which
makes it faster by a third.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from reconcile.storage.sqlite.engine import PAGE_BYTES, WAL_PAGES_MAX

ROWS_PER_COMMIT = 2000


class _Content(msgspec.Struct, gc=False):
    text: str | None = None


class _Request(msgspec.Struct, gc=False):
    method: str
    url: str
    postData: _Content | None = None  # noqa: N815 - HAR's name


class _Response(msgspec.Struct, gc=False):
    status: int
    content: _Content


class _Line(msgspec.Struct, gc=False):
    startedDateTime: str  # noqa: N815 - HAR's name
    request: _Request
    response: _Response


class _Amounts(msgspec.Struct, gc=False):
    netAmount: Decimal  # noqa: N815 - Codat's names, here and below
    taxAmount: Decimal  # noqa: N815


class _Expense(msgspec.Struct, gc=False):
    id: str
    type: str
    issueDate: str  # noqa: N815
    currency: str
    merchantName: str | None = None  # noqa: N815
    reference: str | None = None
    lines: list[_Amounts] = []


class _Pushed(msgspec.Struct, gc=False):
    items: list[_Expense]


class _Started(msgspec.Struct, gc=False):
    datasetIds: list[str]  # noqa: N815


class _Accepted(msgspec.Struct, gc=False):
    syncId: str | None = None  # noqa: N815
    datasetId: str | None = None  # noqa: N815


class _Said(msgspec.Struct, gc=False):
    id: str
    status: str
    errorMessage: str | None = None  # noqa: N815


class _Company(msgspec.Struct, gc=False):
    id: str


class _Payload(msgspec.Struct, gc=False):
    referenceCompany: _Company  # noqa: N815
    syncId: str  # noqa: N815
    transactions: list[_Said] = []


class _Delivery(msgspec.Struct, gc=False):
    eventType: str  # noqa: N815
    payload: _Payload


class _Status(msgspec.Struct, gc=False):
    companyId: str  # noqa: N815
    syncId: str  # noqa: N815
    syncStatusCode: int  # noqa: N815
    syncStatus: str  # noqa: N815


class _Row(msgspec.Struct, gc=False):
    transactionId: str  # noqa: N815
    status: str
    integrationType: str | None = None  # noqa: N815
    message: str | None = None


class _Page(msgspec.Struct, gc=False):
    results: list[_Row]


_line = msgspec.json.Decoder(_Line).decode
_expenses = msgspec.json.Decoder(list[_Expense]).decode
_pushed = msgspec.json.Decoder(_Pushed).decode
_started = msgspec.json.Decoder(_Started).decode
_accepted = msgspec.json.Decoder(_Accepted).decode
_delivery = msgspec.json.Decoder(_Delivery).decode
_status = msgspec.json.Decoder(_Status).decode
_page = msgspec.json.Decoder(_Page).decode
_named = re.compile(
    r"/companies/(?P<company>[^/]+)/sync/expenses"
    r"/(?:syncs/(?P<sync>[^/]+)/)?(?P<call>[\w/-]+)"
).search
COLUMNS = {  # the key's columns first
    "expenses": (
        *("company", "txn", "sync", "dataset", "type", "amount", "currency"),
        *("issued", "merchant", "reference"),
    ),
    "hooks": ("company", "txn", "sync", "status", "message", "at"),
    "legs": ("company", "txn", "leg", "sync", "status", "message", "at"),
    "syncs": ("company", "sync", "code", "status", "at"),
}
KEYS = {"expenses": 2, "hooks": 2, "legs": 3, "syncs": 2}
SETTINGS = (
    f"page_size={PAGE_BYTES}",
    "journal_mode=WAL",
    "synchronous=FULL",
    "cache_size=-65536",
    f"wal_autocheckpoint={WAL_PAGES_MAX}",
)
Facts = dict[str, list[tuple[Any, ...]]]
"""Rows of each table, in the order of its columns."""


class Body(NamedTuple):
    """What one line says: which call, of which company and sync, when, and in what."""

    call: str
    company: str
    sync: str
    at: str
    sent: str | bytes
    answer: str | bytes


def bodies(lines: Iterable[bytes]) -> Iterator[Body]:
    """Yield what each line says."""
    for raw in lines:
        line = _line(raw)
        request = line.request
        sent = request.postData.text or "" if request.postData else ""
        answer = line.response.content.text or ""
        found = _named(request.url)
        at = line.startedDateTime
        if found is None:
            yield Body("webhook", "", "", at, sent, answer)
        else:
            company, sync, call = found.groups()
            yield Body(call, company, sync or "", at, sent, answer)


def add_facts(body: Body, facts: Facts) -> int:
    """Add what a body says, decoded in full; return how many rows that is."""
    match body.call:
        case "transactions":
            page = _page(body.answer).results
            facts["legs"] += [
                (
                    *(body.company, row.transactionId, row.integrationType),
                    *(body.sync, row.status, row.message, body.at),
                )
                for row in page
            ]
            return len(page)
        case "webhook":
            payload = _delivery(body.sent).payload
            company = payload.referenceCompany.id
            facts["hooks"] += [
                (company, row.id, payload.syncId, row.status, row.errorMessage, body.at)
                for row in payload.transactions
            ]
            return len(payload.transactions)
        case "status":
            status = _status(body.answer)
            code, word = status.syncStatusCode, status.syncStatus
            facts["syncs"].append((body.company, body.sync, code, word, body.at))
            return 1
        case "syncs":
            _started(body.sent)
            sync = _accepted(body.answer).syncId
            facts["syncs"].append((body.company, sync, None, None, body.at))
            return 1
    return _add_sent(body, facts)


def _add_sent(body: Body, facts: Facts) -> int:
    accepted = _accepted(body.answer)
    is_push = body.call == "data/expense-transactions"
    sent = _pushed(body.sent).items if is_push else _expenses(body.sent)
    facts["expenses"] += [
        (
            *(body.company, each.id, accepted.syncId, accepted.datasetId, each.type),
            str(sum([a.netAmount + a.taxAmount for a in each.lines])),
            *(each.currency, each.issueDate[:10], each.merchantName, each.reference),
        )
        for each in sent
    ]
    return len(sent)


def no_facts() -> Facts:
    """Return no rows of each table."""
    return {table: [] for table in COLUMNS}


def commits(lines: Iterable[bytes], keep: Callable[[Facts], None]) -> None:
    """Give what lines say to `keep`, so many rows at a time."""
    facts, rows = no_facts(), 0
    for body in bodies(lines):
        rows += add_facts(body, facts)
        if rows >= ROWS_PER_COMMIT:
            keep(facts)
            facts, rows = no_facts(), 0
    keep(facts)


def decode_and_upsert(lines: Iterable[bytes], path: Path) -> None:
    """Write the latest facts to four tables: durable, 2,000 rows a commit."""
    db = sqlite3.connect(path, isolation_level=None)
    set_up(db)
    upserts = make_tables(db)

    def keep(facts: Facts) -> None:
        db.execute("BEGIN IMMEDIATE")
        for table, rows in facts.items():
            db.executemany(upserts[table], rows)
        db.execute("COMMIT")

    commits(lines, keep)
    db.close()


def make_tables(db: sqlite3.Connection) -> dict[str, str]:
    """Make the four tables; return what writes a row of each, or writes it anew."""
    upserts = {}
    for table, columns in COLUMNS.items():
        key = ", ".join(columns[: KEYS[table]])
        rest = columns[KEYS[table] :]
        db.execute(
            f"CREATE TABLE {table} ({', '.join(columns)}, PRIMARY KEY ({key}))"
            " WITHOUT ROWID"
        )
        upserts[table] = (
            f"INSERT INTO {table} VALUES ({', '.join('?' for _ in columns)})"
            " ON CONFLICT DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in rest)
        )
    return upserts


def set_up(db: sqlite3.Connection) -> None:
    """Set a new file up as a store of ours is."""
    for pragma in SETTINGS:
        db.execute(f"PRAGMA {pragma}")


def store_bodies(lines: Iterable[bytes], path: Path) -> None:
    """Keep what decode-and-fold reads back: one stored row a line."""
    db = sqlite3.connect(path)
    db.execute("CREATE TABLE bodies (call, company, sync, at, sent, answer)")
    db.executemany("INSERT INTO bodies VALUES (?, ?, ?, ?, ?, ?)", bodies(lines))
    db.commit()
    db.close()


def decode_and_fold(path: Path) -> int:
    """Fold the same facts, from stored bodies, into dicts."""
    db = sqlite3.connect(path)
    folded: dict[str, dict[tuple[Any, ...], tuple[Any, ...]]] = {t: {} for t in COLUMNS}
    facts = no_facts()
    for row in db.execute("SELECT * FROM bodies ORDER BY rowid"):
        add_facts(Body._make(row), facts)
        for table, rows in facts.items():
            size, into = KEYS[table], folded[table]
            for fact in rows:
                into[fact[:size]] = fact[size:]
            rows.clear()
    db.close()
    return sum(map(len, folded.values()))
