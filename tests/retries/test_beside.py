"""What others do while a plan runs: nothing is sent too often, nor told falsely."""

from collections.abc import Callable, Collection, Mapping
from pathlib import Path

import attrs
import httpx
import pytest

from reconcile import Judged, LeftOutReason, Plan, RetryOutcome
from reconcile.codat.requests import push_dataset, start_sync
from reconcile.errors import CodatUnavailable
from reconcile.projections.releases import Corrected
from reconcile.retries.policy import DEFAULT_POLICY
from reconcile.sandbox.scenarios import Scenario
from tests.retries.desk import (
    COMPANY,
    RetryOffice,
    expense,
    id_of,
    reasons,
    retry_office,
)

pytestmark = pytest.mark.usefixtures("engine")


def before_a_sync(desk: RetryOffice, act: Callable[[], object]) -> None:
    """Do something once, just before a call that starts a sync arrives."""
    acts = [act]

    def instead(request: httpx.Request) -> None:
        if request.url.path.endswith("/syncs") and acts:
            acts.pop()()

    desk.line.instead = instead


def test_a_worker_that_lost_its_lease_drops_nothing_that_another_has_sent(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        for number in (1, 2):
            desk.send(push_dataset(COMPANY, [expense(id_of(number))]))
        desk.office.wait(minutes=20)
        plan = desk.plan()

        def is_slow() -> None:
            desk.office.wait(seconds=90)
            desk.run(plan)

        before_a_sync(desk, is_slow)
        desk.run(plan)
        desk.settle()

        assert len(plan.lines) == 2
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 2}
        assert desk.booked() == {id_of(1): 1, id_of(2): 1}


def test_a_call_that_a_person_gave_up_counts_as_a_try(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        desk.line.lose_requests = 9  # more than the client repeats it
        with pytest.raises(CodatUnavailable):
            desk.create([1])
        desk.line.lose_requests = 0
        (lost,) = desk.dispatch.in_doubt(COMPANY)
        desk.office.wait(hours=1)
        desk.office.books.abandon(
            COMPANY, lost.request_id, actor="ann", reason="nothing came of it"
        )
        once = desk.plan(attrs.evolve(DEFAULT_POLICY, per_content=1))
        twice = desk.plan(attrs.evolve(DEFAULT_POLICY, per_content=2))

        assert not once.lines
        assert reasons(once) == {id_of(1): LeftOutReason.BUDGET}
        assert [line.transactions for line in twice.lines] == [(id_of(1),)]


def test_a_plan_made_between_a_push_and_its_sync_does_not_send_it_once_more(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.sandbox.faults.scenario = Scenario(name="outage", broken=1)
        pushed = desk.dispatch.send(push_dataset(COMPANY, [expense(id_of(1))]))
        desk.send(start_sync(COMPANY, [pushed.answer.named("datasetId")]))
        desk.settle()
        desk.office.wait(hours=1)
        twice = attrs.evolve(DEFAULT_POLICY, per_content=2)
        others: list[Plan] = []
        judging = desk.dispatch.standing

        def slowly(
            company_id: str, names: Collection[str], corrected: Corrected
        ) -> Mapping[str, Judged]:
            found = judging(company_id, names, corrected)
            if len(desk.company.datasets) > 1 and not others:
                desk.office.wait(seconds=1)
                others.append(desk.plan(twice))
                desk.office.wait(seconds=1)
            return found

        attrs.evolve(desk.dispatch, standing=slowly).run(desk.plan(twice))
        desk.settle(hours=2)
        for other in others:
            desk.run_to_end(other)

        assert [len(other.lines) for other in others] == [1]
        assert sum(url.endswith("/syncs") for url in desk.line.asked) == 2
