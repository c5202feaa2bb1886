"""A worksheet follows what happens: in other companies, to its file, in time."""

import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest

from reconcile import Policy, Reconciler, StoreError, UsageError, digest
from reconcile.console.filter import Filter
from reconcile.console.past import PAST_MAX, PastWork
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from tests.builders import at, create_of, expense_of, hook, page, row, status, uuid_of
from tests.console.sheets import Office, assert_is_the_report, office_at
from tests.report.histories import COMPANIES, eventful


def call(
    company: str, *names: int, word: str, minutes: int = 0, amount: int = 10
) -> list[bytes]:
    """Return a company's call that ends with one word for all of its expenses."""
    sync = f"{company}-{minutes}"
    return [
        create_of(
            *(expense_of(uuid_of(n), amount) for n in names),
            company=company,
            sync=sync,
            minutes=minutes,
        ),
        status(5130, company=company, sync=sync, minutes=minutes + 1),
        page(
            *(row(uuid_of(n), word, message="No account.") for n in names),
            company=company,
            sync=sync,
            minutes=minutes + 2,
        ),
    ]


def written_lines(sheet: Sheet) -> int:
    return sheet.count(Filter(booked=("yes",)))


def verdict(office: Office, company: str, number: int) -> str:
    with office.sheet() as sheet:
        assert_is_the_report(sheet, office.report(sheet.as_of))
        line = sheet.line(company, uuid_of(number))
        assert line is not None
        return line.verdict


# In other companies


def test_what_another_company_writes_is_never_to_be_sent_here(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, 2, word="PushError"))
        before = verdict(office, "a", 1)

        office.ingest(*call("b", 1, word="Completed"))

        assert before != "NEVER"
        assert verdict(office, "a", 1) == "NEVER"
        assert verdict(office, "a", 2) == before


def test_what_another_company_has_no_longer_may_be_sent_again(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        before = verdict(office, "a", 1)
        office.ingest(*call("b", 1, word="Completed"))
        assert verdict(office, "a", 1) == "NEVER"

        regressed = row(uuid_of(1), "PushError", message="No account.")
        office.ingest(page(regressed, company="b", sync="b-0", minutes=60))

        with office.sheet() as sheet:
            assert sheet.count(Filter(customer=("b",), state=("break",))) == 1
        assert verdict(office, "a", 1) == before


def test_another_content_in_the_books_of_another_company_is_another_expense(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        before = verdict(office, "a", 1)

        office.ingest(*call("b", 1, word="Completed", amount=11))
        assert verdict(office, "a", 1) == before
        office.ingest(*call("b", 1, word="Completed", minutes=60))

        assert verdict(office, "a", 1) == "NEVER"


def test_a_delivery_with_two_bodies_is_told_of_both_companies(store_url: str) -> None:
    event = "expenses.sync.successful"
    with office_at(store_url) as office:
        for company in ("a", "b"):
            office.ingest(
                hook(event, (uuid_of(1), "Completed"), delivery="m", company=company)
            )
            with office.sheet() as sheet:
                assert_is_the_report(sheet, office.report(sheet.as_of))
                found = {finding.company_id for finding in sheet.findings()}

    assert found == {"a", "b"}


def test_a_history_in_which_everything_happens_is_followed(tmp_path: Path) -> None:
    path = eventful(tmp_path / "books.db")
    with office_at(f"sqlite:///{path}") as office:
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))
            unprocessed = sheet.footing.unprocessed
        with office.books() as books:
            books.decide(
                "waive",
                company_id=COMPANIES[0],
                transactions=[uuid_of(1)],
                actor="ada",
                reason="small",
            )
            books.ingest([])
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))
            assert sheet.count(Filter(state=("resolved",))) >= 1
            assert sheet.footing.unprocessed == unprocessed
            line = sheet.line(COMPANIES[0], uuid_of(1))
            assert line is not None
            assert (line.decision, line.decided_by) == ("waived", "ada")


# In time


def test_a_deadline_that_passes_turns_a_line_without_any_event(store_url: str) -> None:
    with office_at(store_url) as office:
        office.clock.minutes = 10
        office.ingest(create_of(expense_of(uuid_of(1), 1), company="a", sync="s"))
        with office.sheet() as sheet:
            states = [line.state for line in sheet.every_line()]
            due = next(sheet.every_line()).changes_at
        assert due is not None
        office.clock.minutes = 60 * 24 * 3
        with office.sheet() as sheet:
            later = [line.state for line in sheet.every_line()]
            assert sheet.as_of == at(60 * 24 * 3)

    assert (states, later) == (["open"], ["break"])


