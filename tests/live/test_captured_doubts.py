"""A lost answer to a call that others made: found or abandoned as one of our own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconcile import Exchange
from reconcile.codat.requests import create_expenses
from reconcile.errors import InDoubtError, UsageError
from reconcile.readmodels.requests import RequestsInDoubt
from reconcile.report.story import story_data
from reconcile.sandbox import Sandbox
from tests.live.office import COMPANY, Office, expense, office_with
from tests.sandbox.calls import call

pytestmark = pytest.mark.usefixtures("engine")


ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
CREATE = create_expenses(COMPANY, [expense(ONE)])
WHY = "the portal has nothing of it"


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    with office_with(Sandbox(), tmp_path) as created:
        yield created


def capture_lost(office: Office) -> str:
    """Record a call of somebody else's that got 503; return the id it goes by."""
    office.books.record(
        Exchange(
            method="POST",
            url=f"https://api.codat.io{CREATE.path}",
            request_body=CREATE.body,
            status=503,
            response_body=b"",
            observed_at=office.sandbox.now,
        )
    )
    office.wait(minutes=10)
    (request_id,) = doubts(office)
    return request_id


def doubts(office: Office) -> list[str]:
    """Return the requests in doubt, as a service that keeps count has them."""
    stored = RequestsInDoubt(office.books.store)
    stored.catch_up()
    found = [state.request_id for state in stored.of(COMPANY)]
    assert found == [s.request_id for s in office.dispatch.in_doubt(COMPANY)]
    return found


def test_its_story_shows_the_id_that_ends_the_doubt(office: Office) -> None:
    request_id = capture_lost(office)

    (story,) = office.books.explain(ONE)

    (text,) = [entry["text"] for entry in story_data(story)["told"]]
    assert text == f"sent as request {request_id}, and the answer was lost (HTTP 503)"


def test_it_is_abandoned_by_that_id_and_may_be_sent_again(office: Office) -> None:
    request_id = capture_lost(office)
    office.wait(minutes=60)

    office.books.abandon(COMPANY, request_id, actor="ann", reason=WHY)

    (row,) = office.books.report().items
    assert (row.item.state.value, row.item.verdict.value) == ("open", "RESEND")
    assert doubts(office) == []
    with pytest.raises(UsageError, match="is not in doubt"):
        office.books.abandon(COMPANY, request_id, actor="ann", reason=WHY)


def test_it_is_found_in_codats_list_of_syncs(office: Office) -> None:
    call(office.sandbox, "POST", "/expense-transactions", [expense(ONE)])
    request_id = capture_lost(office)

    (recovered,) = office.books.recover(office.client.ask, COMPANY, actor="tests")

    assert recovered.request_id == request_id
    assert recovered.sync_id in office.sandbox.companies[COMPANY].syncs
    assert doubts(office) == []
    office.read()
    assert office.states() == {ONE: ("matched", None)}


def test_what_it_names_is_not_sent_while_it_is_in_doubt(office: Office) -> None:
    capture_lost(office)

    with pytest.raises(InDoubtError):
        office.dispatch.send(CREATE)

    office.dispatch.send(create_expenses(COMPANY, [expense(TWO)]))


def test_an_acceptance_that_was_recorded_first_leaves_no_doubt(office: Office) -> None:
    key = "99999999-9999-4999-8999-999999999999"
    for status, body in ((200, b'{"syncId": "s"}'), (503, b"")):
        office.books.record(
            Exchange(
                method="POST",
                url=f"https://api.codat.io{CREATE.path}",
                request_headers=(("Idempotency-Key", key),),
                request_body=CREATE.body,
                status=status,
                response_body=body,
                observed_at=office.sandbox.now,
            )
        )

    assert doubts(office) == []
