"""The live views as tables, and the projector's position beside them."""

import itertools
import json
import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Final

import attrs
from eventsourcing.persistence import IntegrityError, Tracking
from eventsourcing.sqlite import (
    SQLiteCursor,
    SQLiteDatastore,
    SQLiteTrackingRecorder,
)

from reconcile.domain.vocabulary import UNDECIDED_WORDS
from reconcile.judgement.facts import DatasetFacts, ItemFacts, SyncFacts
from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.rows import (
    DATASET_COLUMNS,
    ITEM_COLUMNS,
    SYNC_COLUMNS,
    ItemRows,
    Row,
    decode_context,
    decode_dataset,
    decode_item,
    decode_sync,
    encode,
)
from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.sqlite.engine import store_errors
from reconcile.storage.sqlite.store import Store

PROJECTION: Final = "views"
VERSION: Final = 1
"""Of what the tables hold; another one makes every store fold its views anew."""
TABLES: Final = {
    "items": ITEM_COLUMNS,
    "syncs": SYNC_COLUMNS,
    "datasets": DATASET_COLUMNS,
}


class OvertakenError(Exception):
    """Another projector was quicker: its rows stand, ours are not needed."""


@attrs.define(kw_only=True)
class Written:
    """Everything one batch writes to the views."""

    items: list[ItemRows] = attrs.field(factory=list)
    syncs: list[Row] = attrs.field(factory=list)
    datasets: list[Row] = attrs.field(factory=list)
    deliveries: list[tuple[str, str, str, str]] = attrs.field(factory=list)
    poisoned: list[tuple[int, str]] = attrs.field(factory=list)
    newest: datetime | None = None


class ViewRecorder(SQLiteTrackingRecorder):
    """The views' tables beside the history's, in the same file."""

    def __init__(self, datastore: SQLiteDatastore) -> None:
        super().__init__(datastore)
        self.create_table()

    def construct_create_table_statements(self) -> list[str]:
        """Return the tables of tracking and of the views."""
        return [
            *super().construct_create_table_statements(),
            *(_table(name, columns) for name, columns in TABLES.items()),
            "CREATE TABLE IF NOT EXISTS deliveries ("
            "delivery_id TEXT NOT NULL, body_digest TEXT NOT NULL,"
            " company_id TEXT NOT NULL, sync_id TEXT NOT NULL,"
            " PRIMARY KEY (delivery_id, body_digest)) WITHOUT ROWID",
            "CREATE TABLE IF NOT EXISTS poisoned ("
            "position INTEGER PRIMARY KEY, reason TEXT NOT NULL)",
            "CREATE TABLE IF NOT EXISTS newest ("
            "one INTEGER PRIMARY KEY CHECK (one = 1), at INTEGER NOT NULL)",
            "CREATE TABLE IF NOT EXISTS made_by ("
            "one INTEGER PRIMARY KEY CHECK (one = 1), label TEXT NOT NULL)",
        ]

    def create_table(self) -> None:
        """Make what is not there yet; another process may be making it too."""
        try:
            super().create_table()
        except IntegrityError:
            super().create_table()  # the other has made it by now

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views where they were made by other rules than `label` names.

        Asked before every read, so it looks before it takes the write lock.
        """
        with self.datastore.transaction(commit=False) as cursor:
            if _made_by(cursor) == label:
                return
        with self.datastore.transaction(commit=True) as cursor:
            if _made_by(cursor) == label:
                return
            for name in (*TABLES, "deliveries", "poisoned", "newest"):
                cursor.execute(f"DELETE FROM {name}")
            cursor.execute(
                "DELETE FROM tracking WHERE application_name = ?", (PROJECTION,)
            )
            cursor.execute("REPLACE INTO made_by VALUES (1, ?)", (label,))

    def write(self, written: Written, *, after: int, position: int) -> None:
        """Write a batch's rows and the position they bring the views to.

        Raises:
            OvertakenError: the views no longer stand at `after`.

        """
        with self.datastore.transaction(commit=True) as cursor:
            stands = self._max_tracking_id(PROJECTION, cursor) or 0
            if stands != after:
                raise OvertakenError
            single: list[Row] = []
            for alike in written.items:
                if len(alike.transaction_ids) < ALIKE_MIN:
                    single += alike.rows()
                else:
                    _write_alike(cursor, alike)
            for name, rows in (
                ("items", single),
                ("syncs", written.syncs),
                ("datasets", written.datasets),
            ):
                marks = ", ".join("?" for _ in TABLES[name])
                cursor.executemany(f"REPLACE INTO {name} VALUES ({marks})", rows)
            cursor.executemany(
                "INSERT OR IGNORE INTO deliveries VALUES (?, ?, ?, ?)",
                written.deliveries,
            )
            cursor.executemany(
                "INSERT OR IGNORE INTO poisoned VALUES (?, ?)", written.poisoned
            )
            if written.newest is not None:
                cursor.execute(
                    "INSERT INTO newest VALUES (1, ?)"
                    " ON CONFLICT (one) DO UPDATE SET at = MAX(at, excluded.at)",
                    (micros(written.newest),),
                )
            self._insert_tracking(cursor, Tracking(PROJECTION, position))


ALIKE_MIN: Final = 4


def _made_by(cursor: SQLiteCursor) -> str | None:
    cursor.execute("SELECT label FROM made_by")
    row = cursor.fetchone()
    return None if row is None else str(row[0])


def _write_alike(cursor: SQLiteCursor, alike: ItemRows) -> None:
    """Write rows that differ in their id alone: their columns are bound once."""
    marks = ", ".join("?" for _ in alike.columns)
    cursor.execute(
        f"REPLACE INTO items SELECT ?, value, {marks}, ? FROM json_each(?)",
        (
            alike.company_id,
            *alike.columns,
            alike.facts,
            encode(alike.transaction_ids).decode(),
        ),
    )


def _table(name: str, columns: Iterable[tuple[str, str]]) -> str:
    """Return a table whose rows lie in the order of their writing.

    A table ordered by its key is split in halves by every row between two others: with
    rows as wide as these it is twice as large, and slower to write, than key and rows
    apart.
    """
    key = ", ".join(column for column, _ in itertools.islice(columns, 2))
    defined = ", ".join(f"{column} {kind}" for column, kind in columns)
    return f"CREATE TABLE IF NOT EXISTS {name} ({defined}, PRIMARY KEY ({key}))"


class Views:
    """The views of one store, as the projector writes them."""

    def __init__(self, store: Store) -> None:
        self._path = store.path
        with store_errors(store.path):
            self.recorder = ViewRecorder(store.datastore)

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views where other rules, deadlines or tables made them."""
        with store_errors(self._path):
            self.recorder.begin_anew_unless(f"views {VERSION}; {label}")

    def write(self, written: Written, *, after: int, position: int) -> None:
        """Write a batch; see `ViewRecorder.write`."""
        with store_errors(self._path):
            try:
                self.recorder.write(written, after=after, position=position)
            except IntegrityError as error:
                raise OvertakenError from error


