"""Running a plan: refused whole where it is not to be run, each line sent once."""

from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

from reconcile import Plan, RetryPolicy, UsageError
from reconcile.codat.requests import push_dataset, start_sync
from reconcile.retries.outcome import RetryOutcome
from reconcile.retries.policy import QuietHours
from reconcile.retries.progress import handed_over
from reconcile.sandbox import Sandbox
from reconcile.sandbox.server import serving
from tests.engines import url_at
from tests.live.killing import killed_before
from tests.retries.desk import (
    COMPANY,
    RetryOffice,
    expense,
    id_of,
    retry_office,
)


def locked(desk: RetryOffice, number: int = 6) -> Plan:
    """Return a plan for expenses that failed for a period that is open again."""
    desk.lock()
    desk.create(range(number))
    desk.settle()
    desk.unlock()
    desk.mend("period_locked")
    return desk.plan()


def sent_by(desk: RetryOffice, plan: Plan, until: int, as_of: datetime) -> set[str]:
    """Return what a plan's run handed over, by the events up to a position."""
    store = desk.office.books.store
    found = handed_over(store, plan.digest, until=until, as_of=as_of)
    return {name for company_id, name in found if company_id == COMPANY}


@pytest.mark.usefixtures("engine")
def test_a_plan_from_the_future_or_by_other_rules_or_run_before_is_refused_whole(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk)
        hour = timedelta(hours=1)
        for changed, words in (
            (attrs.evolve(plan, as_of=desk.sandbox.now + hour), "in the future"),
            (attrs.evolve(plan, position=plan.position + 99), "of another store"),
            (attrs.evolve(plan, ruleset="ours@7"), "by the rules ours@7"),
            (attrs.evolve(plan, judged_by="custom@1"), "by the policy custom@1"),
        ):
            with pytest.raises(UsageError, match=words):
                desk.run(changed)
        assert desk.office.books.retries() == []

        by_others = attrs.evolve(plan, ruleset="ours@7")
        assert desk.dispatch.run(by_others, anyway=True).sent == 1
        probed = desk.office.books.store.position()
        desk.settle()
        assert desk.dispatch.run(by_others, anyway=True).ended
        with pytest.raises(UsageError, match="was run already, and ended at"):
            desk.run(by_others)
        end = desk.office.books.store.position()
        for until, as_of, number in (
            (end, desk.sandbox.now, 6),
            (probed, desk.sandbox.now, 1),
            (end, plan.as_of - hour, 0),
        ):
            assert len(sent_by(desk, by_others, until, as_of)) == number
        assert desk.run(attrs.evolve(plan, lines=())).ended
        desk.settle()
        assert desk.booked() == {id_of(n): 1 for n in range(6)}


@pytest.mark.usefixtures("engine")
def test_a_plan_of_another_store_leaves_nothing_behind(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk)
    (tmp_path / "other").mkdir()
    with retry_office(tmp_path / "other", Sandbox(now=plan.as_of)) as other:
        other.create(range(20, 26))
        for _ in range(plan.position):
            other.settle(minutes=1)

        with pytest.raises(UsageError, match="is of another store"):
            other.run(plan)

        assert other.office.books.retries() == []


@pytest.mark.usefixtures("engine")
def test_two_workers_on_one_plan_send_each_line_once(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk, 10)
        before = desk.calls()
        waiting = []

        def run_beside(_: object) -> None:
            desk.line.instead = lambda _: None
            waiting.append(desk.run(plan).waiting)

        desk.line.instead = run_beside
        desk.run(plan)
        desk.settle()
        desk.run_to_end(plan)

        ((first, *_),) = waiting
        assert first.reason == "another worker runs the plan"
        assert desk.calls() == before + 2
        assert desk.booked() == {id_of(n): 1 for n in range(10)}


@pytest.mark.usefixtures("engine")
def test_a_lost_answer_is_asked_for_under_the_same_key(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk)
        desk.line.lose_answers = 9

        stopped = desk.run(plan)

        assert stopped.stopped is not None
        desk.line.lose_answers = 0
        desk.office.wait(minutes=2)
        desk.run_to_end(plan)
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 6}
        assert desk.booked() == {id_of(n): 1 for n in range(6)}


@pytest.mark.usefixtures("engine")
def test_an_answer_lost_for_longer_than_codat_replays_it_is_left_to_reading(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk)
        desk.line.lose_answers = 9
        desk.run(plan)
        desk.line.lose_answers = 0
        desk.office.wait(hours=3)
        before = desk.calls()

        desk.run(plan)

        assert desk.calls() == before
        desk.office.books.recover(desk.office.client.ask, COMPANY, actor="tests")
        desk.settle()
        desk.run_to_end(plan)
        assert desk.booked() == {id_of(n): 1 for n in range(6)}


