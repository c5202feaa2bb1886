"""What becomes of a sync, by how its company's accounting software stands."""

from datetime import date

import pytest

from reconcile.sandbox import Ledger, Sandbox, Settings
from reconcile.sandbox.scenarios import Scenario
from tests.sandbox.calls import (
    COMPANY,
    ask,
    call,
    create_expenses,
    data_of,
    ended,
    expense,
    push_dataset,
    rows,
    start_sync,
    wait,
)


def with_books(**ledger: object) -> Sandbox:
    """Return a sandbox whose one company's books stand like this."""
    sandbox = Sandbox()
    sandbox.company(COMPANY, ledger=Ledger(**ledger))  # type: ignore[arg-type]  # by name
    return sandbox


def test_a_dataset_and_its_sync_end_in_the_books() -> None:
    sandbox = Sandbox()
    sync = start_sync(sandbox, push_dataset(sandbox, "t1", "t2"))

    status = ended(sandbox, sync)

    assert (status["syncStatusCode"], status["syncStatus"]) == (2000, "Complete")
    assert status["dataPushed"] is True
    assert set(rows(sandbox, sync).values()) == {"Completed"}
    assert sandbox.books.hold(COMPANY, "t1")
    assert sandbox.books.hold(COMPANY, "t2")


def test_a_sync_is_in_progress_until_its_last_leg_is_pushed() -> None:
    sandbox = Sandbox()
    sync = start_sync(sandbox, push_dataset(sandbox, "t1"))
    seen = []

    for _ in range(12):
        wait(sandbox, seconds=0.5)
        status = ask(sandbox, f"/syncs/{sync}/status")
        seen.append((status["syncStatusCode"], status["syncStatus"]))

    assert list(dict.fromkeys(seen)) == [
        (1000, "NotStarted"),
        (1000, "Started"),
        (1000, "Pushing"),
        (2000, "Complete"),
    ]


def test_rows_are_pending_before_they_are_pushed() -> None:
    sandbox = Sandbox()
    sync = start_sync(sandbox, push_dataset(sandbox, "t1"))

    wait(sandbox, seconds=4.2)

    assert set(rows(sandbox, sync).values()) == {"Pending"}


def test_a_failed_sync_may_have_written_half() -> None:
    sandbox = with_books(bank_feed_taken=True)
    sync = create_expenses(sandbox, "t1")

    status = ended(sandbox, sync)

    assert (status["syncStatusCode"], status["syncStatus"]) == (5130, "PushError")
    assert "409" in status["errorMessage"]
    assert status["errorMessage"] != status["syncExceptionMessage"]  # ids of their own
    assert rows(sandbox, sync) == {
        ("t1", "bankfeeds"): "PushError",
        ("t1", "expenses"): "Completed",
    }
    assert not sandbox.books.hold(COMPANY, "t1")


@pytest.mark.parametrize(
    ("ledger", "reason"),
    [
        ({"closed_until": date(2026, 1, 31)}, "locked period"),
        ({"deleted_accounts": {"account-1"}}, "archived or was deleted"),
        ({"base_currency": "USD", "multi_currency": False}, "does not match"),
    ],
)
def test_the_ledger_refuses_what_it_cannot_book(
    ledger: dict[str, object], reason: str
) -> None:
    sandbox = with_books(bank_feeds=False, **ledger)
    sync = create_expenses(sandbox, "t1")

    status = ended(sandbox, sync)

    assert status["syncStatusCode"] == 5130
    assert reason in ask(sandbox, f"/syncs/{sync}/transactions/t1")[0]["message"]
    assert sandbox.books.entry(COMPANY, "t1") is None


@pytest.mark.parametrize("code", [4000, 4220, 4260, 5000])
def test_a_sync_that_cannot_start_lists_and_writes_nothing(code: int) -> None:
    breaks = Scenario(name="broken", breaks=1.0 if code == 5000 else 0)
    sandbox = Sandbox(scenario=breaks)
    company = sandbox.company(COMPANY)
    if code == 4000:
        company.config = None
    company.linked = code != 4220
    company.ledger.billing_expired = code == 4260

    sync = create_expenses(sandbox, "t1")

    assert ended(sandbox, sync)["syncStatusCode"] == code
    assert rows(sandbox, sync) == {}
    assert list(sandbox.books) == []


def test_what_was_processed_is_refused_with_its_whole_batch() -> None:
    sandbox = Sandbox()
    ended(sandbox, create_expenses(sandbox, "t1"))

    sync = create_expenses(sandbox, "t1", "t2")
    status = ended(sandbox, sync)

    reported = "One or more transactions have previously been processed: t1"
    assert (status["syncStatusCode"], status["errorMessage"]) == (5080, reported)
    assert set(rows(sandbox, sync).values()) == {"ValidationError"}
    assert sandbox.books.entry(COMPANY, "t2") is None


