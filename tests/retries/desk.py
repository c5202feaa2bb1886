"""A back office that plans and runs retries, and looks in the sandbox's books."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import attrs

from reconcile import LeftOutReason, Plan, RetryDispatch, RetryRun
from reconcile.codat.requests import Request, create_expenses
from reconcile.retries.outcome import RetryOutcome
from reconcile.retries.policy import DEFAULT_POLICY, RetryPolicy
from reconcile.sandbox import Sandbox
from reconcile.sandbox.world import Company
from tests.live.office import COMPANY, Line, Office, expense, office_with

__all__ = ["COMPANY", "RetryOffice", "expense", "id_of", "retry_office"]
LOCKED_UNTIL = date(2026, 1, 31)


def id_of(number: int) -> str:
    """Return the id of an expense by its number."""
    return f"{number:08d}-2222-4222-8222-222222222222"


@attrs.frozen(kw_only=True)
class RetryOffice:
    """An office, and what it does about what failed."""

    office: Office

    @property
    def sandbox(self) -> Sandbox:
        """Return the Codat it talks to."""
        return self.office.sandbox

    @property
    def line(self) -> Line:
        """Return its line to Codat."""
        return self.office.line

    @property
    def dispatch(self) -> RetryDispatch:
        """Return what sends, with the account's quota."""
        return self.office.books.dispatch(
            self.office.client.ask,
            actor="tests",
            calls_a_day=lambda: (
                self.office.client.quota.figures(self.sandbox.now).limit
            ),
        )

    @property
    def company(self) -> Company:
        """Return the customer as the sandbox has it."""
        return self.sandbox.companies[COMPANY]

    def lock(self) -> None:
        """Lock the period of the expenses."""
        self.company.ledger.closed_until = LOCKED_UNTIL

    def unlock(self) -> None:
        """Open it again."""
        self.company.ledger.closed_until = None

    def send(self, request: Request) -> None:
        """Send a request, whatever is known of its expenses."""
        self.dispatch.send(request, insist=True)

    def create(self, numbers: Iterable[int], **fields: Any) -> None:
        """Send expenses in one call."""
        items = [expense(id_of(number), **fields) for number in numbers]
        self.send(create_expenses(COMPANY, items))

    def settle(self, **span: float) -> None:
        """Let time pass, and read everything."""
        self.office.wait(**(span or {"minutes": 20}))
        self.office.read()

    def mend(self, cause: str) -> None:
        """Say that a cause is mended."""
        self.office.books.decide(
            "mended", company_id=COMPANY, cause=cause, actor="ann", reason="done"
        )

    def plan(self, policy: RetryPolicy = DEFAULT_POLICY, **choice: Any) -> Plan:
        """Return a plan of what stands now."""
        return self.office.books.plan(policy, **choice)

    def run(self, plan: Plan) -> RetryRun:
        """Send what may be sent now."""
        return self.dispatch.run(plan)

    def run_to_end(self, plan: Plan, *, rounds: int = 40) -> RetryRun:
        """Run a plan again and again, reading what comes of it."""
        for _ in range(rounds):
            result = self.run(plan)
            wait = timedelta(minutes=20)
            if result.due is not None:
                wait = max(wait, result.due - self.sandbox.now)
            self.settle(seconds=wait.total_seconds())
            if result.ended:
                return result
        raise AssertionError(f"{result} has not ended")

    def outcomes(self, plan: Plan) -> Mapping[RetryOutcome, int]:
        """Return what the expenses of a plan came to."""
        (found,) = self.office.books.retries(plan.digest)
        return {outcome: n for outcome, n in found.counts.items() if n}

    def booked(self) -> dict[str, int]:
        """Return how often each expense is in the books: more than once is a double."""
        return {
            entry.transaction_id: entry.times
            for _, entry in self.sandbox.books
            if entry.whole
        }

    def states(self) -> dict[str, str]:
        """Return the state of each expense, by what the office knows."""
        return {name: state for name, (state, _) in self.office.states().items()}

    def calls(self, path: str = "expense-transactions") -> int:
        """Return how many writes to a path left the office."""
        return sum(path in url for url in self.line.asked)


def reasons(plan: Plan) -> dict[str, LeftOutReason]:
    """Return why each expense that a plan leaves out is left out."""
    return {row.transaction_id: row.reason for row in plan.left_out}


def amount_of(given: Mapping[str, Any]) -> Decimal:
    """Return an expense's amount, as the books hold it."""
    return sum(
        (
            Decimal(str(line[name]))
            for line in given["lines"]
            for name in ("netAmount", "taxAmount")
        ),
        Decimal(0),
    )


@contextmanager
def retry_office(folder: Path, sandbox: Sandbox | None = None) -> Iterator[RetryOffice]:
    """Give an office whose customer has no bank feed."""
    sandbox = sandbox or Sandbox()
    with office_with(sandbox, folder) as office:
        company = sandbox.companies.get(COMPANY) or sandbox.company(COMPANY)
        company.ledger.bank_feeds = False
        yield RetryOffice(office=office)
