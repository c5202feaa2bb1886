"""An item before judgement and after it, and what judgement asks of a ruleset."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

import attrs

from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    ItemState,
    Owner,
    Verdict,
)
from reconcile.judgement.facts import DatasetFacts, Decision, ItemFacts
from reconcile.judgement.sync_context import SyncContext


@attrs.frozen(kw_only=True)
class Dossier:
    """One item's facts with the syncs and datasets they belong to: all a judge needs.

    `syncs` holds at least every sync that reported or expected the item, `datasets`
    every dataset that names it.
    """

    company_id: str
    transaction_id: str
    facts: ItemFacts
    syncs: Mapping[str, SyncContext]
    datasets: Mapping[str, DatasetFacts]


class Cause(Protocol):
    """Why something failed, as a ruleset knows it."""

    @property
    def name(self) -> str:
        """The cause, as reports name it."""
        ...

    @property
    def title(self) -> str:
        """The cause in plain words."""
        ...

    @property
    def owner(self) -> Owner:
        """Whose move it is."""
        ...

    @property
    def action(self) -> Action:
        """The next step."""
        ...

    @property
    def verdict(self) -> Verdict:
        """Whether it may be sent again."""
        ...

    @property
    def advice(self) -> str:
        """The steps to take, as a text."""
        ...

    @property
    def customer(self) -> str | None:
        """What may be shown to the customer."""
        ...

    def not_before(self, failed_at: datetime, tries: int) -> datetime | None:
        """Return when it may be tried again, after so many tries that failed so."""
        ...

    def spent(self, tries: int) -> bool:
        """Return whether so many tries failed that waiting helps no longer."""
        ...


class Rules(Protocol):
    """A ruleset, as judgement uses it."""

    @property
    def label(self) -> str:
        """The ruleset's name and version."""
        ...

    @property
    def unclassified(self) -> Cause:
        """What no rule knows."""
        ...

    def classify(
        self,
        *,
        message: str | None,
        code: int | str | None,
        http_status: int | None,
        word_class: str | None,
        integration_type: str | None,
        at: datetime | None,
    ) -> Cause:
        """Return the cause of a failure; `word_class` is None of a sync or a call."""
        ...

    def edition(self, at: datetime | None) -> int:
        """Return which of the sets of rules, in force one after another, holds."""
        ...

    def gist(self, message: str) -> str:
        """Return what class and fingerprint look at of a message: the rest is noise."""
        ...

    def fingerprint(
        self, *, message: str | None, code: int | str | None, http_status: int | None
    ) -> str:
        """Return the hash by which the same failure is known again."""
        ...


class Blame(NamedTuple):
    """One failure in Codat's words, for a ruleset to class."""

    message: str | None
    word_class: str | None  # None of a sync as a whole, and of a call
    integration_type: str | None
    code: int | str | None
    http_status: int | None
    at: datetime
    attempt: str  # the id of the sync, or of the request
    tried_at: datetime  # the attempt's own time
    ended_at: datetime | None = None  # when its sync is first known to have ended


class Mended(NamedTuple):
    """A failure of an expense that was written afterwards, as proof for its like."""

    fingerprint: str
    failed_in: str  # the attempt that failed
    written_in: str  # the attempt that wrote it
    tried_at: datetime  # that attempt's own time


class Release(NamedTuple):
    """Why what had to be mended before may be sent again, and how."""

    action: Action
    advice: str


class LaterTry(NamedTuple):
    """An attempt after the one that names a break's kind, which does not speak."""

    at: datetime
    code: int | str | None  # of its sync
    http_status: int | None  # of its refusal
    waits: bool  # it is not decided yet


class Progress(NamedTuple):
    """How far a sync is, for the reason of an item that it has not decided."""

    sync_id: str
    code: int | str | None
    since: datetime | None  # when Codat first gave that code
    failed: bool
    read: bool  # some of its rows were


class Leg(NamedTuple):
    """One posting as the report shows it; None for the type: a webhook's word."""

    integration_type: str | None
    status: str
    sync_id: str
    message: str | None
    reported_at: datetime


@attrs.frozen(kw_only=True)
class Outline:
    """An item's judgement before it is put into words: all that no ruleset decides.

    Items whose facts differ only in the times and messages of their legs share one.
    `blame` is what failed, where no leg tells; `earlier` are the failures of earlier
    attempts, the latest first, each leg by leg.
    """

    state: ItemState
    kind: BreakKind | None
    attempts: int
    expected: bool
    broken_since: datetime | None
    legs: tuple[Leg, ...]
    blame: Blame | None
    earlier: tuple[tuple[Blame, ...], ...]
    tries: int  # attempts that failed
    mended: tuple[Blame, ...]  # what failed before it was written
    written_in: tuple[str, datetime] | None  # the attempt that wrote it, and its time
    written_twice: bool  # two creates are written on one leg
    progress: Progress | None  # of the sync that decided, or has not yet
    later: LaterTry | None  # of a break: what was tried since, and does not speak
    pushed: bool  # a dataset names it
    claimed: bool  # by a duplicate claim
    taken_up: bool  # some attempt has been made
    waits: bool  # some attempt is open and not stuck
    overdue: bool  # the wait for a first attempt, or for a lost answer, is over
    written_stray: bool  # unexpected, and in the books
    written_by: tuple[str, ...]  # the syncs that wrote it, the latest first
    half_booked: bool  # a break of which some legs are written, and others are not
    first_sent_at: datetime | None
    last_sent_at: datetime | None
    decided_by: str
    update_unsettled: bool
    decision: Decision | None = None  # a person's, that ended it once
    changes_at: datetime | None = None
    changes_to: BreakKind | None = None


@attrs.frozen(kw_only=True)
class Item:
    """Our judgement of one expense at one moment."""

    state: ItemState
    kind: BreakKind | None
    reason: str
    cause: str | None
    owner: Owner | None
    fingerprint: str | None
    attempts: int
    expected: bool
    broken_since: datetime | None
    legs: tuple[Leg, ...]
    verdict: Verdict
    action: Action
    advice: str
    decided_by: str  # the rule of the page that decided
    not_before: datetime | None = None
    without: tuple[str, ...] = ()  # ids to leave out when it is sent again
    blocked_by: str | None = None  # a cause of ours that stops every call
    customer_reason: str | None = None
    sync_id: str | None = None  # of the attempt that decided it, or is to
    waits: bool = False  # some attempt is under way
    written_by: tuple[str, ...] = ()  # the syncs that wrote it, the latest first
    half_booked: bool = False  # a break: some legs are written, and others are not
    failed_in: str | None = None  # the attempt whose failure gives the cause
    timed_out_in: str | None = None  # the last that failed, if a write of it timed out
    mended: tuple[Mended, ...] = ()  # what failed before it was written
    written_twice: bool = False  # two creates are written on one leg
    first_sent_at: datetime | None = None
    last_sent_at: datetime | None = None
    update_unsettled: bool = False  # matched, and nobody knows if an update is in
    decision: Decision | None = None  # a person's, that ended it once
    changes_at: datetime | None = None  # when a deadline turns it next, if any does
    changes_to: BreakKind | None = None
