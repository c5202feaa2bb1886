"""No lost request: what is meant is stored first, and sent once, whatever happens."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import attrs
import httpx
import pytest

from reconcile import Exchange
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import (
    Request,
    create_expenses,
    push_dataset,
    start_sync,
    update_expense,
)
from reconcile.domain.concurrency import CODATS, Concurrency
from reconcile.errors import (
    BusyError,
    CodatUnavailable,
    InDoubtError,
    NotToBeSentError,
    ReconcileError,
    UsageError,
)
from reconcile.sandbox import Sandbox
from tests.live.office import COMPANY, Office, expense, office_with

pytestmark = pytest.mark.usefixtures("engine")


ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
KEY = "99999999-9999-4999-8999-999999999999"
CREATE = create_expenses(COMPANY, [expense(ONE)])
MANY = 99  # more than a client tries, under the request's own key
EXCLUSIVE = Concurrency(steps=((datetime(2020, 1, 1, tzinfo=UTC), "exclusive"),))


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(), tmp_path) as created:
        yield created


def test_a_create_is_known_from_before_the_call_until_it_is_in_the_books(
    office: Office,
) -> None:
    sent = office.dispatch.send(CREATE)

    assert sent.answer.accepted
    assert office.states() == {ONE: ("open", None)}
    office.wait(minutes=1)
    office.read()
    assert office.states() == {ONE: ("matched", None)}


def test_the_whole_v1_way_goes_through_dispatch(office: Office) -> None:
    dispatch = office.dispatch
    pushed = dispatch.send(push_dataset(COMPANY, [expense(ONE), expense(TWO)]))
    dispatch.send(start_sync(COMPANY, [pushed.answer.named("datasetId")]))

    office.wait(minutes=1)
    office.read()

    assert office.states() == {ONE: ("matched", None), TWO: ("matched", None)}
    items = office.books.items()
    assert [item.item.attempts for item in items] == [1, 1]


def test_an_update_is_followed_under_its_own_request(office: Office) -> None:
    office.dispatch.send(CREATE)
    office.wait(minutes=1)
    changed = {name: v for name, v in expense(ONE, net=20).items() if name != "id"}

    office.dispatch.send(update_expense(COMPANY, ONE, changed))

    office.wait(minutes=1)
    office.read()
    assert office.states() == {ONE: ("matched", None)}


def test_what_is_in_doubt_is_not_sent_again(office: Office) -> None:
    office.line.lose_answers = MANY
    with pytest.raises(CodatUnavailable) as lost:
        office.dispatch.send(CREATE)
    assert not lost.value.safe_to_resend

    with pytest.raises(InDoubtError):
        office.dispatch.send(CREATE)

    assert office.states() == {ONE: ("open", None)}
    office.wait(minutes=20)
    assert office.states() == {ONE: ("break", "INDETERMINATE")}
    assert len(office.sandbox.companies[COMPANY].syncs) == 1
    assert len(office.dispatch.in_doubt(COMPANY)) == 1


def test_other_expenses_may_be_sent_meanwhile(office: Office) -> None:
    office.line.lose_answers = MANY
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(CREATE)
    office.line.lose_answers = 0

    assert office.dispatch.send(create_expenses(COMPANY, [expense(TWO)])).answer


def test_an_answer_lost_once_is_told_again_under_its_key(office: Office) -> None:
    office.line.lose_answers = 1

    assert office.dispatch.send(CREATE).answer.accepted

    assert office.states() == {ONE: ("open", None)}
    assert office.dispatch.in_doubt(COMPANY) == []
    assert len(office.sandbox.companies[COMPANY].syncs) == 1


def test_a_lost_request_is_recovered_by_reading(office: Office) -> None:
    office.line.lose_answers = MANY
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(CREATE)
    office.wait(minutes=1)

    (found,) = office.books.recover(office.client.ask, COMPANY, actor="tests")

    assert found.sync_id in office.sandbox.companies[COMPANY].syncs
    office.read()
    assert office.states() == {ONE: ("matched", None)}
    assert office.dispatch.in_doubt(COMPANY) == []
    assert len(office.sandbox.companies[COMPANY].syncs) == 1


def test_a_request_that_never_arrived_stays_in_doubt(office: Office) -> None:
    def lost(_: Request) -> Answer:
        raise CodatUnavailable("no answer")

    deaf = attrs.evolve(office.dispatch, ask=lost)
    with pytest.raises(CodatUnavailable):
        deaf.send(CREATE)
    office.wait(minutes=20)

    (found,) = office.books.recover(office.client.ask, COMPANY, actor="tests")

    assert found.sync_id is None
    assert office.states() == {ONE: ("break", "INDETERMINATE")}
    with pytest.raises(InDoubtError):
        office.dispatch.send(CREATE)


def test_a_call_that_never_left_may_be_made_again(office: Office) -> None:
    office.line.unplugged = True
    with pytest.raises(CodatUnavailable) as failed:
        office.dispatch.send(CREATE)
    assert failed.value.safe_to_resend
    assert office.states() == {ONE: ("open", None)}

    office.line.unplugged = False
    office.dispatch.send(CREATE)

    office.wait(minutes=1)
    office.read()
    assert office.states() == {ONE: ("matched", None)}
    assert [book.item.attempts for book in office.books.items()] == [1]


def test_a_request_is_sent_once_under_its_name(office: Office) -> None:
    office.dispatch.send(CREATE, request_id=KEY)

    with pytest.raises(UsageError):
        office.dispatch.send(create_expenses(COMPANY, [expense(TWO)]), request_id=KEY)

    assert office.line.writes == 1


def test_where_syncs_exclude_each_other_the_second_is_refused(office: Office) -> None:
    dispatch = office.books.dispatch(
        office.client.ask, actor="tests", concurrency=EXCLUSIVE
    )
    dispatch.send(CREATE)

    with pytest.raises(BusyError):
        dispatch.send(create_expenses(COMPANY, [expense(TWO)]))

    office.wait(minutes=1)
    office.read()
    assert dispatch.send(create_expenses(COMPANY, [expense(TWO)])).answer.accepted


def test_what_a_running_sync_writes_is_not_sent_beside_it(office: Office) -> None:
    dispatch = office.dispatch
    pushed = dispatch.send(push_dataset(COMPANY, [expense(ONE)]))
    start = start_sync(COMPANY, [pushed.answer.named("datasetId")])
    sync_id = dispatch.send(start).answer.named("syncId")

    for same in (start, CREATE):
        with pytest.raises(BusyError) as busy:
            dispatch.send(same)
        assert busy.value.sync_id == sync_id
    changed = {name: v for name, v in expense(ONE, net=20).items() if name != "id"}
    assert dispatch.send(update_expense(COMPANY, ONE, changed)).answer.accepted

    office.wait(minutes=1)
    office.read()
    with pytest.raises(NotToBeSentError) as refused:
        dispatch.send(CREATE)
    assert refused.value.transaction_ids == (ONE,)
    assert "is in the books" in str(refused.value)
    assert dispatch.send(CREATE, insist=True).answer.accepted


def test_a_put_carries_no_idempotency_key_and_its_answer_is_joined_all_the_same(
    office: Office,
) -> None:
    asked: list[Request] = []

    def ask(request: Request) -> Answer:
        asked.append(request)
        return office.client.ask(request)

    office.dispatch.send(CREATE)
    office.wait(minutes=1)
    office.read()
    dispatch = attrs.evolve(office.dispatch, ask=ask)
    changed = {name: v for name, v in expense(ONE, net=20).items() if name != "id"}

    dispatch.send(update_expense(COMPANY, ONE, changed), request_id=KEY)

    assert asked[0].key is None
    assert ("X-Reconcile-Request", KEY) in asked[0].headers
    assert dispatch.in_doubt(COMPANY) == []


def test_a_refusal_under_the_key_of_a_lost_answer_ends_the_doubt(
    office: Office,
) -> None:
    office.line.lose_answers = MANY
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(CREATE, request_id=KEY)
    (doubtful,) = office.dispatch.in_doubt(COMPANY)
    assert doubtful.lost
    refusal = Exchange(
        method="POST",
        url=f"https://api.codat.io{CREATE.path}",
        request_headers=(("Idempotency-Key", KEY),),
        request_body=CREATE.body,
        status=400,
        response_body=b'{"error": "no such account"}',
        observed_at=office.sandbox.now,
    )

    office.books.record(attrs.evolve(refusal, status=409))
    assert [item.lost for item in office.dispatch.in_doubt(COMPANY)] == [True]
    office.books.record(refusal)

    assert office.dispatch.in_doubt(COMPANY) == []


def test_a_sync_older_than_a_lost_request_is_not_its_own(office: Office) -> None:
    with httpx.Client(transport=office.sandbox.transport()) as http:
        other = CodatClient(http, api_keys="key", record=lambda _: None)
        other.create_expenses(COMPANY, [expense(ONE)])
    office.wait(days=7)
    office.line.lose_requests = MANY
    with pytest.raises(CodatUnavailable):
        office.dispatch.send(CREATE)
    office.line.lose_requests = 0
    office.wait(minutes=10)

    (found,) = office.books.recover(office.client.ask, COMPANY, actor="tests")

    assert found.sync_id is None


def test_the_policy_is_dated_as_codats_was() -> None:
    assert CODATS.at(datetime(2022, 1, 1, tzinfo=UTC)) == "exclusive"
    assert CODATS.at(datetime(2023, 6, 1, tzinfo=UTC)) == "exclusive"
    assert CODATS.at(datetime(2026, 1, 1, tzinfo=UTC)) == "queued"


def test_two_workers_cannot_both_send_the_same(office: Office) -> None:
    refused: list[ReconcileError] = []
    ready = threading.Barrier(2)

    def work() -> None:
        ready.wait()
        try:
            office.dispatch.send(CREATE)
        except ReconcileError as error:
            refused.append(error)

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()

    assert (len(refused), office.line.writes) == (1, 1)
    office.wait(minutes=1)
    entry = office.sandbox.books.entry(COMPANY, ONE)
    assert entry is not None
    assert entry.times == 1


def test_what_is_no_write_is_refused_before_anything_is_stored(office: Office) -> None:
    empty = attrs.evolve(CREATE, body=b'[{"type": "Payment"}]')

    with pytest.raises(UsageError):
        office.dispatch.send(empty)

    assert office.states() == {}
    assert office.line.writes == 0
