"""A damaged store is told in one sentence; no figure is read out of damage."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from reconcile.cli.ending import ended
from reconcile.cli.root import cli
from reconcile.errors import StoreError
from tests.builders import at, create, entry, page, row, url
from tests.stories.test_kill import capture

PAGE = 8192
COMMANDS = (
    ("report", "--as-of", "2026-03-05", "--format", "json"),
    ("report", "--known-at", "2100-01-01", "--as-of", "2026-03-05"),
    ("audit", "tie-out"),
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sound") / "books.db"
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines(capture()))
        books.catch_up()
    return path


def outcome(store: Path, arguments: tuple[str, ...]) -> int:
    """Return how a command ends, in this process; what it prints is captured."""

    def run() -> int:
        status = cli.main(
            ["--store", f"sqlite:///{store}", *arguments], standalone_mode=False
        )
        assert isinstance(status, int)
        return status

    return ended(run)


def damaged(sound: Path, folder: Path, seed: int) -> Path:
    """Return a copy with random bytes, or none, over whole pages or parts of them."""
    chance = random.Random(seed)
    data = bytearray(sound.read_bytes())
    for _ in range(chance.choice([1, 1, 2, 5])):
        start = chance.randrange(len(data) // PAGE) * PAGE
        match seed % 3:
            case 0:
                data[start : start + PAGE] = chance.randbytes(PAGE)
            case 1:
                data[start : start + PAGE] = bytes(PAGE)
            case _:
                start += chance.randrange(PAGE - 64)
                data[start : start + 64] = chance.randbytes(64)
    copy = folder / f"{seed}.db"
    copy.write_bytes(data)
    return copy


def test_no_report_is_made_of_damaged_pages(
    sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    true = {}
    for command in COMMANDS:
        status = outcome(sound, command)
        true[command] = (status, capsys.readouterr().out)
    wrong = []
    result = 0
    for seed in range(100):
        store = damaged(sound, tmp_path, seed)
        for command in COMMANDS:
            status = outcome(store, command)
            out, err = capsys.readouterr()
            if status != 2 and (status, out) != true[command]:
                wrong.append((seed, command, status))
            result += status == 2 and err.startswith("reconcile: ")
            assert "Traceback" not in err

    assert {status for status, _ in true.values()} == {0, 1}
    assert wrong == []
    assert result > 50


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE bodies SET content = x'00'",
        "DELETE FROM bodies",
        "UPDATE evidence SET headers = '{'",
        "UPDATE evidence SET observed_at = 9223372036854775807",
        "UPDATE evidence SET headers = CAST(x'ff' AS TEXT)",
    ],
)
def test_damaged_evidence_is_an_error_of_the_store(tmp_path: Path, sql: str) -> None:
    path = tmp_path / "books.db"
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines([entry("GET", url("/syncs/s/status"), answer="<")]))
    with closing(sqlite3.connect(path)) as db:
        db.execute(sql)
        db.commit()

    with Reconciler.open(f"sqlite:///{path}") as books, pytest.raises(StoreError):
        books.reprocess()


def test_a_damaged_row_of_the_views_is_an_error_of_the_store(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines([create("t1"), page(row("t1"), minutes=2)]))
        books.catch_up()
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE items SET facts = CAST('[' AS BLOB)")
            db.commit()

        with pytest.raises(StoreError, match="views is damaged"):
            books.report()
        with pytest.raises(StoreError, match="views is damaged"):
            books.tie_out()


def test_an_event_damaged_since_it_was_projected_is_counted(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with Reconciler.open(f"sqlite:///{path}") as books:
        books.ingest(read_lines([create("t1"), page(row("t1"), minutes=2)]))
        books.catch_up()
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE stored_events SET state = x'ff' WHERE rowid = 2")
            db.commit()

        assert books.tie_out().poisoned == 1
        assert books.replayed_report(as_of=at(60)).poisoned == 1
