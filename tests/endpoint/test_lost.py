"""What is answered 204 is in the store that is there in the end."""

import logging
import os
import shutil
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import attrs
import httpx
import pytest

from reconcile import Reconciler
from reconcile.endpoint import WebhookEndpoint
from reconcile.endpoint.server import serving
from reconcile.storage.sqlite import presence
from tests.builders import uuid_of
from tests.endpoint.deliveries import PATH, endpoint, signed, url_of, webhook

THREADS = 4


@attrs.define
class Load:
    """Threads that deliver one webhook after another, and note each answer."""

    url: str
    hooks: WebhookEndpoint
    answered: list[tuple[float, int, str]] = attrs.field(factory=list)
    _stop: threading.Event = attrs.field(factory=threading.Event)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _number: int = 0

    def deliver(self, client: httpx.Client) -> None:
        with self._lock:
            self._number += 1
            sync = uuid_of(self._number)
        body = webhook(sync)
        sent_at = time.monotonic()
        result = client.post(PATH, content=body, headers=signed(body, named=sync))
        self.answered.append((sent_at, result.status_code, sync))

    def run(self) -> None:
        with httpx.Client(base_url=self.url, timeout=30) as client:
            while not self._stop.is_set():
                self.deliver(client)

    def stop(self) -> None:
        self._stop.set()

    @property
    def stored(self) -> set[str]:
        return {sync for _, status, sync in self.answered if status == 204}

    def statuses_since(self, moment: float) -> set[int]:
        return {status for sent, status, _ in self.answered if sent >= moment}

    def wait_for(self, status: int, *, since: float) -> None:
        give_up_at = time.monotonic() + 20
        while status not in self.statuses_since(since):
            assert time.monotonic() < give_up_at, self.statuses_since(since)
            time.sleep(0.01)

    def health(self) -> httpx.Response:
        return httpx.get(f"{self.url}/healthz", timeout=30)


