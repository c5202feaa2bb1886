"""A live office that sends a thing once, and from then on only by plans of retries."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, time, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final

import attrs

from reconcile import LeftOutReason, Plan, QuietHours, RetryPolicy, RetryRun, RetryWait
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.quota import Priority
from reconcile.codat.requests import Request, create_expenses, push_dataset, start_sync
from reconcile.codat.writes import named_by
from reconcile.domain.vocabulary import BreakKind, Owner, Verdict
from reconcile.errors import BusyError, CodatUnavailable, InDoubtError, UsageError
from reconcile.judgement.item import Item
from reconcile.projections.releases import Corrected
from reconcile.report.groups import Judged
from reconcile.retries.company_run import Standing
from reconcile.retries.policy import DEFAULT_POLICY
from reconcile.sandbox import Sandbox
from reconcile.sandbox.sandbox import HAPPY
from tests.simulator.live import LiveOffice
from tests.simulator.people import People
from tests.simulator.plan import RetriesSize
from tests.simulator.planned import CrashError
from tests.simulator.watched import OF_US, Row, WatchedWire
from tests.simulator.wire import name_in

SLOWLY_S: Final = 70  # longer than a lease of a plan
TICK: Final = timedelta(microseconds=1)
SOON, LATER = timedelta(hours=1), timedelta(hours=4)
ROUNDS_MAX: Final = 60  # when nothing goes wrong any more
STILL: Final = 2  # so many rounds in which nothing is left to do


Ask = Callable[[Request], Answer]


class _Client(CodatClient):
    """A client whose calls go through an office."""

    def __init__(self, client: CodatClient, through: Ask) -> None:
        self.quota = client.quota
        self._through = through

    def ask(self, request: Request, *, priority: Priority | None = None) -> Answer:
        """Return the answer that the office gets."""
        del priority
        return self._through(request)


Check = Callable[["PlanningOffice", Plan, str | None], Iterable[str]]
"""Tells what is wrong with a plan of one company, or of all, that was just made."""


class PlanningOffice(LiveOffice):
    """One office; `plans` are those that it made, `runs` what came of the last run."""

    plan: RetriesSize
    wire: WatchedWire

    def __init__(
        self, sandbox: Sandbox, plan: RetriesSize, store: Path, seed: int
    ) -> None:
        self.plans: dict[str, Plan] = {}
        self.runs: dict[str, RetryRun] = {}
        self._ended: set[str] = set()
        self._doubled = False  # two workers run one plan
        self.people = People(self)
        self.checks: list[Check] = []
        super().__init__(sandbox, plan, store, seed)

    def _wired(self) -> WatchedWire:
        return WatchedWire(
            sandbox=self.sandbox,
            store=self.path,
            item_of=self.item_of,
            read_at=self._read_at,
        )

    def item_of(self, company_id: str, name: str) -> Item | None:
        """Return how the office judges an expense now."""
        found = self.books.item(name, company_id=company_id)
        return None if found is None else found.item

    def _read_at(self) -> Mapping[Row, datetime]:
        """Return when each row was heard last."""
        return {
            row: entry.exchange.observed_at
            for entry in self.log
            if entry.recorded
            for row in entry.reported
        }

    def sometime(self, act: Callable[[], None]) -> None:
        """Have something done while things go wrong; the process may die of it."""
        self._sometime(self._mends_s, partial(self._lives, act))

    # Living

    def _begin(self) -> None:
        super()._begin()
        self._passing = self.books.passing_retries(
            _Client(self.client, partial(self._ask_for, None))
        )

    def _follow(self) -> None:
        super()._follow()
        if self.plan.passing:
            self._passing.step()

    def _lives(self, act: Callable[[], object]) -> None:
        """Do something, unless the process dies on the way; nothing is sent again."""
        self._depth += 1
        try:
            act()
        except CrashError:
            if self._depth > 1:
                raise
            self._end()
            self._begin()
        except (CodatUnavailable, BusyError, InDoubtError):
            pass  # plans see to it
        finally:
            self._depth -= 1

    def _plan_more(self, company_id: str, chance: Random, **_v1: bool) -> None:
        for _ in range(chance.choice([2, 4, 8])):
            self.sometime(partial(self._work, company_id))
        for _ in range(chance.choice([0, 0, 1, 2])):
            self.sometime(partial(self._change_any, company_id))
        if chance.random() < 0.4:
            fails = partial(self._falls_out, chance.choice([1, 3, 9]))
            self._sometime(self._sends_s, fails)
        self.people.plan(company_id, chance)

    def _retry(self, company_id: str, v1: bool) -> None:
        del v1
        self._lives(partial(self._work, company_id))

    def _falls_out(self, hours: float) -> None:
        """Have the accounting software answer nothing for some hours."""
        faults = self.sandbox.faults
        usual = faults.scenario
        faults.scenario = attrs.evolve(usual, broken=1.0)

        def ends() -> None:
            if faults.scenario is not HAPPY:
                faults.scenario = attrs.evolve(faults.scenario, broken=usual.broken)

        self._after(hours * 3600, ends)

    def drain(self) -> None:
        """Have nothing more go wrong and all be mended; plan until nothing is left."""
        self.sandbox.faults.scenario = HAPPY
        self.sandbox.limits.calls_per_day = self.sandbox.limits.calls_per_minute = 1000
        self.plan = attrs.evolve(self.plan, reads=1.0, hooks=1.0, crashes=0.0)
        self.people.mends_all()
        still = 0
        for number in range(ROUNDS_MAX):
            self.sandbox.advance(SOON if number < STILL else LATER)
            self._lives(self.people.says_all)
            plan = self.make_plan(DEFAULT_POLICY)
            self._supply(plan)
            for each in self.open_plans():
                self._lives(partial(self.run_plan, each))
            ended = not plan.lines and not self.open_plans()
            idle = ended and not self._waits() and not self._reads()
            still = still + 1 if idle else 0
            if still == STILL:
                return

    def _supply(self, plan: Plan) -> None:
        """Plan anew what is stored nowhere: the host has it, and supplies it."""
        lost: dict[str, list[dict[str, Any]]] = {}
        for row in plan.left_out:
            if row.reason is LeftOutReason.NO_PAYLOAD:
                item = self.sent[row.company_id][row.transaction_id]
                lost.setdefault(row.company_id, []).append(item)
        for company_id, items in lost.items():
            self.make_plan(DEFAULT_POLICY, company_id, items)

    def _waits(self) -> bool:
        return any(
            row.item.waits or row.item.verdict is Verdict.WAIT
            for row in self.books.report().items
        )

    def _reads(self) -> bool:
        """Return whether a sync runs, or is to be read by now and is not."""
        companies = self.sandbox.companies.values()
        return any(
            sync.ended_at is None for each in companies for sync in each.syncs.values()
        ) or any(
            step.read is not None and step.due <= self.sandbox.now
            for step in self.follower.plan()
        )

    # Sending for the first time

    def _send(self, company_id: str, items: list[dict[str, Any]], v1: bool) -> None:
        names = self._sent_now(company_id, items)
        if not v1:
            request = create_expenses(company_id, items)
            self._lives(partial(self._dispatch, request, names))
            return
        forgets = self.chance.happens("forgets the sync", 0.15)
        self._lives(partial(self._push, company_id, items, names, forgets))

    def _push(
        self,
        company_id: str,
        items: list[dict[str, Any]],
        names: frozenset[str],
        forgets: bool,
    ) -> None:
        answer = self._dispatch(push_dataset(company_id, items), names)
        data = json.loads(answer.body)
        dataset = data.get("datasetId") if isinstance(data, dict) else None
        if dataset is not None and not forgets:
            self._dispatch(start_sync(company_id, [dataset]), names)

    def sends_moved(self, company_id: str, name: str, to: str) -> None:
        """Send an expense to the company that it was moved to."""
        if name not in self.sent[to]:
            self._send(to, [self.sent[company_id][name]], v1=False)

    # Plans

    def _work(self, company_id: str) -> None:
        if self.chance.happens("plans", 0.7):
            scope = company_id if self.chance.happens("of one company", 0.5) else None
            corrected = self._corrected(company_id) if scope else []
            try:
                self.make_plan(self._policy(), scope, corrected)
            except UsageError as error:
                if "corrected" not in str(error):
                    raise
        unfinished = self.open_plans()
        if unfinished:
            self.run_plan(self.chance.of("plan to run").choice(unfinished))

    def make_plan(
        self,
        policy: RetryPolicy,
        scope: str | None = None,
        corrected: list[dict[str, Any]] | None = None,
    ) -> Plan:
        """Return a plan of how things stand; it is looked at, and run one day."""
        planned = partial(
            self.books.plan, policy, company_id=scope, corrected=corrected or []
        )
        plan = planned()
        again = planned(as_of=plan.as_of)
        if again.digest != plan.digest:
            self.broken.append(f"plan {plan.digest} is another one as a replay")
        if Plan.from_json(plan.to_json()).digest != plan.digest:
            self.broken.append(f"plan {plan.digest} is not what its file says")
        for check in self.checks:
            self.broken += check(self, plan, scope)
        if plan.lines:
            self.plans[plan.digest] = plan
        self.sandbox.advance(TICK)  # no call is made at the very moment of a plan
        return plan

    def open_plans(self) -> list[Plan]:
        """Return the plans that were made, and have not ended."""
        return [p for name, p in self.plans.items() if name not in self._ended]

    def run_plan(self, plan: Plan) -> None:
        """Run a plan as far as it goes now."""
        dispatch = self.books.dispatch(
            partial(self._ask_for, plan),
            actor="simulator",
            calls_a_day=lambda: self.client.quota.figures(self.sandbox.now).limit,
        )
        dispatch = attrs.evolve(dispatch, standing=self._slowly(dispatch.standing))
        try:
            self.runs[plan.digest] = dispatch.run(plan, progress=self._between)
        except UsageError as error:
            if "was run already" not in str(error):
                raise
            self._ended.add(plan.digest)
        else:
            if self.runs[plan.digest].ended:
                self._ended.add(plan.digest)

    def _between(self, _: int) -> None:
        self._dies("between two lines")

    def _slowly(self, standing: Standing) -> Standing:
        """Return what judges, and lets time pass before it is heard."""

        def slowly(
            company_id: str, names: Collection[str], corrected: Corrected
        ) -> Mapping[str, Judged]:
            found = standing(company_id, names, corrected)
            self._dies("after judging")
            if self.chance.happens("judges slowly", self.plan.slow):
                wait_s = self.chance.of("how slowly").choice([1, 10, SLOWLY_S, 1200])
                self.sandbox.advance(timedelta(seconds=wait_s))
            return found

        return slowly

    def _ask_for(self, plan: Plan | None, request: Request) -> Answer:
        """Make a call of a plan's; now and then another worker runs it meanwhile.

        None: the plan is the follower's own.
        """
        key = name_in({name.lower(): value for name, value in request.headers})
        names = self._named(request)
        self._names[key] = names
        self.wire.policies[key] = DEFAULT_POLICY if plan is None else plan.policy
        self._doubles(plan)
        answer = self._ask(names, request)
        self._doubles(plan)
        self._dies("after the answer")
        return answer

    def _ask(self, names: frozenset[str], request: Request) -> Answer:
        """Make a call; it is a try unless it is certain that nothing was taken."""
        is_try = True
        try:
            answer = super()._ask(names, request)
            is_try = answer.status not in OF_US
        except CodatUnavailable as error:
            is_try = not error.safe_to_resend
            raise
        finally:
            if is_try:
                self.wire.count_try(request)
        return answer

    def _named(self, request: Request) -> frozenset[str]:
        _, datasets, named = named_by(request.method, request.path, request.body)
        known = self.sandbox.companies[request.company_id].datasets
        names = {each.transaction_id for each in named}
        names |= {t.transaction_id for d in datasets for t in known.get(d, ())}
        return frozenset(names)

    def _doubles(self, plan: Plan | None) -> None:
        """Have another worker run the same plan, perhaps as this has lost its lease."""
        if self._doubled or plan is None:
            return
        if not self.chance.happens("second worker", self.plan.doubled):
            return
        self._doubled = True
        try:
            if self.chance.happens("is slow", 0.7):
                self.sandbox.advance(timedelta(seconds=SLOWLY_S))
            self.run_plan(plan)
        finally:
            self._doubled = False

    def _corrected(self, company_id: str) -> list[dict[str, Any]]:
        """Return one expense that may be sent again, as somebody has changed it."""
        found = [
            row.transaction_id
            for row in self._report(company_id).items
            if row.item.kind is BreakKind.FAILED
            and row.item.verdict is Verdict.RESEND
            and row.transaction_id in self.sent[company_id]
        ]
        if not found or not self.chance.happens("corrects", 0.1):
            return []
        name = self.chance.of("to correct").choice(found)
        return [{**self.sent[company_id][name], "notes": "corrected"}]

    def _policy(self) -> RetryPolicy:
        """Return a policy, mostly the default one."""
        chance = self.chance.of("policy")
        if chance.random() < 0.5:
            return DEFAULT_POLICY
        wait = RetryWait(
            first=timedelta(minutes=chance.choice([0, 5, 60])),
            tries_max=chance.choice([2, 8]),
        )
        quiet = QuietHours(begins=time(chance.randrange(18, 24)), until=time(6))
        return RetryPolicy(
            name="drawn",
            owners={**DEFAULT_POLICY.owners, Owner.ACCOUNTING_SOFTWARE: wait},
            per_content=chance.choice([1, 2, 3, 10]),
            per_cause_and_day=chance.choice([1, 3, 1000]),
            batch_size=chance.choice([1, 2, 50]),
            quiet_hours=chance.choice([(), (quiet,)]),
            quota_share=chance.choice([0.002, 0.5]),
        )
