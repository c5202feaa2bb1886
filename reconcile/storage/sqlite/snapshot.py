"""The views in SQLite, read: every query of a view table."""

import sqlite3
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from reconcile.projections.rows import (
    DatasetRow,
    DeliveryRow,
    ItemRow,
    SyncRow,
    decode_names,
    encode,
)
from reconcile.storage.evidence import moment_of
from reconcile.storage.ports import UnfinishedSync, Unsettled, ViewTable
from reconcile.storage.sqlite.tables import KEYS, PROJECTION, ROWS

_Row = TypeVar("_Row", ItemRow, SyncRow, DatasetRow)


class SqliteSnapshot:
    """The view tables in one consistent read."""

    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self._cursor = cursor

    def position(self) -> int:
        """Return the position of the last event the views contain, 0 for none."""
        return self._number(
            "SELECT MAX(notification_id) FROM tracking WHERE application_name = ?",
            PROJECTION,
        )

    def newest(self) -> datetime | None:
        """Return the latest effective time of any fact in the views."""
        row = self._cursor.execute("SELECT at FROM newest").fetchone()
        return None if row is None else moment_of(row[0])

    def poisoned(self) -> list[tuple[int, str]]:
        """Return the position of each event that cannot be read, and why not."""
        return self._cursor.execute(
            "SELECT position, reason FROM poisoned ORDER BY position"
        ).fetchall()

    def deliveries(self) -> list[DeliveryRow]:
        """Return the deliveries whose id came with several bodies."""
        self._cursor.execute(
            "SELECT delivery_id, body_digest, company_id, sync_id FROM deliveries"
            " WHERE delivery_id IN (SELECT delivery_id FROM deliveries"
            " GROUP BY delivery_id HAVING COUNT(*) > 1)"
        )
        return [*map(DeliveryRow._make, self._cursor)]

    def companies(self) -> list[str]:
        """Return every company that has a row, sorted."""
        found: set[str] = set()
        for table in ROWS:
            after: str | None = ""
            while after is not None:
                self._cursor.execute(
                    f"SELECT MIN(company_id) FROM {table} WHERE company_id > ?",
                    (after,),
                )
                after = self._cursor.fetchone()[0]
                if after is not None:
                    found.add(after)
        return sorted(found)

    def items(self, company_id: str, *, name: str | None = None) -> Iterator[ItemRow]:
        """Yield a company's items by their ids, or one of them."""
        return self._rows(ItemRow, "items", company_id, name)

    def syncs(self, company_id: str) -> Iterator[SyncRow]:
        """Yield a company's syncs by their ids."""
        return self._rows(SyncRow, "syncs", company_id)

    def datasets(self, company_id: str) -> Iterator[DatasetRow]:
        """Yield a company's datasets by their ids."""
        return self._rows(DatasetRow, "datasets", company_id)

    def facts(
        self, table: ViewTable, company_id: str, names: Iterable[str]
    ) -> Iterable[tuple[str, bytes]]:
        """Return name and encoded facts of those rows that exist."""
        return self._by_key(table, "facts", company_id, names)

    def contexts(
        self, company_id: str, sync_ids: Iterable[str]
    ) -> Iterable[tuple[str, bytes]]:
        """Return name and encoded context of those syncs that have a row."""
        return self._by_key("syncs", "context", company_id, sync_ids)

    def unfinished_syncs(self) -> Iterator[UnfinishedSync]:
        """Yield every sync that a follower may have to read again."""
        unsettled = self._unsettled()
        self._cursor.execute(
            "SELECT company_id, sync_id, facts, context FROM syncs"
            " WHERE listing != 'complete' OR status_code IS NULL"
            " OR state NOT IN ('ended_well', 'failed')"
        )
        while rows := self._cursor.fetchmany(500):
            for company_id, sync_id, facts, context in rows:
                how = unsettled.get(company_id, {}).pop(sync_id, None)
                yield UnfinishedSync(company_id, sync_id, facts, context, how)
        for company_id, syncs in unsettled.items():
            self._cursor.execute(
                "SELECT sync_id, facts, context FROM syncs WHERE company_id = ?"
                " AND sync_id IN (SELECT value FROM json_each(?))",
                (company_id, encode([*syncs]).decode()),
            )
            for sync_id, facts, context in self._cursor.fetchall():
                how = syncs[sync_id]
                yield UnfinishedSync(company_id, sync_id, facts, context, how)

    def _unsettled(self) -> dict[str, dict[str, Unsettled]]:
        """Return the syncs to read again for an item's sake, by their company.

        Where one of its items waits for a decision it is "open", whatever others do.
        """
        found: dict[str, dict[str, Unsettled]] = {}
        self._cursor.execute(
            "SELECT DISTINCT company_id, undecided, kind = 'CONFLICTING' FROM items"
            " WHERE undecided IS NOT NULL"
        )
        for company_id, undecided, conflicting in self._cursor.fetchall():
            syncs = found.setdefault(company_id, {})
            for sync_id in decode_names(undecided):
                if not conflicting:
                    syncs[sync_id] = "open"
                else:
                    syncs.setdefault(sync_id, "conflicting")
        return found

    def _number(self, query: str, *values: object) -> int:
        number: int | None = self._cursor.execute(query, values).fetchone()[0]
        return number or 0

    def _rows(
        self,
        row: type[_Row],
        table: ViewTable,
        company_id: str,
        name: str | None = None,
    ) -> Iterator[_Row]:
        key = KEYS[table]
        named = "" if name is None else f" AND {key} = :name"
        self._cursor.execute(
            f"SELECT {', '.join(row._fields)} FROM {table}"
            f" WHERE company_id = :company{named} ORDER BY {key}",
            {"company": company_id, "name": name},
        )
        while some := self._cursor.fetchmany(2000):
            yield from map(row._make, some)

    def _by_key(
        self, table: ViewTable, column: str, company_id: str, names: Iterable[str]
    ) -> list[tuple[str, bytes]]:
        wanted = list(names)
        if not wanted or not self._has_any(table, company_id):
            return []
        key = KEYS[table]
        return self._cursor.execute(
            f"SELECT {key}, {column} FROM {table} WHERE company_id = ? AND {key} IN"
            " (SELECT value FROM json_each(?))",
            (company_id, encode(wanted).decode()),
        ).fetchall()

    def _has_any(self, table: ViewTable, company_id: str) -> bool:
        """Return whether the table knows the company: most of a first file is new."""
        self._cursor.execute(
            f"SELECT 1 FROM {table} WHERE company_id = ? LIMIT 1", (company_id,)
        )
        return self._cursor.fetchone() is not None