def position_of(cursor: sqlite3.Cursor) -> int:
    """Return the position of the last event the views hold."""
    cursor.execute(
        "SELECT notification_id FROM tracking WHERE application_name = ?", (PROJECTION,)
    )
    row = cursor.fetchone()
    return 0 if row is None else int(row[0])


def newest_in(cursor: sqlite3.Cursor) -> datetime | None:
    """Return the latest effective time of any fact in the views."""
    cursor.execute("SELECT at FROM newest")
    row = cursor.fetchone()
    return None if row is None else moment_of(row[0])


def poisoned_in(cursor: sqlite3.Cursor) -> list[tuple[int, str]]:
    """Return the positions of stored events nobody could read, and why."""
    cursor.execute("SELECT position, reason FROM poisoned ORDER BY position")
    return [(row[0], row[1]) for row in cursor.fetchall()]


def deliveries_in(cursor: sqlite3.Cursor) -> list[tuple[str, str, str, str]]:
    """Return the deliveries whose id came with several bodies."""
    cursor.execute(
        "SELECT * FROM deliveries WHERE delivery_id IN"
        " (SELECT delivery_id FROM deliveries GROUP BY delivery_id HAVING COUNT(*) > 1)"
    )
    return [(row[0], row[1], row[2], row[3]) for row in cursor.fetchall()]


def companies_in(cursor: sqlite3.Cursor) -> list[str]:
    """Return every company the views hold anything of, sorted."""
    found: set[str] = set()
    for name in TABLES:
        after: str | None = ""
        while after is not None:
            cursor.execute(
                f"SELECT MIN(company_id) FROM {name} WHERE company_id > ?", (after,)
            )
            after = cursor.fetchone()[0]
            if after is not None:
                found.add(after)
    return sorted(found)


