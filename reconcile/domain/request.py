"""The SyncRequest stream: a write of ours that got no accepting answer."""

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
    """What is held of one write: whether its outcome is known."""

    version: int = 0


def decide(
    request: SyncRequest, seen: WriteUnsettled, *, evidence: str
) -> tuple[RequestEvent, ...]:
    """Return the outcome of the write, once: a request's identity names its answer."""
    if request.version:
        return ()
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
