"""Leases in PostgreSQL: a row for each piece of work under way or done.

A lease runs by the clock of the database, which all machines share, unless whoever
opened the store brought a clock of its own, as a test or a sandbox does.
"""

from datetime import datetime, timedelta
from typing import Final

from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.postgres.database import PostgresDatabase


class PostgresLeases:
    """The leases of one PostgreSQL store, as one holder sees them."""

    def __init__(self, database: PostgresDatabase, holder: str) -> None:
        self._database = database
        self._holder = holder

    def take(self, name: str, *, now: datetime | None, lasts: timedelta) -> bool:
        """Return whether the work is ours now: no other holder's lease is running.

        `now` is None for the clock of the server, which all machines share.
        """
        given = None if now is None else micros(now)
        with self._database.writing() as write:
            return bool(
                write.run(_TAKE, given, name, self._holder, lasts // _MICROSECOND)
            )

    def leave(self, name: str, *, done: datetime | None) -> None:
        """Give work back; `done` is when it was done, None where it was not.

        A lease that was never done leaves no row behind.
        """
        with self._database.writing() as write:
            write.run(
                "UPDATE $.leases SET until = 0, done = COALESCE(%s, done)"
                " WHERE name = %s AND holder = %s",
                *(None if done is None else micros(done), name, self._holder),
            )
            write.run(
                "DELETE FROM $.leases WHERE name = %s AND until = 0 AND done IS NULL",
                name,
            )

    def put_done(self, name: str, done: datetime) -> None:
        """Write when a piece of work was last done, as another store has it."""
        with self._database.writing() as write:
            write.run(
                "INSERT INTO $.leases (name, holder, until, done)"
                " VALUES (%s, %s, 0, %s)"
                " ON CONFLICT (name) DO UPDATE SET done = excluded.done",
                *(name, self._holder, micros(done)),
            )

    def all_done(self) -> dict[str, datetime]:
        """Return when each piece of work was last done."""
        rows = self._database.all(
            "SELECT name, done FROM $.leases WHERE done IS NOT NULL"
        )
        return {name: moment_of(done) for name, done in rows}

    def done(self, name: str) -> datetime | None:
        """Return when a piece of work was last done, None for never."""
        row = self._database.first("SELECT done FROM $.leases WHERE name = %s", name)
        return None if row is None or row[0] is None else moment_of(row[0])


_MICROSECOND: Final = timedelta(microseconds=1)
# A lease further away than two of them was taken by a clock that had jumped ahead.
_TAKE: Final = """
    WITH clock AS MATERIALIZED (
        SELECT COALESCE(
            %s::int8, (extract(epoch FROM clock_timestamp()) * 1000000)::int8
        ) AS now
    )
    INSERT INTO $.leases AS l (name, holder, until)
    SELECT %s::text, %s::text, now + %b::int8 FROM clock
    ON CONFLICT (name) DO UPDATE
       SET holder = excluded.holder, until = excluded.until
     WHERE l.holder = excluded.holder OR l.until <= (SELECT now FROM clock)
        OR l.until > 2 * excluded.until - (SELECT now FROM clock)
"""
