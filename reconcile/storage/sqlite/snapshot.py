"""The views in SQLite, read: every query of a view table."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from typing import Any

from reconcile.domain.instants import format_instant
from reconcile.judgement.contents import Shown
from reconcile.judgement.facts import Content
from reconcile.projections.contents import ContentRow
from reconcile.projections.rows import (
    DeliveryRow,
    RefusedRow,
    encode,
)
from reconcile.storage.evidence import moment_of
from reconcile.storage.ports import Named, UnfinishedSync, ViewTable
from reconcile.storage.sqlite.database import Database
from reconcile.storage.sqlite.schema import PROJECTION
from reconcile.storage.tables import KEYS, MADE_BY, ROWS
from reconcile.storage.view_reads import CompanyRow, CompanyRows, unsettled_syncs


class SqliteSnapshot(CompanyRows):
    """The view tables in one consistent read.

    Views that another version of this library made, or nobody yet, are as if empty:
    the projector folds them anew before anything is read of them.
    """

    def __init__(self, database: Database, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor
        self._made = database.is_up_to_date(cursor) and self._made_by_this_version()

    def _made_by_this_version(self) -> bool:
        row = self._cursor.execute("SELECT label FROM made_by").fetchone()
        return row is not None and row[0].startswith(MADE_BY)

    def _select(self, query: str, *values: object) -> Iterable[tuple[Any, ...]]:
        return self._cursor.execute(query, values) if self._made else ()

    def position(self) -> int:
        """Return the position of the last event the views contain, 0 for none."""
        query = "SELECT notification_id FROM tracking WHERE application_name = ?"
        return next((position for (position,) in self._select(query, PROJECTION)), 0)

    def is_even(self) -> bool:
        """Return True: one position stands for all companies."""
        return True

    def newest(self) -> datetime | None:
        """Return the latest effective time of any fact in the views."""
        return next((moment_of(at) for (at,) in self._select(_NEWEST)), None)

    def poisoned(self) -> list[tuple[int, str]]:
        """Return the position of each event that cannot be read, and why not."""
        return [(position, reason) for position, reason in self._select(_POISONED)]

    def deliveries(self) -> list[DeliveryRow]:
        """Return the deliveries whose id came with several bodies."""
        return [*map(DeliveryRow._make, self._select(_DELIVERIES))]

    def companies(self, *tables: ViewTable) -> list[str]:
        """Return every company that has a row in any table, or in these, sorted."""
        found: set[str] = set()
        for table in tables or ROWS:
            query = f"SELECT MIN(company_id) FROM {table} WHERE company_id > ?"
            after: str | None = ""
            while after is not None:
                after = next((name for (name,) in self._select(query, after)), None)
                if after is not None:
                    found.add(after)
        return sorted(found)

    def shown(
        self, company_id: str, names: Collection[str] | None = None
    ) -> Iterator[tuple[str, Shown]]:
        """Yield what stands for each item, or for those that are named."""
        columns = ", ".join(("differs", *Content._fields))
        rows: Iterable[tuple[Any, ...]]
        if names is None:
            query = f"SELECT transaction_id, {columns} FROM contents"
            rows = self._select(f"{query} WHERE company_id = ?", company_id)
        else:
            named = self._by_key("contents", columns, {company_id: names})
            rows = (row[1:] for row in named)
        for name, differs, *content in rows:
            yield name, Shown(Content._make(content), bool(differs))

    def contents_named(self, wanted: Named) -> Iterable[ContentRow]:
        """Return what those transactions say that have a row."""
        found = self._by_key("contents", ", ".join(ContentRow._fields), wanted)
        return [ContentRow._make(row[2:]) for row in found]

    def written(self, transaction_ids: Iterable[str]) -> Iterable[tuple[str, str, str]]:
        """Return company, transaction and digest of those that are in any books."""
        companies = encode(self.companies()).decode()
        names = encode([*transaction_ids]).decode()
        return [
            (company_id, transaction_id, digest)
            for company_id, transaction_id, digest in self._select(
                _WRITTEN, companies, names
            )
        ]

    def facts(
        self, table: ViewTable, wanted: Named
    ) -> Iterable[tuple[str, str, bytes]]:
        """Return company, name and encoded facts of those rows that exist."""
        return [(*row,) for row in self._by_key(table, "facts", wanted)]

    def each_facts(
        self, table: ViewTable, company_id: str
    ) -> Iterator[tuple[str, bytes]]:
        """Yield name and encoded facts of each of a company's rows, by name."""
        query = f"SELECT {KEYS[table]}, facts FROM {table} WHERE company_id = ?"
        yield from self._select(f"{query} ORDER BY {KEYS[table]}", company_id)

    def contexts(self, wanted: Named) -> Iterable[tuple[str, str, bytes]]:
        """Return company, name and encoded context of those syncs that have a row."""
        return [(*row,) for row in self._by_key("syncs", "context", wanted)]

    def unfinished_syncs(self, *, now: datetime) -> Iterator[UnfinishedSync]:
        """Yield every sync that a follower may have to read again: not read by now."""
        unsettled = unsettled_syncs(self._select(_UNDECIDED))
        at = format_instant(now)
        for company_id, sync_id, facts, context in self._select(_UNFINISHED, at, at):
            how = unsettled.get(company_id, {}).pop(sync_id, None)
            yield UnfinishedSync(company_id, sync_id, facts, context, how)
        for company_id, syncs in unsettled.items():
            names = encode([*syncs]).decode()
            for row in self._select(_SYNCS_NAMED, company_id, names):
                sync_id, facts, context = row
                how = syncs[sync_id]
                yield UnfinishedSync(company_id, sync_id, facts, context, how)

    def _all_refused(self) -> Iterator[RefusedRow]:
        return map(RefusedRow._make, self._select(_REFUSED))

    def _rows(
        self, row: type[CompanyRow], table: ViewTable, company_id: str
    ) -> Iterator[CompanyRow]:
        query = f"SELECT {', '.join(row._fields)} FROM {table} WHERE company_id = ?"
        rows = self._select(f"{query} ORDER BY {KEYS[table]}", company_id)
        return map(row._make, rows)

    def _by_key(
        self, table: ViewTable, columns: str, wanted: Named
    ) -> Iterator[tuple[Any, ...]]:
        """Yield rows, each behind its company and its key: a query a company."""
        key = KEYS[table]
        query = (
            f"SELECT company_id, {key}, {columns} FROM {table} WHERE company_id = ?"
            f" AND {key} IN (SELECT value FROM json_each(?))"
        )
        for company_id, names in wanted.items():
            if names and self._has_any(table, company_id):
                yield from self._select(query, company_id, encode([*names]).decode())

    def _has_any(self, table: ViewTable, company_id: str) -> bool:
        """Return whether the table knows the company: most of a first file is new."""
        query = f"SELECT 1 FROM {table} WHERE company_id = ? LIMIT 1"
        return any(True for _ in self._select(query, company_id))