@contextmanager
def load(folder: Path) -> Iterator[Load]:
    with endpoint(folder) as hooks, serving(hooks) as running:
        loaded = Load(running.url, hooks)
        threads = [threading.Thread(target=loaded.run) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            loaded.wait_for(204, since=0)
            time.sleep(0.2)
            yield loaded
        finally:
            loaded.stop()
            for thread in threads:
                thread.join()


def syncs_in(path: Path) -> set[str]:
    """Return the syncs whose delivery a store holds, having checked it whole."""
    with Reconciler.open(f"sqlite:///{path}", create=False) as books:
        books.store.check()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        rows = db.execute("SELECT DISTINCT originator_id FROM stored_events")
        return {stream.rpartition(":")[2] for (stream,) in rows}


def backup(store: Path, to: Path) -> None:
    """Copy a store in use, as SQLite does it."""
    with closing(sqlite3.connect(store)) as db, closing(sqlite3.connect(to)) as copy:
        db.backup(copy)


def delete(store: Path) -> None:
    store.unlink()


def delete_all(store: Path) -> None:
    for item in (store, Path(f"{store}-wal"), Path(f"{store}-shm")):
        item.unlink()


def move(store: Path) -> None:
    store.rename(store.with_name("away.db"))


def replace_by_another(store: Path) -> None:
    other = store.with_name("other.db")
    with endpoint(store.parent / "elsewhere") as hooks:
        for number in range(900_000, 900_400):
            body = webhook(uuid_of(number))
            hooks.receive(signed(body, named=str(number)), body)
    shutil.move(store.parent / "elsewhere" / "books.db", other)
    other.replace(store)


def replace_by_nothing(store: Path) -> None:
    store.with_name("empty").touch()
    store.with_name("empty").replace(store)


def replace_by_rubbish(store: Path) -> None:
    store.with_name("rubbish").write_bytes(os.urandom(100_000))
    store.with_name("rubbish").replace(store)


def empty_in_place(store: Path) -> None:
    os.truncate(store, 0)


def overwrite_in_place(store: Path) -> None:
    """Overwrite what was folded in; while it stands in the -wal, nothing is lost."""
    with closing(sqlite3.connect(store, timeout=10)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    store.write_bytes(os.urandom(100_000))


@pytest.mark.parametrize(
    ("befall", "why"),
    [
        (delete, presence.GONE),
        (delete_all, presence.GONE),
        (move, presence.GONE),
        (replace_by_another, None),
        (replace_by_nothing, presence.NO_STORE),
        (replace_by_rubbish, presence.DAMAGED),
        (empty_in_place, presence.OVERWRITTEN),
        (overwrite_in_place, presence.OVERWRITTEN),
    ],
)
def test_nothing_is_acknowledged_while_the_store_is_lost(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    befall: Callable[[Path], None],
    why: str | None,
) -> None:
    store = tmp_path / "books.db"
    (tmp_path / "elsewhere").mkdir()
    with load(tmp_path) as loaded:
        befall(store)
        since = time.monotonic()
        left = store.read_bytes() if store.exists() else None
        loaded.wait_for(503, since=since)
        time.sleep(0.3)
        health = loaded.health()

        assert loaded.statuses_since(since) == {503}
        assert (store.read_bytes() if store.exists() else None) == left

    assert health.status_code == 503
    assert health.text.startswith("Nothing can be kept: the store is lost; its file ")
    assert why is None or why in health.text
    result = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert 1 <= len(result) <= 3
    assert {item.name for item in result} == {"reconcile.storage"}


def test_a_store_moved_away_and_back_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, away = tmp_path / "books.db", tmp_path / "away.db"
    with load(tmp_path) as loaded:
        for _ in range(3):
            store.rename(away)
            gone = time.monotonic()
            loaded.wait_for(503, since=gone)
            assert loaded.statuses_since(gone) == {503}
            assert loaded.health().status_code == 503
            assert not store.exists()

            away.rename(store)
            loaded.wait_for(204, since=time.monotonic())
            assert loaded.health().status_code == 200

    assert loaded.stored <= syncs_in(store)
    result = [
        record.getMessage()
        for record in caplog.records
        if record.levelno > logging.INFO
    ]
    assert [item.rpartition(" is ")[2].split(":")[0] for item in result] == [
        "lost",
        "back",
    ] * 3


@pytest.mark.parametrize("whole", [True, False])
def test_a_store_restored_from_an_equal_copy_is_taken_up(
    tmp_path: Path, whole: bool
) -> None:
    """Whether what SQLite keeps beside the old one is cleared away with it or not."""
    store, copy = tmp_path / "books.db", tmp_path / "copy.db"
    with load(tmp_path) as loaded:
        store.rename(tmp_path / "away.db")
        gone = time.monotonic()
        loaded.wait_for(503, since=gone)
        time.sleep(0.1)
        shutil.copy(tmp_path / "away.db", tmp_path / "whole.db")
        shutil.copy(f"{store}-wal", tmp_path / "whole.db-wal")
        backup(tmp_path / "whole.db", copy)
        if whole:
            Path(f"{store}-wal").unlink()
            Path(f"{store}-shm").unlink()
        assert loaded.statuses_since(gone) == {503}
        copy.replace(store)
        loaded.wait_for(204, since=time.monotonic())
        assert loaded.health().status_code == 200

    assert loaded.stored <= syncs_in(store)


def test_a_store_restored_with_its_log_is_taken_up(tmp_path: Path) -> None:
    store = tmp_path / "books.db"
    with load(tmp_path) as loaded:
        store.rename(tmp_path / "away.db")
        loaded.wait_for(503, since=time.monotonic())
        time.sleep(0.1)
        Path(f"{store}-wal").rename(tmp_path / "away.db-wal")
        shutil.copy(tmp_path / "away.db-wal", f"{store}-wal")
        shutil.copy(tmp_path / "away.db", tmp_path / "copy.db")
        (tmp_path / "copy.db").rename(store)
        loaded.wait_for(204, since=time.monotonic())

    assert loaded.stored <= syncs_in(store)


def test_a_store_restored_from_a_newer_copy_is_taken_up(tmp_path: Path) -> None:
    store, copy = tmp_path / "books.db", tmp_path / "newer" / "books.db"
    copy.parent.mkdir()
    with load(tmp_path) as loaded:
        store.rename(tmp_path / "away.db")
        loaded.wait_for(503, since=time.monotonic())
        time.sleep(0.1)
        shutil.copy(tmp_path / "away.db", tmp_path / "whole.db")
        shutil.copy(f"{store}-wal", tmp_path / "whole.db-wal")
        backup(tmp_path / "whole.db", copy)
        with endpoint(copy.parent) as elsewhere:
            body = webhook(uuid_of(800_000))
            assert elsewhere.receive(signed(body, named="m"), body).status == 204
        copy.replace(store)
        loaded.wait_for(204, since=time.monotonic())

    assert loaded.stored | {uuid_of(800_000)} <= syncs_in(store)


def test_a_store_replaced_by_an_older_copy_is_refused_until_the_right_one_is_back(
    tmp_path: Path,
) -> None:
    store = tmp_path / "books.db"
    with load(tmp_path) as loaded:
        backup(store, tmp_path / "older.db")
        loaded.wait_for(204, since=time.monotonic())
        store.rename(tmp_path / "away.db")
        (tmp_path / "older.db").rename(store)
        since = time.monotonic()
        loaded.wait_for(503, since=since)
        time.sleep(0.3)
        assert loaded.statuses_since(since) == {503}
        assert presence.OLDER in loaded.health().text

        (tmp_path / "away.db").replace(store)
        loaded.wait_for(204, since=time.monotonic())

    assert loaded.stored <= syncs_in(store)


def delete_log(store: Path) -> None:
    Path(f"{store}-wal").unlink()


def move_log(store: Path) -> None:
    Path(f"{store}-wal").rename(f"{store}-wal-away")


def delete_both(store: Path) -> None:
    Path(f"{store}-wal").unlink()
    Path(f"{store}-shm").unlink()


def delete_index(store: Path) -> None:
    Path(f"{store}-shm").unlink()


def empty_log(store: Path) -> None:
    Path(f"{store}-new").touch()
    Path(f"{store}-new").replace(f"{store}-wal")


@pytest.mark.parametrize(
    "befall", [delete_log, move_log, delete_both, delete_index, empty_log]
)
def test_what_the_lost_log_held_is_in_the_store(
    tmp_path: Path, befall: Callable[[Path], None]
) -> None:
    store = tmp_path / "books.db"
    with load(tmp_path) as loaded:
        for _ in range(3):
            befall(store)
            loaded.wait_for(204, since=time.monotonic() + 0.1)
            time.sleep(0.2)
        assert loaded.health().status_code == 200

    assert loaded.stored <= syncs_in(store)


def test_a_log_lost_under_two_stores_of_one_process_is_folded_in(
    tmp_path: Path,
) -> None:
    store = tmp_path / "books.db"
    with Reconciler.open(url_of(tmp_path)) as idle, load(tmp_path) as loaded:
        idle.report()
        delete_log(store)
        loaded.wait_for(204, since=time.monotonic() + 0.1)
        time.sleep(0.2)
        acknowledged = frozenset(loaded.stored)
        result = {item.sync_id for item in idle.report().syncs}

        assert acknowledged <= result

    assert loaded.stored <= syncs_in(store)


def test_the_log_of_a_store_is_folded_in_while_it_is_in_use(tmp_path: Path) -> None:
    store = tmp_path / "books.db"
    with load(tmp_path) as loaded:
        for _ in range(5):
            with closing(sqlite3.connect(store, timeout=10)) as other:
                other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            time.sleep(0.1)
        statuses = loaded.statuses_since(0)

    assert statuses == {204}
    assert loaded.stored <= syncs_in(store)


def test_an_older_file_copied_over_the_store_is_noticed(tmp_path: Path) -> None:
    """It is the same file by its number; what it holds went back."""
    store = tmp_path / "books.db"
    with load(tmp_path) as loaded:
        with closing(sqlite3.connect(store, timeout=10)) as other:
            other.execute("PRAGMA wal_checkpoint(PASSIVE)")
        backup(store, tmp_path / "older.db")
        time.sleep(0.2)
        with closing(sqlite3.connect(store, timeout=10)) as other:
            other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        loaded.wait_for(204, since=time.monotonic())
        shutil.copy(tmp_path / "older.db", store)
        since = time.monotonic()
        loaded.wait_for(503, since=since)
        assert loaded.statuses_since(since) == {503}
        assert presence.OVERWRITTEN in loaded.health().text
