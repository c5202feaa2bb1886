"""`reconcile push` asks its own store before it sends, and reads what people save."""

from datetime import timedelta

import pytest

from tests.builders import create, page, row
from tests.live.commands import Desk, Losing, name
from tests.sandbox.calls import COMPANY


def table(*numbers: int, capitals: bool = False) -> str:
    """Return a table of these expenses, one a line from line 2 on."""
    names = [name(number).upper() if capitals else name(number) for number in numbers]
    rows = [f"{each},Payment,2026-03-02,GBP,10,,account" for each in names]
    return "\n".join(
        ("id,type,issueDate,currency,netAmount,taxAmount,accountId", *rows)
    )


@pytest.mark.parametrize("capitals", [False, True])
def test_what_is_in_the_books_or_waits_is_told_by_line_and_nothing_is_sent(
    desk: Desk, codat: Losing, capitals: bool
) -> None:
    pushed = ("push", "a.csv", "--company", COMPANY)
    desk.write("a.csv", table(1, 2))
    assert desk.run(*pushed)[0] == 0
    waiting = desk.run(*pushed)
    codat.advance(timedelta(hours=1))
    assert desk.run("follow", "--once")[0] == 0
    desk.write("a.csv", table(3, 1, 4, 2, 5, 6, capitals=capitals))
    syncs = len(codat.companies[COMPANY].syncs)

    status, out, errors = desk.run(*pushed)

    assert (waiting[0], "waits: what became of it is not known yet" in waiting[2]) == (
        2,
        True,
    )
    assert (status, out) == (2, "")
    assert errors == (
        f"a.csv: line 3: expense {name(1)} is in the books\n"
        f"a.csv: line 5: expense {name(2)} is in the books\n"
        "reconcile: nothing was sent: 2 expenses are not to be sent again,"
        " expected new ones, or --new-only to send the rest\n"
    )
    assert len(codat.companies[COMPANY].syncs) == syncs

    status, out, errors = desk.run(*pushed, "--new-only")

    assert (status, out.startswith("Codat accepted expenses 1, 3, 5 to 6: sync ")) == (
        0,
        True,
    )
    assert len(codat.companies[COMPANY].syncs) == syncs + 1


def test_what_may_be_in_the_books_is_looked_for_there_first(desk: Desk) -> None:
    odd = page(row(name(1), "Reversed"), row(name(2), "PushError"), minutes=2)
    desk.write("a.jsonl", b"\n".join((create(name(1), name(2)), odd)))
    assert desk.run("ingest", "a.jsonl")[0] == 0
    desk.write("a.csv", table(1, 2))

    status, out, errors = desk.run("push", "a.csv", "--company", COMPANY, "--new-only")

    assert (status, out.startswith("Codat accepted expense 2: sync ")) == (0, True)
    assert errors == (
        f"a.csv: line 2: expense {name(1)} may be in the books, expected somebody to"
        " look there first\n"
    )


def test_a_file_of_nothing_new_is_told_and_nothing_is_sent(desk: Desk) -> None:
    pushed = ("push", "a.csv", "--company", COMPANY)
    desk.write("a.csv", table(1))
    assert desk.run(*pushed)[0] == 0

    status, out, errors = desk.run(*pushed, "--new-only")

    assert (status, out) == (2, "")
    assert errors.endswith("nothing was sent: no expense of the file is new\n")


def test_a_table_of_a_spreadsheets_own_is_read_by_its_options(desk: Desk) -> None:
    text = table(1).replace(",", ";").replace(";10;", ";10,50;")
    head, row = text.split("\n")
    desk.write("a.csv", f"{head};Mitarbeiter\n{row};Käthe".encode("windows-1252"))
    pushed = ("push", "a.csv", "--company", COMPANY)

    refused = desk.run(*pushed, "--encoding", "windows-1252")
    status, out, errors = desk.run(
        *pushed, "--encoding", "windows-1252", "--ignore-other-columns"
    )

    assert (refused[0], '"Mitarbeiter"' in refused[2]) == (2, True)
    assert (status, out.startswith("Codat accepted expense 1")) == (0, True)
    assert errors == 'a.csv: left out, as they are not known: "Mitarbeiter"\n'
