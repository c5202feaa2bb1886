"""Followers and neighbours: what is wrong with one company delays that one alone."""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from reconcile import Reconciler, read_lines
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import create_expenses
from reconcile.domain.vocabulary import FindingKind
from reconcile.errors import CodatUnavailable
from reconcile.live.follow import LEASE
from reconcile.live.recovery import PAGES_A_VISIT
from reconcile.sandbox import Ledger, Sandbox, Settings
from reconcile.storage.ports import Store
from tests.builders import at, hook, uuid_of
from tests.engines import url_at
from tests.live.office import COMPANY, Office, expense, follow, office_with

pytestmark = pytest.mark.usefixtures("engine")


TROUBLED = "aaaaaaaa-0000-4000-8000-000000000001"
OTHERS = [f"bbbbbbbb-0000-4000-8000-{n:012d}" for n in range(4)]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(settings=Settings(quotas=False)), tmp_path) as opened:
        yield opened


def refusing(
    status: int, *, company_id: str = TROUBLED, **headers: str
) -> Callable[[httpx.Request], httpx.Response | None]:
    """Return what answers the reads of one company so."""

    def answer(request: httpx.Request) -> httpx.Response | None:
        if request.method != "GET" or company_id not in request.url.path:
            return None
        pairs = {name.replace("_", "-"): value for name, value in headers.items()}
        return httpx.Response(status, headers=pairs, json={"error": "no"})

    return answer


def sent_by_all(office: Office) -> None:
    for number, company_id in enumerate([TROUBLED, *OTHERS]):
        office.dispatch.send(create_expenses(company_id, [expense(uuid_of(number))]))
    office.wait(minutes=10)


def asked_of(office: Office, company_id: str) -> int:
    return sum(company_id in asked for asked in office.line.asked)


def once(office: Office, holder: str = "cron") -> None:
    """Follow as a scheduled command does: all that is due, and what follows from it."""
    follower = office.books.follower(office.client, holder=holder)
    due = follower.step()
    while due is not None and due <= office.sandbox.now:
        due = follower.step()


@pytest.mark.parametrize(
    "answer",
    [
        refusing(503),
        refusing(503, Retry_After="3600"),
        refusing(503, Retry_After="5"),
        refusing(500),
        refusing(404),
        refusing(403),
        refusing(301),
    ],
)
def test_the_trouble_of_one_company_keeps_no_other_from_being_read(
    office: Office, answer: Callable[[httpx.Request], httpx.Response | None]
) -> None:
    sent_by_all(office)
    office.line.instead = answer
    office.line.asked.clear()
    began = office.sandbox.now

    once(office)

    assert office.books.report().totals.matched == len(OTHERS)
    assert asked_of(office, TROUBLED) <= 10
    assert office.sandbox.now - began < timedelta(seconds=30)


def test_the_wait_that_codat_asks_of_a_company_is_kept(office: Office) -> None:
    sent_by_all(office)
    office.line.instead = refusing(503, Retry_After="3600")
    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=0.1)
    office.line.asked.clear()

    follow(office, follower, hours=0.8)

    assert asked_of(office, TROUBLED) == 0


