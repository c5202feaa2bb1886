"""Lost answers on the command line: in doubt until found, or abandoned."""

import json
import shlex
from datetime import UTC, datetime, timedelta

import pytest

from reconcile import Reconciler
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import create_expenses
from reconcile.errors import CodatUnavailable
from tests.codat.client.clients import server
from tests.engines import url_at
from tests.live.commands import (
    KEY,
    PUSH,
    Desk,
    Losing,
    expenses,
    name,
    nobody,
    saying,
)
from tests.sandbox.calls import COMPANY

V1 = ("--dialect", "v1")
DECIDED = ("--actor", "ann", "--reason", "the portal has nothing of it")
HEAD = "id,type,issueDate,currency,netAmount,taxAmount,accountId"


def test_a_lost_answer_is_in_doubt_until_it_is_found(desk: Desk, codat: Losing) -> None:
    codat.losing, codat.answered = True, 1
    desk.write("a.json", expenses(120))
    status, output, errors = desk.run(*PUSH)
    first, rest = errors.splitlines()
    assert (status, output.count("\n"), rest) == (
        2,
        1,
        "Expenses 101 to 120 were not sent.",
    )
    assert "expenses 51 to 100" in first
    assert "whether it was carried out is in doubt" in first
    assert desk.run("doctor")[0] == 2
    codat.losing = False
    codat.advance(timedelta(minutes=10))

    status, output, errors = desk.run("sync", "--company", COMPANY, "--recover")

    assert (status, errors) == (0, "")
    assert output.startswith("Request ")
    assert output.rpartition(" ")[2].strip(".\n") in codat.companies[COMPANY].syncs
    assert len(codat.companies[COMPANY].syncs) == 2
    again = desk.run("sync", "--company", COMPANY, "--recover")
    assert again == (0, "No request is in doubt.\n", "")


def lost_earlier(desk: Desk) -> str:
    """Send the file ten minutes ago, and to no avail; return the request's id."""
    earlier = datetime.now(UTC) - timedelta(minutes=10)
    request = create_expenses(COMPANY, json.loads(expenses(3)))
    with (
        server(saying("500 Internal Server Error")) as (url, _),
        Reconciler.open(
            url_at(desk.folder / "reconcile.db"), now=lambda: earlier
        ) as books,
        CodatClient.connected(
            api_keys=KEY, base_url=url, record=books.record, now=lambda: earlier
        ) as client,
    ):
        dispatch = books.dispatch(client.ask, actor="tests")
        with pytest.raises(CodatUnavailable):
            dispatch.send(request)
        (doubtful,) = dispatch.in_doubt(COMPANY)
    return doubtful.request_id


def test_what_codat_never_heard_of_is_in_doubt_until_it_is_abandoned(
    desk: Desk, codat: Losing
) -> None:
    request_id = lost_earlier(desk)
    status, output, errors = desk.run("sync", "--company", COMPANY, "--recover")
    assert (status, output, errors.count("\n")) == (2, "", 1)
    why, command, _ = errors.split("`")
    assert why.startswith(f"Request {request_id} is in doubt still: no sync in Codat")
    assert desk.run(*PUSH)[0] == desk.run("doctor")[0] == 2
    words = shlex.split(command)[1:-4]

    result = desk.run(*words, *DECIDED, CODAT_API_KEY="", CODAT_BASE_URL=nobody())

    sentence = (
        f"Request {request_id} is abandoned: it counts as not carried out, and"
        " what it names may be sent again.\n"
    )
    assert result == (0, sentence, "")
    assert desk.run("sync", "--company", COMPANY, "--recover")[0] == 0
    assert "ok       requests: none in doubt, 0 under way" in desk.run("doctor")[1]
    assert desk.run(*PUSH)[0] == 0
    codat.advance(timedelta(minutes=2))
    assert desk.run("follow", "--once")[0] == 0
    assert desk.run("report")[1].splitlines()[1] == (
        "3 expenses: 3 matched, 0 cleared, 0 open, 0 broken, 0 resolved"
    )
    entries = [codat.books.entry(COMPANY, name(number)) for number in range(3)]
    assert [entry and entry.times for entry in entries] == [1, 1, 1]
    assert f"abandoned by ann: {DECIDED[-1]}\n" in desk.run("explain", name(0))[1]


def test_what_was_just_sent_is_not_abandoned_yet(desk: Desk) -> None:
    with server(saying("500 Internal Server Error")) as (url, _):
        desk.run(*PUSH, CODAT_BASE_URL=url)
    _, _, errors = desk.run("sync", "--company", COMPANY, "--recover")
    words = shlex.split(errors.split("`")[1])[1:-4]

    status, output, errors = desk.run(*words, *DECIDED)

    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert "may be under way: it can be abandoned from " in errors


def test_a_forged_request_id_is_one_harmless_sentence(desk: Desk) -> None:
    desk.run(*PUSH)
    forged = ("--company", COMPANY, "--abandon", "r\x1b[2J\n")

    result = desk.run("sync", *forged, *DECIDED)

    sentence = rf"company '{COMPANY}' has no request 'r\x1b[2J\n'"
    assert result == (2, "", f"reconcile: {sentence}\n")


def test_a_dataset_whose_answer_was_lost_may_be_pushed_again(desk: Desk) -> None:
    page = saying("200 OK", "Content-Type: text/html", body=b"<p>")
    with server(page) as (url, _):
        status, _, errors = desk.run(*PUSH, *V1, CODAT_BASE_URL=url)

    assert status == 2
    assert errors.endswith("a dataset nobody syncs does nothing, so push again\n")
    assert desk.run(*PUSH, *V1, "--sync")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "0 of datasets, --recover and --abandon were given"),
        (("d", "--recover"), "2 of datasets, --recover and --abandon were given"),
        (("d", "--abandon", "r"), "2 of datasets, --recover and --abandon"),
        (("--recover", "--abandon", ""), "2 of datasets, --recover and --abandon"),
        (("d", "--actor", "ann"), "--actor and --reason were given without"),
        (("--recover", "--reason", ""), "--actor and --reason were given without"),
        (("--abandon", "r"), "--abandon was given without"),
        (("--abandon", "r", "--actor", "ann"), "--abandon was given without"),
        (("--abandon", "r", *DECIDED), "there is no store at reconcile.db"),
        ((" ",), "a dataset's id is blank"),
        (("--recover",), "there is no store at reconcile.db"),
        (
            (name(9),),
            "no sync is known to have started: Codat refused it with 400: ",
        ),
    ],
)
def test_a_sync_that_cannot_be_is_one_sentence(
    desk: Desk, arguments: tuple[str, ...], sentence: str
) -> None:
    status, output, errors = desk.run("sync", "--company", COMPANY, *arguments)

    assert (status, output, errors.count("\n")) == (2, "", 1)
    assert errors.startswith(f"reconcile: {sentence}")
