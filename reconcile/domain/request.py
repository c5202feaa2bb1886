"""The SyncRequest stream: a write of ours, from our intent to what became of it.

A write that carries the id of an intent (`Idempotency-Key`) is recorded in the intent's
stream, any other in one of its own. Its acceptance is recorded by its sync or dataset.

What is known of a request is a set of facts, and what stands of them depends on that
set alone: judgement asks it of the facts up to a moment, dispatch of all of them.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol, TypeVar, assert_never

import attrs

from reconcile.domain.decider import Decider
from reconcile.domain.events import (
    LockTaken,
    RequestEvent,
    SyncAbandoned,
    SyncAnswerLost,
    SyncRecovered,
    SyncRefused,
    SyncRequested,
    SyncThrottled,
    SyncUnsent,
    UnsettledEvent,
)
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import ExpectedTransaction, WriteUnsettled
from reconcile.domain.vocabulary import OF_ONE_TRY, RequestOutcome

REPLAYED_FOR: Final = timedelta(minutes=90)
"""How long Codat answers an `Idempotency-Key` as it first did.

Source: Codat docs, Idempotency in Codat's API calls (read 2026-11-22).
"""
SAME_CALL_RUNS: Final = 409
"""The status that says: a call with this `Idempotency-Key` is still under way.

Source: as above.
"""
UNDER_WAY: Final = timedelta(minutes=5)
"""How long a call may be under way: when it is older, its process has died with it."""
PASSES_OVER_THE_KEY: Final = ("update", "put")
"""Operations by PUT, which takes no `Idempotency-Key`. Source: as above."""


class Fact(Protocol):
    """One thing known of a request, whoever holds it."""

    @property
    def outcome(self) -> RequestOutcome:
        """What became of the request, by this fact."""
        ...

    @property
    def operation(self) -> str:
        """What was asked for."""
        ...

    @property
    def at(self) -> datetime:
        """The effective time."""
        ...

    @property
    def http_status(self) -> int:
        """The answer's status, 0 where there was none."""
        ...

    @property
    def words(self) -> str | None:
        """Codat's words."""
        ...


F = TypeVar("F", bound=Fact)


class Asked(Protocol):
    """What a request asks for."""

    @property
    def operation(self) -> str:
        """The call, such as "create"."""
        ...

    @property
    def dataset_ids(self) -> tuple[str, ...]:
        """The datasets it names."""
        ...

    @property
    def transactions(self) -> tuple[ExpectedTransaction, ...]:
        """The expenses it names."""
        ...

    @property
    def at(self) -> datetime:
        """When it was made, or first answered."""
        ...


class RequestFact(NamedTuple):
    """One thing known of a request, as its own stream has it."""

    outcome: RequestOutcome
    operation: str
    at: datetime
    http_status: int = 0
    words: str | None = None


def of_one_try(fact: Fact) -> bool:
    """Return whether it is a refusal of one try alone: of a key, a plan, a conflict."""
    refused = fact.outcome is RequestOutcome.REFUSED
    return refused and fact.http_status in OF_ONE_TRY


def leaves_open(fact: Fact) -> bool:
    """Return whether an answer leaves open what came of the call.

    It was lost, or it says that the same call is under way (409): what comes of that is
    another answer's to say.
    """
    if fact.outcome is RequestOutcome.REFUSED:
        return fact.http_status == SAME_CALL_RUNS
    return fact.outcome is RequestOutcome.LOST


def latest_of_each_kind(facts: Iterable[F]) -> list[F]:
    """Return the latest fact of each outcome of one request.

    Refusals of one try are of a kind of their own.
    """
    latest: dict[tuple[RequestOutcome, bool], F] = {}
    for fact in sorted(facts, key=_rank):
        latest[fact.outcome, of_one_try(fact)] = fact
    return [fact for _, fact in sorted(latest.items())]


def void_from(fact: Fact, facts: Iterable[Fact]) -> datetime | None:
    """Return since when a fact counts no more, None while it stands.

    `facts` are all that are known of its request. A refusal of one try says nothing
    where another try was lost before it.
    """
    others = list(facts)
    if of_one_try(fact) and any(
        other.outcome is RequestOutcome.LOST and other.at <= fact.at for other in others
    ):
        return fact.at
    outweighing = [o for o in latest_of_each_kind(others) if _outweighs(o, fact)]
    return min((other.at for other in outweighing), default=None)


def _rank(fact: Fact) -> tuple[datetime, int, str]:
    return fact.at, fact.http_status, repr((fact.words, fact.operation))


def _outweighs(other: Fact, fact: Fact) -> bool:
    """Return whether a fact leaves nothing of another one of the same request.

    That it was accepted, or never sent, outweighs all, and any answer but a rate limit
    the intent: the next try may be under way, or its answer lost with its process. A
    final refusal is Codat's answer to a lost try too, while it replays answers. A
    person's decision that nothing came of it outweighs what left it in doubt, and no
    answer of Codat's.
    """
    asked = fact.outcome is RequestOutcome.ASKED
    match other.outcome:
        case RequestOutcome.ACCEPTED | RequestOutcome.UNSENT:
            return other.outcome is not fact.outcome
        case RequestOutcome.ABANDONED:
            return asked or fact.outcome is RequestOutcome.LOST or of_one_try(fact)
        case RequestOutcome.REFUSED if not of_one_try(other):
            return asked or of_one_try(fact) or _answers(other, fact)
        case RequestOutcome.REFUSED | RequestOutcome.LOST:
            return asked
        case RequestOutcome.ASKED | RequestOutcome.THROTTLED:
            return False  # after a rate limit the same call is made again
        case _:  # pragma: no cover
            assert_never(other.outcome)


