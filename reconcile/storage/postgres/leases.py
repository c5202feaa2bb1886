"""Leases in PostgreSQL: a row for each piece of work under way or done.

A lease runs by the clock of the database, which all machines share, unless whoever
opened the store brought a clock of its own, as a test or a sandbox does.
"""

from datetime import datetime, timedelta

from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.postgres.database import Database


class PostgresLeases:
    """The leases of one PostgreSQL store, as one holder sees them."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self._holder = holder

    def take(self, name: str, *, now: datetime, lasts: timedelta) -> bool:
        """Return whether the work is ours now: no other holder's lease is running."""
        with self._database.writing() as write:
            return bool(
                write.run(
                    "INSERT INTO $.leases AS l (name, holder, until)"
                    " VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE"
                    " SET holder = excluded.holder, until = excluded.until"
                    " WHERE l.until <= %s OR l.until > %s"
                    " OR l.holder = excluded.holder",
                    *(name, self._holder, micros(now + lasts), micros(now)),
                    micros(now + 2 * lasts),  # by a clock that had jumped ahead
                )
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
