"""The events of a plan that is run: its lines of one company, and their ends."""

from datetime import datetime
from typing import ClassVar

import attrs


@attrs.frozen(kw_only=True)
class PlannedLine:
    """One line of a plan: what it sends again, and what that had failed with.

    `after` is the line that it is held for; `is_probe`: others are held for it.
    """

    n: int
    operation: str
    transaction_ids: tuple[str, ...]
    fingerprint: str | None = None
    after: int | None = None
    is_probe: bool = False


@attrs.frozen(kw_only=True)
class RetryPlanned:
    """A plan is run: these are its lines of the company."""

    TOPIC: ClassVar[str] = "plan.retry-planned"

    digest: str  # of the whole plan, which names it
    as_of: datetime
    ruleset: str
    policy: str
    lines: tuple[PlannedLine, ...]
    actor: str
    at: datetime
    evidence: str = ""  # there is none: nothing has been said yet


@attrs.frozen(kw_only=True)
class LineDispatched:
    """A line's call is made, as a request of that id; stored with its intent."""

    TOPIC: ClassVar[str] = "plan.line-dispatched"

    line: int
    request_id: str
    operation: str
    transaction_ids: tuple[str, ...]
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class LineDropped:
    """Expenses of a line are not sent after all."""

    TOPIC: ClassVar[str] = "plan.line-dropped"

    line: int
    transaction_ids: tuple[str, ...]
    reason: str
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class RetryEnded:
    """Each line of the company is sent or dropped: the plan is done there."""

    TOPIC: ClassVar[str] = "plan.retry-ended"

    at: datetime
    evidence: str = ""


RetryEvent = RetryPlanned | LineDispatched | LineDropped | RetryEnded
