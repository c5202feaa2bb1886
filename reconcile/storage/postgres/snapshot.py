"""The views in PostgreSQL, read: every query of a view table."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from reconcile.domain.instants import format_instant
from reconcile.judgement.contents import Shown
from reconcile.judgement.facts import Content
from reconcile.projections.contents import ContentRow
from reconcile.projections.rows import (
    DeliveryRow,
    RefusedRow,
)
from reconcile.storage.evidence import moment_of
from reconcile.storage.ports import Named, UnfinishedSync, ViewTable
from reconcile.storage.postgres.database import Queries, Row
from reconcile.storage.postgres.paged import PagedTable
from reconcile.storage.tables import KEYS, MADE_BY, ROWS
from reconcile.storage.view_reads import CompanyRow, CompanyRows, unsettled_syncs


class PostgresSnapshot(CompanyRows):
    """The view tables in one consistent read.

    Views that another version of this library made, or nobody yet, are as if empty:
    the projector folds them anew before anything is read of them. A large table is read
    in pages by its key, so that neither side holds all of it.
    """

    def __init__(self, read: Queries) -> None:
        self._read = read
        row = read.first("SELECT label FROM $.made_by")
        self._made = row is not None and row[0].startswith(MADE_BY)
        self._stands: Row | None = None
        self._readers: dict[str, PagedTable] = {}

    def _select(self, query: str, *values: object) -> list[Row]:
        return self._read.all(query, *values) if self._made else []

    def position(self) -> int:
        """Return the position up to which the views contain every event."""
        last, _, lacking = self._standing()
        return last if lacking is None else lacking - 1

    def is_even(self) -> bool:
        """Return whether no company's rows contain a later event than others lack."""
        _, folded, lacking = self._standing()
        return lacking is None or folded < lacking

    def _standing(self) -> tuple[int, int, int | None]:
        """Return the last event, the last that is folded, the first that is not."""
        if not self._made:
            return 0, 0, None
        if self._stands is None:
            self._stands = self._read.first(_STANDING) or (0, 0, None)
        last, folded, lacking = self._stands
        return last, folded, lacking

    def newest(self) -> datetime | None:
        """Return the latest effective time of any fact in the views."""
        query = "SELECT at FROM $.newest"
        return next((moment_of(at) for (at,) in self._select(query)), None)

    def poisoned(self) -> list[tuple[int, str]]:
        """Return the position of each event that cannot be read, and why not."""
        query = "SELECT position, reason FROM $.poisoned ORDER BY position"
        return [(position, reason) for position, reason in self._select(query)]

    def deliveries(self) -> list[DeliveryRow]:
        """Return the deliveries whose id came with several bodies."""
        return [*map(DeliveryRow._make, self._select(_DELIVERIES))]

    def companies(self, *tables: ViewTable) -> list[str]:
        """Return every company that has a row in any table, or in these, sorted."""
        found: set[str] = set()
        for table in tables or ROWS:
            rows = self._select(_COMPANIES.replace("$$", f"$.{table}"))
            found.update(name for (name,) in rows)
        return sorted(found)

    def shown(
        self, company_id: str, names: Collection[str] | None = None
    ) -> Iterator[tuple[str, Shown]]:
        """Yield what stands for each item, or for those that are named."""
        columns = ("transaction_id", "differs", *Content._fields)
        rows: Iterable[Row]
        if names is None:
            rows = self._paged("contents", ", ".join(columns), company_id)
        else:
            rows = self._by_key("contents", columns, {company_id: names})
        for name, differs, *content in rows:
            yield name, Shown(Content._make(content), bool(differs))

    def contents_named(self, wanted: Named) -> Iterable[ContentRow]:
        """Return what those transactions say that have a row."""
        return [
            ContentRow._make(row)
            for row in self._by_key("contents", ContentRow._fields, wanted)
        ]

    def written(self, transaction_ids: Iterable[str]) -> Iterable[tuple[str, str, str]]:
        """Return company, transaction and digest of those that are in any books."""
        companies = self.companies("items")
        return [
            (company_id, transaction_id, digest)
            for company_id, transaction_id, digest in self._select(
                _WRITTEN, companies, [*transaction_ids]
            )
        ]

    def facts(
        self, table: ViewTable, wanted: Named
    ) -> Iterable[tuple[str, str, bytes]]:
        """Return company, name and encoded facts of those rows that exist."""
        columns = ("company_id", KEYS[table], "facts")
        return [
            (company_id, name, facts)
            for company_id, name, facts in self._by_key(table, columns, wanted)
        ]

    def each_facts(
        self, table: ViewTable, company_id: str
    ) -> Iterator[tuple[str, bytes]]:
        """Yield name and encoded facts of each of a company's rows, by name."""
        yield from self._paged(table, f"{KEYS[table]}, facts", company_id)

    def contexts(self, wanted: Named) -> Iterable[tuple[str, str, bytes]]:
        """Return company, name and encoded context of those syncs that have a row."""
        columns = ("company_id", "sync_id", "context")
        return [
            (company_id, name, context)
            for company_id, name, context in self._by_key("syncs", columns, wanted)
        ]

    def unfinished_syncs(self, *, now: datetime) -> Iterator[UnfinishedSync]:
        """Yield every sync that a follower may have to read again: not read by now."""
        unsettled = unsettled_syncs(self._select(_UNDECIDED))
        at = format_instant(now)
        for company_id, sync_id, facts, context in self._select(_UNFINISHED, at, at):
            how = unsettled.get(company_id, {}).pop(sync_id, None)
            yield UnfinishedSync(company_id, sync_id, facts, context, how)
        for company_id, syncs in unsettled.items():
            for row in self._select(_SYNCS_NAMED, company_id, [*syncs]):
                sync_id, facts, context = row
                how = syncs[sync_id]
                yield UnfinishedSync(company_id, sync_id, facts, context, how)

    def _all_refused(self) -> Iterator[RefusedRow]:
        query = "SELECT company_id, sync_id, facts FROM $.refused ORDER BY 1, 2"
        return map(RefusedRow._make, self._select(query))

    def _rows(
        self, row: type[CompanyRow], table: ViewTable, company_id: str
    ) -> Iterator[CompanyRow]:
        columns = f"{KEYS[table]}, {', '.join(row._fields)}"
        return (
            row._make(found[1:]) for found in self._paged(table, columns, company_id)
        )

    def _paged(
        self, table: ViewTable, columns: str, company_id: str
    ) -> Iterator[tuple[Any, ...]]:
        """Yield a company's rows by their key, which is the first of the columns."""
        if not self._made:
            return iter(())
        reader = self._readers.get(f"{table} {columns}")
        if reader is None:
            reader = self._readers[f"{table} {columns}"] = PagedTable(
                self._read, table, columns
            )
        return reader.of(company_id)

    def _by_key(
        self, table: ViewTable, columns: Sequence[str], wanted: Named
    ) -> list[Row]:
        """Return rows of any companies: one query, however many there are."""
        pairs = [(company, name) for company, names in wanted.items() for name in names]
        if not pairs:
            return []
        companies, names = map(list, zip(*pairs, strict=True))
        chosen = ", ".join(f"t.{column}" for column in columns)
        return self._select(
            f"SELECT {chosen} FROM unnest(%b::text[], %b::text[]) AS w (company, name)"
            f" JOIN $.{table} AS t ON t.company_id = w.company"
            f" AND t.{KEYS[table]} = w.name",
            companies,
            names,
        )


