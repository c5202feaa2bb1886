"""From an item's facts to its attempts, and to the moments at which it may turn."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from reconcile.domain.attempt import Attempt
from reconcile.domain.context import SyncContext
from reconcile.domain.dossier import Dossier, Unsettled
from reconcile.domain.instants import later
from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import OF_ONE_TRY


def attempts_of(dossier: Dossier) -> tuple[Attempt, ...]:
    """Return every sync that reported or expected the item, and every such write."""
    facts = dossier.facts
    expected: dict[str, datetime] = {}
    named_in = [(unsettled, unsettled.at) for unsettled in facts.unsettled]
    for one in facts.expected:
        if one.sync_id is not None:
            _earlier(expected, one.sync_id, one.at)
        else:
            assert one.dataset_id is not None
            dataset = dossier.datasets[one.dataset_id]
            for sync_id, at in dataset.syncs:
                _earlier(expected, sync_id, max(at, one.at))
            named_in += [(write, max(write.at, one.at)) for write in dataset.unsettled]
    named = {leg.sync_id for leg in facts.legs} | {h.sync_id for h in facts.hooks}
    in_syncs = tuple(
        Attempt(
            sync=dossier.syncs[sync_id],
            legs=tuple(leg for leg in facts.legs if leg.sync_id == sync_id),
            hooks=tuple(hook for hook in facts.hooks if hook.sync_id == sync_id),
            expected_from=expected.get(sync_id),
        )
        for sync_id in sorted(named | set(expected))
    )
    if not named_in:
        return in_syncs
    told: dict[Unsettled, datetime] = {}
    for write, named_from in named_in:
        _earlier(told, write._replace(source=0), named_from)
    return in_syncs + tuple(
        Attempt(
            write=write,
            expected_from=told[write],
            void_from=_void_from(write, told),
        )
        for write in _latest(told)
        if write.outcome != "accepted"
    )


def _latest(told: Iterable[Unsettled]) -> list[Unsettled]:
    """Return the latest of each kind of answer to each request.

    Refusals of one try are of a kind of their own.
    """
    ranked = sorted(told, key=_rank)
    held = {(one.request_id, one.outcome, _of_one_try(one)): one for one in ranked}
    return [one for _, one in sorted(held.items())]


def _rank(write: Unsettled) -> tuple[datetime, int, str]:
    return write.at, write.http_status, repr((write.words, write.operation))


def _void_from(write: Unsettled, told: Iterable[Unsettled]) -> datetime | None:
    """Return since when something more is known of a write, None while nothing is.

    A refusal that speaks of one try alone says nothing where another try was lost.
    """
    same = [one for one in told if one.request_id == write.request_id]
    if _of_one_try(write) and any(
        one.outcome == "lost" and one.at <= write.at for one in same
    ):
        return write.at
    return min((o.at for o in _latest(same) if _outweighs(o, write)), default=None)


def _outweighs(one: Unsettled, write: Unsettled) -> bool:
    """Return whether something told of a request leaves nothing of another.

    That it was accepted, or never sent, outweighs all, and any answer the intent. A
    person's decision that nothing came of it outweighs what left it in doubt, and no
    answer of Codat's to the request.
    """
    match one.outcome:
        case "accepted" | "unsent":
            return one.outcome != write.outcome
        case "abandoned":
            return write.outcome in ("asked", "lost") or _of_one_try(write)
        case "refused" if not _of_one_try(one):
            return write.outcome == "asked" or _of_one_try(write)
        case _:
            return write.outcome == "asked" != one.outcome


def _of_one_try(write: Unsettled) -> bool:
    return write.outcome == "refused" and write.http_status in OF_ONE_TRY


_Key = TypeVar("_Key")


def _earlier(held: dict[_Key, datetime], key: _Key, at: datetime) -> None:
    if key not in held or at < held[key]:
        held[key] = at


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
    told: tuple[datetime, str | None, str | None]
    said: dict[tuple[str, str], tuple[datetime, str | None, str | None]] = {}
    for leg in sorted(legs, key=lambda one: (one.at, one.word, one.message or "")):
        key = (leg.sync_id, leg.integration_type)
        held = said.get(key)
        told = (leg.at, leg.word, leg.message)
        if held is None or held[1:] != told[1:]:
            turns.add(leg.at)
            if held is not None and held[0] == leg.at:
                told = (leg.at, None, None)
        said[key] = told
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
            yield later(attempt.write.at, policy.undecided_for)
    for start in named_at(dossier):
        yield later(start, policy.undecided_for)


def sync_deadlines(sync: SyncContext, policy: Policy) -> Iterator[datetime]:
    """Yield every moment at which a wait for a sync may be over."""
    for start in (sync.requested_at, sync.first_seen):
        if start is not None:
            yield later(start, policy.undecided_for)
    if sync.ended_at is not None:
        yield later(sync.ended_at, policy.silent_for)


def named_at(dossier: Dossier) -> Iterator[datetime]:
    """Yield when the item was named by a dataset or a call, whatever came of it."""
    for expected in dossier.facts.expected:
        yield expected.at
    for write in dossier.facts.unsettled:
        yield write.at
