"""Beside each list its rows as files: all of them, the same in CSV and in JSON."""

import csv
import io
import json
from collections.abc import Iterator

import pytest

from reconcile import ConsoleApp, Reconciler, read_lines
from reconcile.report.csv import BYTE_ORDER_MARK
from tests.builders import COMPANY, uuid_of
from tests.console.browser import Browser, Seen
from tests.console.ledgers import NAMES, ledger_console, ledger_in
from tests.console.stores import HOSTILE, UNREAD

LISTS = {
    "/causes": ("causes", "cause"),
    "/syncs": ("syncs", "sync_id"),
    "/quarantine": ("quarantine", "digest"),
    "/decisions": ("decisions", "about"),
    "/retries": ("retries", "transaction_id"),
    "/audit?as_of_a=2026-02-04": ("changes", "transaction_id"),
}
"""Each list's member in JSON, and the column that tells its rows apart."""


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ConsoleApp]:
    """Give a console on a store of which every list has rows."""
    where = ledger_in(tmp_path_factory.mktemp("lists"), number=16)
    with Reconciler.open(where) as books:
        books.ingest(read_lines([UNREAD]))
        books.decide(
            "note",
            company_id=COMPANY,
            transactions=[uuid_of(2)],
            actor="=1+1",
            reason=HOSTILE,
        )
    with ledger_console(where) as console:
        yield console


def whole(app: ConsoleApp, path: str) -> bytes:
    """Return the whole body of an answer, however long it takes to make."""
    while (answer := Browser(app).get(path)).status_code == 202:
        pass
    assert answer.status_code == 200
    return answer.content


@pytest.mark.parametrize("path", LISTS)
def test_a_list_leads_to_its_rows_as_csv_and_as_json_which_are_the_same(
    lists: ConsoleApp, path: str
) -> None:
    member, column = LISTS[path]
    page = whole(lists, path).decode()
    links = [link for link in Seen(page).links if ".csv" in link or ".json" in link]
    text, data = (whole(lists, link) for link in links)

    found = json.loads(data)
    body = text.decode().removeprefix(BYTE_ORDER_MARK)
    rows = [*csv.DictReader(io.StringIO(body, newline=""))]
    assert found["schema"] == f"reconcile.console.{member}/1"
    assert rows
    assert [[*row] for row in found[member]] == [[*row] for row in rows]
    assert [row[column] for row in found[member]] == [row[column] for row in rows]
    for row in rows:
        assert not any(cell.startswith(("=", "+", "@")) for cell in row.values())
    if "customer" in rows[0] and member != "quarantine":
        assert {row["customer"] for row in found[member]} <= {*NAMES.values()}
