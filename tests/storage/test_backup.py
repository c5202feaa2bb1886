"""Backups: whole, looked through, made while others write, and their owner's alone."""

import stat
import threading
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines, to_data
from reconcile.errors import NoStoreError, StoreError
from reconcile.storage.backup import back_up
from tests.builders import at, create, page, row, status, uuid_of

LINES = (create("t1"), status(2000, minutes=2), page(row("t1"), minutes=3))


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def test_a_backup_is_one_file_that_tells_the_same_report(tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    with Reconciler.open(url(tmp_path / "books.db")) as books:
        books.ingest(read_lines(LINES))
        before = to_data(books.report(as_of=at(60)))
        position = back_up(url(tmp_path / "books.db"), target)

    assert not [*tmp_path.glob("copy.db-*")]
    with Reconciler.open(url(target), create=False) as copy:
        assert to_data(copy.report(as_of=at(60))) == before
        assert copy.store.position() == position == 3
        assert copy.tie_out().differences == []
        assert [*copy.store.evidence_keys()]


def test_a_backup_holds_all_that_was_stored_before_it_began(tmp_path: Path) -> None:
    source = url(tmp_path / "books.db")
    stop, stored = threading.Event(), []

    def write() -> None:
        with Reconciler.open(source) as books:
            number = 0
            while not stop.is_set():
                number += 1
                books.ingest(read_lines([create(uuid_of(number), minutes=number)]))
                stored.append(number)

    with Reconciler.open(source):
        pass
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for copy in range(5):
            before = len(stored)
            position = back_up(source, tmp_path / f"copy{copy}.db")
            assert position >= before
    finally:
        stop.set()
        writer.join()


def test_what_is_copied_is_a_store_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("not a store")

    with pytest.raises(NoStoreError):
        back_up(url(tmp_path / "absent.db"), tmp_path / "copy.db")
    with pytest.raises(StoreError):
        back_up(url(tmp_path / "text.db"), tmp_path / "copy.db")
    assert not (tmp_path / "copy.db").exists()


def test_a_store_and_its_backup_are_their_owners_alone(tmp_path: Path) -> None:
    with Reconciler.open(url(tmp_path / "books.db")) as books:
        books.ingest(read_lines(LINES))
        back_up(url(tmp_path / "books.db"), tmp_path / "copy.db")
        modes = {
            path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()
        }

    assert {"books.db", "books.db-wal", "books.db-shm", "copy.db"} <= modes.keys()
    assert set(modes.values()) == {0o600}
