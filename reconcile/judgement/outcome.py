"""One attempt: what became of one transaction in one sync, or in one unsettled write.

Rules: `docs/explanation/judgement.md`, section 8; `Outcome.line` is the line of its
table that applied.
"""

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

import attrs

from reconcile.domain.instants import later
from reconcile.domain.policy import Policy
from reconcile.domain.request import leaves_open
from reconcile.domain.vocabulary import (
    NO_DATA,
    NOTHING_WRITTEN,
    SUCCESS,
    CodeClass,
    RequestOutcome,
    WordClass,
)
from reconcile.judgement.claims import claims_duplicate, claims_processed
from reconcile.judgement.facts import HookReport, LegReport, Unsettled
from reconcile.judgement.legs import Settled, settle
from reconcile.judgement.sync_context import Code, SyncContext


class Result(enum.StrEnum):
    """What became of an attempt. `UNDECIDED` alone is open; `WRITTEN` alone is good."""

    DUPLICATE = "duplicate claim"
    CONFLICTING = "CONFLICTING"
    REGRESSED = "REGRESSED"
    FAILED = "FAILED"
    UNRECOGNISED = "UNRECOGNISED"
    MISSING = "MISSING"
    WRITTEN = "written"
    UNDECIDED = "undecided"
    STUCK = "STUCK"
    INDETERMINATE = "INDETERMINATE"


class Outcome(NamedTuple):
    """An attempt's result, and the line of the table that gave it (0: not in it)."""

    result: Result
    line: int


@attrs.frozen(kw_only=True)
class Attempt:
    """One transaction in one sync, or in one write that got no accepting answer."""

    sync: SyncContext | None = None
    legs: tuple[LegReport, ...] = ()
    hooks: tuple[HookReport, ...] = ()
    expected_from: datetime | None = None
    write: Unsettled | None = None  # asked for, refused or lost
    asked_at: datetime | None = None  # when its request was first known
    void_from: datetime | None = None  # since when more is known of the write

    def operation_at(self, at: datetime) -> str:
        """Return "update" or "put" for those calls, else any other word."""
        if self.write is not None:
            return self.write.operation
        return (self.sync.operation_at(at) if self.sync else None) or "create"

    @property
    def name(self) -> str:
        """Return the sync's id, or the request's."""
        if self.sync is not None:
            return self.sync.sync_id
        return self.write.request_id if self.write else ""


class Standing(NamedTuple):
    """An attempt at a moment: everything the table asks of it."""

    attempt: Attempt
    order: tuple[datetime, str]
    legs: dict[str, Settled]
    hook: Settled | None
    outcome: Outcome
    code: Code | None  # the sync's current code
    requested: bool  # its own request is known, so no lost answer can be its
    reached: bool  # Codat tried to write this very expense, or may have

    @property
    def result(self) -> Result:
        """Return what became of the attempt."""
        return self.outcome.result

    @property
    def lost(self) -> bool:
        """Return whether it is a write whose answer was lost."""
        return self.attempt.write is not None and leaves_open(self.attempt.write)


def stand(
    attempt: Attempt,
    transaction_id: str,
    *,
    at: datetime,
    clock: datetime | None,
    policy: Policy,
) -> Standing | None:
    """Return the attempt as the facts up to `at` show it; None where none does.

    `clock` decides deadlines; with None no deadline ever passes.
    """
    if attempt.write is not None:
        return _stand_unsettled(
            attempt, attempt.write, transaction_id, at=at, clock=clock, policy=policy
        )
    sync = attempt.sync
    assert sync is not None
    legs = _settle_legs(attempt.legs, at)
    hooks = _earliest(attempt.hooks)
    hook = settle(((h.word, h.message, h.at) for h in hooks), at=at) if hooks else None
    expected = attempt.expected_from is not None and attempt.expected_from <= at
    order = sync.order(at)
    if order is None or not (legs or hook or expected):
        return None
    outcome = _outcome(
        sync,
        legs,
        hook,
        hooks,
        transaction_id,
        at=at,
        clock=clock,
        read=[leg.at for leg in attempt.legs if leg.at <= at],
        policy=policy,
    )
    if outcome.result is Result.UNDECIDED and (
        clock is not None and clock >= later(order, policy.undecided_for)
    ):
        outcome = Outcome(Result.STUCK, outcome.line)
    code = sync.code_at(at)
    return Standing(
        attempt,
        (order, attempt.name),
        legs,
        hook,
        outcome,
        code,
        requested=sync.requested_at is not None and sync.requested_at <= at,
        reached=_reached(outcome, legs, hook, code),
    )