def test_a_clock_that_is_put_back_a_little_makes_nothing_anew(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        made = []
        for back in (0, 4, 60):
            office.clock.minutes -= back
            office.ingest(*call("a", 2 + back, word="PushError"))
            with office.sheet() as sheet:
                made.append(sheet._head.generation)
                assert_is_the_report(sheet, office.report(sheet.as_of))

    assert made[0] == made[1] != made[2]


def test_ages_are_reckoned_at_the_time_of_the_page(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        ages = []
        for days in (0, 2, 9, 40):
            office.clock.minutes = 10 + days * 24 * 60
            with office.sheet() as sheet:
                ages += [key.bucket for key in sheet.by_age()]
                assert sheet.by_age() == office.report(sheet.as_of).totals.ageing

    assert ages == ["<1d", "1-7d", "7-30d", ">30d"]


def test_facts_in_the_future_are_told_as_the_report_tells_them(store_url: str) -> None:
    with office_at(store_url) as office:
        office.clock.minutes = 0
        office.ingest(*call("a", 1, word="Completed", minutes=60))
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))
        office.clock.minutes = 90
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))
            assert written_lines(sheet) == 1


# To its file


def kept(office: Office, path: Path, policy: Policy | None = None) -> LiveWorksheet:
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
        office.ingest(*call("a", *range(1, 40), word="PushError"))
        with kept(office, path) as worksheet, worksheet.reading(budget_s=60):
            pass
        harm(path)
        with kept(office, path) as worksheet:
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
                kept(office, path)

    assert (notes.read_text(), database.read_bytes()) == ("mine", before)


def test_a_file_that_outlives_us_is_taken_up_again(
    store_url: str, tmp_path: Path
) -> None:
    path = tmp_path / "sheet"
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        marks = []
        for _ in range(2):
            with kept(office, path) as worksheet, worksheet.reading() as sheet:
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
                kept(office, path, waits) as worksheet,
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
            office.ingest(*call("a", *range(number), word="PushError"))
            with (
                kept(office, path) as worksheet,
                worksheet.reading(budget_s=60) as sheet,
            ):
                assert sheet is not None
                counts.append(sheet.count())

    assert counts == [1, 2, 1]


def test_a_store_that_was_put_back_makes_a_file_anew(tmp_path: Path) -> None:
    store, path = tmp_path / "books.db", tmp_path / "sheet"
    with office_at(f"sqlite:///{store}") as office:
        office.ingest(*call("a", 1, word="PushError"))
        with kept(office, path) as worksheet, worksheet.reading(budget_s=60):
            pass
    for file in tmp_path.glob("books.db*"):
        file.unlink()
    with office_at(f"sqlite:///{store}") as office:
        office.ingest(*call("b", 2, word="Completed"))
        with kept(office, path) as worksheet, worksheet.reading(budget_s=60) as sheet:
            assert sheet is not None
            assert_is_the_report(sheet, office.report(sheet.as_of))


def test_closing_leaves_no_file_and_no_thread(store_url: str) -> None:
    before = threading.active_count()
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        with office.sheet():
            pass
        folder = office.worksheet._folder
        with office.worksheet.past(as_of=at(5), budget_s=60):
            pass

    assert not folder.exists()
    assert threading.active_count() == before


# By several at once


def test_two_threads_read_whole_sheets_while_events_come(store_url: str) -> None:
    wrong: list[object] = []
    ended = threading.Event()

    def look() -> None:
        last = 0
        while not ended.is_set():
            with office.worksheet.reading(budget_s=5) as sheet:
                if sheet is None:
                    continue
                states = sum(sheet.states().values())
                listed = len([*sheet.every_line()])
                position = sheet.footing.position
                if (states, listed) != (sheet.count(), states) or position < last:
                    wrong.append((states, listed, position, last))
                last = position

    with office_at(store_url) as office:
        threads = [threading.Thread(target=look) for _ in range(2)]
        for thread in threads:
            thread.start()
        for number in range(8):
            office.ingest(*call(f"c{number % 3}", number, word="Completed"))
        ended.set()
        for thread in threads:
            thread.join()
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))

    assert wrong == []


