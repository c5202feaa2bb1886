"""A worksheet's file may be damaged, or of another store: it is made anew."""

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile import Policy, Reconciler, StoreError, UsageError
from reconcile.console.worksheet import LiveWorksheet
from tests.builders import at, create_of, expense_of, uuid_of
from tests.console.sheets import Office, assert_is_the_report, ended_call, office_at


def outliving(
    office: Office, path: Path, policy: Policy | None = None
) -> LiveWorksheet:
    """Return a worksheet of an office that outlives it."""

    def books() -> Reconciler:
        if policy is None:
            return office.books()
        return Reconciler.open(office.url, now=office.clock, policy=policy)

    return LiveWorksheet(books, path=path)


def damage_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 4000)


def cut_short(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


def drop_a_table(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TABLE tallies")


def another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA user_version = 99")


def empty(path: Path) -> None:
    path.write_bytes(b"")


def unfinished(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DELETE FROM sheet")


def delete(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "harm",
    [
        damage_header,
        cut_short,
        drop_a_table,
        another_version,
        empty,
        unfinished,
        delete,
    ],
)
def test_a_damaged_file_is_made_anew(
    store_url: str, tmp_path: Path, harm: Callable[[Path], None]
) -> None:
    path = tmp_path / "sheet"
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", *range(1, 40), word="PushError"))
        with outliving(office, path) as worksheet, worksheet.reading(budget_s=60):
            pass
        harm(path)
        with outliving(office, path) as worksheet:
            for _ in range(2):  # the first may be told of it: the next one is not
                try:
                    with worksheet.reading(budget_s=60) as sheet:
                        assert sheet is not None
                        report = office.report(sheet.as_of)
                        assert_is_the_report(sheet, report)
                        break
                except StoreError:
                    continue
            else:
                pytest.fail("it was not made anew")


def test_a_file_of_something_else_is_left_alone(store_url: str, tmp_path: Path) -> None:
    notes, database = tmp_path / "notes.txt", tmp_path / "other.db"
    notes.write_text("mine")
    with closing(sqlite3.connect(database)) as db, db:
        db.execute("CREATE TABLE lines (mine)")
    before = database.read_bytes()

    with office_at(store_url) as office:
        for path in (notes, database):
            with pytest.raises(UsageError, match="expected a worksheet or none"):
                outliving(office, path)

    assert (notes.read_text(), database.read_bytes()) == ("mine", before)


def test_a_file_that_outlives_us_is_taken_up_again(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "sheet"
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        marks = []
        for _ in range(2):
            with outliving(office, path) as worksheet, worksheet.reading() as sheet:
                assert sheet is not None
                marks.append(sheet._head.generation)

    assert marks[0] == marks[1]
    assert path.stat().st_mode & 0o077 == 0


def test_other_deadlines_make_a_file_anew(store_url: str, tmp_path: Path) -> None:
    path = tmp_path / "sheet"
    policy = Policy(undecided_for=timedelta(minutes=5))
    with office_at(store_url) as office:
        office.clock.minutes = 10
        office.ingest(create_of(expense_of(uuid_of(1), 1), company="a", sync="s"))
        states = []
        for waits in (None, policy, None):
            with (
                outliving(office, path, waits) as worksheet,
                worksheet.reading(budget_s=60) as sheet,
            ):
                assert sheet is not None
                states += [line.state for line in sheet.every_line()]

    assert states == ["open", "break", "open"]


def test_another_store_makes_a_file_anew(tmp_path: Path) -> None:
    path = tmp_path / "sheet"
    counts = []
    for number in (1, 2, 1):
        with office_at(f"sqlite:///{tmp_path / f'books-{number}.db'}") as office:
            office.ingest(*ended_call("a", *range(number), word="PushError"))
            with (
                outliving(office, path) as worksheet,
                worksheet.reading(budget_s=60) as sheet,
            ):
                assert sheet is not None
                counts.append(sheet.count())

    assert counts == [1, 2, 1]


def test_a_store_that_was_put_back_makes_a_file_anew(tmp_path: Path) -> None:
    store, path = tmp_path / "books.db", tmp_path / "sheet"
    with office_at(f"sqlite:///{store}") as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        with outliving(office, path) as worksheet, worksheet.reading(budget_s=60):
            pass
    for file in tmp_path.glob("books.db*"):
        file.unlink()
    with office_at(f"sqlite:///{store}") as office:
        office.ingest(*ended_call("b", 2, word="Completed"))
        with (
            outliving(office, path) as worksheet,
            worksheet.reading(budget_s=60) as sheet,
        ):
            assert sheet is not None
            assert_is_the_report(sheet, office.report(sheet.as_of))


def test_closing_leaves_no_file_and_no_thread(store_url: str) -> None:
    before = threading.active_count()
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        with office.sheet():
            pass
        folder = office.worksheet._folder
        with office.worksheet.past(as_of=at(5), budget_s=60):
            pass

    assert not folder.exists()
    assert threading.active_count() == before
