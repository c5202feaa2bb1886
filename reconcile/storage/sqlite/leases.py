"""Leases in SQLite: a row for each piece of work that is under way or was done."""

from datetime import UTC, datetime, timedelta

from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.sqlite.database import Database


class SqliteLeases:
    """The leases of one SQLite store, as one holder sees them."""

    def __init__(self, database: Database, holder: str) -> None:
        self._database = database
        self._holder = holder
        database.bring_up_to_date()  # whoever takes leases will write

    def take(self, name: str, *, now: datetime | None, lasts: timedelta) -> bool:
        """Return whether the work is ours now: no other holder's lease is running.

        `now` is None for the clock of this machine: no other uses the file.
        """
        now = now or datetime.now(UTC)
        with self._database.writing() as cursor:
            cursor.execute(
                "INSERT INTO leases VALUES (?, ?, ?, NULL) ON CONFLICT (name) DO UPDATE"
                " SET holder = excluded.holder, until = excluded.until"
                " WHERE leases.until <= ? OR leases.until > ?"
                " OR leases.holder = excluded.holder",
                (
                    *(name, self._holder, micros(now + lasts), micros(now)),
                    micros(now + 2 * lasts),  # by a clock that had jumped ahead
                ),
            )
            return bool(cursor.rowcount)

    def leave(self, name: str, *, done: datetime | None) -> None:
        """Give work back; `done` is when it was done, None where it was not.

        A lease that was never done leaves no row behind.
        """
        with self._database.writing() as cursor:
            cursor.execute(
                "UPDATE leases SET until = 0, done = COALESCE(?, done)"
                " WHERE name = ? AND holder = ?",
                (None if done is None else micros(done), name, self._holder),
            )
            cursor.execute(
                "DELETE FROM leases WHERE name = ? AND until = 0 AND done IS NULL",
                (name,),
            )

    def put_done(self, name: str, done: datetime) -> None:
        """Write when a piece of work was last done, as another store has it."""
        with self._database.writing() as cursor:
            cursor.execute(
                "INSERT INTO leases VALUES (?, ?, 0, ?)"
                " ON CONFLICT (name) DO UPDATE SET done = excluded.done",
                (name, self._holder, micros(done)),
            )

    def all_done(self) -> dict[str, datetime]:
        """Return when each piece of work was last done."""
        with self._database.reading() as cursor:
            cursor.execute("SELECT name, done FROM leases WHERE done IS NOT NULL")
            return {name: moment_of(done) for name, done in cursor.fetchall()}

    def done(self, name: str) -> datetime | None:
        """Return when a piece of work was last done, None for never."""
        with self._database.reading() as cursor:
            cursor.execute("SELECT done FROM leases WHERE name = ?", (name,))
            row = cursor.fetchone()
        return None if row is None or row[0] is None else moment_of(row[0])
