"""The calls of a plan's lines: how each stands, a new one made once, a lost one again.

A call is recorded in the plan's stream in the same transaction as its intent.
"""

import enum
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from reconcile.codat.client.answers import Answer
from reconcile.codat.requests import Request, start_sync
from reconcile.codat.resending import sent_again
from reconcile.domain.instants import later
from reconcile.domain.request import REPLAYED_FOR, RequestState
from reconcile.domain.retry_events import LineDispatched, LineDropped
from reconcile.domain.vocabulary import OF_ONE_TRY, RequestOutcome
from reconcile.errors import CodatUnavailable, UsageError
from reconcile.live.dispatch import Dispatch
from reconcile.retries.payloads import Payloads
from reconcile.retries.plan import Operation, Plan, PlanLine
from reconcile.retries.progress import (
    LineProgress,
    after_event,
    plan_progress,
    stream_of_plan,
)
from reconcile.storage.ports import VersionConflictError

_MARGIN: Final = timedelta(minutes=5)
"""So long before Codat forgets a key, nothing is asked again under it."""
_CALLS: Final = uuid.UUID("8f9a1c0e-6f5c-4a52-9a53-6d0f4f1b7a10")
PUSH: Final = Operation.PUSH.value


class StoppedError(Exception):
    """Nothing more can be sent now; the text says why, `wait_s` how long to wait."""

    def __init__(self, reason: str, wait_s: float | None = None) -> None:
        super().__init__(reason)
        self.wait_s = wait_s


class PlanChangedError(Exception):
    """Another worker has gone on with the plan meanwhile: look at it again."""


class CallState(enum.Enum):
    """How the last call of a line stands."""

    NONE = "none"  # or it did nothing: the line may be sent
    SAME = "same"  # lost: asked again under its key, Codat tells, or carries it out
    REFUSED = "refused"
    ACCEPTED = "accepted"
    IN_DOUBT = "in doubt"


def request_id_of(digest: str, n: int, operation: str, number: int) -> str:
    """Return the id of a line's call; `number` counts those that did nothing before."""
    return str(uuid.uuid5(_CALLS, f"{digest} {n} {operation} {number}"))