_STANDING: Final = """
    SELECT (SELECT last FROM $.book), MAX(t.position), MIN(lacking.position)
      FROM $.tracking AS t LEFT JOIN LATERAL (
        SELECT MIN(e.notification_id) AS position FROM $.stored_events AS e
         WHERE e.partition = t.partition AND e.notification_id > t.position
      ) AS lacking ON true
"""
_COMPANIES: Final = """
    WITH RECURSIVE companies (company_id) AS (
        (SELECT MIN(company_id) FROM $$)
        UNION ALL
        SELECT (SELECT MIN(company_id) FROM $$ WHERE company_id > companies.company_id)
        FROM companies WHERE company_id IS NOT NULL
    )
    SELECT company_id FROM companies WHERE company_id IS NOT NULL
"""
_DELIVERIES: Final = (
    "SELECT delivery_id, body_digest, company_id, sync_id FROM $.deliveries"
    " WHERE delivery_id IN (SELECT delivery_id FROM $.deliveries"
    " GROUP BY delivery_id HAVING COUNT(*) > 1) ORDER BY 1, 2"
)
_WRITTEN: Final = (
    "SELECT items.company_id, items.transaction_id, contents.digest"
    " FROM $.items AS items JOIN $.contents AS contents"
    " USING (company_id, transaction_id)"
    " WHERE items.company_id = ANY(%b::text[])"
    " AND items.transaction_id = ANY(%b::text[])"
    " AND items.state IN ('matched', 'cleared')"
)
_UNDECIDED: Final = (
    "SELECT DISTINCT company_id, undecided, kind IS NOT DISTINCT FROM 'CONFLICTING'"
    " FROM $.items WHERE undecided IS NOT NULL ORDER BY company_id"
)
_UNFINISHED: Final = (
    "SELECT company_id, sync_id, facts, context FROM $.syncs"
    " WHERE listing != 'complete' OR status_code IS NULL"
    " OR state NOT IN ('ended_well', 'failed')"
    " OR ended_at > %s OR complete_at > %s"  # by a clock that had jumped ahead
    " ORDER BY company_id, sync_id"
)
_SYNCS_NAMED: Final = (
    "SELECT sync_id, facts, context FROM $.syncs WHERE company_id = %s"
    " AND sync_id = ANY(%b::text[]) ORDER BY sync_id"
)
