"""The server is there, and something is in the way: a lock, a password, a full disk."""

import os
import random
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.events import SyncStarted
from reconcile.errors import StoreAwayError, StoreError
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from reconcile.storage.opening import migrate, open_store
from reconcile.storage.ports import Store
from tests.builders import at, push, start, uuid_of
from tests.storage.faults.servers import OwnServer

_STARTED = SyncStarted(at=at(0), evidence="")
_LOCKED = (
    r"^postgresql://:\d+/postgres \(schema \w+\) cannot be used: another transaction"
    r" holds what is needed for longer than lock_timeout \(canceling statement due to"
    r" lock timeout\)$"
)


def schema_in(url: str) -> str:
    return url.partition("schema=")[2].partition("&")[0]


@pytest.mark.parametrize(
    "lock", ["SELECT last FROM $.book FOR UPDATE", "LOCK TABLE $.stored_events"]
)
def test_a_lock_from_outside_is_waited_for_so_long_and_named(
    victim: OwnServer, lock: str
) -> None:
    with (
        victim.book("lock_timeout=1") as url,
        open_store(url, create=False) as store,
        psycopg.connect(victim.url()) as outside,
    ):
        outside.execute(lock.replace("$", schema_in(url)).encode())
        begun = time.monotonic()
        with pytest.raises(StoreError, match=_LOCKED) as caught:
            append(url, 1)
        waited = time.monotonic() - begun
        outside.rollback()
        append(url, 1)

        assert 1.0 <= waited < 5.0
        assert not isinstance(caught.value, StoreAwayError)
        assert store.position() == 1
        store.check()


def append(url: str, number: int) -> None:
    with open_store(url, create=False) as store:
        event = Envelope(f"sync:c:{number}", 1, _STARTED)
        store.append([event], (), recorded_at=at(number))


def test_views_under_a_lock_from_outside_catch_up_when_it_is_gone(
    victim: OwnServer,
) -> None:
    with (
        victim.book("lock_timeout=1") as url,
        Reconciler.open(url) as books,
        psycopg.connect(victim.url()) as outside,
    ):
        books.ingest(read_lines([push(uuid_of(1))]))
        tracking = f"SELECT 1 FROM {schema_in(url)}.tracking FOR UPDATE"
        outside.execute(tracking.encode())
        with pytest.raises(StoreError, match=_LOCKED):
            books.catch_up()
        outside.rollback()

        assert books.catch_up() == books.store.position()
        assert books.tie_out().differences == []


def test_a_share_in_other_hands_holds_up_no_other_share(victim: OwnServer) -> None:
    companies = [f"c{n}" for n in range(12)]
    with (
        victim.book("lock_timeout=1") as url,
        Reconciler.open(url) as books,
        psycopg.connect(victim.url()) as outside,
    ):
        books.catch_up()
        for company in companies:  # each has more than a batch
            books.store.append(
                [Envelope(f"sync:{company}:s", n, _STARTED) for n in range(1, 502)],
                (),
                recorded_at=at(1),
            )
        of = f"FROM {schema_in(url)}"
        [(share,)] = victim.ask(
            f"SELECT DISTINCT partition {of}.stored_events WHERE company_id = 'c0'"
        )
        taken = f"SELECT 1 {of}.tracking WHERE partition = {share} FOR UPDATE"
        outside.execute(taken.encode())
        with pytest.raises(StoreError, match=_LOCKED):
            books.catch_up()

        behind = victim.ask(
            f"SELECT DISTINCT e.partition {of}.stored_events AS e"
            f" JOIN {schema_in(url)}.tracking AS t USING (partition)"
            " WHERE e.notification_id > t.position"
        )
        assert behind == [(share,)]
        outside.rollback()
        assert books.catch_up() == books.store.position()


def test_an_idle_transaction_anywhere_holds_up_no_reader(victim: OwnServer) -> None:
    victim.ask("CREATE DATABASE elsewhere")
    begin = b"BEGIN ISOLATION LEVEL SERIALIZABLE"
    with (
        psycopg.connect(victim.url(database="elsewhere"), autocommit=True) as stranger,
        psycopg.connect(victim.url(), autocommit=True) as neighbour,
        victim.book() as url,
        Reconciler.open(url) as books,
    ):
        for each in (stranger, neighbour):
            each.execute(begin)
            each.execute("CREATE TABLE theirs (one int)")
            each.execute("SELECT pg_current_xact_id()")
        books.ingest(read_lines([push(uuid_of(1)), start(minutes=1)]))

        position = books.store.position()
        assert position > 1
        assert len(books.store.stored_after(0)) == position
        assert books.catch_up() == position
        neighbour.execute("ROLLBACK")
        stranger.execute("ROLLBACK")
    victim.ask("DROP DATABASE elsewhere")


