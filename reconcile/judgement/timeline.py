"""The moments at which an item's judgement may change: by a fact, or by a deadline."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconcile.domain.instants import later
from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import RequestOutcome
from reconcile.judgement.facts import Unsettled
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
    moments |= {decision.at for decision in facts.decisions}
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
        yield later(start, policy.undecided_for)
    for start in (*named_at(dossier), *(w.at for w in _of_datasets(dossier))):
        yield later(start, policy.take_up_for)
    for write in _writes(dossier):
        if write.not_before is not None:
            yield write.not_before


def sync_deadlines(sync: SyncContext, policy: Policy) -> Iterator[datetime]:
    """Yield every moment at which a wait for a sync may be over."""
    for start in (sync.requested_at, sync.first_seen):
        if start is not None:
            yield later(start, policy.undecided_for)
    if sync.ended_at is not None:
        yield later(sync.ended_at, policy.silent_for)


def taken_up_by(
    dossier: Dossier, *, until: datetime, policy: Policy
) -> datetime | None:
    """Return when something should have tried to write it; None: nothing named it.

    It is `take_up_for` after the first push, or after the latest call that came to
    nothing; or what a rate limit's `Retry-After` says, if that is later.
    """
    named = sorted(e.at for e in dossier.facts.expected if e.at <= until)
    tried = [
        write
        for write in _writes(dossier)
        if write.at <= until and write.outcome is not RequestOutcome.ABANDONED
    ]
    moments = [
        later(m, policy.take_up_for) for m in (*named[:1], *(w.at for w in tried))
    ]
    moments += [w.not_before for w in tried if w.not_before is not None]
    return max(moments, default=None)


def _writes(dossier: Dossier) -> Iterator[Unsettled]:
    """Yield the writes of the item, and those of the datasets that name it."""
    yield from dossier.facts.unsettled
    yield from _of_datasets(dossier)


def _of_datasets(dossier: Dossier) -> Iterator[Unsettled]:
    named = {e.dataset_id for e in dossier.facts.expected if e.dataset_id is not None}
    for dataset_id in sorted(named & dossier.datasets.keys()):
        yield from dossier.datasets[dataset_id].unsettled


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
