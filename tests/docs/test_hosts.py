"""The hosts of the how-tos: served, fed by a sandbox, and asked."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from reconcile import (
    CodatClient,
    CodatUnavailable,
    Dispatch,
    Reconciler,
    create_expenses,
)
from reconcile.sandbox import Ledger
from tests.docs.hosts import PROGRAMS, Host, Scene, command_of, eventually, scene
from tests.docs.markdown import DOCS, fences
from tests.sandbox.calls import COMPANY, expense

PAGES = ("embed.md", "fastapi.md", "flask.md", "django.md", "plain-worker.md")
BODY_BYTES_MAX = 5 * 2**20


@pytest.fixture(scope="module", params=["fastapi.md", "flask.md", "django.md"])
def served(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Host]:
    page: str = request.param
    with ExitStack() as stack:
        created = stack.enter_context(scene(tmp_path_factory.mktemp("host")))
        if page != "fastapi.md":  # it follows by itself
            stack.enter_context(created.running(command_of("plain-worker.md")))
        yield stack.enter_context(created.hosting(command_of(page)))


@pytest.fixture
def host(served: Host) -> Host:
    return served.of_another_company()


@pytest.fixture
def back_office(tmp_path: Path) -> Iterator[Scene]:
    with scene(tmp_path) as created:
        yield created


def followed(host: Host, expense_id: str) -> dict[str, Any] | None:
    """Return what the host says of an expense, once its sync's listing was read."""
    reported: dict[str, Any] = host.state_of(expense_id).json()
    # A webhook names no integrations: that takes the listing.
    return (
        reported if any(leg["integration_type"] for leg in reported["legs"]) else None
    )


def test_an_expense_sent_through_a_host_is_found_in_the_books(host: Host) -> None:
    expense_id = str(uuid4())

    sent = host.send(expense_id)
    delivered = host.sync()

    assert sent.status_code == 202, sent.text
    assert delivered == ["delivered"]
    found = eventually(lambda: followed(host, expense_id))
    assert found["state"] == "matched"
    assert {item["sync_id"] for item in found["legs"]} == {sent.json()["sync_id"]}
    assert host.breaks() == []


def test_an_expense_that_fails_is_among_the_breaks_of_a_host(host: Host) -> None:
    host.codat.company(host.company, ledger=Ledger(bank_feed_taken=True))
    expense_id = str(uuid4())

    host.send(expense_id)
    host.sync()

    eventually(lambda: followed(host, expense_id))
    (broken,) = host.breaks()
    assert (broken["transaction_id"], broken["kind"]) == (expense_id, "FAILED")


def test_a_forged_delivery_gets_no_further_than_a_host(host: Host) -> None:
    forged = {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,="}

    assert host.deliver(b"{}", forged) == 401
    assert host.deliver(b"{}", {}) == 401


def test_a_delivery_of_as_many_bytes_as_may_be_reaches_the_endpoint_of_a_host(
    host: Host,
) -> None:
    assert host.deliver(b" " * BODY_BYTES_MAX, {}) == 401
    assert host.deliver(b" " * (BODY_BYTES_MAX + 1), {}) == 413


def test_a_host_knows_nothing_of_an_expense_that_it_never_sent(host: Host) -> None:
    assert host.state_of(str(uuid4())).status_code == 404


def test_an_expense_without_an_id_is_not_sent_by_a_host(host: Host) -> None:
    assert host.send("").status_code == 422


def test_a_host_sends_nothing_again_that_is_in_doubt(host: Host) -> None:
    expense_id = str(uuid4())
    host.codat.stumbles = "before"

    first = host.send(expense_id)
    host.codat.stumbles = None
    second = host.send(expense_id)

    assert (first.status_code, second.status_code) == (502, 409)
    assert host.state_of(expense_id).json()["state"] == "open"


def test_the_worker_finds_what_came_of_a_request_that_was_lost(
    back_office: Scene,
) -> None:
    lose_one(back_office)

    with (
        back_office.running(command_of("plain-worker.md")) as worker,
        Reconciler.open(back_office.store) as books,
    ):
        eventually(lambda: [*books.items(state="matched")])
        worker.send_signal(signal.SIGTERM)
        ended = worker.wait(20)

    assert ended == 0


def test_every_line_of_the_workers_log_is_an_object_without_an_expense_in_it(
    back_office: Scene,
) -> None:
    with dispatching(back_office) as dispatch:
        refused = expense(str(uuid4())) | {"type": "Gift"}
        dispatch.send(create_expenses(COMPANY, [refused]))
    lose_one(back_office)

    with (
        back_office.running(command_of("plain-worker.md")),
        Reconciler.open(back_office.store) as books,
    ):
        eventually(lambda: [*books.items(state="matched")])

    (log,) = back_office.folder.glob("*.log")
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    assert {"break", "standing", "codat exchange"} <= {line["text"] for line in lines}
    assert "netAmount" not in log.read_text("utf-8")


@contextmanager
def dispatching(office: Scene) -> Iterator[Dispatch]:
    """Give what sends to the scene's Codat."""
    with (
        Reconciler.open(office.store) as books,
        CodatClient.connected(
            api_keys="key",
            base_url=office.environment["CODAT_BASE_URL"],
            record=books.record,
        ) as client,
    ):
        yield books.dispatch(client.ask, actor="tests")


def lose_one(office: Scene) -> None:
    """Send an expense whose answer is lost, though Codat syncs it."""
    office.codat.stumbles = "after"
    with dispatching(office) as dispatch, pytest.raises(CodatUnavailable):
        dispatch.send(create_expenses(COMPANY, [expense(str(uuid4()))]))
    office.codat.stumbles = None
    office.codat.advance(timedelta(seconds=30))


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_quotes_stands_in_a_program(page: str) -> None:
    programs = [item.read_text("utf-8") for item in PROGRAMS.glob("*.py")]
    quotes = [
        fence for fence in fences(DOCS / "how-to" / page) if fence.language == "python"
    ]

    assert quotes
    for quote in quotes:
        assert any(quote.text in program for program in programs), quote.text