@pytest.mark.parametrize("status", [401, 429])
def test_a_limit_or_a_refused_key_is_the_accounts_and_is_said_to_be(
    office: Office, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    sent_by_all(office)
    office.line.instead = refusing(status, Retry_After="600")
    office.line.asked.clear()

    with caplog.at_level(logging.WARNING, logger="reconcile.follow"):
        once(office)

    assert "nothing of the account is asked until" in caplog.text
    assert office.books.report().totals.matched < len(OTHERS)


@pytest.mark.parametrize("taken", [False, True])
def test_after_a_long_outage_a_sync_is_read_to_its_end(
    tmp_path: Path, taken: bool
) -> None:
    sandbox = Sandbox()
    sandbox.company(COMPANY, ledger=Ledger(bank_feed_taken=taken))
    with office_with(sandbox, tmp_path) as office:
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
        office.wait(days=30)

        once(office)
        office.wait(minutes=1)
        once(office)

        expected = ("break", "FAILED") if taken else ("matched", None)
        assert office.states() == {uuid_of(1): expected}


def test_a_company_that_is_gone_is_a_finding_and_is_asked_no_more(
    office: Office,
) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    office.line.instead = refusing(404, company_id=COMPANY)
    follower = office.books.follower(office.client, holder="one")

    follow(office, follower, hours=24 * 15)
    office.line.asked.clear()
    follow(office, office.books.follower(office.client, holder="two"), hours=24 * 30)
    last = office.books.follower(office.client, holder="three")
    last.step()

    assert office.line.asked == []
    assert last.failed == 0
    found = {finding.kind for finding in office.books.report().findings}
    assert found == {FindingKind.COMPANY_GONE, FindingKind.GIVEN_UP}
    assert office.books.tie_out().differences == []


def test_a_company_that_comes_back_is_followed_again(office: Office) -> None:
    office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(1))]))
    follower = office.books.follower(office.client, holder="one")
    office.line.instead = refusing(404, company_id=COMPANY)
    follow(office, follower, hours=30)
    gone = [finding.kind for finding in office.books.report().findings]
    office.line.instead = lambda _: None

    follow(office, follower, hours=30)

    assert gone == [FindingKind.COMPANY_GONE]
    assert list(office.books.report().findings) == []
    assert office.states() == {uuid_of(1): ("matched", None)}


def test_a_list_that_says_nothing_new_makes_no_event(office: Office) -> None:
    for number in range(20):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
        office.wait(minutes=1)
    follower = office.books.follower(office.client, holder="one")
    follow(office, follower, hours=24)
    position = office.books.store.position()
    office.line.asked.clear()

    follow(office, follower, hours=24 * 10)

    assert len(office.line.asked) >= 30
    assert office.books.store.position() == position


def before_the_library(office: Office, number: int) -> None:
    """Start so many syncs of a company past our client."""
    with httpx.Client(transport=office.line, base_url="https://api.codat.io") as raw:
        for n in range(number):
            raw.post(
                f"/companies/{COMPANY}/sync/expenses/expense-transactions",
                json=[expense(uuid_of(1000 + n))],
            )
            office.wait(minutes=3)


def lose(office: Office, number: int) -> None:
    """Send an expense that never arrives."""
    office.line.lose_requests = 5
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(create_expenses(COMPANY, [expense(uuid_of(number))]))
    office.line.lose_requests = 0


def pages(office: Office) -> int:
    return sum("/transactions?" in asked for asked in office.line.asked)


def test_a_lost_request_is_not_looked_for_in_older_syncs(office: Office) -> None:
    before_the_library(office, 30)
    office.wait(hours=6)
    lose(office, 1)
    office.line.asked.clear()

    office.books.recover(office.client.ask, company_id=COMPANY, actor="me")

    assert pages(office) == 0


def test_rows_that_are_held_are_not_asked_for_by_a_recovery(office: Office) -> None:
    lose(office, 1)
    before_the_library(office, 5)
    first = pages(office)
    office.books.recover(office.client.ask, company_id=COMPANY, actor="me")
    second = pages(office)
    office.wait(hours=1)

    office.books.recover(office.client.ask, company_id=COMPANY, actor="me")

    assert second - first == 5
    assert pages(office) == second


def test_a_recovery_asks_for_so_many_pages_at_a_time(office: Office) -> None:
    lose(office, 1)
    before_the_library(office, PAGES_A_VISIT + 5)

    office.books.recover(office.client.ask, company_id=COMPANY, actor="me")
    first = pages(office)
    office.books.recover(office.client.ask, company_id=COMPANY, actor="me")

    assert (first, pages(office)) == (PAGES_A_VISIT, PAGES_A_VISIT + 5)


