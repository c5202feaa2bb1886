"""The SQLite file itself: how it is made, how it is flushed, and what is left of it.

These are about the file alone; what every store promises is in `test_store.py`.
"""

import gc
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.events import SyncStarted
from reconcile.errors import NoStoreError, StoreError
from reconcile.storage.codec import Envelope
from reconcile.storage.opening import open_store
from reconcile.storage.sqlite.engine import Datastore
from reconcile.storage.tables import VIEWS_VERSION
from tests.builders import at, page, row


def test_a_datastore_that_was_interrupted_while_opening_goes_without_a_word() -> None:
    begun = Datastore.__new__(Datastore)

    del begun

    gc.collect()  # what an object says while it is deleted is an error here


@pytest.mark.parametrize("commit", [True, False])
def test_every_connection_waits_for_the_disk_at_each_commit(
    tmp_path: Path, commit: bool
) -> None:
    with (
        closing(Datastore(str(tmp_path / "books.db"))) as datastore,
        datastore.get_connection(commit=commit) as connection,
    ):
        plain = connection._sqlite_conn
        (level,) = plain.execute("PRAGMA synchronous").fetchone()
        (journal,) = plain.execute("PRAGMA journal_mode").fetchone()

    assert (level, journal) == (2, "wal")  # FULL: fsync of the log


def test_a_store_is_only_created_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "books.db"

    with pytest.raises(NoStoreError):
        open_store(f"sqlite:///{path}", create=False)

    assert not path.exists()


def test_a_file_that_is_no_store_is_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    path.write_bytes(b"a letter to a friend")

    with pytest.raises(StoreError, match="is not a store"):
        open_store(f"sqlite:///{path}", create=True)

    assert path.read_bytes() == b"a letter to a friend"


@pytest.mark.parametrize("create", [True, False])
def test_a_path_that_the_machine_refuses_is_a_store_error(
    tmp_path: Path, create: bool
) -> None:
    with pytest.raises(StoreError, match="cannot be read"):
        open_store(f"sqlite:///{tmp_path / ('x' * 300)}", create=create)


def test_a_store_that_is_closed_leaves_no_connection_behind(tmp_path: Path) -> None:
    """SQLite folds the log in, and removes it, with the last connection."""
    gc.disable()  # which would close one that is merely forgotten
    try:
        for _ in range(2):
            with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books:
                books.report()
            assert [path.name for path in tmp_path.iterdir()] == ["books.db"]
    finally:
        gc.enable()


def test_many_may_open_a_new_store_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(4)

    def opens(url: str) -> int:
        together.wait()
        with Reconciler.open(url) as books:
            return books.report().totals.items

    with ThreadPoolExecutor(4) as threads:
        for number in range(10):
            url = f"sqlite:///{tmp_path / f'{number}.db'}"
            assert [*threads.map(opens, [url] * 4)] == [0] * 4


def test_an_empty_database_may_become_a_store_but_is_none_yet(tmp_path: Path) -> None:
    path = tmp_path / "empty.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
    url = f"sqlite:///{path}"

    with pytest.raises(StoreError, match="holds no history"):
        open_store(url, create=False)
    open_store(url, create=True).close()
    open_store(url, create=False).close()


def test_a_damaged_file_is_a_store_error(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    envelopes = [
        Envelope("sync:c:s", n, SyncStarted(at=at(0), evidence="e" * 5000))
        for n in range(1, 100)
    ]
    with open_store(f"sqlite:///{path}", create=True) as store:
        store.append(envelopes, (), recorded_at=at(1))
    damaged = bytearray(path.read_bytes())
    damaged[8192:] = b"\xff" * (len(damaged) - 8192)
    path.write_bytes(damaged)

    with (
        pytest.raises(StoreError),
        open_store(f"sqlite:///{path}", create=False) as store,
    ):
        store.stored_after(0)


def test_a_decided_row_stands_outside_the_index_of_the_undecided(
    tmp_path: Path,
) -> None:
    with Reconciler.open(f"sqlite:///{tmp_path / 'books.db'}") as books:
        books.ingest(read_lines([page(row("t1"), row("t2", "Pending"))]))
        books.catch_up()

    with closing(sqlite3.connect(tmp_path / "books.db")) as db:
        plan = [
            step[3]
            for step in db.execute(
                "EXPLAIN QUERY PLAN SELECT DISTINCT company_id, undecided,"
                " kind = 'CONFLICTING' FROM items WHERE undecided IS NOT NULL"
            )
        ]

    assert plan[0].endswith("USING COVERING INDEX items_undecided")


def test_views_whose_tables_are_of_another_version_are_made_anew(
    tmp_path: Path,
) -> None:
    path = tmp_path / "books.db"
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines([page(row("t1"), row("t2", "Pending"))]))
        books.catch_up()
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP INDEX items_undecided")
        db.execute("ALTER TABLE items DROP COLUMN undecided")
        now = f"views {VIEWS_VERSION}"
        db.execute("UPDATE made_by SET label = replace(label, ?, 'views 1')", (now,))
        db.commit()

    with Reconciler.open(f"sqlite:///{path}") as books:
        tied = books.tie_out()

        assert (tied.differences, tied.rows) == ([], 3)
