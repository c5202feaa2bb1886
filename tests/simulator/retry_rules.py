"""What must hold of plans of retries, when each is made and when all have ended."""

from collections import Counter
from collections.abc import Iterator

from reconcile import LeftOutReason, Plan
from reconcile.domain.vocabulary import FindingKind, ItemState, Verdict
from reconcile.judgement.item import Item
from reconcile.retries.policy import DEFAULT_POLICY
from tests.simulator.planning import PlanningOffice

_IN_BOOKS = (ItemState.MATCHED, ItemState.CLEARED)
MENDS_MAX = 3  # so often one cause is said to be mended at the end, when it is


def incomplete(office: PlanningOffice, plan: Plan, scope: str | None) -> Iterator[str]:
    """Yield what is not just once in a plan, or in a line that must not hold it."""
    items = {
        (row.company_id, row.transaction_id): row.item
        for row in office.books.report(company_id=scope).items
    }
    lines = [
        (line.company_id, name) for line in plan.lines for name in line.transactions
    ]
    left_out = [(row.company_id, row.transaction_id) for row in plan.left_out]
    named = Counter([*lines, *left_out])
    for key, item in items.items():
        wanted = 0 if item.state in _IN_BOOKS else 1
        if named[key] != wanted:
            yield f"{key[1]} is {_is(item)}, and {named[key]} times in a plan"
    for key in named.keys() - items.keys():
        yield f"{key[1]} is in a plan, and not in the report"
    for key in lines:
        item = items[key]
        if item.state in _IN_BOOKS or item.verdict is not Verdict.RESEND:
            yield f"{key[1]} is {_is(item)}, and in a line"


def unended(office: PlanningOffice) -> Iterator[str]:
    """Yield the plans that have not ended, and wait for no moment that they name."""
    for plan in office.open_plans():
        result = office.runs.get(plan.digest)
        waiting = () if result is None else result.waiting
        for line in waiting:
            if line.until is None or line.until <= office.sandbox.now:
                yield f"line {line.n} of plan {plan.digest} waits: {line.reason}"
        if not waiting:
            yield f"plan {plan.digest} has not ended: {result}"


def unbooked(office: PlanningOffice) -> Iterator[str]:
    """Yield what is not in the books at the end, or not known to be, or is twice."""
    for _, entry in office.sandbox.books:
        if entry.times > 1:
            yield f"{entry.transaction_id} is {entry.times} times in the books"
    report = office.books.report()
    elsewhere = {
        (finding.company_id, finding.transaction_id)
        for finding in report.findings
        if finding.kind is FindingKind.ELSEWHERE
    }
    last = office.books.plan(DEFAULT_POLICY)
    reasons = {(r.company_id, r.transaction_id): r.reason for r in last.left_out}
    for company_id, name, item in report.items:
        key = company_id, name
        if office.sandbox.books.hold(company_id, name):
            is_left = item.state is ItemState.RESOLVED and _is_updated(office, key)
            if item.state not in _IN_BOOKS and not is_left:
                yield f"{name} is in the books, and {_is(item)}: {item.reason}"
            continue
        is_over = item.state is ItemState.RESOLVED and key in office.people.ended
        if not (
            is_over
            or key in elsewhere
            or (
                reasons.get(key) is LeftOutReason.BUDGET
                and _is_spent(office, key, item)
            )
        ):
            why = reasons.get(key, "in a line")
            yield f"{name} is not in the books, but {_is(item)} ({why}): {item.reason}"


def unreleased(office: PlanningOffice) -> Iterator[str]:
    """Yield the causes that were mended at last, and had to be said so again."""
    for (company_id, fingerprint), times in office.people.mends.items():
        if times > MENDS_MAX:
            yield f"{fingerprint} of {company_id} was mended {times} times at the end"


def _is_spent(office: PlanningOffice, key: tuple[str, str], item: Item) -> bool:
    """Return whether it was sent as often as it may be.

    What failed was said to be mended at the end, so the number of all its tries counts;
    of what never failed nobody can say so.
    """
    most = DEFAULT_POLICY.per_content
    if item.fingerprint is None:
        most = min(most, DEFAULT_POLICY.wait(None, None).tries_max)
    return office.wire.tries(*key) >= most


def _is_updated(office: PlanningOffice, key: tuple[str, str]) -> bool:
    """Return whether an update was sent, which people may let go."""
    return sum(each[:2] == key for each in office.wire.sent) > 1


def _is(item: Item) -> str:
    return f"{item.kind or item.state} and {item.verdict}"