def test_followers_of_one_name_hold_leases_of_their_own(
    office: Office, tmp_path: Path
) -> None:
    sent_by_all(office)
    asked: list[str] = []

    def meanwhile(request: httpx.Request) -> None:
        """Have a second follower of the same name work amid a read of the first."""
        asked.append(request.url.path)
        if len(asked) == 1:
            second.step()

    with (
        Reconciler.open(
            url_at(tmp_path / "books.db"), now=lambda: office.sandbox.now
        ) as books,
        httpx.Client(transport=office.line) as http,
    ):
        client = CodatClient(
            http, api_keys="key", record=books.record, now=lambda: office.sandbox.now
        )
        second = books.follower(client, holder="pod:1")

        def first(request: httpx.Request) -> httpx.Response | None:
            meanwhile(request)
            return None

        office.line.instead = first
        office.books.follower(office.client, holder="pod:1").step()

    assert len(asked) == len(set(asked))


def test_the_leases_of_a_follower_that_was_killed_are_free_within_a_minute(
    office: Office,
) -> None:
    store: Store = office.books.store
    killed, next_one = store.leases("pod:1:a"), store.leases("pod:1:b")
    now = office.sandbox.now

    assert killed.take("sync:c:s", now=now, lasts=LEASE)
    assert not next_one.take("sync:c:s", now=now, lasts=LEASE)
    assert next_one.take("sync:c:s", now=now + timedelta(minutes=1), lasts=LEASE)


def test_a_lease_of_a_clock_that_had_jumped_ahead_holds_nobody(office: Office) -> None:
    store: Store = office.books.store
    ahead = office.sandbox.now + timedelta(days=400)

    assert store.leases("a").take("list:c:", now=ahead, lasts=LEASE)
    assert store.leases("b").take("list:c:", now=office.sandbox.now, lasts=LEASE)


@pytest.mark.parametrize("days", [0.2, 20, 4000])
def test_a_clock_that_jumped_ahead_once_keeps_nothing_from_being_read(
    tmp_path: Path, days: float
) -> None:
    sandbox, ahead = Sandbox(settings=Settings(quotas=False)), [timedelta(0)]

    def now() -> datetime:
        return sandbox.now + ahead[0]

    with (
        Reconciler.open(url_at(tmp_path / "books.db"), now=now) as books,
        httpx.Client(transport=sandbox.transport()) as http,
    ):
        client = CodatClient(http, api_keys="key", record=books.record, now=now)
        dispatch = books.dispatch(client.ask, actor="me")
        dispatch.send(create_expenses(OTHERS[0], [expense(uuid_of(1))]))
        follower = books.follower(client, holder="one")
        sandbox.advance(timedelta(minutes=1))
        ahead[0] = timedelta(days=days)
        dispatch.send(create_expenses(OTHERS[1], [expense(uuid_of(2))]))
        sandbox.advance(timedelta(minutes=1))
        follower.step()
        ahead[0] = timedelta(0)
        for _ in range(60):
            sandbox.advance(timedelta(minutes=1))
            follower.step()
        totals = books.report().totals

        assert totals.matched == 2
        assert books.tie_out().differences == []


def test_nobody_asks_codat_for_what_a_person_set_aside(office: Office) -> None:
    example = hook(
        "expenses.sync.unsuccessful",
        ("e1", "PushError", "example"),
        minutes=(office.sandbox.now - at(0)).total_seconds() / 60,
        company=TROUBLED,
    )
    office.books.ingest(read_lines([example]))
    (story,) = office.books.explain("e1")
    (heard,) = {e.digest for e in story.entries if e.source == "webhook"}
    office.line.instead = refusing(404)
    follower = office.books.follower(office.client, holder="f")
    follow(office, follower, hours=6)
    asked = len(office.line.asked)

    office.books.set_aside(heard, actor="ada", reason="Codat's example")
    follow(office, follower, hours=24 * 20)

    assert asked > 0
    assert office.line.asked[asked:] == []
    report = office.books.report()
    assert (report.totals.items, len(report.findings), len(report.syncs)) == (0, 0, 0)
