"""How a store's file is laid out, by version, and how an older one becomes the newest.

SQLite's `user_version` says which layout a file has. An older file is read as it is.
The first write brings it up to date in one transaction, so that a process killed on the
way leaves it as it was. What differs between layouts is asked through this module.
"""

import sqlite3
from collections.abc import Callable, Sequence
from typing import Final
from urllib.parse import quote, unquote

import msgspec

from reconcile.domain.identity import stream_parts
from reconcile.storage.sqlite.schema import (
    HISTORY,
    LEASES,
    UNTRUSTED,
    make_view_tables,
)

Condition = tuple[str, dict[str, str]]
"""A condition in SQL and the values of its marks."""


def layout_of(cursor: sqlite3.Cursor) -> int | None:
    """Return the layout of a file, None for one that holds no history."""
    layout: int = cursor.execute("PRAGMA user_version").fetchone()[0]
    if layout:
        return layout
    cursor.execute("SELECT 1 FROM sqlite_master WHERE name = 'stored_events'")
    return None if cursor.fetchone() is None else 0


def bring_up_to_date(cursor: sqlite3.Cursor) -> None:
    """Make the tables that are missing, and change those of an older layout.

    Another process may be doing the same: the caller has the write lock.
    """
    layout = layout_of(cursor)
    if layout is None:
        for statement in HISTORY:
            cursor.execute(statement)
    for migrate in _MIGRATIONS[layout or 0 :]:
        migrate(cursor)
    cursor.execute(f"PRAGMA user_version = {max(layout or 0, LAYOUT)}")


def _add_company_and_dropped(cursor: sqlite3.Cursor) -> None:
    """Layout 1: a company of each event; whether a response body was left out.

    The company is computed from the stream's name, so that no row is rewritten, and
    no event can say one company by its name and another by its column.
    """
    cursor.execute(
        "ALTER TABLE stored_events ADD COLUMN company_id TEXT"
        f" GENERATED ALWAYS AS ({_COMPANY_IN_NAME}) VIRTUAL"
    )
    cursor.execute(
        "CREATE INDEX events_by_company ON stored_events (company_id, topic)"
    )
    cursor.execute(
        "ALTER TABLE evidence ADD COLUMN body_dropped INTEGER NOT NULL DEFAULT 0"
    )
    cursor.executemany(
        "UPDATE evidence SET body_dropped = 1 WHERE identity = ?",
        [(identity,) for identity in _dropped_by_reason(cursor)],
    )
    cursor.execute(LEASES)
    cursor.execute(UNTRUSTED)
    make_view_tables(cursor)


_MIGRATIONS: Final[Sequence[Callable[[sqlite3.Cursor], None]]] = (
    _add_company_and_dropped,
)
LAYOUT: Final = len(_MIGRATIONS)
NAMES: Final = ("company and dropped",)
"""What each migration is called, from the first."""

_AFTER_KIND: Final = "substr(originator_id, instr(originator_id, ':') + 1)"
_COMPANY_IN_NAME: Final = f"substr({_AFTER_KIND}, 1, instr({_AFTER_KIND}, ':') - 1)"


# What differs between layouts


def events_of_company(company_id: str, *, layout: int) -> Condition:
    """Return the condition that an event is a company's."""
    part = quote(company_id, safe="")
    if layout >= 1:
        return "company_id = :company", {"company": part}
    ranges = [
        f"originator_id > '{kind}:' || :first AND originator_id < '{kind}:' || :last"
        for kind in _KINDS_0
    ]
    return f"({' OR '.join(ranges)})", {"first": f"{part}:", "last": f"{part};"}


def events_by_topic(layout: int, *, many: bool) -> str:
    """Return the events to find some topics in: of many, by the index that has them.

    An event has some kilobytes, an entry of the index some bytes.
    """
    return (
        "stored_events INDEXED BY events_by_company"
        if many and layout >= 1
        else "stored_events"
    )


_KINDS_0: Final = ("case", "dataset", "request", "sync")


def companies_in(
    cursor: sqlite3.Cursor, *, layout: int, span: tuple[int, int] | None = None
) -> list[str]:
    """Return every company that has an event, sorted; "" for events of none.

    With a span: an event after its first position, up to its last.
    """
    within = "" if span is None else " WHERE rowid > ? AND rowid <= ?"
    if layout >= 1:
        distinct = f"SELECT DISTINCT company_id FROM stored_events{within}"
        cursor.execute(_COMPANIES if span is None else distinct, span or ())
        return sorted(unquote(company) for (company,) in cursor.fetchall())
    cursor.execute(
        f"SELECT DISTINCT originator_id FROM stored_events{within}", span or ()
    )
    return sorted({stream_parts(stream)[1] for (stream,) in cursor.fetchall()})


_COMPANIES: Final = """
    WITH RECURSIVE companies (company_id) AS (
        SELECT MIN(company_id) FROM stored_events
        UNION ALL
        SELECT (SELECT MIN(company_id) FROM stored_events
                WHERE company_id > companies.company_id)
        FROM companies WHERE company_id IS NOT NULL
    )
    SELECT company_id FROM companies WHERE company_id IS NOT NULL
"""  # one step a company, where DISTINCT would read the whole index


def body_dropped(cursor: sqlite3.Cursor, identity: bytes, *, layout: int) -> bool:
    """Return whether the capture left out the response body of some evidence."""
    if layout == 0:
        return identity in _dropped_by_reason(cursor)
    cursor.execute(
        "SELECT MAX(body_dropped) FROM evidence WHERE identity = ?", (identity,)
    )
    return bool(cursor.fetchone()[0])


_DROPPED_0: Final = "the capture holds no response body"
"""The reason by which 0.1.0 knew such evidence again. It is stored: never reword it."""


def _dropped_by_reason(cursor: sqlite3.Cursor) -> set[bytes]:
    """Return the evidence that was quarantined because its response body is missing."""
    cursor.execute(
        "SELECT state FROM stored_events WHERE originator_id > 'case:'"
        " AND originator_id < 'case;' AND topic = 'case.evidence-quarantined'"
    )
    found: set[bytes] = set()
    for (state,) in cursor.fetchall():
        try:
            event = msgspec.json.decode(state, type=_Quarantined)
            if event.reason == _DROPPED_0:
                found.add(bytes.fromhex(event.evidence))
        except (msgspec.MsgspecError, ValueError, RecursionError):
            continue  # counted as poisoned where the views are made
    return found


class _Quarantined(msgspec.Struct):
    reason: str
    evidence: str
