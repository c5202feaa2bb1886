"""The views in PostgreSQL, written: a batch's rows, with the projector's position."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from reconcile.projections.rows import Column, ItemRow, ItemRows
from reconcile.storage.evidence import micros
from reconcile.storage.ports import StoredEvent, ViewChanges, ViewTable
from reconcile.storage.postgres.database import Database, Transaction
from reconcile.storage.postgres.events import BYTES_PER_READ, EVENTS_PER_READ
from reconcile.storage.postgres.snapshot import PostgresSnapshot
from reconcile.storage.tables import ALIKE_MIN, KEYS, MADE_BY, ROWS


class PostgresViews:
    """The views of one PostgreSQL store, as the projector writes them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views unless they were made under this label.

        Whoever reads meanwhile sees them as they were.
        """
        label = f"{MADE_BY}{label}"
        if self._database.first(_LABEL) == (label,):
            return
        with self._database.writing() as write:
            write.all("SELECT 1 FROM $.tracking ORDER BY partition FOR UPDATE")
            if write.first(_LABEL) == (label,):
                return
            for table in (*ROWS, "deliveries", "poisoned", "newest", "made_by"):
                write.run(f"DELETE FROM $.{table}")
            write.run("UPDATE $.tracking SET position = 0")
            write.run("INSERT INTO $.made_by (label) VALUES (%s)", label)

    @contextmanager
    def claim(self, *, until: int) -> Iterator["PostgresClaim | None"]:
        """Give the next events of some companies, which nobody else has.

        The claim is the transaction in which their rows are written: with whoever
        holds it ends the claim, by whatever end. Where all that is to be folded is in
        other hands, it is waited for.
        """
        with self._database.writing() as write:
            while True:
                found = write.first(_FREE, until) or write.first(_IN_HANDS, until)
                if found is not None or write.first(_LACKING, until) is None:
                    break
            if found is None:
                yield None
                return
            partition, after = found
            rows = write.all(_NEXT, partition, after, until)
            yield PostgresClaim(write, partition, [*map(StoredEvent._make, rows)])


class PostgresClaim:
    """The next events of the companies of one partition, in one transaction."""

    def __init__(
        self, write: Transaction, partition: int, stored: Sequence[StoredEvent]
    ) -> None:
        self._write = write
        self._partition = partition
        self.stored = stored

    @contextmanager
    def reading(self) -> Iterator[PostgresSnapshot]:
        """Give the views as they stand before the events that are not yet written."""
        yield PostgresSnapshot(self._write)

    def write(self, changes: ViewChanges, *, position: int) -> None:
        """Write the rows of events up to a position, and that position, at once."""
        write = self._write
        moved = "UPDATE $.tracking SET position = %s WHERE partition = %s"
        write.run(moved, position, self._partition)
        for table, company_id, key in changes.gone:
            write.run(
                f"DELETE FROM $.{table} WHERE company_id = %s AND {KEYS[table]} = %s",
                company_id,
                key,
            )
        _write_items(write, changes.items)
        _upsert(write, "contents", changes.contents)
        _upsert(write, "syncs", changes.syncs)
        _upsert(write, "datasets", changes.datasets)
        _upsert(write, "refused", changes.refused)
        _upsert(write, "mended", changes.mended)
        _write_rest(write, changes)


_AFTER: Final = """
    EXISTS (SELECT 1 FROM $.stored_events AS e
             WHERE e.partition = t.partition AND e.notification_id > t.position
               AND e.notification_id <= %s)
"""
_LACKING: Final = f"SELECT 1 FROM $.tracking AS t WHERE {_AFTER} LIMIT 1"
_TO_FOLD: Final = f"""
    SELECT t.partition, t.position FROM $.tracking AS t WHERE {_AFTER}
     ORDER BY random() LIMIT 1 FOR UPDATE OF t"""
_FREE: Final = f"{_TO_FOLD} SKIP LOCKED"
_IN_HANDS: Final = _TO_FOLD
_NEXT: Final = f"""
    SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
      FROM (SELECT *, SUM(octet_length(state)) OVER (ORDER BY notification_id)
                      - octet_length(state) AS bytes_before
              FROM $.stored_events
             WHERE partition = %s AND notification_id > %s AND notification_id <= %s
             ORDER BY notification_id LIMIT {EVENTS_PER_READ}) AS next
     WHERE bytes_before < {BYTES_PER_READ} ORDER BY notification_id
