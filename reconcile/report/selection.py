"""Which expenses a report is of: by month, cause and state, or all of them."""

from typing import Self

import attrs

from reconcile.domain.money import known_month
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import UsageError
from reconcile.report.groups import Judged


@attrs.frozen(kw_only=True)
class Selection:
    """What an expense must have to be in a report; None where all have it.

    `cause` is a fingerprint, or the name of a cause; `month` is of the issue date.
    """

    month: str | None = None
    cause: str | None = None
    state: ItemState | None = None

    @classmethod
    def of(cls, *, month: str | None, cause: str | None, state: str | None) -> Self:
        """Return the selection that words from outside name.

        Raises:
            UsageError: the month or the state is none.

        """
        return cls(
            month=None if month is None else known_month(month),
            cause=cause,
            state=None if state is None else _known_state(state),
        )

    @property
    def is_of_all(self) -> bool:
        """Return whether it leaves nothing out."""
        return self == ALL

    def has_month(self, row: Judged) -> bool:
        """Return whether an expense is of the month; one without a date is of none."""
        if self.month is None:
            return True
        issued = row.content.issue_date if row.content else None
        return issued is not None and issued.startswith(self.month)

    def has_rest(self, row: Judged) -> bool:
        """Return whether an expense is of the cause and the state."""
        item = row.item
        return self.cause in (None, item.fingerprint, item.cause) and self.state in (
            None,
            item.state,
        )


ALL = Selection()


def _known_state(text: str) -> ItemState:
    try:
        return ItemState(text)
    except ValueError as error:
        names = ", ".join(state.value for state in ItemState)
        raise UsageError(f"{text!r} is not a state, expected one of {names}") from error