# A password that is changed


@pytest.fixture
def asking(victim: OwnServer) -> Iterator[OwnServer]:
    """Give the server, asking those who come over loopback for a password."""
    rules = victim.data / "pg_hba.conf"
    before = rules.read_text()
    rules.write_text("local all all trust\nhost all all 127.0.0.1/32 scram-sha-256\n")
    victim.ask("SELECT pg_reload_conf()")
    victim.ask("CREATE ROLE worker LOGIN PASSWORD 'first-secret'")
    yield victim
    rules.write_text(before)
    victim.ask("SELECT pg_reload_conf()")
    victim.ask("DROP OWNED BY worker")
    victim.ask("DROP ROLE worker")


def test_an_open_store_goes_on_with_the_next_password(
    asking: OwnServer, tmp_path: Path
) -> None:
    passwords = tmp_path / "pgpass"

    def use(password: str) -> None:
        passwords.write_text(f"127.0.0.1:*:*:worker:{password}\n")
        passwords.chmod(0o600)

    use("first-secret")
    with asking.book() as direct:
        schema = schema_in(direct)
        migrate(direct, writer="worker")
        url = (
            f"postgresql://worker@127.0.0.1:{asking.port}/postgres?schema={schema}"
            f"&passfile={passwords}&connect_timeout=2&sslmode=disable"
        )
        with Reconciler.open(url) as books:
            books.ingest(read_lines([push(uuid_of(1))]))
            asking.ask("ALTER ROLE worker PASSWORD 'second-secret'")
            asking.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE usename = 'worker'"
            )

            with pytest.raises(StoreAwayError) as caught:
                books.catch_up()
            use("second-secret")

            books.ingest(read_lines([start(minutes=1)]))
            assert books.catch_up() == books.store.position() > 1
            assert books.tie_out().differences == []

    text = str(caught.value)
    assert "password authentication failed for user" in text
    assert "secret" not in text
    assert "\n" not in text


# A disk that is full


@contextmanager
def small_disk(folder: Path, server: OwnServer) -> Iterator[Path]:
    """Give a folder on a file system of a few MiB, or skip the test."""
    folder.mkdir()
    mount = shutil.which("mount")
    if os.geteuid() != 0 or mount is None:
        pytest.skip("only root can mount a file system that is soon full")
    tried = subprocess.run(
        [mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)],
        check=False,
        capture_output=True,
    )
    if tried.returncode:
        pytest.skip("this machine lets nobody mount a file system")
    try:
        if server.user is not None:
            shutil.chown(folder, server.user)
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)  # noqa: S607


def test_a_full_disk_keeps_nothing_by_halves(victim: OwnServer) -> None:
    with small_disk(victim.folder / "small", victim) as folder, victim.book() as url:
        schema = schema_in(url)
        victim.ask(f"CREATE TABLESPACE small LOCATION '{folder}'")
        for table in ("bodies", "stored_events", "evidence"):
            victim.ask(f"ALTER TABLE {schema}.{table} SET TABLESPACE small")
        with open_store(url, create=False) as store:
            stored, error = filled(store)
            store.check()
            assert store.position() == stored
            assert len(store.evidence_keys()) == stored
            assert store.evidence(identity_of(stored + 1)) is None

            remount = ["mount", "-o", "remount,size=32m", str(folder)]
            subprocess.run(remount, check=True)
            append_large(store, stored + 1)
            found = store.evidence(identity_of(stored + 1))

            assert found is not None
            assert found.request_body == body_of(stored + 1)
            store.check()
        assert stored > 1
        assert "cannot be used: the disk of the server is full (" in str(error)
        assert "\n" not in str(error)
        assert not isinstance(error, StoreAwayError)
        for table in ("bodies", "stored_events", "evidence"):
            victim.ask(f"DROP TABLE {schema}.{table} CASCADE")
        victim.ask("DROP TABLESPACE small")


def identity_of(number: int) -> bytes:
    return number.to_bytes(32)


def body_of(number: int) -> bytes:
    """Return a body that no compression makes smaller."""
    return random.Random(number).randbytes(700_000)


def append_large(store: Store, number: int) -> None:
    piece = Evidence(
        identity=identity_of(number),
        kind="bytes",
        observed_at=None,
        company_id="c",
        request_body=body_of(number),
    )
    event = Envelope(f"sync:c:{number}", 1, _STARTED)
    store.append([event], [piece], recorded_at=at(number))


def filled(store: Store) -> tuple[int, StoreError]:
    """Append until the disk is full; return how many there are, and what was said."""
    for number in range(1, 100):
        try:
            append_large(store, number)
        except StoreError as error:
            return number - 1, error
    raise AssertionError
