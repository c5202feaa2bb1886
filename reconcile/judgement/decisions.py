"""What people decided of one expense, as judgement sees it.

A decision that an expense was booked, moved or waived ends it, for as long as the facts
about it are those the decision was made on. Rules: `docs/explanation/judgement.md`,
section 11.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from reconcile.domain.vocabulary import DecisionKind
from reconcile.judgement.facts import Decision

_ENDS: Final = (DecisionKind.BOOKED, DecisionKind.MOVED, DecisionKind.WAIVED)
_COUNTS: Final = (*_ENDS, DecisionKind.REOPENED)


def standing_decision(decisions: Iterable[Decision], at: datetime) -> Decision | None:
    """Return the decision that ended an expense last, unless it was reopened since.

    Of several at one moment, one that reopens counts.
    """
    found = [d for d in decisions if d.kind in _COUNTS and d.at <= at]
    last = max(found, key=_order, default=None)
    return last if last is not None and last.kind in _ENDS else None


def _order(decision: Decision) -> tuple[object, ...]:
    reopens = decision.kind is DecisionKind.REOPENED
    return decision.at, reopens, decision.kind, *decision[1:4]
