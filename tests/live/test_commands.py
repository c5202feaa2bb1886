"""`push` and `sync` as they are installed, over real sockets: what goes wrong first."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import attrs
import click
import pytest

from reconcile import Reconciler
from reconcile.cli.root import cli
from reconcile.expenses import COLUMNS
from tests.codat.client.clients import server
from tests.docs.markdown import DOCS, first_cells, quoted, sections
from tests.engines import url_at
from tests.live.commands import (
    COMMAND,
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


# What a user gets wrong


@pytest.mark.parametrize("command", ["push", "sync"])
def test_without_a_key_nothing_is_begun(desk: Desk, command: str) -> None:
    what = "a.json" if command == "push" else name(1)

    result = desk.run(command, what, "--company", COMPANY, CODAT_API_KEY="")

    assert result[:2] == (2, "")
    assert "no API key was given" in result[2]
    assert not desk.stored


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--api-key", "kéy"), "the API key is blank or not printable ASCII"),
        (("--base-url", "http://h/path"), "more or less than a host"),
        (("--base-url", f"http://{'a' * 70}.com"), "a host that cannot exist"),
        (("--company", ".."), "'..' is not an id"),
    ],
)
def test_an_account_that_cannot_be_is_one_sentence(
    desk: Desk, options: tuple[str, ...], sentence: str
) -> None:
    status, output, errors = desk.run(*PUSH, *options)

    assert (status, output) == (2, "")
    assert sentence in errors
    assert errors.count("\n") == 1
    assert not desk.stored


NAMES = {
    "absent.csv": "absent.csv does not exist",
    "../../../etc/shadow\n\x1b[2J.csv": (
        r"../../../etc/shadow\n\x1b[2J.csv does not exist"
    ),
    ".": ". is a folder, expected a file",
    "a" * 5000 + ".csv": f"{'a' * 1000}… does not exist",
    "a.xlsx": "a.xlsx is neither a .json nor a .csv file",
}


@pytest.mark.parametrize("file", NAMES, ids=range(5))
def test_a_forged_file_name_is_one_harmless_sentence(desk: Desk, file: str) -> None:
    desk.write("a.xlsx", b"PK")

    result = desk.run("push", file, "--company", COMPANY)

    assert result[:2] == (2, "")
    assert result[2].startswith(f"reconcile: {NAMES[file]}")
    assert result[2].count("\n") == 1


def test_a_bad_row_keeps_the_whole_file_from_being_sent(
    desk: Desk, codat: Losing
) -> None:
    good = "Payment,2026-01-04,GBP,10,2,account-1"
    lines = [HEAD, f"{name(1)},{good}", "\x1b[31m,Payment,2026-01-04,GBP,x,2,a"]
    file = desk.write("a.csv", "\n".join([*lines, f"{name(1)},{good}"]))

    status, output, errors = desk.run("push", file, "--company", COMPANY)

    assert (status, output) == (2, "")
    assert errors.splitlines() == [
        r'a.csv: line 3: id: "\u001b[31m" is not a UUID, expected 32 hex digits in'
        " five groups",
        'a.csv: line 3: netAmount: "x" is not a number, expected one such as 12.50,'
        " without signs of thousands or currency",
        f"a.csv: line 4: id: {name(1)} is the id of line 2 already",
        "reconcile: nothing was sent: 3 problems in a.csv",
    ]
    assert codat.writes == 0
    assert not desk.stored


def test_problems_are_told_without_a_key_too(desk: Desk) -> None:
    result = desk.run("push", "-", "--company", COMPANY, given=b"[]", CODAT_API_KEY="")

    assert result[:2] == (2, "")
    problem, end = result[2].splitlines()
    assert problem.startswith("-: the file has no expenses")
    assert end == "reconcile: nothing was sent: 1 problem in -"


# What Codat, or the way to it, does


def test_a_wrong_key_is_one_sentence_and_nothing_is_in_doubt(desk: Desk) -> None:
    wrong = attrs.evolve(desk, key="wrong-key")

    status, output, errors = wrong.run(*PUSH)

    assert (status, output) == (2, "")
    assert errors == (
        "reconcile: expenses 1 to 3: Codat refused it with 401:"
        " The API key is missing or not valid.\n"
    )
    assert desk.run(*PUSH)[0] == 0


def test_a_host_nobody_answers_at_leaves_nothing_in_doubt(desk: Desk) -> None:
    status, _, errors = desk.run(*PUSH, CODAT_BASE_URL=nobody())

    assert status == 2
    assert errors.endswith(
        "Connection refused; nothing was carried out, so it may be made again\n"
    )
    assert desk.run(*PUSH)[0] == 0


def test_a_web_page_in_place_of_json_leaves_the_request_in_doubt(desk: Desk) -> None:
    page = b"<!doctype html><title>Sign in</title>"
    with server(saying("200 OK", "Content-Type: text/html", body=page)) as (url, asked):
        status, _, errors = desk.run(*PUSH, CODAT_BASE_URL=url)

    assert (status, len(asked)) == (2, 1)
    assert "the answer is not JSON; whether it was carried out is in doubt" in errors
    status, _, errors = desk.run(*PUSH)
    assert status == 2
    assert errors.startswith(f"reconcile: nothing was sent: whether expense {name(0)}")
    assert (
        shlex.join(["reconcile", "sync", "--company", COMPANY, "--recover"]) in errors
    )


def test_an_answer_that_names_no_sync_is_one_sentence(desk: Desk) -> None:
    with server(saying("200 OK", "Content-Type: application/json")) as (url, _):
        status, _, errors = desk.run(*PUSH, CODAT_BASE_URL=url)

    assert status == 2
    assert errors.startswith(
        "reconcile: expenses 1 to 3: syncId: the answer has no such id; whether it"
        " was carried out is in doubt: `reconcile sync"
    )


def test_what_codat_refuses_stops_the_rest(desk: Desk, codat: Losing) -> None:
    codat.companies[COMPANY].deleted = True
    desk.write("a.json", expenses(120))

    status, output, errors = desk.run(*PUSH)

    assert (status, output, codat.writes) == (2, "", 1)
    first, rest = errors.splitlines()
    assert first.startswith("reconcile: expenses 1 to 50: Codat refused it with 4")
    assert rest == "Expenses 51 to 120 were not sent."


def test_datasets_whose_sync_is_refused_are_told_all_the_same(
    desk: Desk, codat: Losing
) -> None:
    codat.companies[COMPANY].connections.clear()

    status, output, errors = desk.run(*PUSH, *V1, "--sync")

    assert (status, output.count(": dataset "), output.count("\n")) == (2, 1, 1)
    assert errors == (
        "reconcile: no sync is known to have started: Codat refused it with 422: The"
        " specified company does not have a valid set of DataConnections setup.\n"
    )


# What goes well


@pytest.mark.usefixtures("engine")
def test_a_hundred_and_twenty_expenses_are_three_calls(
    desk: Desk, codat: Losing
) -> None:
    status, output, errors = desk.run(
        "push", "-", "--company", COMPANY.upper(), given=expenses(120)
    )

    assert (status, errors) == (0, "")
    lines = output.splitlines()
    syncs = [line.rpartition(" ")[2].rstrip(".") for line in lines]
    assert [line.partition(": sync")[0] for line in lines] == [
        "Codat accepted expenses 1 to 50",
        "Codat accepted expenses 51 to 100",
        "Codat accepted expenses 101 to 120",
    ]
    assert set(syncs) == set(codat.companies[COMPANY].syncs)
    codat.advance(timedelta(hours=1))
    assert all(codat.books.entry(COMPANY, name(number)) for number in range(120))


def test_amounts_arrive_as_they_were_written(desk: Desk) -> None:
    row = f"{name(1)},Payment,2026-01-04,GBP"
    lines = [HEAD, f"{row},0.10,0.20,account-1", f"{row},4999999.99,0,account-1"]
    file = desk.write("a.csv", "\n".join(lines))

    assert desk.run("push", file, "--company", COMPANY)[0] == 0

    with Reconciler.open(url_at(desk.folder / "reconcile.db")) as books:
        (story,) = books.explain(name(1))
    assert "5000000.29" in str(story.entries)


@pytest.mark.usefixtures("engine")
def test_v1_pushes_datasets_and_starts_one_sync_of_all(
    desk: Desk, codat: Losing
) -> None:
    desk.write("a.json", b'{"items": %s}' % expenses(70))

    status, output, errors = desk.run(*PUSH, *V1, "--sync")

    assert (status, errors) == (0, "")
    (sync,) = codat.companies[COMPANY].syncs
    assert output.splitlines()[-1] == f"Codat accepted 2 datasets for sync {sync}."
    assert output.count(": dataset ") == 2


def test_v1_without_sync_says_how_to_start_one(desk: Desk, codat: Losing) -> None:
    status, output, _ = desk.run(*PUSH, *V1)
    assert (status, len(codat.companies[COMPANY].syncs)) == (0, 0)
    command = shlex.split(output.splitlines()[-1].partition(": ")[2])

    status, output, _ = desk.run(*command[1:])

    (sync,) = codat.companies[COMPANY].syncs
    assert (status, output) == (0, f"Codat accepted 1 dataset for sync {sync}.\n")


# What is documented of them


def test_every_setting_of_the_environment_is_in_the_one_table() -> None:
    table = sections(DOCS / "reference" / "command-line.md")["Settings"]
    rows = [row.split("|")[1:4] for row in table.splitlines() if row[:3] == "| `"]
    documented = {
        (quoted(option)[0].split()[0], command): next(iter(quoted(environment)), None)
        for option, environment, commands in rows
        for command in quoted(commands)
    }

    settings = {
        (option.opts[0], name): option.envvar
        for name, command in commands_of(cli)
        for option in command.params
        if option.envvar or option.opts[0] in ("--host", "--port")
    }
    assert documented == {
        (option, command): name for (option, command), name in settings.items()
    }


def commands_of(group: click.Group, before: str = "") -> Iterator[Any]:
    """Yield each command by its words, a command of commands before its own."""
    yield before.strip() or "reconcile", group
    for word, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_of(command, f"{before} {word}")
        else:
            yield f"{before} {word}".strip(), command


def test_every_column_is_documented_in_order_and_no_other() -> None:
    result = sections(DOCS / "reference" / "command-line.md")["The columns of a CSV"]

    assert first_cells(result) == [*COLUMNS]


def test_every_check_is_documented_in_order_and_no_other(desk: Desk) -> None:
    desk.run(*PUSH)
    result = sections(DOCS / "reference" / "command-line.md")["The checks"]

    _, output, _ = desk.run("doctor")

    lines = [line.partition(":")[0].split()[1] for line in output.splitlines()]
    assert lines == first_cells(result)


# Following


def test_following_once_with_a_key_codat_refuses_ends_with_2(desk: Desk) -> None:
    desk.run(*PUSH)

    status, output, errors = attrs.evolve(desk, key="wrong").run("follow", "--once")

    assert status == 2
    assert "was refused with 401" in errors
    assert errors.endswith("failed; each is due again later.\n")
    assert re.fullmatch(r"Followed what was due; next due [0-9TZ:.-]+\.\n", output)


@pytest.mark.usefixtures("engine")
def test_following_once_reads_what_becomes_due_by_what_it_reads(
    desk: Desk, codat: Losing
) -> None:
    desk.run(*PUSH)
    codat.advance(timedelta(minutes=2))

    status, _, errors = desk.run("follow", "--once")

    assert (status, errors) == (0, "")
    assert desk.run("report")[1].splitlines()[1] == (
        "3 expenses: 3 matched, 0 cleared, 0 open, 0 broken, 0 resolved"
    )


def test_a_follower_that_waits_for_codat_is_stopped_at_once(desk: Desk) -> None:
    desk.run(*PUSH)
    busy = saying("503 Service Unavailable", "Retry-After: 50")
    with server(busy) as (url, asked):
        running = subprocess.Popen(
            [COMMAND, "follow", "--base-url", url, "--api-key", desk.key],
            cwd=desk.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            assert running.stderr is not None
            assert b"the answer was 503" in running.stderr.readline()
        finally:
            running.terminate()
            running.communicate(timeout=10)

    assert running.returncode == 0
    assert asked


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "HTTP_PROXY"])
def test_an_environment_no_connection_can_be_made_with_is_one_sentence(
    desk: Desk, name: str
) -> None:
    given = {"SSL_CERT_FILE": "/nowhere.pem", "HTTP_PROXY": "ftp://nowhere"}

    status, _, errors = desk.run(*PUSH, given=b"", **{name: given[name]})

    assert status == 2
    assert errors.startswith("reconcile: the proxies or certificates")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("scheme", "sentence"),
    [
        ("mysql", "'mysql' is not the URL of a store"),
        ("postgres", "postgresql://no.invalid/db (schema reconcile) cannot be reached"),
    ],
)
def test_a_store_that_cannot_be_used_is_not_shown_with_its_password(
    desk: Desk, scheme: str, sentence: str
) -> None:
    url = f"{scheme}://ann:pa55@no.invalid/db"

    status, _, errors = desk.run("--store", url, "report")

    assert (status, "pa55" in errors) == (2, False)
    assert errors.startswith(f"reconcile: {sentence}")
