"""What pages read of a worksheet: lines, counts and sums, all of one event number."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from reconcile.console.filter import EVERYTHING, Filter, Sort
from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Owner, Verdict
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.money import AgeKey, StateKey, Sum

LIMIT: Final = 50
LIMIT_MAX: Final = 200


@attrs.frozen(kw_only=True)
class Footing:
    """What a page stands on: shown in its foot, and the same for all of its parts.

    `lag` counts the events of the store that are not in it yet. `digest` is that of the
    report at `as_of`, None where only a report of that moment would tell; `mark` is
    another whenever a row is, and nothing else.
    """

    as_of: datetime
    known_at: datetime | None
    position: int
    lag: int
    ruleset: str
    policy: str
    digest: str | None
    mark: str
    unprocessed: int
    poisoned: int


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
    released: bool  # what had to be mended was, and it may be sent again
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
class CauseFigure:
    """Breaks of one cause and fingerprint; without a cause, of one kind and step.

    The same groups as the report's, those of most items first.
    """

    cause: str | None
    fingerprint: str | None
    kind: BreakKind | None
    action: Action | None
    verdict: Verdict | None
    items: int
    companies: Sequence[str]
    owners: Mapping[Owner | None, int]
    money: Mapping[str | None, Sum]  # by currency
    first_at: datetime | None
    last_at: datetime | None
    released: int  # of what had to be mended, so many may be sent again


@attrs.frozen(kw_only=True)
class CustomerFigure:
    """One company's lines by state, and since when its oldest break is one."""

    company_id: str
    items: int
    states: Mapping[ItemState, int]
    broken: Mapping[str | None, Sum]  # breaks by currency
    oldest: datetime | None


@attrs.frozen(kw_only=True)
class DayFigure:
    """Lines of one day of issue by state; "" for those without one."""

    day: str
    states: Mapping[ItemState, int]


__all__ = ["EVERYTHING", "AgeKey", "Filter", "Sort", "StateKey", "Sum"]


class Sheet:
    """One consistent read of a worksheet; every figure is of the same moment."""

    @property
    def footing(self) -> Footing:
        """Return what all of this stands on."""
        raise NotImplementedError

    def lines(
        self,
        cut: Filter = EVERYTHING,
        *,
        sort: Sort = Sort.DATE,
        descending: bool = False,
        after: str | None = None,
        limit: int = LIMIT,
    ) -> LinePage:
        """Return some lines in order, from a cursor on: a page's `next` or `previous`.

        Raises:
            UsageError: the cursor is damaged, or the limit is beyond `LIMIT_MAX`.

        """
        raise NotImplementedError

    def every_line(self, cut: Filter = EVERYTHING) -> Iterator[ExpenseLine]:
        """Yield every line by company and id, for downloads."""
        raise NotImplementedError

    def line(self, company_id: str, transaction_id: str) -> ExpenseLine | None:
        """Return one line, None where there is none."""
        raise NotImplementedError

    def count(self, cut: Filter = EVERYTHING) -> int:
        """Return how many lines there are."""
        raise NotImplementedError

    def states(self, cut: Filter = EVERYTHING) -> Mapping[ItemState, int]:
        """Return how many lines are in each state, 0 included."""
        raise NotImplementedError

    def sums(self, cut: Filter = EVERYTHING) -> Mapping[StateKey, Sum]:
        """Return items and money by state, type and currency, as `Totals.money` has."""
        raise NotImplementedError

    def by_cause(self, cut: Filter = EVERYTHING) -> Sequence[CauseFigure]:
        """Return the breaks by why they are."""
        raise NotImplementedError

    def by_owner(
        self, cut: Filter = EVERYTHING
    ) -> Mapping[tuple[str | None, str], int]:
        """Return the breaks by whose move it is, and by verdict."""
        raise NotImplementedError

    def by_age(self, cut: Filter = EVERYTHING) -> Mapping[AgeKey, Sum]:
        """Return the breaks by age and currency, as `Totals.ageing` has; not empty ones."""
        raise NotImplementedError

    def by_customer(self, cut: Filter = EVERYTHING) -> Sequence[CustomerFigure]:
        """Return each company with a line, those of most breaks first."""
        raise NotImplementedError

    def by_day(self, cut: Filter = EVERYTHING) -> Sequence[DayFigure]:
        """Return each day of issue that has a line, in order; "" first."""
        raise NotImplementedError

    def customers(self) -> Sequence[str]:
        """Return every company that something is told of, sorted."""
        raise NotImplementedError

    def currencies(self) -> Sequence[str]:
        """Return every currency, sorted."""
        raise NotImplementedError

    def types(self) -> Sequence[str]:
        """Return every type of expense, sorted."""
        raise NotImplementedError

    def months(self) -> Sequence[str]:
        """Return every month of issue, `YYYY-MM`, the latest first."""
        raise NotImplementedError

    def digest_of(self, cut: Filter = EVERYTHING) -> str:
        """Return the SHA-256 of which lines there are and how they stand.

        What only the clock moves is not in it, but for deadlines that have passed.
        """
        raise NotImplementedError

    def findings(self, *, customers: Sequence[str] = ()) -> Sequence[Finding]:
        """Return what is found beside the lines, of some companies or of all."""
        raise NotImplementedError

    def syncs(
        self,
        *,
        customers: Sequence[str] = (),
        after: tuple[str, str] | None = None,
        limit: int = LIMIT,
    ) -> Sequence[SyncSummary]:
        """Return some syncs by company and id, after one."""
        raise NotImplementedError
