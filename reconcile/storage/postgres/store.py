"""The store in one PostgreSQL schema: what `storage/ports.py` asks of an engine."""

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final, Self

from reconcile.errors import StoreError
from reconcile.storage.application import HistoryApplication
from reconcile.storage.codec import Codec, Envelope
from reconcile.storage.evidence import (
    Evidence,
    EvidenceKey,
    Receipt,
    evidence_row,
    micros,
)
from reconcile.storage.postgres.database import PooledDatastore, PostgresDatabase
from reconcile.storage.postgres.errors import store_errors
from reconcile.storage.postgres.events import PostgresEvents
from reconcile.storage.postgres.evidence import (
    compact,
    evidence_counts,
    evidence_keys,
    receipts,
    rewrite_evidence,
    stored_body,
)
from reconcile.storage.postgres.layout import check_layout
from reconcile.storage.postgres.leases import PostgresLeases
from reconcile.storage.postgres.location import location_of
from reconcile.storage.postgres.moving import PostgresMoving
from reconcile.storage.postgres.pulse import Pulse
from reconcile.storage.postgres.recorder import BookFactory
from reconcile.storage.postgres.snapshot import PostgresSnapshot
from reconcile.storage.postgres.untrusted import PostgresUntrusted
from reconcile.storage.postgres.views import PostgresViews
from reconcile.storage.postgres.wakeup import Announcer, Listener

_VACUUM: Final = "VACUUM (FULL) $.evidence, $.bodies, $.untrusted"


class PostgresStore(PostgresMoving, PostgresEvents):
    """One history with its evidence and views, in one schema.

    Raises:
        NoStoreError: the schema holds no store.
        StoreError: the server is not there, or the store is of another version.

    """

    def __init__(self, url: str, *, codec: Codec | None = None) -> None:
        self.path = location_of(url).name
        with store_errors(self.path):
            self._app = HistoryApplication({"RECONCILE_STORE": url}, BookFactory)
        datastore: PooledDatastore = self._app.factory.datastore  # type: ignore[attr-defined]  # the library types the factory by its base
        database = PostgresDatabase(datastore)
        super().__init__(database, codec or Codec())
        self._announcer = Announcer(database)
        self._listener = Listener(database)
        self._pulse = Pulse(database)
        try:
            database.connect()
            check_layout(database)
        except BaseException:
            self._app.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of every connection."""
        self._announcer.close()
        self._listener.close()
        self._app.close()

    def views(self) -> PostgresViews:
        """Return the views, to write them."""
        return PostgresViews(self._database)

    def leases(self, holder: str) -> PostgresLeases:
        """Return the leases, as a holder sees them."""
        return PostgresLeases(self._database, holder)

    def untrusted(self) -> PostgresUntrusted:
        """Return the deliveries that were refused."""
        return PostgresUntrusted(self._database)

    @contextmanager
    def reading(self) -> Iterator[PostgresSnapshot]:
        """Give the views in one consistent read."""
        with self._database.reading() as read:
            yield PostgresSnapshot(read)

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
        bodies: dict[bytes, bytes] = {}
        now = micros(recorded_at)
        rows = [evidence_row(piece, bodies, now) for piece in evidence]
        with store_errors(self.path):
            self._app.events.put(
                events,
                database=self._database,
                evidence=rows,
                bodies=bodies,
                recorded_at=now,
            )
        if events:
            self._announcer.announce()

    def rewrite(self, evidence: Iterable[Evidence]) -> None:
        """Put other addresses, companies and bodies in place of those of evidence."""
        bodies: dict[bytes, bytes] = {}
        rows = [evidence_row(piece, bodies, 0) for piece in evidence]
        with self._database.writing() as write:
            rewrite_evidence(write, rows, bodies)

    def compact(self) -> str:
        """Delete what nothing refers to any more; return what takes it off the disk."""
        with self._database.writing() as write:
            compact(write)
        return self._database.named(_VACUUM).decode()

    def wait_for_news(self, position: int, *, timeout_s: float) -> None:
        """Wait until there may be an event after a position, or the time is over.

        Through a pooler nothing is announced: the store is looked at when it is over.
        """
        if self.position() > position:
            return
        if not self._database.location.prepares:
            time.sleep(timeout_s)
            return
        with store_errors(self.path):
            self._listener.wait(timeout_s)

    def engine(self) -> str:
        """Return the engine and the version of the server."""
        row = self._database.first("SELECT current_setting('server_version')")
        return f"PostgreSQL {row[0].split()[0] if row else ''}"

    def bring_up_to_date(self) -> None:
        """Do nothing: a store of another layout is not opened."""

    def check_writable(self) -> None:
        """Take the lock for writing and let go of it, or raise a StoreError."""
        with self._database.writing() as write:
            write.first("SELECT last FROM $.book FOR UPDATE")

    # Reading

    def confirm(self) -> None:
        """Do nothing: what the server has answered is written."""

    def lost(self) -> str | None:
        """Return why the server cannot be reached, None where it can."""
        return self._pulse.lost()

    def check(self) -> None:
        """Look for damage in what answers are made of; bodies are not looked at.

        Positions are dense: one event for each number up to that of the counter.

        Raises:
            StoreError: an event is missing.

        """
        row = self._database.first(
            "SELECT count(*), COALESCE(max(notification_id), 0),"
            " (SELECT last FROM $.book) FROM $.stored_events"
        )
        events, highest, last = row or (0, 0, 0)
        if not events == highest == last:
            raise StoreError(
                f"{self.path} is damaged: {events} events stand at positions up to"
                f" {highest}, expected one at each up to {last}"
            )

    def evidence(self, identity: bytes) -> Evidence | None:
        """Return one piece of evidence with its bodies, at its earliest receipt."""
        found = receipts(self._database, identity, most=1)
        return found[0].evidence if found else None

    def deliveries_of(self, digest: bytes) -> dict[bytes, str | None]:
        """Return the deliveries whose body has that SHA-256: identity and company."""
        rows = self._database.all(
            "SELECT identity, company_id FROM $.evidence"
            " WHERE kind = 'delivery' AND request_body = %s ORDER BY seq",
            digest,
        )
        return dict(rows)

    def evidence_keys(self) -> list[EvidenceKey]:
        """Return what all evidence is known by, in the order of its coming."""
        return evidence_keys(self._database)

    def evidence_counts(self) -> dict[tuple[str, str], int]:
        """Return how many pieces of evidence there are, by kind and HTTP method."""
        return evidence_counts(self._database)

    def body(self, digest: bytes) -> bytes | None:
        """Return the body that has that SHA-256, None where no such is stored."""
        with self._database.reading() as read:
            return stored_body(read, digest)

    def receipts(self, identity: bytes) -> list[Receipt]:
        """Return one piece of evidence as it came each time, the earliest first."""
        return receipts(self._database, identity)