def _answers(refusal: Fact, lost: Fact) -> bool:
    """Return whether a final refusal is the answer to a try whose own was lost."""
    return (
        leaves_open(lost)
        and lost.operation not in PASSES_OVER_THE_KEY
        and lost.at <= refusal.at <= lost.at + REPLAYED_FOR
    )


@attrs.frozen(kw_only=True)
class RequestState:
    """One request of ours, and what is known of it."""

    request_id: str = ""
    version: int = 0  # of its stream
    intent: SyncRequested | None = None
    facts: tuple[RequestFact, ...] = ()
    sync_id: str | None = None
    answered: Asked | None = None  # its earliest answer that settled nothing

    @property
    def asked(self) -> Asked | None:
        """Return what was asked for: by our intent, else by a call that was captured.

        None where its acceptance alone is known.
        """
        return self.intent or self.answered

    @property
    def outcomes(self) -> frozenset[RequestOutcome]:
        """Return the outcomes that stand: those that no other fact makes void."""
        return frozenset(fact.outcome for fact in self._standing)

    @property
    def _standing(self) -> list[RequestFact]:
        return [
            fact
            for fact in latest_of_each_kind(self.facts)
            if void_from(fact, self.facts) is None
        ]

    @property
    def accepted(self) -> bool:
        """Return whether Codat accepted it."""
        return RequestOutcome.ACCEPTED in self.outcomes

    @property
    def abandoned(self) -> bool:
        """Return whether a person decided that nothing came of it, and nothing did."""
        return RequestOutcome.ABANDONED in self.outcomes

    @property
    def lost(self) -> bool:
        """Return whether an answer was lost, and nothing has taken its place."""
        return any(map(leaves_open, self._standing))

    @property
    def in_doubt(self) -> bool:
        """Return whether it may have been carried out, and nobody knows."""
        return self.lost or RequestOutcome.ASKED in self.outcomes

    @property
    def unanswered(self) -> bool:
        """Return whether no answer came of it yet: it is, or was, under way.

        A rate limit is no answer: the same call is made again.
        """
        outcomes = {fact.outcome for fact in self.facts}
        return outcomes - {RequestOutcome.THROTTLED} == {RequestOutcome.ASKED}

    def with_acceptance(
        self, operation: str, *, at: datetime, sync_id: str | None
    ) -> "RequestState":
        """Return the state after another stream has recorded that it was accepted."""
        fact = RequestFact(RequestOutcome.ACCEPTED, operation, at)
        return attrs.evolve(self, facts=(*self.facts, fact), sync_id=sync_id)


def decide(
    _state: RequestState, seen: WriteUnsettled, *, evidence: str
) -> tuple[RequestEvent, ...]:
    """Return the outcome of the write; evidence already known never comes here."""
    more = {} if seen.not_before is None else {"not_before": seen.not_before}
    return (
        _EVENTS[seen.outcome](
            **more,
            operation=seen.operation,
            http_status=seen.http_status,
            words=seen.words,
            dataset_ids=seen.dataset_ids,
            transactions=seen.transactions,
            at=seen.at,
            evidence=evidence,
        ),
    )


_EVENTS: Final[
    dict[
        RequestOutcome, type[SyncRefused | SyncAnswerLost | SyncThrottled | SyncUnsent]
    ]
] = {
    RequestOutcome.REFUSED: SyncRefused,
    RequestOutcome.LOST: SyncAnswerLost,
    RequestOutcome.THROTTLED: SyncThrottled,
    RequestOutcome.UNSENT: SyncUnsent,
}


def evolve(state: RequestState, event: RequestEvent) -> RequestState:
    """Return `state` as it stands after one more event."""
    state = attrs.evolve(state, version=state.version + 1)
    match event:
        case SyncRequested():
            state = attrs.evolve(state, intent=event)
        case SyncRecovered():
            at, sync_id = event.requested_at, event.sync_id
            return state.with_acceptance(event.operation, at=at, sync_id=sync_id)
        case LockTaken():
            return state
        case (
            SyncRefused()
            | SyncAnswerLost()
            | SyncThrottled()
            | SyncUnsent()
            | SyncAbandoned()
        ):
            pass
        case _:  # pragma: no cover
            assert_never(event)
    if isinstance(event, UnsettledEvent):
        known = state.answered
        if known is None or event.at < known.at:
            state = attrs.evolve(state, answered=event)
    answer = None if isinstance(event, SyncRequested | SyncAbandoned) else event
    fact = RequestFact(
        OUTCOME_OF[type(event)],
        event.operation,
        event.at,
        0 if answer is None else answer.http_status,
        None if answer is None else answer.words,
    )
    return attrs.evolve(state, facts=(*state.facts, fact))


OUTCOME_OF: Final[dict[type[RequestEvent], RequestOutcome]] = {
    SyncRequested: RequestOutcome.ASKED,
    SyncRecovered: RequestOutcome.ACCEPTED,
    SyncRefused: RequestOutcome.REFUSED,
    SyncAnswerLost: RequestOutcome.LOST,
    SyncThrottled: RequestOutcome.THROTTLED,
    SyncUnsent: RequestOutcome.UNSENT,
    SyncAbandoned: RequestOutcome.ABANDONED,
}


def stream_of(seen: WriteUnsettled) -> str:
    """Return the request's stream."""
    return stream_name("request", seen.company_id, seen.request_id)


DECIDER: Final = Decider(
    observations=(WriteUnsettled,),
    initial=RequestState(),
    decide=decide,
    evolve=evolve,
    stream_of=stream_of,
)
