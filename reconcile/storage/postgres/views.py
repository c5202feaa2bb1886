"""The views in PostgreSQL, written: a batch's rows, with the projector's position."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from reconcile.errors import StoreLostError
from reconcile.projections.rows import Column, ItemRows
from reconcile.storage.event_reads import BYTES_PER_READ, EVENTS_PER_READ
from reconcile.storage.evidence import micros
from reconcile.storage.ports import (
    OvertakenError,
    StoredEvent,
    ViewChanges,
    ViewTable,
    relabelled,
)
from reconcile.storage.postgres.database import PostgresDatabase, Queries, Row
from reconcile.storage.postgres.errors import store_errors
from reconcile.storage.postgres.snapshot import PostgresSnapshot
from reconcile.storage.tables import KEYS, MADE_BY, ROWS


class PostgresViews:
    """The views of one PostgreSQL store, as the projector writes them."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._label: str | None = None
        self._idle_timeout_s: int | None = None

    def begin_anew_unless(self, label: str) -> None:
        """Empty the views unless they were made under this label.

        Whoever reads meanwhile sees them as they were.
        """
        self._label = label = f"{MADE_BY}{label}"
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

        A claim that the server has ended, because it was folded for longer than a
        transaction may stand still, is overtaken: the next one may for twice as long.

        Raises:
            OvertakenError: the server has ended the claim.
            StoreError: the views are made under another label by now.

        """
        allowed_s = self._idle_timeout_s or self._database.location.idle_timeout_s
        begun = time.monotonic()
        try:
            with self._claim(until) as claim:
                yield claim
        except StoreLostError as error:
            if not allowed_s or time.monotonic() - begun < allowed_s:
                raise
            self._idle_timeout_s = min(2 * allowed_s, _IDLE_MAX_S)
            raise OvertakenError from error
        self._idle_timeout_s = None

    @contextmanager
    def _claim(self, until: int) -> Iterator["PostgresClaim | None"]:
        idle_timeout_s = self._idle_timeout_s
        with self._database.writing(idle_timeout_s=idle_timeout_s) as write:
            shares: list[Row] = []
            while not shares:
                lacking = write.all(_LACKING, until, until)
                if not lacking:
                    yield None
                    return
                wanted = _a_batch(lacking)
                others = [each for each, _ in lacking if each not in wanted]
                shares = (
                    write.all(f"{_SHARES} SKIP LOCKED", wanted, until)
                    or (others and write.all(f"{_SHARES} SKIP LOCKED", others, until))
                    or write.all(_SHARES, wanted[:1], until)
                )
            if self._label and write.first(_LABEL) != (self._label,):
                raise relabelled(self._database.path)
            partitions, positions = map(list, zip(*shares, strict=True))
            stored = write.all(_NEXT, partitions, positions, until)
            yield PostgresClaim(
                write,
                partitions,
                [*map(StoredEvent._make, stored)],
                path=self._database.path,
            )


def _a_batch(lacking: Sequence[Row]) -> list[int]:
    """Return shares that lack a batch of events together: one where there is much."""
    chosen: list[int] = []
    events = 0
    for partition, number in lacking:
        if chosen and events + number > EVENTS_PER_READ:
            break
        chosen.append(partition)
        events += number
    return chosen


class PostgresClaim:
    """The next events of the companies of some partitions, in one transaction."""

    def __init__(
        self,
        write: Queries,
        partitions: Sequence[int],
        stored: Sequence[StoredEvent],
        *,
        path: str,
    ) -> None:
        self._path = path
        self._write = write
        self._partitions = [*partitions]
        self.stored = stored

    @contextmanager
    def reading(self) -> Iterator[PostgresSnapshot]:
        """Give the views as they stand before the events that are not yet written."""
        with store_errors(self._path):  # or they would pass for an event's own
            yield PostgresSnapshot(self._write)

    def write(self, changes: ViewChanges, *, position: int) -> None:
        """Write the rows of events up to a position, and that position, at once."""
        write = self._write
        write.run(_MOVE, position, self._partitions)
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


# The shares that lack events, in any order, and how many: a batch, or fewer.
_LACKING: Final = f"""
    SELECT t.partition, lacking.events
      FROM $.tracking AS t CROSS JOIN LATERAL (
        SELECT count(*) AS events FROM (
            SELECT 1 FROM $.stored_events AS e
             WHERE e.partition = t.partition AND e.notification_id > t.position
               AND e.notification_id <= %s LIMIT {EVENTS_PER_READ}) AS few
      ) AS lacking
     WHERE t.position < %s AND lacking.events > 0 ORDER BY random()
"""
_SHARES: Final = """
    SELECT t.partition, t.position FROM $.tracking AS t
     WHERE t.partition = ANY(%b::int2[]) AND EXISTS (
        SELECT 1 FROM $.stored_events AS e
         WHERE e.partition = t.partition AND e.notification_id > t.position
           AND e.notification_id <= %s)
     ORDER BY t.partition FOR UPDATE OF t"""
_NEXT: Final = f"""
    SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
      FROM (SELECT *, SUM(octet_length(state)) OVER (ORDER BY notification_id)
                      - octet_length(state) AS bytes_before
              FROM (SELECT e.* FROM unnest(%b::int2[], %b::int8[])
                             AS share (partition, position)
                     CROSS JOIN LATERAL (
                        SELECT * FROM $.stored_events AS e
                         WHERE e.partition = share.partition
                           AND e.notification_id > share.position
                           AND e.notification_id <= %s
                         ORDER BY e.notification_id LIMIT {EVENTS_PER_READ}) AS e
                     ORDER BY notification_id LIMIT {EVENTS_PER_READ}) AS next
           ) AS sized
     WHERE bytes_before < {BYTES_PER_READ} ORDER BY notification_id
"""
# A share may be ahead of the others of its claim: it holds none of what was folded.
_MOVE: Final = """
    UPDATE $.tracking SET position = GREATEST(position, %s)
     WHERE partition = ANY(%b::int2[])
"""
_IDLE_MAX_S: Final = 7 * 24 * 3600
_LABEL: Final = "SELECT label FROM $.made_by"


def _write_rest(write: Queries, changes: ViewChanges) -> None:
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


def _write_items(write: Queries, groups: Sequence[ItemRows]) -> None:
    """Write items: what is alike of many is sent once, with all of their ids."""
    if not groups:
        return
    alike = [(group.company_id, *group.columns, group.facts) for group in groups]
    named = [
        (number, name)
        for number, group in enumerate(groups, start=1)
        for name in group.transaction_ids
    ]
    write.run(_ITEMS, *_columns(alike), *_columns(named))


def _upsert(write: Queries, table: ViewTable, rows: Sequence[tuple[Any, ...]]) -> None:
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
_ALIKE: Final = tuple(column for n, column in enumerate(ROWS["items"]) if n != 1)
_ITEMS: Final = _into(
    "items",
    ROWS["items"],
    "SELECT "
    + ", ".join(
        "named.name" if n == 1 else f"alike.{column.name}"
        for n, column in enumerate(ROWS["items"])
    )
    + " FROM unnest("
    + ", ".join(f"%b::{_KINDS[column.kind]}[]" for column in _ALIKE)
    + ") WITH ORDINALITY AS alike ("
    + ", ".join(column.name for column in _ALIKE)
    + ", number) JOIN unnest(%b::int8[], %b::text[]) AS named (number, name)"
    " USING (number)",
)
