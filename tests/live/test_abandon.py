"""What nothing else ends the doubt of, a person may abandon: wrong ways first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

from reconcile import Exchange
from reconcile.cases import requests
from reconcile.codat.client.answers import Answer
from reconcile.codat.requests import Request, create_expenses, push_dataset
from reconcile.errors import CodatUnavailable, InDoubtError, UsageError
from reconcile.readmodels.requests import RequestsInDoubt
from reconcile.report.story import story_data
from reconcile.report.wire import to_data
from reconcile.sandbox import Sandbox
from tests.live.office import COMPANY, Office, expense, office_with

pytestmark = pytest.mark.usefixtures("engine")


ONE = "11111111-1111-4111-8111-111111111111"
KEY = "99999999-9999-4999-8999-999999999999"
OTHER = "88888888-8888-4888-8888-888888888888"
CREATE = create_expenses(COMPANY, [expense(ONE)])
WHY = "the portal has nothing of it"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(), tmp_path) as created:
        yield created


def lost(_: Request) -> Answer:
    raise CodatUnavailable("no answer")


def lose(office: Office, request: Request = CREATE) -> None:
    """Send what never arrives, and let ten minutes pass."""
    with pytest.raises(CodatUnavailable):
        attrs.evolve(office.dispatch, ask=lost).send(request, request_id=KEY)
    office.wait(minutes=10)


def abandon(office: Office, request_id: str = KEY) -> None:
    office.books.abandon(COMPANY, request_id, actor="ann", reason=WHY)


def answer_with(office: Office, status: int, answer: bytes | None = None) -> None:
    """Record an exchange under the key of the request."""
    office.books.record(
        Exchange(
            method="POST",
            url=f"https://api.codat.io{CREATE.path}",
            request_headers=(("Idempotency-Key", KEY),),
            request_body=CREATE.body,
            status=status,
            response_body=answer,
            observed_at=office.sandbox.now,
        )
    )


def doubts(office: Office) -> list[str]:
    stored = RequestsInDoubt(office.books.store)
    stored.catch_up()
    assert stored.companies() == ([COMPANY] if stored.of(COMPANY) else [])
    return [item.request_id for item in stored.of(COMPANY)]


# What cannot be abandoned


@pytest.mark.parametrize(("actor", "reason"), [("", WHY), ("ann", " "), ("\n", "")])
def test_nobody_and_no_reason_abandon_nothing(
    office: Office, actor: str, reason: str
) -> None:
    lose(office)

    with pytest.raises(UsageError, match="is blank, expected"):
        office.books.abandon(COMPANY, KEY, actor=actor, reason=reason)

    assert doubts(office) == [KEY]


def test_a_request_nobody_made_is_not_abandoned(office: Office) -> None:
    lose(office)

    with pytest.raises(UsageError, match=f"has no request '{OTHER}'"):
        abandon(office, OTHER)
    with pytest.raises(UsageError, match="has no request"):
        office.books.abandon("elsewhere", KEY, actor="ann", reason=WHY)


def test_what_codat_answered_is_not_abandoned(office: Office) -> None:
    office.dispatch.send(CREATE, request_id=KEY)
    office.wait(minutes=10)

    with pytest.raises(UsageError, match="is not in doubt"):
        abandon(office)


def test_what_is_abandoned_is_not_abandoned_again(office: Office) -> None:
    lose(office)
    abandon(office)
    position = office.books.store.position()

    with pytest.raises(UsageError, match="is not in doubt"):
        abandon(office)

    assert office.books.store.position() == position


@pytest.mark.parametrize("heard", [False, True], ids=["unheard", "lost"])
def test_what_may_be_under_way_is_not_abandoned_yet(
    office: Office, heard: bool
) -> None:
    """An answer that was lost may be asked for again, under the same key."""
    asked = office.sandbox.now
    lose(office)
    office.sandbox.clock.now = asked + timedelta(minutes=4)
    if heard:
        answer_with(office, 0)

    with pytest.raises(UsageError, match="may be under way: it can be abandoned from"):
        abandon(office)


def test_what_is_heard_of_meanwhile_is_looked_at_again(office: Office) -> None:
    lose(office)

    def now() -> datetime:
        answer_with(office, 0)
        return office.sandbox.now

    with pytest.raises(UsageError, match="meanwhile: look again"):
        requests.abandon(
            office.dispatch.history, COMPANY, KEY, actor="ann", reason=WHY, now=now
        )

    assert doubts(office) == [KEY]


# What holds then


def test_what_was_abandoned_may_be_sent_again(office: Office) -> None:
    lose(office)
    office.books.recover(office.client.ask, COMPANY, actor="tests")
    with pytest.raises(InDoubtError):
        office.dispatch.send(CREATE)
    office.wait(minutes=1)

    abandon(office, KEY.upper())

    assert office.states() == {ONE: ("open", None)}
    assert (doubts(office), office.dispatch.in_doubt(COMPANY)) == ([], [])
    assert office.books.recover(office.client.ask, COMPANY, actor="tests") == []
    office.dispatch.send(CREATE)
    office.wait(minutes=1)
    office.read()
    assert office.states() == {ONE: ("matched", None)}
    assert [book.item.attempts for book in office.books.items()] == [1]
    entry = office.sandbox.books.entry(COMPANY, ONE)
    assert entry is not None
    assert entry.times == 1


def test_the_sync_of_an_abandoned_request_is_not_taken_for_a_later_ones(
    office: Office,
) -> None:
    """The person was wrong: it had arrived."""
    office.line.lose_answers = 99
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(CREATE, request_id=KEY)
    office.wait(minutes=10)
    abandon(office)
    with pytest.raises(CodatUnavailable):
        attrs.evolve(office.dispatch, ask=lost).send(CREATE, request_id=OTHER)
    office.wait(minutes=10)

    (found,) = office.books.recover(office.client.ask, COMPANY, actor="tests")

    assert (found.request_id, found.sync_id) == (OTHER, None)
    assert len(office.sandbox.companies[COMPANY].syncs) == 1
    office.read()
    assert office.states() == {ONE: ("matched", None)}


def test_a_dataset_whose_answer_was_lost_may_be_abandoned_too(office: Office) -> None:
    lose(office, push_dataset(COMPANY, [expense(ONE)]))
    office.dispatch.mark_stale_calls_lost(COMPANY)
    office.wait(minutes=20)
    assert office.states() == {ONE: ("break", "INDETERMINATE")}

    abandon(office)

    assert office.states() == {ONE: ("open", None)}


def test_what_sends_may_abandon_as_well(office: Office) -> None:
    lose(office)
    office.wait(minutes=10)

    office.dispatch.abandon(COMPANY, KEY, actor="ann", reason="the portal lacks it")

    assert office.states() == {ONE: ("open", None)}


def test_a_lost_answer_that_is_recorded_late_brings_no_doubt_back(
    office: Office,
) -> None:
    lose(office)
    abandon(office)

    answer_with(office, 0)

    assert (doubts(office), office.dispatch.in_doubt(COMPANY)) == ([], [])
    assert office.dispatch.mark_stale_calls_lost(COMPANY) == 0
    assert office.states() == {ONE: ("open", None)}


def test_what_codat_accepted_after_all_is_followed_as_ever(office: Office) -> None:
    lose(office)
    abandon(office)

    office.client.ask(CREATE.under(KEY))

    office.wait(minutes=1)
    office.read()
    assert office.states() == {ONE: ("matched", None)}
    assert doubts(office) == []


def test_what_codat_refused_after_all_failed(office: Office) -> None:
    lose(office)
    abandon(office)

    answer_with(office, 400, b'{"error": "no such account"}')

    assert office.states() == {ONE: ("break", "FAILED")}


def test_the_views_and_a_replay_agree_on_it(office: Office) -> None:
    lose(office)
    office.dispatch.mark_stale_calls_lost(COMPANY)
    office.books.catch_up()
    abandon(office)

    live = to_data(office.books.report())

    replayed = office.books.replayed_report(as_of=office.sandbox.now)
    assert live == to_data(replayed)
    tied = office.books.tie_out()
    assert (tied.differences, tied.poisoned) == ([], 0)


def test_its_story_tells_who_decided_and_why_oldest_first(office: Office) -> None:
    lose(office)
    office.dispatch.mark_stale_calls_lost(COMPANY)
    office.wait(minutes=20)
    abandon(office)

    (story,) = office.books.explain(ONE)

    assert [item["text"] for item in story_data(story)["told"]] == [
        f"to be sent by tests, as request {KEY}",
        f"sent as request {KEY}, and the answer was lost (HTTP 0)",
        f"abandoned by ann: {WHY}",
    ]
    judged = [(entry["state"], entry["kind"]) for entry in story_data(story)["judged"]]
    assert judged == [("open", None), ("break", "INDETERMINATE"), ("open", None)]