@pytest.mark.usefixtures("engine")
def test_a_key_that_is_refused_stops_the_run_and_costs_no_try(tmp_path: Path) -> None:
    with retry_office(tmp_path, Sandbox()) as desk:
        plan = locked(desk)
        settings = desk.sandbox.settings
        desk.sandbox.settings = attrs.evolve(settings, api_keys=("another",))

        stopped = desk.run(plan)

        assert stopped.stopped == "Codat refused line 1 with 401"
        assert [line.n for line in stopped.waiting] == [1, 2]
        desk.sandbox.settings = settings
        desk.run_to_end(plan)
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 6}


@pytest.mark.usefixtures("engine")
def test_nothing_is_sent_in_quiet_hours_nor_beyond_the_share_of_the_quota(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        locked(desk)
        clock = desk.sandbox.now.time()
        later_on = (desk.sandbox.now + timedelta(hours=2)).time()
        quiet = RetryPolicy(quiet_hours=(QuietHours(begins=clock, until=later_on),))
        tiny = RetryPolicy(quota_share=0.0001, batch_size=2)

        asleep = desk.run(desk.plan(quiet))
        plan = desk.plan(tiny)
        few = desk.run(plan)
        desk.settle()
        fewer = desk.run(plan)

        assert {line.until for line in asleep.waiting} == {
            desk.sandbox.now.replace(
                hour=later_on.hour, minute=later_on.minute, second=later_on.second
            ),
            None,
        }
        assert few.sent == 1
        assert {line.reason for line in fewer.waiting} == {
            "the share of the day's calls is used"
        }


@pytest.mark.usefixtures("engine")
def test_a_person_who_ends_an_expense_meanwhile_has_it_dropped(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk)
        desk.run(plan)
        desk.settle()
        desk.office.books.decide(
            "booked",
            company_id=COMPANY,
            transactions=[id_of(3)],
            actor="ann",
            reason="by hand",
        )

        desk.run_to_end(plan)

        assert desk.outcomes(plan) == {
            RetryOutcome.CLEARED: 5,
            RetryOutcome.DROPPED: 1,
        }
        assert id_of(3) not in desk.booked()


@pytest.mark.usefixtures("engine")
def test_what_failed_in_a_dataset_is_pushed_anew_and_synced_by_its_plan(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.lock()
        pushed = desk.dispatch.send(
            push_dataset(COMPANY, [expense(id_of(n)) for n in range(2)])
        )
        desk.send(start_sync(COMPANY, [pushed.answer.named("datasetId")]))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")
        plan = desk.plan()

        desk.run_to_end(plan)

        assert desk.booked() == {id_of(n): 1 for n in range(2)}


STEPS = 72
"""Writes, transactions and calls of a run, and some more."""
_RUN = """
from datetime import datetime
from pathlib import Path
from reconcile import Plan, Reconciler
from reconcile.codat.client.clients import CodatClient

url, store, path, now = sys.argv[1:]
moment = datetime.fromisoformat(now)
plan = Plan.from_json(Path(path).read_bytes())
with Reconciler.open(store, now=lambda: moment) as books:
    books.catch_up()
    watch(books)
    with httpx.Client(transport=Line()) as http:
        client = CodatClient(
            http, api_keys="key", record=books.record, base_url=url,
            now=lambda: moment,
        )
        books.dispatch(client.ask, actor="child").run(plan)
"""


@pytest.mark.parametrize("killed_at", range(1, STEPS + 1))
def test_a_run_killed_before_any_step_ends_with_everything_booked_once(
    killed_at: int, tmp_path: Path
) -> None:
    sandbox = Sandbox()
    with serving(sandbox, speed=0) as url, retry_office(tmp_path, sandbox) as desk:
        desk.company.ledger.deleted_accounts.add("account-1")
        desk.create(range(3))
        desk.send(push_dataset(COMPANY, [expense(id_of(3))]))  # and nobody syncs it
        desk.settle()
        desk.company.ledger.deleted_accounts.clear()
        desk.mend("account_archived")
        plan = desk.plan()
        path = tmp_path / "plan.json"
        path.write_bytes(plan.to_json())
        store = url_at(tmp_path / "books.db")

        ended = killed_before(
            killed_at, _RUN, url, store, str(path), sandbox.now.isoformat()
        )
        desk.settle(minutes=2)
        desk.run_to_end(plan)

        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 4}
        assert desk.booked() == {id_of(n): 1 for n in range(4)}
        assert ended or killed_at < STEPS  # there are no more steps than these


@pytest.mark.usefixtures("engine")
def test_what_failed_otherwise_since_the_plan_is_planned_anew(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        plan = locked(desk, 3)
        desk.company.ledger.deleted_accounts.add("account-1")
        desk.sandbox.resend_failed(COMPANY)  # in the portal: they fail otherwise
        desk.settle()
        desk.company.ledger.deleted_accounts.clear()
        desk.office.wait(minutes=1)
        desk.mend("account_archived")

        result = desk.run(plan)

        assert (result.sent, result.dropped) == (0, 3)
        desk.run_to_end(desk.plan())
        assert desk.booked() == {id_of(n): 1 for n in range(3)}
