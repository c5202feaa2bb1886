"""When the clock alone may change a company's items next, with all facts as they are.

It may be too early, never too late: what is judged again for nothing says the same.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import BreakKind, ItemState
from reconcile.judgement.attempts import attempts_of
from reconcile.judgement.item import Item
from reconcile.judgement.timeline import deadlines_of
from reconcile.readmodels.company import CompanyState
from reconcile.report.groups import Judged


def turns_at(
    state: CompanyState, rows: Iterable[Judged], *, as_of: datetime, policy: Policy
) -> datetime | None:
    """Return the first moment after `as_of` at which an item may turn; None: never."""
    return min(_turns(state, rows, as_of, policy), default=None)


def _turns(
    state: CompanyState, rows: Iterable[Judged], as_of: datetime, policy: Policy
) -> Iterator[datetime]:
    for row in rows:
        item = row.item
        if item.state is ItemState.OPEN:
            if item.changes_at is not None:
                yield item.changes_at
        elif _may_turn(item):
            dossier = state.company.dossier(row.transaction_id, state.contexts)
            attempts = attempts_of(dossier)
            yield from (
                deadline
                for deadline in deadlines_of(dossier, attempts, policy)
                if deadline > as_of
            )


def _may_turn(item: Item) -> bool:
    """Return whether an attempt of what is decided may be one that a deadline ends.

    What one attempt has written or failed has none.
    """
    return (
        item.waits
        or item.update_unsettled
        or item.attempts != 1
        or item.kind in (BreakKind.STUCK, BreakKind.INDETERMINATE)
    )