def test_a_page_waits_no_longer_than_it_may_and_says_what_it_lacks(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        with office.sheet() as sheet:
            assert sheet.footing.lag == 0
            position = sheet.footing.position
        office.ingest(*call("a", 2, word="PushError"))
        with office.worksheet.reading(budget_s=0) as sheet_then:
            assert sheet_then is not None
            footing = sheet_then.footing
            count = sheet_then.count()
        with office.sheet() as sheet:
            later = sheet.count()

    if footing.position == position:  # it may be quick
        assert (footing.lag > 0, count) == (True, 1)
    assert later == 2


def test_nothing_to_read_yet_is_no_error(store_url: str) -> None:
    gate = threading.Event()

    def books() -> Reconciler:
        if threading.current_thread() is not threading.main_thread():
            gate.wait(30)
        return office.books()

    with office_at(store_url) as office, LiveWorksheet(books) as worksheet:
        office.ingest(*call("a", 1, word="PushError"))
        with worksheet.reading(budget_s=0.01) as sheet:
            assert sheet is None
        gate.set()
        with worksheet.reading(budget_s=60) as sheet:
            assert sheet is not None
            assert sheet.count() == 1


def test_a_store_that_cannot_be_read_is_told_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with office_at(f"sqlite:///{path}") as office:
        office.ingest(*call("a", 1, word="PushError"))
        with LiveWorksheet(
            lambda: Reconciler.open(f"sqlite:///{path}", create=False, now=office.clock)
        ) as worksheet:
            away = tmp_path / "away.db"
            path.rename(away)
            for _ in range(2):
                with pytest.raises(StoreError), worksheet.reading():
                    pass
            away.rename(path)
            with worksheet.reading(budget_s=60) as sheet:
                assert sheet is not None
                assert sheet.count() == 1


# Past moments


def test_a_past_moment_has_the_digest_of_its_report_and_keeps_it(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.clock.minutes = 30
        office.ingest(*call("a", 1, 2, word="PushError"))
        office.clock.minutes = 100
        as_of, known_at = at(45), at(50)
        digests = []
        for number in range(3):
            with office.worksheet.past(
                as_of=as_of, known_at=known_at, budget_s=60
            ) as sheet:
                assert isinstance(sheet, Sheet)
                with office.books() as books:
                    report = books.report(as_of=as_of, known_at=known_at)
                assert_is_the_report(sheet, report)
                assert sheet.footing.digest == digest(report)
                assert sheet.as_of == at(45)
                digests.append(sheet.footing.digest)
            office.ingest(*call("a", 1, word="Completed", minutes=40 + number))

    assert len({*digests}) == 1


def test_a_past_moment_of_all_that_is_known_takes_up_what_comes(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        states = []
        for _ in range(2):
            with office.worksheet.past(as_of=at(90), budget_s=60) as sheet:
                assert isinstance(sheet, Sheet)
                states += [line.state for line in sheet.every_line()]
            office.ingest(*call("a", 1, word="Completed", minutes=60))

    assert states == ["break", "cleared"]


def test_a_past_moment_that_takes_long_is_on_its_way(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        with office.worksheet.past(as_of=at(90), budget_s=0) as work:
            if isinstance(work, PastWork):
                assert (work.as_of, work.known_at) == (at(90), None)
        with office.worksheet.past(as_of=at(90), budget_s=60) as sheet:
            assert isinstance(sheet, Sheet)


def test_only_some_past_moments_are_kept(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*call("a", 1, word="PushError"))
        for minute in range(3 * PAST_MAX):
            with office.worksheet.past(as_of=at(minute), budget_s=60) as sheet:
                assert isinstance(sheet, Sheet)
        names = {file.name for file in office.worksheet._folder.glob("past-*")}
        deadline = time.monotonic() + 5
        while len(names) > PAST_MAX and time.monotonic() < deadline:
            names = {file.name for file in office.worksheet._folder.glob("past-*")}

    assert len({name.split("-wal")[0].split("-shm")[0] for name in names}) <= PAST_MAX


def test_an_error_of_a_past_moment_is_told_once_and_tried_again(
    store_url: str,
) -> None:
    fails = [True]

    def books() -> Reconciler:
        if fails[0] and threading.current_thread() is not threading.main_thread():
            raise StoreError("the disk is away")
        return office.books()

    with office_at(store_url) as office, LiveWorksheet(books) as worksheet:
        office.ingest(*call("a", 1, word="PushError"))
        with (
            pytest.raises(StoreError, match="the disk is away"),
            worksheet.past(as_of=at(90), budget_s=60),
        ):
            pass
        fails[0] = False
        with worksheet.past(as_of=at(90), budget_s=60) as sheet:
            assert isinstance(sheet, Sheet)