_REFUSED = "SELECT company_id, sync_id, facts FROM refused"
_NEWEST = "SELECT at FROM newest"
_POISONED = "SELECT position, reason FROM poisoned ORDER BY position"
_DELIVERIES = (
    "SELECT delivery_id, body_digest, company_id, sync_id FROM deliveries"
    " WHERE delivery_id IN (SELECT delivery_id FROM deliveries"
    " GROUP BY delivery_id HAVING COUNT(*) > 1)"
)
_WRITTEN = (  # by keys alone: companies times transactions
    "SELECT items.company_id, items.transaction_id, contents.digest"
    " FROM json_each(?) AS company CROSS JOIN json_each(?) AS named"
    " CROSS JOIN items ON items.company_id = company.value"
    " AND items.transaction_id = named.value"
    " CROSS JOIN contents ON contents.company_id = company.value"
    " AND contents.transaction_id = named.value"
    " WHERE items.state IN ('matched', 'cleared')"
)
_UNDECIDED = (
    "SELECT DISTINCT company_id, undecided, kind = 'CONFLICTING' FROM items"
    " WHERE undecided IS NOT NULL"
)
_UNFINISHED = (
    "SELECT company_id, sync_id, facts, context FROM syncs"
    " WHERE listing != 'complete' OR status_code IS NULL"
    " OR state NOT IN ('ended_well', 'failed')"
    " OR ended_at > ? OR complete_at > ?"  # by a clock that had jumped ahead
)
_SYNCS_NAMED = (
    "SELECT sync_id, facts, context FROM syncs WHERE company_id = ?"
    " AND sync_id IN (SELECT value FROM json_each(?))"
)
