"""How far a plan is in one company: folded from the events of its stream."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import assert_never

import attrs

from reconcile.domain.events import Event
from reconcile.domain.identity import stream_name, stream_parts
from reconcile.domain.retry_events import (
    LineDispatched,
    LineDropped,
    PlannedLine,
    RetryEnded,
    RetryEvent,
    RetryPlanned,
)
from reconcile.errors import HistoryError
from reconcile.storage.ports import Store


@attrs.frozen(kw_only=True)
class LineProgress:
    """One line: the calls that were made for it, and what of it was dropped, why."""

    calls: tuple[LineDispatched, ...] = ()
    dropped: tuple[LineDropped, ...] = ()

    @property
    def dropped_ids(self) -> frozenset[str]:
        """Return the expenses that were dropped."""
        return frozenset(name for drop in self.dropped for name in drop.transaction_ids)


@attrs.frozen(kw_only=True)
class PlanProgress:
    """A plan in one company, by what was recorded of it."""

    planned: RetryPlanned | None = None
    lines: dict[int, LineProgress] = attrs.field(factory=dict)
    ended_at: datetime | None = None

    def line(self, n: int) -> LineProgress:
        """Return how far one line is."""
        return self.lines.get(n, LineProgress())

    def planned_line(self, n: int) -> PlannedLine | None:
        """Return a line as it was planned, None where the plan has none of it."""
        lines = () if self.planned is None else self.planned.lines
        return next((line for line in lines if line.n == n), None)


def stream_of_plan(company_id: str, digest: str) -> str:
    """Return the stream of a plan in one company."""
    return stream_name("plan", company_id, digest)


def plan_progress(store: Store, company_id: str, digest: str) -> PlanProgress:
    """Return how far a plan is in one company, by the history."""
    stream = stream_of_plan(company_id, digest)
    return folded(recorded.event for recorded in store.stream(stream))


def plans_begun(store: Store) -> Iterator[tuple[str, str]]:
    """Yield company and digest of each plan that was run, in the order of running."""
    positions = store.positions_after(
        0, until=store.position(), topics=(RetryPlanned.TOPIC,)
    )
    for stored in store.stored_at(positions):
        _, company_id, digest = stream_parts(stored.stream)
        yield company_id, digest


def handed_over(
    store: Store, digest: str, *, until: int, as_of: datetime
) -> Iterator[tuple[str, str]]:
    """Yield company and id of each expense that was sent by a plan, up to a moment.

    Events later than the position `until` do not count. One that was sent by two calls
    comes twice.
    """
    companies = (
        company_id for company_id, name in plans_begun(store) if name == digest
    )
    for company_id in dict.fromkeys(companies):
        for recorded in store.stream(stream_of_plan(company_id, digest)):
            call = recorded.event
            known = recorded.position <= until
            if known and isinstance(call, LineDispatched) and call.at <= as_of:
                yield from ((company_id, name) for name in call.transaction_ids)


def folded(events: Iterable[Event]) -> PlanProgress:
    """Return how far a plan is, by the events of one of its streams."""
    progress = PlanProgress()
    for event in events:
        if not isinstance(event, RetryEvent):
            raise HistoryError(f"{event!r} is in a plan's stream, expected its events")
        progress = after_event(progress, event)
    return progress


def after_event(progress: PlanProgress, event: RetryEvent) -> PlanProgress:
    """Return how far a plan is after one more event."""
    match event:
        case RetryPlanned():
            return attrs.evolve(progress, planned=progress.planned or event)
        case LineDispatched():
            line = progress.line(event.line)
            line = attrs.evolve(line, calls=(*line.calls, event))
            return _with_line(progress, event.line, line)
        case LineDropped():
            line = progress.line(event.line)
            line = attrs.evolve(line, dropped=(*line.dropped, event))
            return _with_line(progress, event.line, line)
        case RetryEnded():
            return attrs.evolve(progress, ended_at=event.at)
        case _:  # pragma: no cover
            assert_never(event)


def _with_line(progress: PlanProgress, n: int, line: LineProgress) -> PlanProgress:
    return attrs.evolve(progress, lines={**progress.lines, n: line})