"""
_LABEL: Final = "SELECT label FROM $.made_by"


def _write_rest(write: Transaction, changes: ViewChanges) -> None:
    """Write what belongs to no company alone."""
    if changes.silenced:
        write.run(
            "DELETE FROM $.deliveries USING unnest(%b::text[], %b::text[], %b::text[])"
            " AS gone (company_id, sync_id, body_digest)"
            " WHERE deliveries.company_id = gone.company_id"
            " AND deliveries.sync_id = gone.sync_id"
            " AND deliveries.body_digest = gone.body_digest",
            *_columns(changes.silenced),
        )
    if changes.deliveries:
        write.run(
            "INSERT INTO $.deliveries (delivery_id, body_digest, company_id, sync_id)"
            " SELECT * FROM unnest(%b::text[], %b::text[], %b::text[], %b::text[])"
            " ON CONFLICT DO NOTHING",
            *_columns(sorted(changes.deliveries)),
        )
    if changes.poisoned:
        write.run(
            "INSERT INTO $.poisoned (position, reason)"
            " SELECT * FROM unnest(%b::int8[], %b::text[]) ON CONFLICT DO NOTHING",
            *_columns(
                [(n, reason.replace("\0", "�")) for n, reason in changes.poisoned]
            ),
        )
    if changes.newest is not None:
        write.run(
            "INSERT INTO $.newest (at) VALUES (%s)"
            " ON CONFLICT (one) DO UPDATE SET at = GREATEST(newest.at, excluded.at)",
            micros(changes.newest),
        )


def _write_items(write: Transaction, groups: Sequence[ItemRows]) -> None:
    single: list[ItemRow] = []
    for alike in groups:
        if len(alike.transaction_ids) < ALIKE_MIN:
            single += alike.rows()
        else:
            _write_alike(write, alike)
    _upsert(write, "items", single)


def _write_alike(write: Transaction, alike: ItemRows) -> None:
    """Write rows that differ in their id alone: their columns are sent once."""
    write.run(
        _ALIKE,
        alike.company_id,
        *alike.columns,
        alike.facts,
        sorted(alike.transaction_ids),
    )


def _upsert(
    write: Transaction, table: ViewTable, rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write rows by their key, in its order: so no two writers wait for each other."""
    if rows:
        write.run(_UPSERTS[table], *_columns(sorted(rows, key=_key)))


def _key(row: tuple[Any, ...]) -> tuple[str, str]:
    return row[0], row[1]


def _columns(rows: Sequence[tuple[Any, ...]]) -> list[object]:
    return [*map(list, zip(*rows, strict=True))]


_KINDS: Final[dict[type, str]] = {str: "text", int: "int8", bytes: "bytea"}


def _into(table: ViewTable, columns: Sequence[Column], source: str) -> str:
    """Return the statement that puts rows into a table, in place of what is there."""
    names = ", ".join(column.name for column in columns)
    new = ", ".join(f"{column.name} = excluded.{column.name}" for column in columns[2:])
    return (
        f"INSERT INTO $.{table} ({names}) {source}"
        f" ON CONFLICT ({columns[0].name}, {columns[1].name}) DO UPDATE SET {new}"
    )


def _from_arrays(columns: Sequence[Column]) -> str:
    arrays = ", ".join(f"%b::{_KINDS[column.kind]}[]" for column in columns)
    return f"SELECT * FROM unnest({arrays})"


_UPSERTS: Final[dict[ViewTable, str]] = {
    table: _into(table, columns, _from_arrays(columns))
    for table, columns in ROWS.items()
}
_ALIKE: Final = _into(
    "items",
    ROWS["items"],
    "SELECT %s::text, name, "
    + ", ".join(f"%s::{_KINDS[column.kind]}" for column in ROWS["items"][2:])
    + " FROM unnest(%b::text[]) AS name",
)