def _reached(
    outcome: Outcome,
    legs: dict[str, Settled],
    hook: Settled | None,
    code: Code | None,
) -> bool:
    """Return whether Codat tried to write this very expense, as far as is known.

    It did not where the sync failed or ended without it, nor where all that failed is
    a duplicate claim that names others of its batch.
    """
    if outcome.line in _NEVER_TRIED:
        return False
    if outcome.result is not Result.FAILED:
        return True
    failed = [
        leg.message for leg in legs.values() if leg.word_class is WordClass.FAILED
    ]
    if not failed and hook is not None:
        failed = [hook.message]
    if not any(failed) and code is not None:
        failed = list(code.words)
    return not failed or not all(map(claims_processed, failed))


_NEVER_TRIED = (13, 14, 15)


def _stand_unsettled(
    attempt: Attempt,
    write: Unsettled,
    transaction_id: str,
    *,
    at: datetime,
    clock: datetime | None,
    policy: Policy,
) -> Standing | None:
    """Return how a write stands of which no sync is known; None where it counts not."""
    named_from = attempt.expected_from or write.at
    if max(write.at, named_from) > at or write.outcome in _NOT_DONE:
        return None
    if _by(attempt.void_from, at):
        return None
    if write.outcome is RequestOutcome.ASKED:
        due = clock is not None and clock >= later(write.at, policy.undecided_for)
        result = Result.STUCK if due else Result.UNDECIDED
    elif leaves_open(write):
        since = attempt.asked_at or write.at
        due = clock is not None and clock >= later(since, policy.settle_for)
        result = Result.INDETERMINATE if due else Result.UNDECIDED
    elif claims_duplicate(write.words, transaction_id):
        result = Result.DUPLICATE
    else:
        result = Result.FAILED
    return Standing(
        attempt,
        (write.at, attempt.name),
        {},
        None,
        Outcome(result, 0),
        None,
        requested=True,
        reached=result is not Result.FAILED,
    )


_NOT_DONE = (
    RequestOutcome.THROTTLED,
    RequestOutcome.UNSENT,
    RequestOutcome.ABANDONED,
)


def _settle_legs(reports: Sequence[LegReport], at: datetime) -> dict[str, Settled]:
    if len(reports) == 1:
        only = reports[0]
        alone = settle(((only.word, only.message, only.at),), at=at)
        return {only.integration_type: alone} if alone is not None else {}
    by_type: dict[str, list[tuple[str, str | None, datetime]]] = {}
    for report in reports:
        by_type.setdefault(report.integration_type, []).append(
            (report.word, report.message, report.at)
        )
    settled = ((name, settle(words, at=at)) for name, words in sorted(by_type.items()))
    return {name: leg for name, leg in settled if leg is not None}


def _earliest(hooks: Sequence[HookReport]) -> Sequence[HookReport]:
    """Return each delivered word once, at its earliest receipt."""
    if len(hooks) < 2:
        return hooks
    earliest: dict[tuple[str, str, str | None], HookReport] = {}
    for hook in hooks:
        key = (hook.delivery, hook.word, hook.message)
        known = earliest.get(key)
        if known is None or (hook.at, hook.dated) < (known.at, known.dated):
            earliest[key] = hook
    return tuple(earliest.values())


