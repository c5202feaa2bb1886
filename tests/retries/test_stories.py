"""From a failure to the books: what was sent again, and what the books hold then."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from reconcile import CodatUnavailable, Exchange, Request, UsageError
from reconcile.codat.requests import (
    create_expenses,
    push_dataset,
    start_sync,
    update_expense,
)
from reconcile.retries.outcome import RetryOutcome
from reconcile.retries.plan import LeftOutReason, Operation
from reconcile.sandbox import Sandbox
from reconcile.sandbox.scenarios import Scenario
from tests.retries.desk import (
    COMPANY,
    RetryOffice,
    amount_of,
    expense,
    id_of,
    reasons,
    retry_office,
)

pytestmark = pytest.mark.usefixtures("engine")


def test_a_lost_write_is_never_sent_again_by_a_plan_whatever_a_later_try_said(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.line.lose_answers = 9
        with pytest.raises(CodatUnavailable):
            desk.create([1])
        desk.line.lose_answers = 0
        desk.office.wait(minutes=20)  # it was written
        item = expense(id_of(1))
        desk.office.books.record(refused(create_expenses(COMPANY, [item]), desk))

        plan = desk.plan()

        assert not plan.lines
        assert set(reasons(plan)) == {id_of(1)}
        assert set(reasons(plan).values()) <= {
            LeftOutReason.IN_DOUBT,
            LeftOutReason.WAITS,
        }
        desk.office.books.recover(desk.office.client.ask, COMPANY, actor="tests")
        desk.settle()
        assert desk.states() == {id_of(1): "matched"}
        assert desk.booked() == {id_of(1): 1}
        assert not desk.plan().lines


def refused(request: Request, desk: RetryOffice) -> Exchange:
    """Return a second send, by another program, that a key of ours did not pass."""
    return Exchange(
        method=request.method,
        url=f"https://api.codat.io{request.path}",
        request_body=request.body,
        status=401,
        response_body=b'{"error": "Unauthorized"}',
        observed_at=desk.sandbox.now,
    )


def test_a_locked_period_that_is_mended_is_probed_once_and_then_all_is_booked_once(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.lock()
        late = [expense(id_of(n)) for n in range(20)]
        fresh = [
            expense(id_of(n), issueDate="2026-02-04T00:00:00Z") for n in range(20, 40)
        ]
        desk.send(create_expenses(COMPANY, late + fresh))
        desk.settle()
        assert len(desk.booked()) == 20
        desk.unlock()
        desk.mend("period_locked")

        plan = desk.plan()
        desk.run_to_end(plan)

        assert [len(line.transactions) for line in plan.lines] == [1, 19]
        assert plan.lines[1].after == 1
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 20}
        assert desk.booked() == {id_of(n): 1 for n in range(40)}
        assert set(desk.states().values()) == {"matched", "cleared"}


def test_a_cause_that_is_not_mended_after_all_costs_one_probe(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        desk.lock()
        desk.create(range(40))
        desk.settle()
        desk.mend("period_locked")
        before = desk.calls()

        plan = desk.plan()
        desk.run_to_end(plan)
        again = desk.plan()

        assert desk.calls() == before + 1
        assert desk.outcomes(plan) == {
            RetryOutcome.FAILED_AGAIN: 1,
            RetryOutcome.DROPPED: 39,
        }
        assert not again.lines  # not one more probe for each plan that is made
        assert set(reasons(again).values()) == {LeftOutReason.NOT_RELEASED}
        assert desk.booked() == {}

        desk.unlock()
        desk.mend("period_locked")
        desk.run_to_end(desk.plan())
        assert desk.booked() == {id_of(n): 1 for n in range(40)}
        assert desk.outcomes(plan) == {
            RetryOutcome.CLEARED_OTHERWISE: 1,
            RetryOutcome.DROPPED: 39,
        }


def test_what_failed_in_a_dataset_goes_into_a_new_one_without_what_is_booked(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        lines = [{"netAmount": 1, "taxAmount": 0, "accountRef": {"id": "x"}}]
        items = [expense(id_of(1)), expense(id_of(2)), expense(id_of(3), lines=lines)]
        ledger = desk.company.ledger
        ledger.deleted_accounts.add("x")
        pushed = desk.dispatch.send(push_dataset(COMPANY, items))
        dataset_id = pushed.answer.named("datasetId")
        desk.send(start_sync(COMPANY, [dataset_id]))
        desk.settle()
        assert desk.booked() == {id_of(1): 1, id_of(2): 1}
        ledger.deleted_accounts.clear()
        desk.mend("account_archived")

        plan = desk.plan()
        desk.run_to_end(plan)

        (line,) = plan.lines
        assert (line.operation, line.transactions) == (Operation.PUSH, (id_of(3),))
        assert desk.booked() == {id_of(n): 1 for n in (1, 2, 3)}
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 1}
        datasets = desk.company.datasets
        assert [len(d) for d in datasets.values()] == [3, 1]


def test_a_dataset_that_was_never_synced_is_started_and_not_pushed_again(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.send(push_dataset(COMPANY, [expense(id_of(n)) for n in range(3)]))
        desk.office.wait(minutes=20)

        plan = desk.plan()
        desk.run_to_end(plan)

        (line,) = plan.lines
        assert line.operation is Operation.START_SYNC
        assert len(desk.company.datasets) == 1
        assert desk.booked() == {id_of(n): 1 for n in range(3)}


def test_a_batch_poisoned_by_two_goes_on_without_them(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        desk.create([1, 2])
        desk.settle()
        desk.create(range(1, 11))  # 1 and 2 are in the books: the batch is refused
        desk.settle()

        plan = desk.plan()
        desk.run_to_end(plan)

        named = {name for line in plan.lines for name in line.transactions}
        assert named == {id_of(n) for n in range(3, 11)}
        assert desk.booked() == {id_of(n): 1 for n in range(1, 11)}


def test_what_a_batch_has_poisoned_twice_goes_alone(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        desk.create([1, 2])
        desk.settle()
        desk.create([1, 3, 4])
        desk.settle()
        desk.create([2, 3])
        desk.settle()

        plan = desk.plan()
        desk.run_to_end(plan)

        assert [
            line.transactions for line in plan.lines if id_of(3) in line.transactions
        ]
        (alone,) = [x for x in plan.lines if id_of(3) in x.transactions]
        assert alone.transactions == (id_of(3),)
        assert desk.booked() == {id_of(n): 1 for n in range(1, 5)}


def test_a_time_out_that_wrote_is_read_again_and_not_sent_again(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        timing_out = Scenario(name="time-outs", timed_out=1, timed_out_written=1)
        quiet = desk.sandbox.faults.scenario
        desk.sandbox.faults.scenario = timing_out
        desk.create([1])
        desk.settle(minutes=5)
        desk.sandbox.faults.scenario = quiet
        before = desk.calls()

        plan = desk.plan()

        assert not plan.lines
        desk.settle(minutes=20)
        assert desk.states() == {id_of(1): "matched"}
        assert desk.booked() == {id_of(1): 1}
        assert not desk.plan().lines
        assert desk.calls() == before


def test_an_outage_of_two_hours_ends_with_everything_booked_once(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        quiet = desk.sandbox.faults.scenario
        desk.sandbox.faults.scenario = Scenario(name="outage", broken=1)
        begun = desk.sandbox.now
        desk.create(range(30))
        desk.settle(minutes=5)
        probes = 0
        while desk.sandbox.now < begun + timedelta(hours=12):
            if desk.sandbox.now > begun + timedelta(hours=2):
                desk.sandbox.faults.scenario = quiet
            plan = desk.plan()
            if not plan.lines:
                break
            assert [x.probe_for is not None for x in plan.lines] == [True, False]
            probes += 1
            desk.run_to_end(plan)

        assert desk.booked() == {id_of(n): 1 for n in range(30)}
        assert set(desk.states().values()) == {"cleared"}
        assert 2 <= probes <= 8


def test_a_quota_at_zero_stops_a_run_which_goes_on_the_next_day(tmp_path: Path) -> None:
    sandbox = Sandbox()
    with retry_office(tmp_path, sandbox) as desk:
        desk.lock()
        desk.create(range(5))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")
        plan = desk.plan()
        sandbox.limits.calls_per_day = 0
        company = sandbox.companies[COMPANY]
        links, company.connections = company.connections, []

        stopped = desk.run(plan)

        assert stopped.stopped is not None
        assert not stopped.ended
        assert desk.booked() == {}
        company.connections = links
        sandbox.limits.calls_per_day = 1000
        desk.office.wait(hours=24)
        desk.run_to_end(plan)
        assert desk.booked() == {id_of(n): 1 for n in range(5)}
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 5}


def test_an_update_under_a_locked_period_goes_in_as_an_update_alone(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.create([1])
        desk.settle()
        desk.lock()
        changed = {k: v for k, v in expense(id_of(1), net=20).items() if k != "id"}
        desk.send(update_expense(COMPANY, id_of(1), changed))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")

        plan = desk.plan()
        desk.run_to_end(plan)

        (line,) = plan.lines
        assert line.operation is Operation.UPDATE
        entry = desk.sandbox.books.entry(COMPANY, id_of(1))
        assert entry is not None
        assert (entry.times, amount_of(entry.given)) == (1, Decimal(22))
        assert desk.outcomes(plan) == {RetryOutcome.CLEARED: 1}


def test_what_somebody_resends_in_the_portal_meanwhile_is_dropped(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.lock()
        desk.create(range(10))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")
        plan = desk.plan()
        desk.sandbox.resend_failed(COMPANY)
        desk.settle()
        before = desk.calls()

        result = desk.run(plan)

        assert result.ended
        assert desk.outcomes(plan) == {RetryOutcome.DROPPED: 10}
        assert desk.calls() == before
        assert desk.booked() == {id_of(n): 1 for n in range(10)}


def test_a_portal_resend_that_nobody_has_heard_of_books_nothing_twice(
    tmp_path: Path,
) -> None:
    with retry_office(tmp_path) as desk:
        desk.lock()
        desk.create(range(10))
        desk.settle()
        desk.unlock()
        desk.mend("period_locked")
        plan = desk.plan()
        desk.sandbox.resend_failed(COMPANY)
        desk.office.wait(minutes=20)

        desk.run_to_end(plan)

        assert desk.booked() == {id_of(n): 1 for n in range(10)}
        assert set(desk.states().values()) <= {"matched", "cleared"}


def test_a_month_of_three_currencies_ties_out_after_its_retries(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        ledger = desk.company.ledger
        ledger.multi_currency = False
        items = [
            expense(
                id_of(n),
                net=10.25 + n,
                currency=("GBP", "EUR", "USD")[n % 3],
                issueDate=f"2026-01-{1 + n % 28:02d}T00:00:00Z",
            )
            for n in range(30)
        ]
        desk.send(create_expenses(COMPANY, items))
        desk.settle()
        assert len(desk.booked()) == 10
        ledger.multi_currency = True
        for group in desk.office.books.causes():
            desk.mend(str(group.fingerprint))

        plan = desk.plan()
        desk.run_to_end(plan)

        report = desk.office.books.report(month="2026-01")
        reported: dict[str | None, Decimal] = {}
        for key, money in report.totals.money.items():
            before = reported.get(key.currency, Decimal(0))
            reported[key.currency] = before + money.amount
        booked: dict[str | None, Decimal] = {}
        for _, entry in desk.sandbox.books:
            currency = entry.given["currency"]
            booked[currency] = booked.get(currency, Decimal(0)) + amount_of(entry.given)
        assert reported == booked
        assert report.totals.broken == report.totals.open == 0
        assert desk.booked() == {id_of(n): 1 for n in range(30)}
        assert not desk.office.books.tie_out(evidence=True).differences


def test_a_corrected_expense_is_sent_as_it_was_corrected(tmp_path: Path) -> None:
    with retry_office(tmp_path) as desk:
        line = {"netAmount": -5, "taxAmount": 0, "accountRef": {"id": "account-1"}}
        item = expense(id_of(1), lines=[line])
        sent = desk.dispatch.send(create_expenses(COMPANY, [item]), insist=True)
        assert sent.answer.status == 400
        desk.settle()
        assert not desk.plan().lines

        good = expense(id_of(1), net=5)
        plan = desk.plan(company_id=COMPANY, corrected=[good])
        desk.run_to_end(plan)

        assert plan.lines[0].payload_from == "correction"
        assert desk.booked() == {id_of(1): 1}
        assert desk.states() == {id_of(1): "cleared"}
        for name in ("nobody", id_of(1)):
            with pytest.raises(UsageError, match="is corrected and not in the plan"):
                desk.plan(company_id=COMPANY, corrected=[expense(name)])
