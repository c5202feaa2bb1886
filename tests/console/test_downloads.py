"""Downloads: the rows and sums of the page, to the last digit, and safe to open."""

import base64
import csv
import hashlib
import io
import json
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

import httpx
import pytest

from reconcile import ConsoleApp, Reconciler, to_data
from reconcile.report.csv import BYTE_ORDER_MARK
from reconcile.report.money import Sum, is_priced
from tests.builders import at
from tests.console.browser import Browser, Seen
from tests.console.ledgers import (
    LATER,
    clock_at,
    judged_at,
    ledger_console,
    ledger_in,
)

Sums = Mapping[tuple[str | None, str | None], tuple[int, Decimal]]
CUTS = ["", "booked=no", "state=matched&month=2026-02", "currency=unpriced"]


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the URL of a store that no test changes."""
    return ledger_in(tmp_path_factory.mktemp("downloads"))


@pytest.fixture(scope="module")
def app(where: str) -> Iterator[ConsoleApp]:
    """Give a console on the store."""
    with ledger_console(where) as console:
        yield console


def asked(app: ConsoleApp, path: str) -> httpx.Response:
    """Return the whole answer, however long it takes to make."""
    answer = Browser(app).get(path)
    while answer.status_code == 202:
        answer = Browser(app).get(path)
    assert answer.status_code == 200
    return answer


def lines_of(answer: httpx.Response) -> list[dict[str, str]]:
    """Return the lines of a CSV file."""
    text = answer.content.decode()
    assert text.startswith(BYTE_ORDER_MARK)
    csv.field_size_limit(2**24)
    return [
        *csv.DictReader(io.StringIO(text.removeprefix(BYTE_ORDER_MARK), newline=""))
    ]


def added(rows: Iterator[tuple[str | None, str | None, str | None]]) -> Sums:
    """Return items and exact sums of rows of type, currency and amount."""
    sums: dict[tuple[str | None, str | None], Sum] = {}
    for kind, currency, amount in rows:
        priced = amount if is_priced(kind, currency) else None
        some = sums.setdefault((kind, currency), Sum())
        some.include(Sum(1, 0 if priced else 1, Decimal(priced or 0)))
    return {key: (some.items, some.amount) for key, some in sums.items()}


@pytest.mark.parametrize("cut", CUTS)
def test_files_have_the_rows_and_the_sums_of_the_page(
    app: ConsoleApp, cut: str
) -> None:
    rows = lines_of(asked(app, f"/expenses.csv?{cut}"))
    whole = json.loads(asked(app, f"/expenses.json?{cut}").content)
    text = Seen(asked(app, f"/expenses?{cut}").text).text

    ids = [row["transaction_id"] for row in rows]
    assert ids == [each["transaction_id"] for each in whole["expenses"]]
    assert len(ids) == len(set(ids)) == whole["items"]
    assert f"All {len(ids)}, payments" in text
    by_csv = added(
        (row["type"] or None, row["currency"] or None, row["amount"] or None)
        for row in rows
    )
    by_json: dict[tuple[str | None, str | None], tuple[int, Decimal]] = {}
    for each in whole["money"]:
        key = each["type"], each["currency"]
        number, amount = by_json.get(key, (0, Decimal(0)))
        by_json[key] = number + each["items"], amount + Decimal(each["amount"])
    assert by_csv == by_json
    for (kind, currency), (_, amount) in by_csv.items():
        if kind == "Payment" and currency is not None:
            whole_part, _, decimals = f"{amount:,f}".partition(".")
            decimals = decimals.rstrip("0")
            assert re.search(
                rf"{re.escape(whole_part)}(\.{decimals}0*)? ?{currency}", text
            )


def test_files_are_the_report_of_the_same_moment(app: ConsoleApp, where: str) -> None:
    rows = lines_of(asked(app, "/expenses.csv"))
    with Reconciler.open(where, now=clock_at(LATER)) as books:
        report = to_data(books.report(as_of=at(LATER)))
    by_report: dict[tuple[str, str | None, str | None], tuple[int, Decimal]] = {
        (each["state"], each["type"], each["currency"]): (
            each["items"],
            Decimal(each["amount"]),
        )
        for each in report["totals"]["money"]
    }
    found = json.loads(asked(app, "/expenses.json").content)["money"]

    assert {
        (each["state"], each["type"], each["currency"]): (
            each["items"],
            Decimal(each["amount"]),
        )
        for each in found
    } == by_report
    assert sorted((row["company_id"], row["transaction_id"]) for row in rows) == sorted(
        (each.company_id, each.transaction_id) for each in judged_at(where)
    )


def test_a_file_is_saved_and_names_customers_beside_their_ids(app: ConsoleApp) -> None:
    answer = asked(app, "/expenses.csv?state=break")
    rows = lines_of(answer)

    assert re.fullmatch(
        r'attachment; filename="expenses-\d{4}-\d\d-\d\d.csv"',
        answer.headers["content-disposition"],
    )
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert {row["customer"] for row in rows} == {
        "Harrow & Finch Ltd",
        "'=Atelier <Morel>",
    }


def test_no_cell_of_a_file_is_computed_by_a_spreadsheet(app: ConsoleApp) -> None:
    for path in ("/expenses.csv", "/audit.csv", "/report.csv"):
        for row in lines_of(asked(app, path)):
            for name, cell in row.items():
                is_number = re.fullmatch(r"-?[\d.]+", cell)
                assert is_number or not cell.startswith(("=", "+", "-", "@")), name
                assert "\n" not in cell
    merchants = {row["merchant"] for row in lines_of(asked(app, "/expenses.csv"))}
    assert {"'=1+1", "<script>alert(1)</script>", "大阪メトロ定期券"} <= merchants


@pytest.mark.parametrize("query", ["after=x", "state=lost", "colour=red"])
def test_a_file_of_nonsense_is_a_page_that_says_so(app: ConsoleApp, query: str) -> None:
    for kind in ("csv", "json"):
        answer = Browser(app).get(f"/expenses.{kind}?{query}")

        assert answer.status_code == 400
        assert answer.headers["content-type"].startswith("text/html")


def test_the_report_is_a_page_whose_one_style_sheet_alone_may_apply(
    app: ConsoleApp,
) -> None:
    answer = asked(app, "/report")
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style.group(1).encode()).digest()).decode()
    policy = answer.headers["content-security-policy"]

    assert f"style-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert Seen(answer.text).acting == ["style"]
    assert {"/report.csv", "/report.json", "/report.html", "/expenses"} <= {
        *Seen(answer.text).links
    }


def test_the_reports_page_and_its_files_are_of_one_scope(app: ConsoleApp) -> None:
    as_of = at(60).strftime("%Y-%m-%dT%H:%M:%SZ")
    query = f"month=2026-02&as_of={as_of}"
    page = asked(app, f"/report?{query}").text
    whole = json.loads(asked(app, f"/report.json?{query}").content)
    file = asked(app, f"/report.html?{query}").text

    assert whole["month"] == "2026-02"
    assert whole["digest"] in page
    assert whole["digest"] in file
    assert "Back to the console" not in file
    assert all(
        "as_of=" in link for link in Seen(page).links if link.startswith("/report")
    )


def test_a_report_of_two_customers_is_refused_in_a_sentence(app: ConsoleApp) -> None:
    answer = Browser(app).get("/report?customer=a&customer=b")

    assert answer.status_code == 400
    assert "a report is of one customer or of all" in answer.text
