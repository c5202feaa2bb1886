"""A request, whatever order its facts come in: one answer for all who ask."""

from itertools import permutations
from random import Random

import attrs
import pytest
from hypothesis import given as given_that
from hypothesis import strategies as st

from reconcile.domain.events import LockTaken
from reconcile.domain.request import (
    RequestFact,
    RequestState,
    evolve,
    latest_of_each_kind,
    void_from,
)
from reconcile.domain.vocabulary import RequestOutcome
from reconcile.judgement.attempts import attempts_of
from reconcile.judgement.facts import ItemFacts, Unsettled
from reconcile.judgement.item import Dossier
from tests.builders import at

ASKED, LOST = RequestOutcome.ASKED, RequestOutcome.LOST
REFUSED, THROTTLED = RequestOutcome.REFUSED, RequestOutcome.THROTTLED
ABANDONED, UNSENT = RequestOutcome.ABANDONED, RequestOutcome.UNSENT
ACCEPTED = RequestOutcome.ACCEPTED


def fact(
    outcome: RequestOutcome, minute: float, status: int = 0, operation: str = "create"
) -> RequestFact:
    return RequestFact(outcome, operation, at(minute), status)


def state(*facts: RequestFact) -> RequestState:
    return RequestState(request_id="r1", facts=facts)


def test_a_lock_that_was_taken_moves_the_version_alone() -> None:
    before = state(fact(ASKED, 0))

    after = evolve(before, LockTaken(request_id="r1", at=at(1)))

    assert after == attrs.evolve(before, version=before.version + 1)


@pytest.mark.parametrize(
    ("facts", "in_doubt"),
    [
        ((fact(ASKED, 0),), True),
        ((fact(ASKED, 0), fact(THROTTLED, 1, 429)), True),
        ((fact(ASKED, 0), fact(THROTTLED, 1, 429), fact(UNSENT, 2)), False),
        ((fact(ASKED, 0), fact(LOST, 1)), True),
        ((fact(ASKED, 0), fact(LOST, 1), fact(UNSENT, 2)), False),
        ((fact(ASKED, 0), fact(LOST, 1), fact(ACCEPTED, 2)), False),
        ((fact(ASKED, 0), fact(LOST, 1), fact(ABANDONED, 2)), False),
        ((fact(ASKED, 0), fact(REFUSED, 1, 401)), False),
        ((fact(ASKED, 0), fact(REFUSED, 1, 409)), True),
        ((fact(ASKED, 0), fact(REFUSED, 1, 409), fact(REFUSED, 2, 400)), False),
        ((fact(ASKED, 0), fact(REFUSED, 1, 409), fact(ACCEPTED, 2)), False),
        ((fact(ASKED, 0), fact(LOST, 1), fact(REFUSED, 2, 401)), True),
        ((fact(ASKED, 0), fact(REFUSED, 1, 401), fact(LOST, 2)), True),
        ((fact(ASKED, 0), fact(LOST, 1), fact(REFUSED, 2, 400)), False),
        ((fact(ASKED, 0), fact(LOST, 1), fact(REFUSED, 92, 400)), True),
        ((fact(ASKED, 0), fact(LOST, 3), fact(REFUSED, 2, 400)), True),
        (
            (
                fact(ASKED, 0, operation="update"),
                fact(LOST, 1, operation="update"),
                fact(REFUSED, 2, 422, operation="update"),
            ),
            True,
        ),
    ],
)
def test_a_request_is_in_doubt_while_it_may_have_been_carried_out(
    facts: tuple[RequestFact, ...], in_doubt: bool
) -> None:
    for order in permutations(facts):
        assert state(*order).in_doubt is in_doubt


FACTS = st.lists(
    st.builds(
        fact,
        st.sampled_from(RequestOutcome),
        st.integers(0, 200),
        st.sampled_from([0, 400, 401, 409, 422]),
        st.sampled_from(["create", "update"]),
    ),
    min_size=1,
    max_size=6,
)


@given_that(FACTS, st.randoms())
def test_judgement_and_dispatch_ask_one_state_whatever_the_order(
    facts: list[RequestFact], chance: Random
) -> None:
    shuffled = list(facts)
    chance.shuffle(shuffled)
    dossier = Dossier(
        company_id="c1",
        transaction_id="t1",
        facts=ItemFacts(
            unsettled=tuple(
                Unsettled("r1", f.outcome, f.operation, f.at, f.http_status, None, n)
                for n, f in enumerate(shuffled)
            )
        ),
        syncs={},
        datasets={},
    )

    standing = {
        attempt.write.outcome
        for attempt in attempts_of(dossier)
        if attempt.write is not None and attempt.void_from is None
    }

    assert standing == state(*facts).outcomes - {ACCEPTED}


def test_a_request_is_unanswered_while_only_the_rate_limit_spoke() -> None:
    assert state(fact(ASKED, 0), fact(THROTTLED, 1, 429)).unanswered
    assert not state(fact(ASKED, 0), fact(REFUSED, 1, 401)).unanswered
    assert not state().unanswered


def test_refusals_of_one_try_are_a_kind_of_their_own() -> None:
    facts = [fact(REFUSED, 1, 401), fact(REFUSED, 2, 400), fact(REFUSED, 3, 403)]

    assert latest_of_each_kind(facts) == [facts[1], facts[2]]
    assert void_from(facts[0], facts) == at(2)
