"""From an item's facts to its attempts, and to the moments at which it may turn."""

from collections.abc import Iterable, Iterator
from datetime import datetime

from reconcile.domain.attempt import Attempt
from reconcile.domain.dossier import Dossier
from reconcile.domain.instants import later
from reconcile.domain.policy import Policy


def attempts_of(dossier: Dossier) -> tuple[Attempt, ...]:
    """Return every sync that reported or expected the item, and every such write."""
    facts = dossier.facts
    expected: dict[str, datetime] = {}
    writes = {u.request_id: u for u in facts.unsettled}
    for one in facts.expected:
        if one.sync_id is not None:
            _earlier(expected, one.sync_id, one.at)
        elif one.dataset_id is not None:
            dataset = dossier.datasets[one.dataset_id]
            for sync_id, at in dataset.syncs:
                _earlier(expected, sync_id, max(at, one.at))
            for unsettled in dataset.unsettled:
                writes[unsettled.request_id] = unsettled
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
    return in_syncs + tuple(Attempt(write=write) for _, write in sorted(writes.items()))


def _earlier(held: dict[str, datetime], key: str, at: datetime) -> None:
    if key not in held or at < held[key]:
        held[key] = at


def moments_of(
    dossier: Dossier,
    attempts: Iterable[Attempt],
    *,
    policy: Policy | None,
    until: datetime,
) -> list[datetime]:
    """Return when the item may turn, by facts and, given a policy, by deadlines."""
    facts = dossier.facts
    moments = {e.at for e in facts.expected} | {h.at for h in facts.hooks}
    moments |= _turns(dossier)
    for attempt in attempts:
        if attempt.write is not None:
            moments.add(attempt.write.at)
        else:
            assert attempt.sync is not None
            moments.update(attempt.sync.moments())
            if attempt.expected_from is not None:
                moments.add(attempt.expected_from)
    if policy is not None:
        moments.update(deadlines_of(dossier, attempts, policy))
    return sorted(m for m in moments if m <= until)


def _turns(dossier: Dossier) -> set[datetime]:
    """Return when a leg was reported; re-reads of the same word turn nothing."""
    legs = dossier.facts.legs
    if dossier.facts.hooks or len(legs) < 4:
        return {leg.at for leg in legs}
    turns: set[datetime] = set()
    said: dict[tuple[str, str], tuple[str, str | None]] = {}
    for leg in sorted(legs, key=lambda one: (one.at, one.word, one.message or "")):
        key = (leg.sync_id, leg.integration_type)
        if said.get(key) != (leg.word, leg.message):
            turns.add(leg.at)
        said[key] = (leg.word, leg.message)
    return turns


def deadlines_of(
    dossier: Dossier, attempts: Iterable[Attempt], policy: Policy
) -> Iterator[datetime]:
    """Yield every moment at which a wait may be over."""
    for attempt in attempts:
        sync = attempt.sync
        if sync is None:
            continue
        for start in (sync.requested_at, sync.first_seen):
            if start is not None:
                yield later(start, policy.undecided_for)
        if sync.ended_at is not None:
            yield later(sync.ended_at, policy.silent_for)
    for start in named_at(dossier):
        yield later(start, policy.undecided_for)


def named_at(dossier: Dossier) -> Iterator[datetime]:
    """Yield when the item was named by a dataset or a call, whatever came of it."""
    for expected in dossier.facts.expected:
        yield expected.at
    for write in dossier.facts.unsettled:
        yield write.at
