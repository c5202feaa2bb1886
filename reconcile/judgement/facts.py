"""The facts behind one item, one sync, one dataset, before any judgement.

The folds of `views/` build them, live or in replay; `judge` alone reads meaning into
them. Entries that come by the hundred are named tuples, shared by the rows of a page.
"""

from datetime import datetime
from typing import Final, NamedTuple

import attrs

from reconcile.domain.observations import Flaw
from reconcile.domain.vocabulary import DecisionKind, NoticeKind, RequestOutcome


class LegReport(NamedTuple):
    """One word on one leg, as one read gave it; `source` is its event's position."""

    sync_id: str
    integration_type: str
    word: str
    message: str | None
    at: datetime
    source: int


class HookReport(NamedTuple):
    """One word on a whole transaction, as one webhook gave it."""

    sync_id: str
    word: str
    message: str | None
    at: datetime
    dated: bool
    delivery: str
    source: int


class Expected(NamedTuple):
    """The transaction was named: by a dataset, or by a create or update call."""

    dataset_id: str | None
    sync_id: str | None
    operation: str  # "push", "create", "update" or "put"
    at: datetime
    source: int


class Content(NamedTuple):
    """What an expense says; None where it is not given, or is none."""

    type: str | None
    amount: str | None  # a decimal's text, in the currency's unit, exact
    currency: str | None  # three capital letters; None of a transfer
    issue_date: str | None  # YYYY-MM-DD
    merchant: str | None
    reference: str | None
    digest: str  # SHA-256 (hex) of what was sent, "" where it is not known


class Sending(NamedTuple):
    """One call of ours: for a sync, for a dataset, or a write not known to settle."""

    sync_id: str | None
    dataset_id: str | None
    request_id: str | None
    at: datetime


class SentContent(NamedTuple):
    """A sending of one expense, with what it said."""

    sending: Sending
    content: Content


class Unsettled(NamedTuple):
    """A write that names a transaction or a dataset, and how it stands.

    What stands of several facts of one request is decided in `domain/request.py`.
    """

    request_id: str
    outcome: RequestOutcome
    operation: str
    at: datetime
    http_status: int
    words: str | None
    source: int
    not_before: datetime | None = None  # of one that was throttled


class Initiation(NamedTuple):
    """An accepted write that created a sync."""

    operation: str
    dataset_ids: tuple[str, ...]
    transaction_ids: tuple[str, ...]
    whole: bool
    at: datetime


class SyncReport(NamedTuple):
    """One report on a sync as a whole; `notice` is None for a status read."""

    code: int | str | None
    status: str | None
    words: tuple[str, ...]
    notice: NoticeKind | None
    delivery: str | None
    at: datetime


class RowsRead(NamedTuple):
    """One set of rows of a sync: a page, one transaction's rows, or a webhook's.

    `rows` counts what stood there, unreadable ones included; `source` is the position
    of the event, `rows_at` that of the event that holds the rows themselves.
    """

    origin: str
    page: int | None
    page_size: int | None
    total: int | None
    rows: int
    unread: int
    at: datetime
    source: int
    rows_at: int
    delivery: str | None = None  # of a webhook's


ANSWERED: Final = 200


class RefusedRead(NamedTuple):
    """One read of a sync, or of a company's list, that Codat refused.

    `http_status` is `ANSWERED` where the list was told again. `rows`: a page of
    transactions was asked for.
    """

    rows: bool
    http_status: int
    words: str | None
    at: datetime

    @property
    def is_answer(self) -> bool:
        """Return whether Codat told after all."""
        return self.http_status == ANSWERED


class GivenUp(NamedTuple):
    """A follower reads a sync no more: `since` then it was read in vain."""

    since: datetime
    at: datetime


class Push(NamedTuple):
    """One accepted content of a dataset."""

    transaction_ids: tuple[str, ...]
    whole: bool
    at: datetime


class Link(NamedTuple):
    """A sync was initiated that names a dataset."""

    sync_id: str
    at: datetime


class FlawSeen(NamedTuple):
    """Something unreadable or contradictory that was seen at a moment."""

    at: datetime
    flaw: Flaw
    delivery: str | None = None  # where a webhook showed it


class Decision(NamedTuple):
    """What a person decided of one expense; `to` is the company it was moved to."""

    kind: DecisionKind
    to: str
    actor: str
    reason: str
    at: datetime


class MendedBy(NamedTuple):
    """A person said that a failure is mended, for all that failed so before."""

    at: datetime
    actor: str
    reason: str


@attrs.frozen(kw_only=True)
class SyncFacts:
    """Everything held of one sync, in the order it was recorded."""

    initiations: tuple[Initiation, ...] = ()
    reports: tuple[SyncReport, ...] = ()
    readings: tuple[RowsRead, ...] = ()
    flaws: tuple[FlawSeen, ...] = ()
    given_up: tuple[GivenUp, ...] = ()


@attrs.frozen(kw_only=True)
class DatasetFacts:
    """Everything held of one dataset, and of the writes that named it."""

    pushes: tuple[Push, ...] = ()
    syncs: tuple[Link, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()
    flaws: tuple[FlawSeen, ...] = ()

    @property
    def pushed_at(self) -> datetime | None:
        """Return when its content was first known, None while it is not."""
        return min((push.at for push in self.pushes), default=None)


@attrs.frozen(kw_only=True)
class ItemFacts:
    """Everything held of one transaction, in the order it was recorded."""

    legs: tuple[LegReport, ...] = ()
    hooks: tuple[HookReport, ...] = ()
    expected: tuple[Expected, ...] = ()
    unsettled: tuple[Unsettled, ...] = ()
    decisions: tuple[Decision, ...] = ()
