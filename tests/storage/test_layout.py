"""A store of an older version is read as it is, and its first write migrates it."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.events import SyncAbandoned, SyncRequested
from reconcile.errors import StoreError
from reconcile.report.wire import digest
from reconcile.storage.opening import open_store
from reconcile.storage.sqlite.layout import LAYOUT
from tests.builders import COMPANY, at, status

STORES = Path(__file__).parent / "stores"
EXPECTED: dict[str, Any] = json.loads((STORES / "0.1.0.json").read_text("utf-8"))
del EXPECTED["reprocessed"]
REPROCESSED = (1, 4)  # a write whose answer cannot be read is now in doubt
ODD = "An oddly: named/company ä"
JUNE = datetime(2026, 6, 1, tzinfo=UTC)
LATER = status(2000, minutes=500, sync="sync-new")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """Return a store as version 0.1.0 left it."""
    path = tmp_path / "books.db"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.executescript((STORES / "0.1.0.sql").read_text("utf-8"))
    return path


def layout_in(path: Path) -> int:
    with closing(sqlite3.connect(path)) as db:
        layout: int = db.execute("PRAGMA user_version").fetchone()[0]
    return layout


def columns_in(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return every table's columns, and the indices as they were asked for."""
    with closing(sqlite3.connect(path)) as db:
        named = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        found = {
            name: db.execute(f"PRAGMA table_xinfo({name})").fetchall()
            for (name,) in named.fetchall()
        }
        indices = "SELECT sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
        return found | {"": db.execute(indices).fetchall()}


