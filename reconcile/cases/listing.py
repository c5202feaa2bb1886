"""Everything that people decided, in the order in which it was recorded."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import attrs

from reconcile.domain.case_events import CauseMended, EvidenceSetAside, ExpenseDecided
from reconcile.domain.events import DeliverySetAside, SyncAbandoned
from reconcile.domain.identity import stream_parts
from reconcile.storage.ports import Store

_KINDS: Final = (
    CauseMended,
    DeliverySetAside,
    EvidenceSetAside,
    ExpenseDecided,
    SyncAbandoned,
)


@attrs.frozen(kw_only=True)
class Case:
    """One decision: what was decided, about what, by whom, why, and when."""

    position: int
    at: datetime
    company_id: str | None
    decision: str
    about: str
    actor: str
    reason: str
    to: str | None = None


def cases(
    store: Store,
    company_id: str | None = None,
    *,
    after: int = 0,
    latest: int | None = None,
) -> Iterator[Case]:
    """Yield what was decided, in one company or in all, after a position.

    With `latest`, those of so many events at most, the last ones.
    """
    topics = [kind.TOPIC for kind in _KINDS]
    until = store.position()
    positions = store.positions_after(after, until=until, topics=topics)
    if latest is not None:
        positions = positions[-latest:]
    aside: set[tuple[str, str]] = set()
    for recorded in map(store.recorded, store.stored_at(positions)):
        _, company, name = stream_parts(recorded.stream)
        if company_id not in (None, company):
            continue
        event = recorded.event
        to: str | None = None
        match event:
            case ExpenseDecided():
                decision, about = event.decision.value, event.transaction_id
                to = event.to or None
            case CauseMended():
                decision, about = "mended", event.fingerprint
            case SyncAbandoned():
                decision, about = "abandoned", f"request {name}"
            case DeliverySetAside() | EvidenceSetAside():
                if (recorded.stream, event.digest) in aside:
                    continue  # the same bytes came again: the decision is the same
                aside.add((recorded.stream, event.digest))
                decision, about = "set aside", f"sha256:{event.digest}"
            case _:
                continue
        yield Case(
            position=recorded.position,
            at=getattr(event, "at", recorded.recorded_at),
            company_id=company or None,
            decision=decision,
            about=about,
            actor=event.actor,
            reason=event.reason,
            to=to,
        )
