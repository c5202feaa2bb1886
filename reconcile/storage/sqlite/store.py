"""The store in one SQLite file: what `storage/ports.py` asks of an engine."""

import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import datetime
from typing import Final, Self

from eventsourcing.persistence import IntegrityError

from reconcile.errors import StoreError
from reconcile.storage.application import HistoryApplication
from reconcile.storage.codec import Codec, Envelope
from reconcile.storage.evidence import (
    Evidence,
    EvidenceKey,
    Receipt,
    evidence_row,
    micros,
    pack_all,
)
from reconcile.storage.ports import VersionConflictError
from reconcile.storage.sqlite.database import Database
from reconcile.storage.sqlite.engine import (
    Datastore,
    Factory,
    sqlite_environment,
    store_errors,
)
from reconcile.storage.sqlite.events import EventReads
from reconcile.storage.sqlite.evidence import (
    compact,
    deliveries_of,
    evidence_at,
    evidence_counts,
    evidence_keys,
    receipts,
    rewrite_evidence,
    stored_body,
)
from reconcile.storage.sqlite.leases import SqliteLeases
from reconcile.storage.sqlite.moving import SqliteMoving
from reconcile.storage.sqlite.presence import mark_in
from reconcile.storage.sqlite.snapshot import SqliteSnapshot
from reconcile.storage.sqlite.tables import SqliteViews
from reconcile.storage.sqlite.untrusted import SqliteUntrusted


class SqliteStore(SqliteMoving, EventReads):
    """One history with its evidence and views, in one file."""

    def __init__(self, path: str, *, codec: Codec | None = None) -> None:
        self.path = path
        with store_errors(path):
            self._app = HistoryApplication(sqlite_environment(path), Factory)
        self.datastore: Datastore = self._app.factory.datastore  # type: ignore[attr-defined]  # the library types the factory by its base
        try:
            database = Database(path, self.datastore)
        except BaseException:
            self._app.close()
            raise
        super().__init__(database, codec or Codec())
        with database.reading() as cursor:
            self.datastore.presence.remember(mark_in(cursor))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the file."""
        self._app.close()

    def views(self) -> SqliteViews:
        """Return the views, to write them."""
        return SqliteViews(self._database, self)

    def leases(self, holder: str) -> SqliteLeases:
        """Return the leases, as a holder sees them."""
        return SqliteLeases(self._database, holder)

    def untrusted(self) -> SqliteUntrusted:
        """Return the deliveries that were refused."""
        return SqliteUntrusted(self._database)

    @contextmanager
    def reading(self) -> Iterator[SqliteSnapshot]:
        """Give the views in one consistent read."""
        with self._database.reading() as cursor:
            yield SqliteSnapshot(self._database, cursor)

    # Writing

    def append(
        self,
        events: Sequence[Envelope],
        evidence: Iterable[Evidence],
        *,
        recorded_at: datetime,
    ) -> None:
        """Write events and evidence in one transaction.

        Raises:
            VersionConflictError: a stream has moved on, or evidence is stored already.

        """
        self._database.bring_up_to_date()
        now = micros(recorded_at)
        bodies: dict[bytes, bytes] = {}
        rows = [evidence_row(piece, bodies, now) for piece in evidence]
        packed = pack_all([*bodies.values()])
        try:
            with store_errors(self.path):
                self._app.events.put(
                    events,
                    evidence=rows,
                    bodies=[
                        (digest, len(body), content)
                        for (digest, body), content in zip(
                            bodies.items(), packed, strict=True
                        )
                    ],
                    recorded_at=now,
                )
        except StoreError as error:
            if isinstance(error.__cause__, IntegrityError | sqlite3.IntegrityError):
                raise VersionConflictError(str(error)) from error
            raise

    def rewrite(self, evidence: Iterable[Evidence]) -> None:
        """Put other addresses, companies and bodies in place of those of evidence."""
        bodies: dict[bytes, bytes] = {}
        rows = [evidence_row(piece, bodies, 0) for piece in evidence]
        with self._database.writing() as cursor:
            rewrite_evidence(cursor, rows, bodies)

    def compact(self) -> str:
        """Leave nothing in the file of what was rewritten or deleted.

        Raises:
            StoreError: somebody else uses the store.

        """
        with store_errors(self.path), closing(sqlite3.connect(self.path)) as db:
            compact(db)
        return ""

    def wait_for_news(self, position: int, *, timeout_s: float) -> None:
        """Wait until there is an event after a position, or the time is over."""
        over_at = time.monotonic() + timeout_s
        while self.position() <= position and time.monotonic() < over_at:
            time.sleep(_LOOK_S)

    def engine(self) -> str:
        """Return the engine and its version."""
        return f"SQLite {sqlite3.sqlite_version}"

    def bring_up_to_date(self) -> None:
        """Give the file the newest layout, unless it has that already."""
        self._database.bring_up_to_date()

    def check_writable(self) -> None:
        """Take the lock for writing and let go of it."""
        self._database.check_writable()

    # Reading

    def confirm(self) -> None:
        """Make sure that the file is where it was, before anybody is told.

        Raises:
            StoreLostError: it is not.

        """
        self.datastore.confirm()

    def lost(self) -> str | None:
        """Return what became of the file where it is lost; try to take it up."""
        return self.datastore.lost()

    def check(self) -> None:
        """Look for damage in what answers are made of; bodies are not looked at.

        Each row is sought by each of its keys, which takes about a hundredth of a
        replay for the events, and a sixth of a live report for the views.

        Raises:
            StoreError: a page, a row or a key is damaged.

        """
        with self._database.reading() as cursor:
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            tables = [name for (name,) in cursor.fetchall() if name not in _BULKY]
            for table in tables:
                cursor.execute(f"PRAGMA integrity_check('{table}')")
                result = cursor.fetchone()[0]
                if result != "ok":
                    raise StoreError(f"{self.path} is damaged: {result}")

    def evidence(self, identity: bytes) -> Evidence | None:
        """Return one piece of evidence with its bodies, at its earliest receipt."""
        with self._database.reading() as cursor:
            layout = self._database.layout(cursor)
            return evidence_at(cursor, identity, layout=layout)

    def deliveries_of(self, digest: bytes) -> dict[bytes, str | None]:
        """Return the deliveries whose body has that SHA-256: identity and company."""
        with self._database.reading() as cursor:
            return deliveries_of(cursor, digest)

    def evidence_keys(self) -> list[EvidenceKey]:
        """Return what all evidence is known by, in the order of its coming."""
        with self._database.reading() as cursor:
            return evidence_keys(cursor)

    def evidence_counts(self) -> dict[tuple[str, str], int]:
        """Return how many pieces of evidence there are, by kind and HTTP method."""
        with self._database.reading() as cursor:
            return evidence_counts(cursor)

    def body(self, digest: bytes) -> bytes | None:
        """Return the body that has that SHA-256, None where no such is stored."""
        with self._database.reading() as cursor:
            return stored_body(cursor, digest)

    def receipts(self, identity: bytes) -> list[Receipt]:
        """Return one piece of evidence as it came each time, the earliest first."""
        with self._database.reading() as cursor:
            layout = self._database.layout(cursor)
            return receipts(cursor, identity, layout=layout)


_LOOK_S: Final = 0.05
_BULKY: Final = ("bodies", "evidence", "untrusted")  # no figure is read from them
