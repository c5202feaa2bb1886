"""The SyncRequest stream: a write of ours, from our intent to what became of it.

A write that carries the id of an intent (`Idempotency-Key`) is told in the intent's
stream, any other in one of its own. What accepted it is told by its sync.
"""

import attrs

from reconcile.domain.events import (
    RequestEvent,
    SyncAnswerLost,
    SyncRefused,
    SyncThrottled,
)
from reconcile.domain.observations import WriteUnsettled

_EVENTS: dict[str, type[SyncRefused | SyncAnswerLost | SyncThrottled]] = {
    "refused": SyncRefused,
    "lost": SyncAnswerLost,
    "throttled": SyncThrottled,
}


@attrs.frozen(kw_only=True)
class SyncRequest:
    """What is held of one write: how much was told of it."""

    version: int = 0


def decide(
    _request: SyncRequest, seen: WriteUnsettled, *, evidence: str
) -> tuple[RequestEvent, ...]:
    """Return the outcome of the write; evidence already known never comes here."""
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


def evolve(request: SyncRequest, _event: RequestEvent) -> SyncRequest:
    """Return `request` as it stands after one more event."""
    return SyncRequest(version=request.version + 1)
