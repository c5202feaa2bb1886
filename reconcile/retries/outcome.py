"""What became of plans that were run: each line, followed to the books."""

import enum
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

import attrs

from reconcile.domain.retry_events import PlannedLine, RetryPlanned
from reconcile.domain.vocabulary import BreakKind, ItemState
from reconcile.errors import HistoryError, UsageError
from reconcile.judgement.item import Item
from reconcile.readmodels.requests import request_ledger
from reconcile.retries.progress import LineProgress, plan_progress, plans_begun
from reconcile.storage.ports import Store


class RetryOutcome(enum.StrEnum):
    """What became of one expense of a line."""

    CLEARED = "cleared"
    CLEARED_OTHERWISE = "cleared_otherwise"  # by a call that is not the line's
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
    companies = {name for names in plans.values() for name in names}
    known = {name: _known(store, name, items_of(name)) for name in sorted(companies)}
    return [_outcome(store, name, plans[name], known) for name in plans]


class _Known(NamedTuple):
    """How a company's expenses stand, and the sync of each request."""

    items: Mapping[str, Item]
    syncs: Mapping[str, str]


def _known(store: Store, company_id: str, items: Mapping[str, Item]) -> _Known:
    states = request_ledger(store, company_id).states
    return _Known(items, {s.request_id: s.sync_id for s in states if s.sync_id})


def _outcome(
    store: Store,
    digest: str,
    companies: list[str],
    known: Mapping[str, _Known],
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
            _line(line, progress.line(line.n), company_id, known[company_id])
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
    known: _Known,
) -> LineOutcome:
    dropped = {
        name: drop.reason for drop in progress.dropped for name in drop.transaction_ids
    }
    sent = {name for call in progress.calls for name in call.transaction_ids}
    requests = tuple(call.request_id for call in progress.calls)
    syncs = frozenset(known.syncs[name] for name in requests if name in known.syncs)
    return LineOutcome(
        n=line.n,
        company_id=company_id,
        operation=line.operation,
        fingerprint=line.fingerprint,
        after=line.after,
        is_probe=line.is_probe,
        requests=requests,
        expenses=tuple(
            _expense(
                name,
                line,
                dropped.get(name),
                known.items.get(name),
                syncs if name in sent else None,
            )
            for name in line.transaction_ids
        ),
    )


def _expense(
    name: str,
    line: PlannedLine,
    dropped: str | None,
    item: Item | None,
    syncs: frozenset[str] | None,
) -> ExpenseOutcome:
    """Return what became of an expense; `syncs` are its line's, None: not sent."""
    if dropped is not None:
        return ExpenseOutcome(
            transaction_id=name, outcome=RetryOutcome.DROPPED, reason=dropped
        )
    if item is None or syncs is None:
        return ExpenseOutcome(
            transaction_id=name, outcome=RetryOutcome.NOT_SENT, reason=None
        )
    return ExpenseOutcome(
        transaction_id=name, outcome=_standing(item, line, syncs), reason=item.reason
    )


def _standing(item: Item, line: PlannedLine, syncs: frozenset[str]) -> RetryOutcome:
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        by_others = item.written_by and syncs.isdisjoint(item.written_by)
        return RetryOutcome.CLEARED_OTHERWISE if by_others else RetryOutcome.CLEARED
    if item.state is ItemState.RESOLVED:
        return RetryOutcome.RESOLVED
    if item.kind is BreakKind.INDETERMINATE:
        return RetryOutcome.IN_DOUBT
    if item.state is ItemState.OPEN or item.waits:
        return RetryOutcome.UNDECIDED
    same = item.fingerprint is not None and item.fingerprint == line.fingerprint
    return RetryOutcome.FAILED_AGAIN if same else RetryOutcome.FAILED_OTHERWISE