def rows_in(
    cursor: sqlite3.Cursor, table: str, company_id: str, *, name: str | None = None
) -> Iterator[Row]:
    """Yield a company's rows of a table, by their key; or the one of a name."""
    key = "transaction_id" if table == "items" else f"{table[:-1]}_id"
    named = "" if name is None else f" AND {key} = :name"
    cursor.execute(
        f"SELECT * FROM {table} WHERE company_id = :company{named} ORDER BY {key}",
        {"company": company_id, "name": name},
    )
    while rows := cursor.fetchmany(2000):
        yield from (tuple(row) for row in rows)


def unfinished_syncs(
    cursor: sqlite3.Cursor,
) -> Iterator[tuple[str, str, bytes, bytes, str | None]]:
    """Yield company, sync, facts and context of every sync that is not read to its end.

    Or one of whose rows is not settled: then the last says "open", where its word is no
    decision and its item waits for one, or where none does, "conflicting".
    """
    cursor.execute(
        "WITH unsettled AS MATERIALIZED ("
        " SELECT items.company_id, read.value ->> 0 AS sync_id,"
        " MAX(CASE items.kind WHEN 'CONFLICTING' THEN 'conflicting' ELSE 'open' END)"
        " AS how FROM items, json_each(items.facts, '$[0]') AS read,"
        " json_each(read.value, '$[3]') AS leg"
        " WHERE items.kind = 'CONFLICTING' OR ((items.state = 'open'"
        " OR items.stuck_after IS NOT NULL) AND leg.value ->> 1 IN"
        " (SELECT value FROM json_each(:undecided))) GROUP BY 1, 2)"
        " SELECT syncs.company_id, syncs.sync_id, facts, context, how"
        " FROM syncs LEFT JOIN unsettled USING (company_id, sync_id)"
        " WHERE listing != 'complete' OR status_code IS NULL"
        " OR syncs.state NOT IN ('ended_well', 'failed') OR how IS NOT NULL",
        {"undecided": json.dumps(UNDECIDED_WORDS)},
    )
    while rows := cursor.fetchmany(500):
        for row in rows:
            yield row[0], row[1], row[2], row[3], row[4]


def items_by_key(
    cursor: sqlite3.Cursor, company_id: str, transaction_ids: Iterable[str]
) -> dict[str, ItemFacts]:
    """Return the facts of those transactions that have any."""
    known: dict[bytes, ItemFacts] = {}
    found: dict[str, ItemFacts] = {}
    for transaction_id, facts in _facts(cursor, "items", company_id, transaction_ids):
        if facts not in known:
            known[facts] = decode_item(facts)
        found[transaction_id] = known[facts]
    return found


def syncs_by_key(
    cursor: sqlite3.Cursor, company_id: str, sync_ids: Iterable[str]
) -> dict[str, SyncFacts]:
    """Return the facts of those syncs that have any."""
    found = _facts(cursor, "syncs", company_id, sync_ids)
    return {name: decode_sync(facts) for name, facts in found}


def contexts_by_key(
    cursor: sqlite3.Cursor, company_id: str, sync_ids: Iterable[str]
) -> dict[str, SyncContext]:
    """Return those syncs as judgement saw them last."""
    found = _facts(cursor, "syncs", company_id, sync_ids, column="context")
    return {name: decode_context(facts) for name, facts in found}


def datasets_by_key(
    cursor: sqlite3.Cursor, company_id: str, dataset_ids: Iterable[str]
) -> dict[str, DatasetFacts]:
    """Return the facts of those datasets that have any."""
    found = _facts(cursor, "datasets", company_id, dataset_ids)
    return {name: decode_dataset(facts) for name, facts in found}


def _has_any(cursor: sqlite3.Cursor, table: str, company_id: str) -> bool:
    """Return whether the views know of the company: most of a first file is new."""
    cursor.execute(f"SELECT 1 FROM {table} WHERE company_id = ? LIMIT 1", (company_id,))
    return cursor.fetchone() is not None


def _facts(
    cursor: sqlite3.Cursor,
    table: str,
    company_id: str,
    names: Iterable[str],
    *,
    column: str = "facts",
) -> Iterator[tuple[str, bytes]]:
    wanted = list(names)
    if not wanted or not _has_any(cursor, table, company_id):
        return
    key = "transaction_id" if table == "items" else f"{table[:-1]}_id"
    cursor.execute(
        f"SELECT {key}, {column} FROM {table} WHERE company_id = ? AND {key} IN"
        " (SELECT value FROM json_each(?))",
        (company_id, encode(wanted).decode()),
    )
    for row in cursor.fetchall():
        yield row[0], row[1]
