"""Pages read whole sheets, of now and of past moments, and wait for none too long."""

import shutil
import threading
import time
from pathlib import Path

import pytest

from reconcile import Reconciler, StoreError, digest
from reconcile.console.past import PAST_MAX, PastWork
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from tests.builders import at
from tests.console.sheets import assert_is_the_report, ended_call, office_at


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
            office.ingest(*ended_call(f"c{number % 3}", number, word="Completed"))
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
        office.ingest(*ended_call("a", 1, word="PushError"))
        with office.sheet() as sheet:
            assert sheet.footing.lag == 0
            position = sheet.footing.position
        office.ingest(*ended_call("a", 2, word="PushError"))
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
        office.ingest(*ended_call("a", 1, word="PushError"))
        with worksheet.reading(budget_s=0.01) as sheet:
            assert sheet is None
        gate.set()
        with worksheet.reading(budget_s=60) as sheet:
            assert sheet is not None
            assert sheet.count() == 1


def test_a_store_that_cannot_be_read_is_told_and_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "books.db"
    with office_at(f"sqlite:///{path}") as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
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


def test_a_worksheet_is_made_anew_where_its_folder_was_cleared_out(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        with office.sheet(), office.worksheet.past(as_of=at(90), budget_s=60):
            shutil.rmtree(office.worksheet._folder)

        with office.sheet() as sheet:
            assert sheet.count() == 1
        with office.worksheet.past(as_of=at(90), budget_s=60) as work:
            assert isinstance(work, PastWork)
        with office.worksheet.past(as_of=at(90), budget_s=60) as past:
            assert isinstance(past, Sheet)


def test_a_worksheet_that_cannot_be_made_is_an_error_of_the_store(
    store_url: str, tmp_path: Path
) -> None:
    nowhere = tmp_path / "none" / "none" / "now"
    with (
        office_at(store_url) as office,
        LiveWorksheet(office.books, path=nowhere) as worksheet,
        pytest.raises(StoreError, match="cannot be made"),
        worksheet.reading(),
    ):
        pass


# Past moments


def test_a_past_moment_has_the_digest_of_its_report_and_keeps_it(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.clock.minutes = 30
        office.ingest(*ended_call("a", 1, 2, word="PushError"))
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
            office.ingest(*ended_call("a", 1, word="Completed", minutes=40 + number))

    assert len({*digests}) == 1


def test_a_past_moment_of_all_that_is_known_takes_up_what_comes(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        states = []
        for _ in range(2):
            with office.worksheet.past(as_of=at(90), budget_s=60) as sheet:
                assert isinstance(sheet, Sheet)
                states += [line.state for line in sheet.every_line()]
            office.ingest(*ended_call("a", 1, word="Completed", minutes=60))

    assert states == ["break", "cleared"]


def test_a_past_moment_that_takes_long_is_on_its_way(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        with office.worksheet.past(as_of=at(90), budget_s=0) as work:
            if isinstance(work, PastWork):
                assert (work.as_of, work.known_at) == (at(90), None)
        with office.worksheet.past(as_of=at(90), budget_s=60) as sheet:
            assert isinstance(sheet, Sheet)


def test_only_some_past_moments_are_kept(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
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
        office.ingest(*ended_call("a", 1, word="PushError"))
        with (
            pytest.raises(StoreError, match="the disk is away"),
            worksheet.past(as_of=at(90), budget_s=60),
        ):
            pass
        fails[0] = False
        with worksheet.past(as_of=at(90), budget_s=60) as sheet:
            assert isinstance(sheet, Sheet)


def test_a_past_moment_whose_file_was_damaged_is_made_anew(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        for damaged in (True, False):
            with office.worksheet.past(as_of=at(90), budget_s=60) as sheet:
                assert isinstance(sheet, Sheet)
            if damaged:
                (office.worksheet._folder / "past-1").write_bytes(b"garbage" * 999)
                with (
                    pytest.raises(StoreError),
                    office.worksheet.past(as_of=at(90), budget_s=60),
                ):
                    pass