class LineCalls:
    """The calls of one company's lines; `sent` counts those made by this object."""

    def __init__(self, dispatch: Dispatch, plan: Plan, company_id: str) -> None:
        self._dispatch = dispatch
        self._plan = plan
        self._company_id = company_id
        self._digest = plan.digest
        self._store = dispatch.history.store
        self._stream = stream_of_plan(company_id, self._digest)
        self._version = self._store.version_of(self._stream)
        self._progress = plan_progress(self._store, company_id, self._digest)
        self._read_at = -1  # the position at which payloads were read
        self._states: dict[str, RequestState] = {}
        self._datasets: dict[str, str] = {}  # by request
        self.sent = 0
        self.dropped = 0

    @property
    def is_ended(self) -> bool:
        """Return whether the plan has ended in the company."""
        return self._progress.ended_at is not None

    def load(self) -> None:
        """Read how far the plan is, and what is known of its calls."""
        self._version = self._store.version_of(self._stream)
        self._progress = plan_progress(self._store, self._company_id, self._digest)
        self._read_ledger()

    def check(self, lines: Sequence[PlanLine]) -> None:
        """Hold a plan's lines against what was ever sent.

        Raises:
            UsageError: the plan is of another store.

        """
        self._read_payloads()
        for line in lines:
            unknown = self.payloads.unknown(line)
            if unknown:
                raise UsageError(
                    f"plan {self._digest} is of another store: expense {unknown[0]} of"
                    f" company {self._company_id} is not known, expected a plan that"
                    " was made of this one"
                )

    def progress(self, line: PlanLine) -> LineProgress:
        """Return how far a line is."""
        return self._progress.line(line.n)

    def left_of(self, line: PlanLine) -> list[str]:
        """Return the expenses of a line that were not dropped."""
        dropped = self.progress(line).dropped_ids
        return [name for name in line.transactions if name not in dropped]

    def dataset_of(self, line: PlanLine) -> str | None:
        """Return the dataset that a line's last push made, None where none is known."""
        pushed = self._pushes(line)
        return self._datasets.get(pushed[-1].request_id) if pushed else None

    def pushed_at(self, line: PlanLine) -> datetime:
        """Return when a line's last push was made, which it has."""
        return self._pushes(line)[-1].at

    def _pushes(self, line: PlanLine) -> list[LineDispatched]:
        return [c for c in self.progress(line).calls if c.operation == PUSH]

    def sent_since(
        self, line: PlanLine, names: Collection[str], moment: datetime
    ) -> frozenset[str]:
        """Return those expenses that calls since a moment sent, but for the line's own.

        A call that came to nothing, and a push, which writes nothing, do not count.
        """
        own = {call.request_id for call in self.progress(line).calls}
        ledger = self._dispatch.ledger(self._company_id)
        found: set[str] = set()
        for state in ledger.states:
            asked = state.asked
            if asked is None or asked.operation == PUSH or asked.at <= moment:
                continue
            if state.request_id not in own and not _came_to_nothing(state):
                found |= ledger.names(asked) & {*names}
        return frozenset(found)

    def state(self, call: LineDispatched) -> CallState:
        """Return how a call stands, by the ledger."""
        if call.request_id not in self._states:
            self._read_ledger()
        state = self._states.get(call.request_id)
        if state is None:
            return CallState.IN_DOUBT
        if state.accepted:
            return CallState.ACCEPTED
        if RequestOutcome.UNSENT in state.outcomes:
            return CallState.NONE
        if state.in_doubt:
            asked_at = min(fact.at for fact in state.facts)
            forgotten = later(asked_at, REPLAYED_FOR - _MARGIN)
            is_put = call.operation in (Operation.UPDATE, Operation.PUT)
            if is_put or self._dispatch.now() >= forgotten:
                return CallState.IN_DOUBT
            return CallState.SAME
        outcome = RequestOutcome.REFUSED
        refused = [fact for fact in state.facts if fact.outcome is outcome]
        if refused and all(fact.http_status in OF_ONE_TRY for fact in refused):
            return CallState.NONE
        return CallState.REFUSED

    def make(
        self,
        line: PlanLine,
        operation: str,
        names: tuple[str, ...],
        request: Request,
        check: Callable[[], None],
    ) -> CallState:
        """Make a new call of a line; `check` is made again under the company's lock.

        Raises:
            StoppedError: nothing more can be sent now.
            AlreadyMadeError: another worker made it.
            InDoubtError: what it names is in doubt.
            BusyError: a sync runs that excludes it.

        """
        before = self.progress(line).calls
        number = sum(1 for call in before if call.operation == operation)
        event = LineDispatched(
            line=line.n,
            request_id=request_id_of(self._digest, line.n, operation, number),
            operation=operation,
            transaction_ids=names,
            at=self._dispatch.now(),
        )
        try:
            sent = self._dispatch.send(
                request,
                request_id=event.request_id,
                check=check,
                beside=[(self._stream, event)],
            )
        except CodatUnavailable as error:
            self._take(event)
            raise StoppedError(str(error), error.wait_s) from error
        self._take(event)
        return self._answered(line, event, sent.answer)

    def make_again(self, line: PlanLine, call: LineDispatched) -> CallState:
        """Ask again under the key of a call whose answer never came.

        Raises:
            StoppedError: nothing more can be sent now.

        """
        request = self._same_request(line, call)
        if request is None:
            return CallState.IN_DOUBT
        try:
            sent = self._dispatch.send_same(request, request_id=call.request_id)
        except CodatUnavailable as error:
            raise StoppedError(str(error), error.wait_s) from error
        except UsageError:
            return CallState.IN_DOUBT
        self.sent += 1
        return self._answered(line, call, sent.answer)

    def request_of(self, line: PlanLine, expenses: Mapping[str, object]) -> Request:
        """Return the request of a line that sends some of its expenses.

        Raises:
            UsageError: there is no such request.

        """
        if line.operation is Operation.START_SYNC:
            return start_sync(self._company_id, line.datasets)
        operation = line.operation.value
        return sent_again(operation, line.noun, self._company_id, [*expenses.items()])

    def drop(self, line: PlanLine, reasons: Mapping[str, str]) -> None:
        """Record that expenses of a line are not sent, and why.

        Raises:
            PlanChangedError: another worker went on with the plan; it was read anew.

        """
        by_reason: dict[str, list[str]] = {}
        for name, reason in reasons.items():
            by_reason.setdefault(reason, []).append(name)
        for reason, names in by_reason.items():
            now = self._dispatch.now()
            event = LineDropped(
                line=line.n, transaction_ids=tuple(names), reason=reason, at=now
            )
            try:
                self._dispatch.history.append_one(
                    self._stream, event, now=now, after=self._version
                )
            except VersionConflictError as error:
                self.load()
                raise PlanChangedError from error
            self._version += 1
            self.dropped += len(names)
            self._progress = after_event(self._progress, event)

    def _answered(
        self, line: PlanLine, call: LineDispatched, answer: Answer
    ) -> CallState:
        if not answer.accepted:
            if answer.status in OF_ONE_TRY:
                raise StoppedError(f"Codat refused line {line.n} with {answer.status}")
            return CallState.REFUSED
        if call.operation == PUSH:
            self._datasets[call.request_id] = answer.named("datasetId")
        return CallState.ACCEPTED

    def _same_request(self, line: PlanLine, call: LineDispatched) -> Request | None:
        """Return the request of a call as it was made, None where it is not known."""
        starts = call.operation == Operation.START_SYNC
        if starts and line.operation is Operation.PUSH:
            dataset_id = self.dataset_of(line)
            return (dataset_id and start_sync(self._company_id, [dataset_id])) or None
        expenses = self.payloads.of_line(line, call.transaction_ids)
        if {*expenses} != {*call.transaction_ids}:
            return None
        return self.request_of(line, expenses)

    def _take(self, event: LineDispatched) -> None:
        self.sent += 1
        self._version += 1
        self._progress = after_event(self._progress, event)

    def _read_payloads(self) -> None:
        if self._store.position() != self._read_at:
            self._read_at = self._store.position()
            now = self._dispatch.now()
            self.payloads = Payloads.of(
                self._store, self._plan, self._company_id, now=now
            )

    def _read_ledger(self) -> None:
        self._read_payloads()
        states = self._dispatch.ledger(self._company_id).states
        self._states = {state.request_id: state for state in states}
        for calls in self.payloads.sendings.calls.values():
            for call in calls:
                if call.dataset_id is not None and call.request_id is not None:
                    self._datasets[call.request_id] = call.dataset_id


def _came_to_nothing(state: RequestState) -> bool:
    """Return whether a call is known not to have been taken."""
    outcomes = {fact.outcome for fact in state.facts}
    is_throttled = RequestOutcome.THROTTLED in outcomes and outcomes <= _TURNED_AWAY
    return is_throttled or RequestOutcome.UNSENT in state.outcomes


_TURNED_AWAY: Final = {RequestOutcome.ASKED, RequestOutcome.THROTTLED}
