"""What became of plans that were run: each line, followed to the books."""

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime

import attrs

from reconcile.domain.retry_events import PlannedLine, RetryPlanned
from reconcile.domain.vocabulary import BreakKind, ItemState
from reconcile.errors import HistoryError, UsageError
from reconcile.judgement.item import Item
from reconcile.retries.progress import LineProgress, plan_progress, plans_begun
from reconcile.storage.ports import Store


class RetryOutcome(enum.StrEnum):
    """What became of one expense of a line."""

    CLEARED = "cleared"
    FAILED_AGAIN = "failed_again"  # for the cause it had failed for
    FAILED_OTHERWISE = "failed_otherwise"
    IN_DOUBT = "in_doubt"
    UNDECIDED = "undecided"  # sent, and not read to its end
    RESOLVED = "resolved"  # a person ended it
    DROPPED = "dropped"
    NOT_SENT = "not_sent"  # yet


@attrs.frozen(kw_only=True)
class ExpenseOutcome:
    """One expense of a line, what became of it, and the reason in words."""

    transaction_id: str
    outcome: RetryOutcome
    reason: str | None


@attrs.frozen(kw_only=True)
class LineOutcome:
    """One line of a plan that was run, with the requests that were made for it."""

    n: int
    company_id: str
    operation: str
    fingerprint: str | None
    after: int | None
    is_probe: bool
    requests: tuple[str, ...]
    expenses: tuple[ExpenseOutcome, ...]


@attrs.frozen(kw_only=True)
class PlanOutcome:
    """A plan that was run, and what became of it by now."""

    digest: str
    as_of: datetime
    actor: str
    began_at: datetime
    ended_at: datetime | None
    lines: tuple[LineOutcome, ...]

    @property
    def counts(self) -> Mapping[RetryOutcome, int]:
        """Return how many expenses came to each outcome."""
        return Counter(e.outcome for line in self.lines for e in line.expenses)


ItemsOf = Callable[[str], Mapping[str, Item]]
"""Gives how each expense of a company stands."""


def outcomes(
    store: Store, items_of: ItemsOf, digest: str | None = None
) -> list[PlanOutcome]:
    """Return the plans that were run, or one of them, in the order of their running.

    Raises:
        UsageError: no plan of that digest was run.

    """
    plans: dict[str, list[str]] = {}
    for company_id, name in plans_begun(store):
        if digest in (None, name):
            plans.setdefault(name, []).append(company_id)
    if digest is not None and not plans:
        raise UsageError(f"no plan {digest} was run, expected one that was")
    items: dict[str, Mapping[str, Item]] = {}
    for companies in plans.values():
        for company_id in companies:
            if company_id not in items:
                items[company_id] = items_of(company_id)
    return [_outcome(store, name, plans[name], items) for name in plans]


def _outcome(
    store: Store,
    digest: str,
    companies: list[str],
    items: Mapping[str, Mapping[str, Item]],
) -> PlanOutcome:
    lines: list[LineOutcome] = []
    begun: list[RetryPlanned] = []
    ended: list[datetime | None] = []
    for company_id in companies:
        progress = plan_progress(store, company_id, digest)
        if progress.planned is None:
            raise HistoryError(
                f"plan {digest} is without its lines in company {company_id}, expected"
                " its first event"
            )
        begun.append(progress.planned)
        ended.append(progress.ended_at)
        lines += [
            _line(line, progress.line(line.n), company_id, items[company_id])
            for line in progress.planned.lines
        ]
    first = min(begun, key=lambda planned: planned.at)
    return PlanOutcome(
        digest=digest,
        as_of=first.as_of,
        actor=first.actor,
        began_at=first.at,
        ended_at=max((at for at in ended if at), default=None) if all(ended) else None,
        lines=tuple(sorted(lines, key=lambda line: line.n)),
    )


def _line(
    line: PlannedLine,
    progress: LineProgress,
    company_id: str,
    items: Mapping[str, Item],
) -> LineOutcome:
    dropped = {
        name: drop.reason for drop in progress.dropped for name in drop.transaction_ids
    }
    sent = {name for call in progress.calls for name in call.transaction_ids}
    return LineOutcome(
        n=line.n,
        company_id=company_id,
        operation=line.operation,
        fingerprint=line.fingerprint,
        after=line.after,
        is_probe=line.is_probe,
        requests=tuple(call.request_id for call in progress.calls),
        expenses=tuple(
            _expense(
                name, line, dropped.get(name), items.get(name), was_sent=name in sent
            )
            for name in line.transaction_ids
        ),
    )


def _expense(
    name: str,
    line: PlannedLine,
    dropped: str | None,
    item: Item | None,
    *,
    was_sent: bool,
) -> ExpenseOutcome:
    if dropped is not None:
        return ExpenseOutcome(
            transaction_id=name, outcome=RetryOutcome.DROPPED, reason=dropped
        )
    if item is None or not was_sent:
        return ExpenseOutcome(
            transaction_id=name, outcome=RetryOutcome.NOT_SENT, reason=None
        )
    return ExpenseOutcome(
        transaction_id=name, outcome=_standing(item, line), reason=item.reason
    )


def _standing(item: Item, line: PlannedLine) -> RetryOutcome:
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        return RetryOutcome.CLEARED
    if item.state is ItemState.RESOLVED:
        return RetryOutcome.RESOLVED
    if item.kind is BreakKind.INDETERMINATE:
        return RetryOutcome.IN_DOUBT
    if item.state is ItemState.OPEN or item.waits:
        return RetryOutcome.UNDECIDED
    same = item.fingerprint is not None and item.fingerprint == line.fingerprint
    return RetryOutcome.FAILED_AGAIN if same else RetryOutcome.FAILED_OTHERWISE
