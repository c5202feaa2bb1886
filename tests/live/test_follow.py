"""The follower: every sync is read to its end, once, within the quota."""

import asyncio
import re
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from reconcile import Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import create_expenses
from reconcile.errors import CodatUnavailable
from reconcile.live.pace import Pace
from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.scenarios import Scenario, scenario
from tests.builders import uuid_of
from tests.engines import tables_of, url_at
from tests.live.office import (
    COMPANY,
    Office,
    expense,
    follow,
    office_with,
    reads,
    wait_for,
)

pytestmark = pytest.mark.usefixtures("engine")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(), tmp_path) as opened:
        yield opened


def test_the_follower_alone_finds_out_what_became_of_every_expense(
    office: Office,
) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))

    follow(office, office.books.follower(office.client, holder="one"), hours=1)

    assert office.states() == {uuid_of(1): ("matched", None)}


def test_a_sync_that_is_read_to_its_end_is_not_read_again(office: Office) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=1)
    before = reads(office)

    follow(office, follower, hours=4)
    again = office.books.follower(office.client, holder="two")
    again.step()

    assert before <= 6  # the write, a list, two or three statuses, a page
    assert reads(office) == before


def test_a_follower_remembers_nothing_of_syncs_that_it_read_to_their_end(
    office: Office,
) -> None:
    """It may run for years: what it holds in memory is what is still to be read."""
    follower = office.books.follower(office.client, holder="one")
    for number in range(3):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
        follow(office, follower, hours=1)

    assert [*follower.plan()] != []  # the company's list comes again
    assert follower._agenda._known == {}
    assert follower._postponed == {}


def test_several_syncs_of_a_company_are_asked_for_at_once(office: Office) -> None:
    for number in range(10):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
    asked: list[str] = []
    office.line.asked = asked

    follow(office, office.books.follower(office.client, holder="one"), hours=1)

    statuses = [item for item in asked if item.endswith("/status")]
    assert all("/list/" in status for status in statuses)
    assert len(statuses) <= 8
    assert set(office.states().values()) == {("matched", None)}


def test_a_webhook_is_followed_at_once(office: Office) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.sandbox.webhooks.subscribe_callable(office.heard, company_id=COMPANY)
    office.wait(seconds=30)

    follower = office.books.follower(office.client, holder="one")
    follower.step()
    follower.step()

    assert office.states() == {uuid_of(1): ("matched", None)}


def test_syncs_that_nobody_told_us_of_are_found_by_listing(office: Office) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.sandbox.companies[COMPANY].ledger.bank_feed_taken = True
    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=1)
    assert office.states() == {uuid_of(1): ("break", "FAILED")}

    office.sandbox.companies[COMPANY].ledger.bank_feed_taken = False
    office.sandbox.resend_failed(COMPANY)
    follow(office, follower, hours=8)

    assert office.states() == {uuid_of(1): ("cleared", None)}


def test_a_lost_answer_is_recovered_by_the_follower(office: Office) -> None:
    office.line.lose_answers = 99
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.wait(minutes=1)

    follow(office, office.books.follower(office.client, holder="one"), hours=1)

    assert office.states() == {uuid_of(1): ("matched", None)}


def test_a_listing_is_read_on_from_where_it_broke(tmp_path: Path) -> None:
    with office_with(Sandbox(), tmp_path) as office:
        items = [expense(uuid_of(n)) for n in range(20)]
        sync = office.dispatch.send(create_expenses(COMPANY, items))
        office.wait(minutes=1)
        sync_id = sync.answer.named("syncId")
        office.client.sync_status(COMPANY, sync_id)
        pages = office.client.transaction_pages(COMPANY, sync_id, page_size=10)
        next(pages)
        next(pages)
        asked: list[str] = []
        office.line.asked = asked

        pace = Pace(page_size=10)
        follower = office.books.follower(office.client, holder="one", pace=pace)
        follow(office, follower, hours=1)

    listed = [item for item in asked if "transactions?" in item]
    assert ["page=3" in entry for entry in listed][:1] == [True]
    assert len(listed) == 2


