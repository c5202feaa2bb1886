"""The moments at which an item's judgement may change: by a fact, or by a deadline."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconcile.domain.instants import later
from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import RequestOutcome
from reconcile.judgement.item import Dossier
from reconcile.judgement.outcome import Attempt
from reconcile.judgement.sync_context import SyncContext


def moments_of(
    dossier: Dossier,
    attempts: Iterable[Attempt],
    *,
    until: datetime,
) -> list[datetime]:
    """Return when the item may turn by its facts, deadlines aside."""
    facts = dossier.facts
    moments = {e.at for e in facts.expected} | {h.at for h in facts.hooks}
    moments |= {w.at for w in facts.unsettled} | _turns(dossier)
    for attempt in attempts:
        if attempt.write is not None:
            moments.add(attempt.write.at)
        for moment in (attempt.expected_from, attempt.void_from):
            if moment is not None:
                moments.add(moment)
    known_from = min(moments, default=until)  # before it, there is no item to turn
    for attempt in attempts:
        if attempt.sync is not None:
            moments.update(m for m in attempt.sync.moments() if m > known_from)
    return sorted(m for m in moments if m <= until)


def _turns(dossier: Dossier) -> set[datetime]:
    """Return when a leg was reported; re-reads of the same word turn nothing.

    Two words at one moment contradict each other, so whatever is said next turns.
    """
    legs = dossier.facts.legs
    if dossier.facts.hooks or len(legs) < 4:
        return {leg.at for leg in legs}
    turns: set[datetime] = set()
    word: tuple[datetime, str | None, str | None]
    latest: dict[tuple[str, str], tuple[datetime, str | None, str | None]] = {}
    for leg in sorted(
        legs, key=lambda report: (report.at, report.word, report.message or "")
    ):
        key = (leg.sync_id, leg.integration_type)
        earlier = latest.get(key)
        word = (leg.at, leg.word, leg.message)
        if earlier is None or earlier[1:] != word[1:]:
            turns.add(leg.at)
            if earlier is not None and earlier[0] == leg.at:
                word = (leg.at, None, None)
        latest[key] = word
    return turns


def deadlines_of(
    dossier: Dossier, attempts: Iterable[Attempt], policy: Policy
) -> Iterator[datetime]:
    """Yield every moment at which a wait may be over."""
    for attempt in attempts:
        if attempt.sync is not None:
            yield from sync_deadlines(attempt.sync, policy)
        else:
            assert attempt.write is not None  # it is one or the other
            since = attempt.asked_at or attempt.write.at
            yield later(attempt.write.at, policy.undecided_for)
            yield later(since, policy.settle_for)
            yield later(since, policy.in_doubt_for)
    for start in named_at(dossier):
        yield later(start, policy.take_up_for)
        yield later(start, policy.undecided_for)


def sync_deadlines(sync: SyncContext, policy: Policy) -> Iterator[datetime]:
    """Yield every moment at which a wait for a sync may be over."""
    for start in (sync.requested_at, sync.first_seen):
        if start is not None:
            yield later(start, policy.undecided_for)
    if sync.ended_at is not None:
        yield later(sync.ended_at, policy.silent_for)


def handed_over_at(dossier: Dossier, *, until: datetime) -> datetime | None:
    """Return when the item was handed over last, None where it never was.

    A dataset counts from its first push: that it was pushed again, the same, is no news
    and may not be known.
    """
    named = sorted(e.at for e in dossier.facts.expected if e.at <= until)
    tried = [
        write.at
        for write in dossier.facts.unsettled
        if write.at <= until and write.outcome is not RequestOutcome.ABANDONED
    ]
    return max([*named[:1], *tried], default=None)


def sent_at(dossier: Dossier) -> Iterator[datetime]:
    """Yield when the item was sent: by each push, and by each other call once.

    What became of a call is heard later, and sends nothing.
    """
    called: dict[tuple[str, str], datetime] = {}
    for expected in dossier.facts.expected:
        if expected.sync_id is None:
            yield expected.at
        else:
            _earlier(called, ("sync", expected.sync_id), expected.at)
    for write in dossier.facts.unsettled:
        _earlier(called, ("request", write.request_id), write.at)
    yield from called.values()


def _earlier(
    earliest: dict[tuple[str, str], datetime], key: tuple[str, str], at: datetime
) -> None:
    earliest[key] = min(at, earliest.get(key, at))


def named_at(dossier: Dossier) -> Iterator[datetime]:
    """Yield when the item was named by a dataset or a call, whatever came of it."""
    for expected in dossier.facts.expected:
        yield expected.at
    for write in dossier.facts.unsettled:
        yield write.at
