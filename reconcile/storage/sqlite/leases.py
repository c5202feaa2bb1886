"""Who does what: a lease for each piece of work, and when it was done last.

Several followers may work on one store; a lease keeps two of them from the same sync.
"""

from datetime import datetime, timedelta
from typing import Final

from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.sqlite.engine import store_errors
from reconcile.storage.sqlite.store import Store

_TABLE: Final = (
    "CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, holder TEXT NOT NULL,"
    " until INTEGER NOT NULL, done INTEGER) WITHOUT ROWID"
)


class Leases:
    """The leases of one store, as one holder sees them."""

    def __init__(self, store: Store, holder: str) -> None:
        self._store = store
        self._holder = holder
        with (
            store_errors(store.path),
            store.datastore.transaction(commit=True) as cursor,
        ):
            cursor.execute(_TABLE)

    def take(self, name: str, *, now: datetime, lasts: timedelta) -> bool:
        """Return whether the work is ours now: nobody else holds it."""
        with (
            store_errors(self._store.path),
            self._store.datastore.transaction(commit=True) as cursor,
        ):
            cursor.execute(
                "INSERT INTO leases VALUES (?, ?, ?, NULL) ON CONFLICT (name) DO UPDATE"
                " SET holder = excluded.holder, until = excluded.until"
                " WHERE until <= ? OR holder = excluded.holder",
                (name, self._holder, micros(now + lasts), micros(now)),
            )
            return bool(cursor.sqlite_cursor.rowcount)

    def leave(self, name: str, *, done: datetime | None) -> None:
        """Give work back; `done` is when it was done, None where it was not.

        Work of which nobody says that it was done leaves nothing behind.
        """
        with (
            store_errors(self._store.path),
            self._store.datastore.transaction(commit=True) as cursor,
        ):
            cursor.execute(
                "UPDATE leases SET until = 0, done = COALESCE(?, done)"
                " WHERE name = ? AND holder = ?",
                (None if done is None else micros(done), name, self._holder),
            )
            cursor.execute(
                "DELETE FROM leases WHERE name = ? AND until = 0 AND done IS NULL",
                (name,),
            )

    def all_done(self) -> dict[str, datetime]:
        """Return when each piece of work was done last that ever was."""
        with self._store.reading() as cursor:
            cursor.execute("SELECT name, done FROM leases WHERE done IS NOT NULL")
            return {row[0]: moment_of(row[1]) for row in cursor.fetchall()}

    def done(self, name: str) -> datetime | None:
        """Return when a piece of work was done last, None for never."""
        with self._store.reading() as cursor:
            cursor.execute("SELECT done FROM leases WHERE name = ?", (name,))
            row = cursor.fetchone()
        return None if row is None or row[0] is None else moment_of(row[0])