def test_two_followers_share_the_work(office: Office, tmp_path: Path) -> None:
    for number in range(6):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
    office.wait(minutes=1)
    store = url_at(tmp_path / "books.db")
    asked: list[str] = []
    office.line.asked = asked
    with (
        Reconciler.open(store, now=lambda: office.sandbox.now) as other,
        httpx.Client(transport=office.line) as http,
    ):
        client = CodatClient(
            http, api_keys="key", record=other.record, now=lambda: office.sandbox.now
        )
        office.books.follower(office.client, holder="one").step()
        workers = [
            threading.Thread(target=books.follower(item, holder=name).step)
            for books, item, name in (
                (office.books, office.client, "one"),
                (other, client, "two"),
            )
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()

    listed = [entry for entry in asked if "transactions?" in entry]
    assert len(listed) == len(set(listed)) == 6
    assert [found for found in asked if found.endswith("/status")] == asked[:1]


def test_trouble_at_codat_is_waited_out(tmp_path: Path) -> None:
    rough = Scenario(name="rough", throttled=0.2, unavailable=0.2, answers_lost=0.2)
    sandbox = Sandbox(scenario=rough, seed=3)
    with office_with(sandbox, tmp_path) as office:
        created: dict[str, str] = {}
        for number in range(5):
            try:
                office.dispatch.send(
                    create_expenses(COMPANY, [expense(uuid_of(number))])
                )
            except CodatUnavailable as error:
                created[uuid_of(number)] = str(error)

        follow(office, office.books.follower(office.client, holder="one"), hours=30)
        reported = office.states()

    for number in range(5):
        stored = sandbox.books.hold(COMPANY, uuid_of(number))
        assert stored == (reported[uuid_of(number)][0] in ("matched", "cleared"))


def test_a_day_of_faults_ends_with_every_answer_known(tmp_path: Path) -> None:
    sandbox = Sandbox(
        scenario=scenario("half-failed"), seed=5, settings=Settings(quotas=False)
    )
    with office_with(sandbox, tmp_path) as office:
        for number in range(10):
            office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
        follow(office, office.books.follower(office.client, holder="one"), hours=36)
        reported = office.states()

    for number in range(10):
        state, kind = reported[uuid_of(number)]
        stored = sandbox.books.hold(COMPANY, uuid_of(number))
        assert (state in ("matched", "cleared")) == stored, (state, kind)


def test_a_follower_stops_when_it_is_told_to(office: Office) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    stop = threading.Event()
    follower = office.books.follower(office.client, holder="one")
    runner = threading.Thread(target=follower.run, args=(stop,))

    runner.start()
    stop.set()
    runner.join(timeout=10)

    assert not runner.is_alive()


def test_a_follower_is_a_task_of_an_event_loop_until_it_is_cancelled(
    office: Office,
) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.wait(hours=1)
    follower = office.books.follower(office.client, holder="one")

    async def host() -> None:
        following = asyncio.create_task(follower.run_async())
        async with asyncio.timeout(20):
            while reads(office) < 4:
                await asyncio.sleep(0.01)
        following.cancel()
        with pytest.raises(asyncio.CancelledError):
            await following

    asyncio.run(host())

    assert office.states() == {uuid_of(1): ("matched", None)}


NO_LEASES = re.compile(r"no such table: leases|leases\W+ does not exist")


def rename(url: str, table: str, to: str) -> None:
    with tables_of(url) as tables:
        tables.run(f"ALTER TABLE {table} RENAME TO {to}")


def test_a_store_that_cannot_be_used_is_tried_again(
    office: Office, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.wait(hours=1)
    pace = Pace(first=timedelta(milliseconds=10))
    follower = office.books.follower(office.client, holder="one", pace=pace)
    stop = threading.Event()
    rename(url_at(tmp_path / "books.db"), "leases", "away")
    runner = threading.Thread(target=follower.run, args=(stop,))
    runner.start()
    try:
        wait_for(lambda: NO_LEASES.search(caplog.text) is not None)
        rename(url_at(tmp_path / "books.db"), "away", "leases")
        wait_for(lambda: reads(office) >= 4)
    finally:
        stop.set()
        runner.join()

    assert office.states() == {uuid_of(1): ("matched", None)}
