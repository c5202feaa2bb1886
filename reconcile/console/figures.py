"""What pages are given of a worksheet: lines and figures as plain values."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs

from reconcile.domain.instants import format_instant
from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Owner, Verdict
from reconcile.report.money import Sum


@attrs.frozen(kw_only=True)
class Footing:
    """What a page stands on: shown in its foot, and the same for all of its parts.

    `lag` counts the events of the store that are not in it yet. `digest` is that of the
    report at `as_of`, None where only a report of that moment would tell.
    """

    as_of: datetime
    known_at: datetime | None
    position: int
    lag: int
    ruleset: str
    policy: str
    digest: str | None
    unprocessed: int
    poisoned: int

    def data(self, *names: str) -> dict[str, Any]:
        """Return the moments and the event as files say them, then fields by name."""
        return {
            "as_of": format_instant(self.as_of),
            "known_at": self.known_at and format_instant(self.known_at),
            "position": self.position,
            **{name: getattr(self, name) for name in names},
        }


@attrs.frozen(kw_only=True)
class ExpenseLine:
    """One expense as a list shows it: texts are cut where they are very long."""

    company_id: str
    transaction_id: str
    state: ItemState
    kind: BreakKind | None
    cause: str | None
    fingerprint: str | None
    owner: Owner | None
    verdict: Verdict
    action: Action
    attempts: int
    expected: bool
    half_booked: bool
    waits: bool
    differs: bool
    broken_since: datetime | None
    changes_at: datetime | None
    changes_to: BreakKind | None
    not_before: datetime | None
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    sync_id: str | None
    blocked_by: str | None
    decision: str | None
    decided_by: str | None
    decided_at: datetime | None
    reason: str
    message: str | None  # whole, or cut where it is very long; of breaks alone
    type: str | None
    currency: str | None
    amount: str | None  # a decimal's text, exact
    priced: bool  # its amount is in the sums
    issue_date: str | None
    merchant: str | None
    reference: str | None


@attrs.frozen(kw_only=True)
class LinePage:
    """Some lines in order; cursors are None at either end."""

    rows: Sequence[ExpenseLine]
    next: str | None
    previous: str | None


@attrs.frozen(kw_only=True)
class PartFigure:
    """Lines that may be added up: of one type, one currency, and what `by` says."""

    by: tuple[Any, ...]  # the values that they are counted by, as they are stored
    type: str | None
    currency: str | None
    sum: Sum
    first_at: datetime | None  # since when the first of them is broken
    last_at: datetime | None


@attrs.frozen(kw_only=True)
class DayFigure:
    """Lines of one day of issue by state; "" for those without one."""

    day: str
    states: Mapping[ItemState, int]
