"""One expense as a row of a list: why it stands so, whose move it is, and how old."""

from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.console.deciding.kinds import may_be_mended
from reconcile.console.figures import ExpenseLine
from reconcile.console.links import id_in_path
from reconcile.domain.vocabulary import DecisionKind, ItemState, Verdict
from reconcile.expenses.currencies import decimals_of
from reconcile.report.groups import title_of_kind
from reconcile.report.html import words
from reconcile.report.html.figures import TEXT_MAX, clean, money
from reconcile.report.money import TRANSFER


@attrs.frozen(kw_only=True)
class ExpenseRow:
    """A line with what a list says of it."""

    line: ExpenseLine
    name: str
    why: str | None
    step: str | None
    waits_until: datetime | None
    age: timedelta | None

    @property
    def tag(self) -> str | None:
        """Return the word of a type that is no payment."""
        kind = self.line.type
        if kind in (None, "Payment"):
            return None
        return clean(kind, 40)

    @property
    def is_mendable(self) -> bool:
        """Return whether it failed for something that a person can mend."""
        return may_be_mended(self.line)

    @property
    def value(self) -> str:
        """Return what a ticked row sends: company and id, as in addresses."""
        return (
            f"{id_in_path(self.line.company_id)}/{id_in_path(self.line.transaction_id)}"
        )

    @property
    def label(self) -> str:
        """Return the row's name for a tick: merchant and amount."""
        line = self.line
        if line.amount is None:
            return f"{clean(self.name, 80)}, no amount"
        shown = f"{money(line.amount, line.currency)} {line.currency or ''}"
        return f"{clean(self.name, 80)}, {shown.strip()}"

    @property
    def is_summed(self) -> bool:
        """Return whether the sum of ticked rows adds it; all else is counted apart."""
        line = self.line
        return line.type == "Payment" and line.priced and line.currency is not None

    @property
    def decimals(self) -> int:
        """Return how many decimals a sum of its currency shows at least."""
        return decimals_of(self.line.currency or "XXX")

    def apart(self, number: int) -> str:
        """Return what so many are called that no sum adds."""
        line = self.line
        if line.priced or (line.type == TRANSFER and line.currency is None):
            return clean(words.type_of(number, line.type), 40)
        return "without an amount"


def row_of(line: ExpenseLine, *, as_of: datetime, title: str | None) -> ExpenseRow:
    """Return a line as a row; `title` is that of its cause."""
    return ExpenseRow(
        line=line,
        name=line.merchant or line.reference or "No merchant",
        why=_why(line, title),
        step=_step(line),
        waits_until=_waits_until(line, as_of),
        age=_age(line, as_of),
    )


def _why(line: ExpenseLine, title: str | None) -> str | None:
    match line.state:
        case ItemState.BREAK if title is not None:
            return title
        case ItemState.BREAK if line.kind is not None:
            return title_of_kind(line.kind, taken_up=bool(line.attempts))
        case ItemState.RESOLVED if line.decision is not None:
            return words.DECISIONS[DecisionKind(line.decision)].name
        case ItemState.OPEN:
            return clean(line.reason, TEXT_MAX)
        case _:
            return None


def _waits_until(line: ExpenseLine, as_of: datetime) -> datetime | None:
    """Return the moment that it waits for, None where that has passed."""
    until = line.not_before
    if until is None and line.state is ItemState.OPEN:
        until = line.changes_at
    return until if until is not None and until > as_of else None


_DONE: Final = (ItemState.MATCHED, ItemState.CLEARED, ItemState.RESOLVED)


def _step(line: ExpenseLine) -> str | None:
    if line.state in _DONE:
        return None
    if line.verdict is Verdict.WAIT:
        return "Wait"
    return words.step(line.action, line.cause)


def _age(line: ExpenseLine, as_of: datetime) -> timedelta | None:
    """Return how long it is broken; of what is open, how long ago it was sent."""
    since = line.broken_since
    if line.state is ItemState.OPEN:
        since = line.last_sent_at
    return None if since is None or since > as_of else as_of - since
