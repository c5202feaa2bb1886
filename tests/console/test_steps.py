"""A worksheet follows what happens: in other companies, and in time."""

from pathlib import Path

from reconcile.console.filter import Filter
from reconcile.console.sheet import Sheet
from tests.builders import (
    at,
    create_of,
    entry,
    expense_of,
    hook,
    page,
    row,
    update,
    url,
    uuid_of,
)
from tests.console.sheets import (
    Office,
    ageing_of,
    assert_is_the_report,
    ended_call,
    office_at,
)
from tests.report.histories import COMPANIES, eventful


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
        office.ingest(*ended_call("a", 1, 2, word="PushError"))
        before = verdict(office, "a", 1)

        office.ingest(*ended_call("b", 1, word="Completed"))

        assert before != "NEVER"
        assert verdict(office, "a", 1) == "NEVER"
        assert verdict(office, "a", 2) == before


def test_what_another_company_has_no_longer_may_be_sent_again(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        before = verdict(office, "a", 1)
        office.ingest(*ended_call("b", 1, word="Completed"))
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
        office.ingest(*ended_call("a", 1, word="PushError"))
        before = verdict(office, "a", 1)

        office.ingest(*ended_call("b", 1, word="Completed", amount=11))
        assert verdict(office, "a", 1) == before
        office.ingest(*ended_call("b", 1, word="Completed", minutes=60))

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
        office.ingest(*ended_call("a", 1, word="PushError"))
        generations = []
        for back in (0, 4, 60):
            office.clock.minutes -= back
            office.ingest(*ended_call("a", 2 + back, word="PushError"))
            with office.sheet() as sheet:
                generations.append(sheet._head.generation)
                assert_is_the_report(sheet, office.report(sheet.as_of))

    assert generations[0] == generations[1] != generations[2]


def test_an_update_that_nobody_hears_of_turns_what_is_in_the_books(
    store_url: str,
) -> None:
    with office_at(store_url) as office:
        office.clock.minutes = 60
        office.ingest(
            *ended_call("a", 1, word="Completed"),
            update(uuid_of(1), company="a", sync="u", minutes=30),
        )
        seen = []
        for hours in (1, 24, 48, 96):
            office.clock.minutes = 60 * hours
            with office.sheet() as sheet:
                assert_is_the_report(sheet, office.report(sheet.as_of))
                (line,) = sheet.every_line()
                seen.append((line.state, line.waits, line.action))

    assert len({*seen}) > 1


def test_a_lost_answer_that_nothing_explains_turns_into_a_persons(
    store_url: str,
) -> None:
    path = url("/expense-transactions", company="a")
    lost = entry("POST", path, status=504, request=[expense_of(uuid_of(1), 1)])
    with office_at(store_url) as office:
        office.clock.minutes = 1
        office.ingest(lost)
        seen = []
        for hours in (0.1, 1, 24, 48, 96):
            office.clock.minutes = int(60 * hours)
            with office.sheet() as sheet:
                assert_is_the_report(sheet, office.report(sheet.as_of))
                (line,) = sheet.every_line()
                seen.append((line.state, line.kind, line.action))

    assert len({*seen}) > 2


def test_ages_are_reckoned_at_the_time_of_the_page(store_url: str) -> None:
    with office_at(store_url) as office:
        office.ingest(*ended_call("a", 1, word="PushError"))
        ages = []
        for days in (0, 2, 9, 40):
            office.clock.minutes = 10 + days * 24 * 60
            with office.sheet() as sheet:
                ages += [key.bucket for key in ageing_of(sheet)]
                assert ageing_of(sheet) == office.report(sheet.as_of).totals.ageing

    assert ages == ["<1d", "1-7d", "7-30d", ">30d"]


def test_facts_in_the_future_are_told_as_the_report_tells_them(store_url: str) -> None:
    with office_at(store_url) as office:
        office.clock.minutes = 0
        office.ingest(*ended_call("a", 1, word="Completed", minutes=60))
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))
        office.clock.minutes = 90
        with office.sheet() as sheet:
            assert_is_the_report(sheet, office.report(sheet.as_of))
            assert written_lines(sheet) == 1