def _outcome(
    sync: SyncContext,
    legs: dict[str, Settled],
    hook: Settled | None,
    hooks: Iterable[HookReport],
    transaction_id: str,
    *,
    at: datetime,
    clock: datetime | None,
    read: Sequence[datetime],
    policy: Policy,
) -> Outcome:
    """Return the first line of the table that applies.

    Line 11 never does: a sync that neither reported nor expected is no attempt.
    """
    code = sync.code_at(at)
    complete = _by(sync.listing.complete_at, at)
    texts = [leg.message for leg in legs.values()]
    if not legs:
        texts = [hook.message] if hook else []
        texts += code.words if code else ()
    if any(claims_duplicate(text, transaction_id) for text in texts):
        return Outcome(Result.DUPLICATE, 1)
    if legs:
        dated = settle(((h.word, h.message, h.at) for h in hooks if h.dated), at=at)
        return _outcome_of_legs(
            sync,
            legs,
            hook,
            dated,
            code=code.code if code else None,
            listed=complete and sync.listing.holds(transaction_id, read_from=min(read)),
            at=at,
            last_leg=max(read),
            transaction_id=transaction_id,
        )
    if hook is not None:
        return Outcome(_word_of(hook), 10)
    if code is not None and code.code_class is CodeClass.UNRECOGNISED:
        return Outcome(Result.UNRECOGNISED, 12)
    if code is not None and code.code == NO_DATA:
        return Outcome(Result.MISSING, 13)
    if sync.failed_at(at) and not _by(sync.rows_from, at):
        silent = (
            clock is not None
            and sync.ended_at is not None
            and clock >= later(sync.ended_at, policy.silent_for)
            and code is not None
            and code.code in NOTHING_WRITTEN
        )
        if complete or silent:
            return Outcome(Result.FAILED, 14)
    if complete:
        return Outcome(Result.MISSING, 15)
    return Outcome(Result.UNDECIDED, 16)


def _outcome_of_legs(
    sync: SyncContext,
    legs: dict[str, Settled],
    hook: Settled | None,
    dated: Settled | None,
    *,
    code: int | str | None,
    listed: bool,
    at: datetime,
    last_leg: datetime,
    transaction_id: str,
) -> Outcome:
    """Return lines 2 to 9: an attempt of which legs were read.

    `dated` is the webhooks' word without those that carry no time of Codat's own:
    such a word never outranks a read. `listed` is whether the item stands in a complete
    listing: one that lacks it proves nothing of the legs it has elsewhere. A webhook's
    failure that is a duplicate claim stays one where line 7 would take it for the legs'
    own (law 2).
    """
    classes = {leg.word_class for leg in legs.values()}
    if any(leg.conflicting for leg in legs.values()):
        return Outcome(Result.CONFLICTING, 2)
    if dated is not None and dated.at >= last_leg:
        settled = _settled_class(classes)
        if settled is not None and dated.classes & {
            WordClass.WRITTEN,
            WordClass.FAILED,
        } - {settled}:
            return Outcome(Result.CONFLICTING, 2)
    if any(leg.regressed for leg in legs.values()):
        return Outcome(Result.REGRESSED, 3)
    if WordClass.FAILED in classes:
        return Outcome(Result.FAILED, 4)
    if WordClass.UNRECOGNISED in classes:
        return Outcome(Result.UNRECOGNISED, 5)
    written = classes == {WordClass.WRITTEN}
    if written and code == NO_DATA:
        return Outcome(Result.CONFLICTING, 6)
    if hook is not None and hook.word_class is WordClass.FAILED and not listed:
        if claims_duplicate(hook.message, transaction_id):
            return Outcome(Result.DUPLICATE, 1)
        return Outcome(Result.FAILED, 7)
    proven = listed or code == SUCCESS or _by(sync.successful_at, at)
    said_written = _says_written(hook)
    if written and (proven or said_written):
        return Outcome(Result.WRITTEN, 8)
    if (
        not written
        and _says_written(dated)
        and dated is not None
        and dated.at > last_leg
    ):
        return Outcome(Result.WRITTEN, 8)
    return Outcome(Result.UNDECIDED, 9)


def _word_of(hook: Settled) -> Result:
    """Return line 10: no leg was read, a webhook's word stands for the transaction."""
    if hook.conflicting:
        return Result.CONFLICTING
    if hook.regressed:
        return Result.REGRESSED
    return {
        WordClass.FAILED: Result.FAILED,
        WordClass.UNRECOGNISED: Result.UNRECOGNISED,
        WordClass.WRITTEN: Result.WRITTEN,
        WordClass.UNDECIDED: Result.UNDECIDED,
    }[hook.word_class]


def _settled_class(classes: set[WordClass]) -> WordClass | None:
    if WordClass.FAILED in classes:
        return WordClass.FAILED
    return WordClass.WRITTEN if classes == {WordClass.WRITTEN} else None


def _says_written(hook: Settled | None) -> bool:
    return hook is not None and hook.classes == {WordClass.WRITTEN}


def _by(moment: datetime | None, at: datetime) -> bool:
    return moment is not None and moment <= at
