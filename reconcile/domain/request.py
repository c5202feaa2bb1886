"""The SyncRequest stream: a write of ours, from our intent to what became of it.

A write that carries the id of an intent (`Idempotency-Key`) is told in the intent's
stream, any other in one of its own. What accepted it is told by its sync.
"""

import attrs

from reconcile.domain.events import (
    RequestEvent,
    SyncAnswerLost,
    SyncRecovered,
    SyncRefused,
    SyncRequested,
    SyncThrottled,
    UnsettledEvent,
)
from reconcile.domain.observations import WriteUnsettled

_EVENTS: dict[str, type[UnsettledEvent]] = {
    "refused": SyncRefused,
    "lost": SyncAnswerLost,
    "throttled": SyncThrottled,
}


@attrs.frozen(kw_only=True)
class SyncRequest:
    """What is held of one write: our intent, and how far its outcome is known."""

    version: int = 0
    requested: SyncRequested | None = None
    answered: bool = False  # an answer came, or is known to be lost
    lost: bool = False
    recovered: bool = False


def decide(
    request: SyncRequest, seen: WriteUnsettled, *, evidence: str
) -> tuple[RequestEvent, ...]:
    """Return the outcome of the write; evidence already known never comes here."""
    del request  # whatever else it was told, this answer is news
    return (
        _EVENTS[seen.outcome](
            operation=seen.operation,
            http_status=seen.http_status,
            words=seen.words,
            dataset_ids=seen.dataset_ids,
            transactions=seen.transactions,
            at=seen.at,
            evidence=evidence,
        ),
    )


def evolve(request: SyncRequest, event: RequestEvent) -> SyncRequest:
    """Return `request` as it stands after one more event."""
    version = request.version + 1
    match event:
        case SyncRequested():
            return attrs.evolve(request, version=version, requested=event)
        case SyncRecovered():
            return attrs.evolve(request, version=version, recovered=True)
        case SyncAnswerLost():
            return attrs.evolve(request, version=version, answered=True, lost=True)
        case _:
            return attrs.evolve(request, version=version, answered=True)