def test_protection_may_answer_the_call_itself() -> None:
    sandbox = Sandbox(settings=Settings(duplicates="call"))
    ended(sandbox, create_expenses(sandbox, "t1"))

    refused = call(sandbox, "POST", "/expense-transactions", [expense("t1")])

    assert refused.status == 400
    assert data_of(refused)["error"].endswith("previously been processed: t1")


def test_the_same_dataset_cannot_be_synced_again() -> None:
    sandbox = Sandbox()
    dataset = push_dataset(sandbox, "t1")
    ended(sandbox, start_sync(sandbox, dataset))

    assert ended(sandbox, start_sync(sandbox, dataset))["syncStatusCode"] == 5080


def test_what_failed_is_written_when_it_is_mended_and_sent_again() -> None:
    sandbox = with_books(bank_feed_taken=True)
    ended(sandbox, create_expenses(sandbox, "t1"))

    sandbox.companies[COMPANY].ledger.bank_feed_taken = False
    status = ended(sandbox, create_expenses(sandbox, "t1"))

    assert status["syncStatusCode"] == 2000
    entry = sandbox.books.entry(COMPANY, "t1")
    assert entry is not None
    assert (entry.whole, entry.times) == (True, 1)


def test_somebody_in_the_portal_may_send_what_failed_again() -> None:
    sandbox = with_books(bank_feed_taken=True)
    ended(sandbox, create_expenses(sandbox, "t1"))
    sandbox.companies[COMPANY].ledger.bank_feed_taken = False

    again = sandbox.resend_failed(COMPANY)

    assert again is not None
    assert ended(sandbox, again.sync_id)["syncStatusCode"] == 2000
    assert sandbox.books.hold(COMPANY, "t1")
    assert sandbox.resend_failed(COMPANY) is None


def test_syncs_of_a_company_run_one_after_the_other() -> None:
    sandbox = Sandbox()
    first, second = create_expenses(sandbox, "t1"), create_expenses(sandbox, "t2")

    wait(sandbox, seconds=4.2)

    words = [s["syncStatus"] for s in ask(sandbox, "/syncs/list/status")]
    assert words == ["NotStarted", "Pushing"]
    assert ended(sandbox, first)["syncStatusCode"] == 2000
    assert ended(sandbox, second)["syncStatusCode"] == 2000


def test_a_second_sync_may_be_refused_as_it_was_until_2023() -> None:
    sandbox = Sandbox(settings=Settings(second_sync="refused"))
    first = create_expenses(sandbox, "t1")

    refused = call(sandbox, "POST", "/expense-transactions", [expense("t2")])

    assert refused.status == 409
    ended(sandbox, first)
    assert ended(sandbox, create_expenses(sandbox, "t2"))["syncStatusCode"] == 2000


@pytest.mark.parametrize(("wrote", "word"), [(1.0, "Completed"), (0.0, "PushError")])
def test_a_write_that_times_out_is_unknown_until_it_settles(
    wrote: float, word: str
) -> None:
    slow = Scenario(name="slow", timed_out=1.0, timed_out_written=wrote)
    sandbox = Sandbox(scenario=slow)
    sync = create_expenses(sandbox, "t1")

    status = ended(sandbox, sync)

    assert status["syncStatusCode"] == 5130
    assert set(rows(sandbox, sync).values()) == {"Unknown"}
    assert sandbox.books.hold(COMPANY, "t1") is bool(wrote)
    wait(sandbox, minutes=30)
    assert set(rows(sandbox, sync).values()) == {word}


def test_an_update_has_a_sync_of_its_own_and_changes_the_books() -> None:
    sandbox = Sandbox()
    ended(sandbox, create_expenses(sandbox, "t1"))
    changed = expense("t1", net=99)
    del changed["id"]

    created = call(sandbox, "PUT", "/expense-transactions/t1", changed)

    assert created.status == 202
    assert ended(sandbox, data_of(created)["syncId"])["syncStatusCode"] == 2000
    entry = sandbox.books.entry(COMPANY, "t1")
    assert entry is not None
    assert entry.given["lines"][0]["netAmount"] == 99
    assert entry.times == 1


def test_an_update_of_what_is_not_there_is_refused_by_validation() -> None:
    sandbox = Sandbox()

    created = call(sandbox, "PUT", "/expense-transactions/t1", expense("t1"))

    assert ended(sandbox, data_of(created)["syncId"])["syncStatusCode"] == 5120
    assert list(sandbox.books) == []


def test_a_long_sync_says_so_after_ten_minutes() -> None:
    sandbox = Sandbox(settings=Settings(push_s=60))
    sync = create_expenses(sandbox, *(f"t{n}" for n in range(20)))

    wait(sandbox, minutes=12)

    assert ask(sandbox, f"/syncs/{sync}/status")["syncStatusCode"] == 1010
