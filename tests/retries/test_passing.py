"""A follower that may retry: what passes is sent again, and nothing else."""

from pathlib import Path

import httpx
import pytest

from reconcile import Follower, RetryPolicy
from reconcile.codat.requests import create_expenses
from reconcile.retries.passing import STOPPED
from reconcile.sandbox.scenarios import Scenario
from tests.live.office import follow
from tests.retries.desk import (
    COMPANY,
    RetryOffice,
    expense,
    id_of,
    reasons,
    retry_office,
)

pytestmark = pytest.mark.usefixtures("engine")


OUTAGE = Scenario(name="outage", broken=1)


def follower_of(desk: RetryOffice, *, retry: bool = True) -> Follower:
    policy = RetryPolicy() if retry else None
    books, client = desk.office.books, desk.office.client
    return books.follower(client, holder="tests", retry=policy)


def test_what_an_outage_broke_is_sent_again_until_it_is_booked(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        quiet = desk.sandbox.faults.scenario
        desk.sandbox.faults.scenario = OUTAGE
        desk.create(range(12))
        follower = follower_of(desk)
        follow(desk.office, follower, hours=2)
        sent_meanwhile = desk.calls()
        desk.sandbox.faults.scenario = quiet
        follow(desk.office, follower, hours=8)

        assert desk.booked() == {id_of(n): 1 for n in range(12)}
        assert set(desk.states().values()) == {"cleared"}
        assert 2 <= sent_meanwhile <= 6  # the first call, and one probe a while
        plans = desk.office.books.retries()
        assert {plan.actor for plan in plans} == {"reconcile follow"}
        assert all(plan.ended_at is not None for plan in plans)


def test_nothing_is_sent_again_unless_that_is_asked_for(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        desk.sandbox.faults.scenario = OUTAGE
        desk.create(range(3))

        follow(desk.office, follower_of(desk, retry=False), hours=12)

        assert desk.calls() == 1
        assert desk.office.books.retries() == []


def test_what_needs_a_person_is_left_though_a_person_has_mended_it(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.lock()
        late = [expense(id_of(n)) for n in range(3)]
        desk.send(create_expenses(COMPANY, late))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")

        follow(desk.office, follower_of(desk), hours=12)

        assert desk.calls() == 1
        assert desk.booked() == {}
        assert set(reasons(desk.plan())) == set()  # a person's plan sends them


def test_a_follower_that_is_stopped_leaves_no_plan_behind(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        quiet = desk.sandbox.faults.scenario
        desk.sandbox.faults.scenario = OUTAGE
        desk.create(range(4))
        follower = follower_of(desk)
        while not desk.office.books.retries():
            follow(desk.office, follower, hours=0.1)
        (first,) = desk.office.books.retries()
        assert first.ended_at is None
        desk.sandbox.faults.scenario = quiet

        follow(desk.office, follower_of(desk), hours=12)  # another takes its place

        plans = desk.office.books.retries()
        assert all(plan.ended_at is not None for plan in plans)
        _, held_for_it = plans[0].lines
        dropped = [each.reason for each in held_for_it.expenses]
        assert dropped == [STOPPED] * 3
        assert desk.booked() == {id_of(n): 1 for n in range(4)}


def test_a_quota_that_is_used_up_is_waited_for(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        quiet = desk.sandbox.faults.scenario
        desk.sandbox.faults.scenario = OUTAGE
        desk.create(range(4))
        desk.settle(minutes=5)
        desk.sandbox.faults.scenario = quiet
        desk.line.instead = spent
        follower = follower_of(desk)
        follow(desk.office, follower, hours=6)
        refused = desk.calls()
        desk.line.instead = lambda _: None

        follow(desk.office, follower, hours=40)

        assert refused < 20
        assert desk.booked() == {id_of(n): 1 for n in range(4)}


def spent(request: httpx.Request) -> httpx.Response | None:
    """Turn a write away: the account's calls of the hour are used up."""
    if request.method == "GET":
        return None
    wait = {"Retry-After": "3600"}
    return httpx.Response(429, headers=wait, json={"error": "spent"}, request=request)
