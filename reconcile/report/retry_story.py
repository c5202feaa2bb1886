"""What plans of retries say in the story of a transaction."""

from collections.abc import Iterator
from typing import assert_never

from reconcile.domain.retry_events import (
    LineDispatched,
    LineDropped,
    RetryEnded,
    RetryEvent,
    RetryPlanned,
)
from reconcile.storage.ports import Store


def plans_of(store: Store, company_id: str, *, until: int) -> list[str]:
    """Return the streams of the plans that were run of a company."""
    positions = store.positions_of(
        company_id, until=until, topics=(RetryPlanned.TOPIC,)
    )
    return [stored.stream for stored in store.stored_at(positions)]


def retry_sentences(
    event: RetryEvent, plan: str, transaction_id: str
) -> Iterator[tuple[str, str]]:
    """Yield what became of the transaction in a plan of what is sent again."""
    match event:
        case RetryPlanned():
            for line in event.lines:
                if transaction_id in line.transaction_ids:
                    waits = (
                        "" if line.after is None else f", held for line {line.after}"
                    )
                    yield (
                        "plan",
                        f"to be sent again by line {line.n} of plan {plan}{waits}, says"
                        f" {event.actor}",
                    )
        case LineDispatched():
            if transaction_id in event.transaction_ids:
                what = _PLANNED.get(event.operation, "sent again")
                yield (
                    "plan",
                    f"{what} by line {event.line} of plan {plan}, as request"
                    f" {event.request_id}",
                )
        case LineDropped():
            if transaction_id in event.transaction_ids:
                yield (
                    "plan",
                    f"not sent by line {event.line} of plan {plan}: {event.reason}",
                )
        case RetryEnded():
            return
        case _:  # pragma: no cover
            assert_never(event)


_PLANNED = {"start_sync": "its sync started", "update": "updated again"}
