"""A person's word that nothing came of a request: it ends doubt, and no more."""

from itertools import permutations
from typing import NamedTuple

import pytest

from reconcile.domain.events import (
    Event,
    SyncAbandoned,
    SyncAnswerLost,
    SyncInitiated,
    SyncRequested,
)
from reconcile.domain.identity import stream_name
from reconcile.domain.observations import ExpectedTransaction
from tests.builders import COMPANY, at
from tests.judgement.dossiers import (
    DEADLINE,
    SUCCESSFUL,
    Entry,
    T,
    created,
    judged,
    page_read,
    pushed,
    said_of,
    started,
    status_read,
    unsettled,
    webhook_read,
)
from tests.judgement.memory import Memory

ASKED = unsettled(1, "asked", status=0, request="r1")
LOST = unsettled(2, "lost", status=0, request="r1")
AGAIN = unsettled(4, "lost", status=0, request="r1")
BUSY = unsettled(3, "refused", status=409, request="r1")
ABANDONED = unsettled(10, "abandoned", status=0, request="r1")
ACCEPTED = unsettled(12, "accepted", status=0, request="r1")
C, P = ("Completed",), ("PushError",)
CLAIM = f"One or more transactions have previously been processed: {T}"
MOMENTS = (1.5, 2.5, 3.5, 4.5, 11, 13, DEADLINE + 20)


# What it does not outweigh


def test_an_answer_that_accepts_outweighs_it_whenever_it_came() -> None:
    written = (created(3), status_read(5, 2000), page_read(6, C))
    early = unsettled(3, "accepted", status=0, request="r1")

    assert said_of(ASKED, LOST, early, *written, ABANDONED) == ("matched", None)
    assert said_of(ASKED, LOST, ABANDONED, ACCEPTED, created(12)) == ("open", None)


@pytest.mark.parametrize("minute", [3, 12])
def test_a_refusal_that_speaks_for_the_request_outweighs_it(minute: float) -> None:
    refused = unsettled(minute, "refused", status=400, request="r1")

    item = judged(ASKED, LOST, ABANDONED, refused)

    assert (item.kind, item.attempts) == ("FAILED", 1)


def test_what_its_sync_did_after_all_is_judged_as_ever() -> None:
    before = (ASKED, LOST, ABANDONED)

    assert said_of(*before, status_read(15, 2000), page_read(16, C)) == (
        "matched",
        None,
    )
    assert said_of(*before, status_read(15, 5130), page_read(16, P)) == (
        "break",
        "FAILED",
    )
    assert said_of(*before, webhook_read(15, SUCCESSFUL, "Completed")) == (
        "matched",
        None,
    )


def test_what_was_sent_again_and_was_there_already_is_no_failure() -> None:
    """Law 2: the person was wrong, and the first request's sync was never read."""
    again = (
        created(20, "s2"),
        status_read(21, 5080, "s2"),
        page_read(22, (*P, "", CLAIM)),
    )

    assert said_of(ASKED, LOST, ABANDONED, *again)[1] == "CONFLICTING"


def test_the_request_of_another_id_stays_in_doubt() -> None:
    other = unsettled(2, "lost", status=0, request="r2")

    assert said_of(ASKED, LOST, ABANDONED, other) == ("break", "INDETERMINATE")


# What it ends


@pytest.mark.parametrize("left", [(ASKED,), (ASKED, LOST), (ASKED, BUSY, AGAIN)])
def test_what_was_in_doubt_is_as_if_it_had_never_been_sent(
    left: tuple[Entry, ...],
) -> None:
    unsent = unsettled(10, "unsent", status=0, request="r1")

    item = judged(*left, ABANDONED)

    assert (item.state, item.attempts) == ("open", 0)
    assert item.verdict == "RESEND"
    assert item == judged(*left, unsent)
    assert said_of(*left, ABANDONED, as_of=DEADLINE + 20) == ("break", "STUCK")


def test_until_then_it_was_in_doubt() -> None:
    late = unsettled(30, "abandoned", status=0, request="r1")

    assert said_of(ASKED, LOST, late, as_of=9) == ("open", None)
    assert said_of(ASKED, LOST, late, as_of=20) == ("break", "INDETERMINATE")


def test_a_lost_answer_says_nothing_and_brings_no_doubt_back() -> None:
    late = unsettled(15, "lost", status=0, request="r1")

    assert said_of(ASKED, LOST, ABANDONED, late) == ("open", None)


def test_a_request_to_sync_a_dataset_is_abandoned_for_all_it_holds() -> None:
    def enter(minute: float, outcome: str) -> Entry:
        return unsettled(minute, outcome, status=0, request="r1", dataset="d1")

    item = judged(
        pushed(0), enter(1, "asked"), enter(2, "lost"), enter(10, "abandoned")
    )

    assert (item.state, item.attempts) == ("open", 0)


def test_sent_again_it_is_one_attempt() -> None:
    item = judged(
        *(ASKED, LOST, ABANDONED, created(20)),
        *(status_read(21, 2000), page_read(22, C)),
    )

    assert (item.state, item.attempts) == ("matched", 1)


# Law 1


@pytest.mark.parametrize(
    "result",
    [
        (ASKED, LOST, ABANDONED, ACCEPTED),
        (ASKED, LOST, BUSY, AGAIN, ABANDONED),
        (ASKED, LOST, AGAIN, unsettled(5, "refused", request="r1"), ABANDONED),
        (
            pushed(0),
            started(12),
            unsettled(2, "lost", dataset="d1", request="r1"),
            LOST,
        ),
    ],
    ids=["accepted", "one try", "refused", "dataset"],
)
def test_the_order_in_which_it_is_told_does_not_matter(
    result: tuple[Entry, ...],
) -> None:
    for moment in MOMENTS:
        items = [
            judged(*permutation, as_of=moment) for permutation in permutations(result)
        ]

        assert items == items[:1] * len(items), moment


def test_the_order_in_which_events_are_recorded_does_not_matter() -> None:
    request = stream_name("request", COMPANY, "r1")
    sync = stream_name("sync", COMPANY, "s1")
    what = _What("create", (), (NAMED,))
    events: list[tuple[str, Event]] = [
        (request, SyncRequested(**what._asdict(), actor="ann", at=at(1))),
        (
            request,
            SyncAnswerLost(
                **what._asdict(), http_status=0, words=None, at=at(2), evidence=""
            ),
        ),
        (
            request,
            SyncAbandoned(**what._asdict(), actor="bea", reason="none", at=at(10)),
        ),
        (
            sync,
            SyncInitiated(
                **what._asdict(), whole=True, request_id="r1", at=at(12), evidence=""
            ),
        ),
    ]

    result = [
        [memory.report(at(moment)) for moment in MOMENTS]
        for memory in (_recorded(permutation) for permutation in permutations(events))
    ]

    assert result == result[:1] * len(result)
    assert [report.items[0].item.state for report in result[0]] == [
        *("open", "open", "open", "open", "open", "open", "break"),
    ]


class _What(NamedTuple):
    """What a request and all that is told of it have in common."""

    operation: str
    dataset_ids: tuple[str, ...]
    transactions: tuple[ExpectedTransaction, ...]


NAMED = ExpectedTransaction(
    transaction_id=T,
    kind=None,
    amount=None,
    currency=None,
    issue_date=None,
    merchant=None,
    digest="",
)


def _recorded(events: tuple[tuple[str, Event], ...]) -> Memory:
    memory = Memory()
    for stream, event in events:
        memory.record(stream, event)
    return memory