def events_in(path: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(
            "SELECT rowid, originator_id, originator_version, topic, state,"
            " recorded_at FROM stored_events WHERE rowid <= ?",
            (EXPECTED["position"],),
        ).fetchall()


def found_in(books: Reconciler) -> dict[str, Any]:
    """Return what the fixture's own version said of it, as this version finds it."""
    return {
        "position": books.store.position(),
        "companies": books.store.companies(),
        "unprocessed": books.unprocessed(),
        "waiting": books.unprocessed(),
        "digests": {
            "as of 2026-03-02T10:00": digest(books.report(as_of=at(60))),
            "as of 2026-06-01": digest(books.report(as_of=JUNE)),
            "of the odd company": digest(books.report(as_of=JUNE, company_id=ODD)),
        },
    }


def reprocessed_in(books: Reconciler) -> tuple[int, int]:
    intake = books.reprocess()
    return intake.read, intake.quarantined


def test_a_store_of_an_older_layout_is_read_and_not_touched(old: Path) -> None:
    before = old.read_bytes()

    with Reconciler.open(f"sqlite:///{old}", create=False) as books:
        found = found_in(books)
        requests = books.store.positions_of(
            COMPANY, until=99, topics=[SyncRequested.TOPIC, SyncAbandoned.TOPIC]
        )
        with books.store.reading() as views:
            position = views.position()

    assert found == EXPECTED
    assert len(requests) == 3
    assert position == 0  # its views are of another version
    assert old.read_bytes() == before
    assert layout_in(old) == 0


def test_the_first_write_migrates_and_every_digest_stays(
    old: Path, tmp_path: Path
) -> None:
    events = events_in(old)
    with Reconciler.open(f"sqlite:///{old}") as books:
        tied = books.tie_out()  # folds the views anew, which is a write
        found = found_in(books)
        assert reprocessed_in(books) == REPROCESSED
    Reconciler.open(f"sqlite:///{tmp_path / 'new.db'}").close()

    assert (tied.differences, tied.poisoned) == ([], 0)
    assert found == EXPECTED
    assert events_in(old)[: len(events)] == events
    assert layout_in(old) == LAYOUT
    assert columns_in(old) == columns_in(tmp_path / "new.db")


def test_a_migrated_store_takes_up_what_is_new(old: Path) -> None:
    with Reconciler.open(f"sqlite:///{old}") as books:
        intake = books.ingest(read_lines([LATER]))

        assert (intake.read, books.store.position()) == (1, EXPECTED["position"] + 1)
        assert books.tie_out().differences == []


def test_the_company_of_an_event_is_the_one_its_stream_names(old: Path) -> None:
    with open_store(f"sqlite:///{old}", create=False) as store:
        names = store.companies()
        before = {name: store.positions_of(name, until=99) for name in names}
        store.append([], (), recorded_at=at(0))

        assert layout_in(old) == LAYOUT
        assert store.companies() == names
        assert {n: store.positions_of(n, until=99) for n in names} == before
        assert sum(map(len, before.values())) == EXPECTED["position"]


def test_a_companys_events_are_found_by_the_index(old: Path) -> None:
    with open_store(f"sqlite:///{old}", create=False) as store:
        store.append([], (), recorded_at=at(0))
    with closing(sqlite3.connect(old)) as db:
        plan = db.execute(
            "EXPLAIN QUERY PLAN SELECT rowid FROM stored_events"
            " WHERE company_id = 'c' AND +rowid <= 5 AND topic IN ('a', 'b')"
        ).fetchall()

    assert "INDEX events_by_company (company_id=? AND topic=?)" in plan[0][3]


def test_the_migration_knows_the_bodies_that_a_capture_left_out(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db:
        quarantined = [
            json.loads(state)
            for (state,) in db.execute(
                "SELECT state FROM stored_events"
                " WHERE topic = 'case.evidence-quarantined'"
            )
        ]
    dropped = {q["evidence"]: "no response body" in q["reason"] for q in quarantined}

    def known() -> dict[str, bool]:
        with open_store(f"sqlite:///{old}", create=False) as store:
            found = {name: store.evidence(bytes.fromhex(name)) for name in dropped}
        return {name: e.body_dropped for name, e in found.items() if e is not None}

    before = known()
    with Reconciler.open(f"sqlite:///{old}") as books:
        books.ingest(read_lines([LATER]))

    assert sum(dropped.values()) == 3
    assert before == known() == dropped


KILLED = """
import os, signal, sqlite3, sys
from reconcile.storage.sqlite.layout import bring_up_to_date

db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA cache_size=1")  # so that the log holds what was never committed
cursor = db.execute("BEGIN IMMEDIATE")
bring_up_to_date(cursor)
assert cursor.execute("SELECT COUNT(company_id) FROM stored_events").fetchone()[0]
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_migration_that_is_killed_in_the_middle_loses_nothing(old: Path) -> None:
    events = events_in(old)

    killed = subprocess.run([sys.executable, "-c", KILLED, str(old)], check=False)

    assert killed.returncode == -9
    assert (layout_in(old), events_in(old)) == (0, events)
    with Reconciler.open(f"sqlite:///{old}") as books:
        assert found_in(books) == EXPECTED
        assert books.tie_out().differences == []
    assert layout_in(old) == LAYOUT


WRITES = """
import sys
from reconcile import Reconciler, read_lines

with Reconciler.open(f"sqlite:///{sys.argv[1]}", create=False) as books:
    print("open", flush=True)
    line = sys.stdin.readline().encode()
    print(books.ingest(read_lines([line])).read)
"""


def test_two_processes_may_migrate_at_once(old: Path) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITES, str(old)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for writer in writers:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"open\n"  # each saw the older layout

    for number, writer in enumerate(writers):
        assert writer.stdin is not None
        line = status(2000, minutes=500 + number, sync=f"sync-{number}")
        writer.stdin.write(line + b"\n")
        writer.stdin.flush()
    answers = [writer.communicate()[0] for writer in writers]

    assert answers == [b"1\n"] * 3
    with Reconciler.open(f"sqlite:///{old}", create=False) as books:
        assert books.store.position() == EXPECTED["position"] + 3
        assert books.tie_out().differences == []


def test_a_store_of_a_later_layout_is_refused_and_left_as_it_is(
    tmp_path: Path,
) -> None:
    path = tmp_path / "books.db"
    open_store(f"sqlite:///{path}", create=True).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA user_version = {LAYOUT + 1}")

    with pytest.raises(StoreError, match="later version"):
        open_store(f"sqlite:///{path}", create=False)

    assert layout_in(path) == LAYOUT + 1


def test_an_older_store_need_not_have_every_table(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db:
        for table in ("untrusted", "leases", "made_by", "items", "tracking"):
            db.execute(f"DROP TABLE {table}")
        db.commit()

    with open_store(f"sqlite:///{old}", create=False) as store:
        untrusted = store.untrusted()
        assert (untrusted.counted(), [*untrusted.newest_first()]) == (0, [])
        assert store.leases("a follower").all_done() == {}
        assert layout_in(old) == LAYOUT


def test_an_unreadable_event_does_not_hinder_the_migration(old: Path) -> None:
    with closing(sqlite3.connect(old)) as db:
        db.execute(
            "UPDATE stored_events SET state = x'ff' WHERE rowid = (SELECT MIN(rowid)"
            " FROM stored_events WHERE topic = 'case.evidence-quarantined')"
        )
        db.commit()

    with Reconciler.open(f"sqlite:///{old}", create=False) as books:
        tied = books.tie_out()

    assert layout_in(old) == LAYOUT
    assert (tied.differences, tied.poisoned) == ([], 1)
