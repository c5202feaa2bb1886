"""An item before judgement and after it, and what judgement asks of a ruleset."""

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple, Protocol

import attrs

from reconcile.domain.vocabulary import BreakKind, ItemState, Verdict
from reconcile.judgement.facts import DatasetFacts, ItemFacts
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


class Failure(Protocol):
    """What a ruleset says of one failure."""

    @property
    def name(self) -> str:
        """The failure's class."""
        ...

    @property
    def owner(self) -> str:
        """Who can mend it."""
        ...

    @property
    def verdict(self) -> Verdict:
        """Whether it may be sent again."""
        ...

    @property
    def advice(self) -> str:
        """What to do, in a sentence."""
        ...


class Rules(Protocol):
    """A ruleset, as judgement uses it."""

    @property
    def label(self) -> str:
        """The ruleset's name and version."""
        ...

    def classify(
        self, *, message: str | None, word: str | None, code: int | str | None
    ) -> Failure:
        """Return the class of a failure told in these words."""
        ...

    def gist(self, message: str) -> str:
        """Return what class and fingerprint look at of a message: the rest is noise."""
        ...

    def fingerprint(
        self, *, message: str, code: int | str | None, http_status: int | None
    ) -> str:
        """Return the hash by which the same failure is known again."""
        ...


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
    `words` are message and word of what failed where no leg did.
    """

    state: ItemState
    kind: BreakKind | None
    attempts: int
    expected: bool
    broken_since: datetime | None
    legs: tuple[Leg, ...]
    words: tuple[str | None, str | None]
    code: int | str | None
    http_status: int | None
    blamed: bool  # a failure is behind it, for a ruleset to class
    claimed: bool  # by a duplicate claim
    taken_up: bool  # some attempt has been made
    waits: bool  # some attempt is open and not stuck
    overdue: bool  # the wait for a first attempt, or for a lost answer, is over
    written_stray: bool  # unexpected, and in the books
    decided_by: str
    update_unsettled: bool
    changes_at: datetime | None = None
    changes_to: BreakKind | None = None


@attrs.frozen(kw_only=True)
class Item:
    """Our judgement of one expense at one moment."""

    state: ItemState
    kind: BreakKind | None
    reason: str
    failure_class: str | None
    owner: str | None
    fingerprint: str | None
    attempts: int
    expected: bool
    broken_since: datetime | None
    legs: tuple[Leg, ...]
    verdict: Verdict
    advice: str
    decided_by: str  # the rule of the page that decided
    update_unsettled: bool = False  # matched, and nobody knows if an update is in
    changes_at: datetime | None = None  # set by `outline_without_clock` alone
    changes_to: BreakKind | None = None
