"""Files of expenses: every problem at once, each with its place, and exact amounts."""

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconcile.codat.requests import push_dataset
from reconcile.expenses import COLUMNS, Dialect, Expenses, read_csv, read_json
from reconcile.sandbox import Sandbox, Settings
from tests.sandbox.calls import COMPANY, call

ONE = "11111111-1111-4111-8111-111111111111"
TWO = "22222222-2222-4222-8222-222222222222"
HEAD = "id,type,issueDate,currency,netAmount,taxAmount,accountId"
GOOD = "Payment,2026-01-04,GBP,10,2,account-1"
LINE: dict[str, Any] = {"netAmount": 10, "taxAmount": 2, "accountRef": {"id": "a"}}


class _Line(msgspec.Struct):
    netAmount: Decimal  # noqa: N815 - Codat's name


class _Item(msgspec.Struct):
    lines: list[_Line]


class _Push(msgspec.Struct):
    items: list[_Item]


def expense(**more: Any) -> dict[str, Any]:
    """Return an expense that both dialects take, changed by `more`; None leaves out."""
    created = {
        "id": ONE,
        "type": "Payment",
        "issueDate": "2026-01-04",
        "currency": "GBP",
        "lines": [LINE],
        **more,
    }
    return {name: value for name, value in created.items() if value is not ...}


def sentences(read: Expenses) -> list[str]:
    assert not (read.items and read.problems)
    return [str(problem) for problem in read.problems]


def problems(*items: Any, dialect: Dialect = "current") -> list[str]:
    return sentences(read_json(json.dumps(items).encode(), dialect))


def rows(*lines: str, dialect: Dialect = "current") -> Expenses:
    return read_csv("\n".join(lines).encode(), dialect)


NOT_READ = {
    b"": "line 1, column 1: it is not JSON: Expecting value",
    b"[": "line 1, column 2: it is not JSON: Expecting value",
    b"{}": "the file has no expenses",
    b'"x"': "the file has no expenses",
    b"[]": "the file has no expenses",
    b"[1]": "item 1: 1 is not an object",
    b"\xff": "it cannot be read: line 1 is not UTF-8",
    b"[NaN]": "it cannot be read: NaN is not a number",
    b'[{"a": 1, "a": 2}]': 'it cannot be read: "a" is in an object twice, expected',
    b'[{"a": 1e9999999999999999999}]': "a number is too large",
    b"[" * 100_000: "it is nested too deeply",
}


@pytest.mark.parametrize(("body", "sentence"), NOT_READ.items(), ids=range(11))
def test_json_that_is_none_is_one_sentence(body: bytes, sentence: str) -> None:
    (problem,) = sentences(read_json(body, "current"))

    assert problem.startswith(sentence)


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "no id": ({"id": ...}, "id: it is missing"),
    "a blank id": ({"id": ""}, "id: it is missing"),
    "an id that is none": ({"id": "../x"}, 'id: "../x" is not a UUID'),
    "no type": ({"type": None}, "type: it is missing"),
    "a type in lower case": (
        {"type": "payment"},
        'type: "payment" is not one of Payment, Refund, Reward, Chargeback',
    ),
    "a type that moved": (
        {"type": "TransferIn"},
        'type: "TransferIn" is not one of Payment, Refund, Reward, Chargeback',
    ),
    "a type that is no text": (
        {"type": []},
        "type: an array is not one of Payment, Refund, Reward, Chargeback",
    ),
    "no such day": (
        {"issueDate": "2026-02-30"},
        'issueDate: "2026-02-30" is not a date',
    ),
    "a week": (
        {"issueDate": "2026-W01-1"},
        'issueDate: "2026-W01-1" is not a date',
    ),
    "a currency's sign": (
        {"currency": "£"},
        'currency: "£" is not a currency, expected a code such as GBP',
    ),
    "a rate of nothing": (
        {"currencyRate": 0},
        "currencyRate: 0 is a rate of 0 or below, expected one above",
    ),
    "a rate too fine": (
        {"currencyRate": 1.0123456789},
        "currencyRate: 1.0123456789 has more than 9 decimals",
    ),
    "a rate too large": (
        {"currencyRate": 1e300},
        "currencyRate: 1E+300 has more than 15 digits",
    ),
    "a note that is null": (
        {"notes": None},
        "notes: null is not a value here",
    ),
    "half a character": (
        {"notes": "\ud800"},
        "notes: it holds half a surrogate pair",
    ),
    "a name that is no text": ({"merchantName": 1}, "merchantName: 1 is not text"),
    "a contact without an id": (
        {"contactRef": {"type": "Supplier"}},
        "contactRef.id: it is missing",
    ),
    "a contact of another kind": (
        {"contactRef": {"id": "c", "type": "Customer"}},
        'contactRef.type: "Customer" is not Supplier',
    ),
    "a bank account that is text": (
        {"bankAccountRef": "b"},
        'bankAccountRef: "b" is not an object with an id',
    ),
    "a flag that is text": (
        {"postAsDraft": "yes"},
        'postAsDraft: "yes" is neither, expected true or false',
    ),
    "no lines": ({"lines": []}, "lines: the expense has 0 lines, expected 1 to 100"),
    "too many lines": (
        {"lines": [LINE] * 101},
        "lines: the expense has 101 lines, expected 1 to 100",
    ),
    "a line that is none": ({"lines": [1]}, "lines[0]: 1 is not an object"),
    "no amount": ({"lines": [{}]}, "lines[0].netAmount: it is missing"),
    "an amount as text": (
        {"lines": [LINE, LINE | {"netAmount": "10"}]},
        'lines[1].netAmount: "10" is text, expected a number without quotes',
    ),
    "an amount that is a flag": (
        {"lines": [LINE | {"taxAmount": True}]},
        "lines[0].taxAmount: true is not a number",
    ),
    "an amount below nothing": (
        {"lines": [LINE | {"netAmount": -0.01}]},
        "lines[0].netAmount: -0.01 is below 0",
    ),
    "an amount too large": (
        {"lines": [LINE | {"netAmount": 5000000.01}]},
        "lines[0].netAmount: 5000000.01 is above 5000000",
    ),
    "too many categories": (
        {"lines": [LINE | {"trackingRefs": [{"id": "t"}] * 11}]},
        "lines[0].trackingRefs: 11 references, expected 1 to 10",
    ),
    "a category of another kind": (
        {"lines": [LINE | {"trackingRefs": [{"id": "t", "dataType": "x"}]}]},
        'lines[0].trackingRefs[0].dataType: "x" is not trackingCategories or',
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_codat_would_refuse_is_refused_with_its_place(case: str) -> None:
    changed, sentence = WRONG[case]
    item = expense() | changed
    item = {name: value for name, value in item.items() if value is not ...}

    (problem,) = problems(expense(id=TWO), item)

    assert problem.startswith(f"item 2: {sentence}")


def test_v1_requires_more_of_a_line_and_knows_fewer_fields() -> None:
    item = expense(reference="r", type="TransferIn", lines=[{"netAmount": 1}])

    assert problems(item, dialect="v1") == [
        "item 1: reference: it is not a field of v1",
        "item 1: lines[0].taxAmount: it is missing",
        "item 1: lines[0].accountRef: it is missing",
    ]


def test_every_problem_of_a_file_is_told_at_once() -> None:
    assert problems(expense(currency="gbp", notes=1), 7, expense()) == [
        'item 1: currency: "gbp" is not a currency, expected a code such as GBP',
        "item 1: notes: 1 is not text",
        "item 2: 7 is not an object",
        f"item 3: id: {ONE} is the id of item 1 already",
    ]


def test_an_id_in_capitals_is_the_same_id() -> None:
    name = "abcdefab-1111-4111-8111-111111111111"

    assert problems(expense(id=name), expense(id=name.upper())) == [
        f"item 2: id: {name.upper()} is the id of item 1 already"
    ]


@given(st.decimals(0, 5_000_000, places=2, allow_nan=False))
def test_an_amount_is_sent_as_it_was_written(amount: Decimal) -> None:
    text = f"{amount:f}"
    body = json.dumps([expense(lines=[{"netAmount": "#"}])]).replace('"#"', text)

    read = read_json(body.encode(), "current")
    table = rows(HEAD, f"{ONE},Payment,2026-01-04,GBP,{text},,")

    for item in (read, table):
        assert sentences(item) == []
        sent = push_dataset(COMPANY, item.items).body or b""
        (line,) = msgspec.json.decode(sent, type=_Push).items[0].lines
        assert line.netAmount == amount


def test_an_amount_that_no_double_holds_is_refused() -> None:
    read = rows(HEAD, f"{ONE},Payment,2026-01-04,GBP,1234567.123456789,2,a")

    assert sentences(read) == [
        "line 2: netAmount: 1234567.123456789 has more than 15 digits"
    ]


def test_rows_of_one_id_are_the_lines_of_one_expense() -> None:
    read = rows(
        f"{HEAD},merchantName",
        f'{ONE},Payment,2026-01-04,GBP,10.10,2,a,"Tea, and',
        'more"',
        f"{ONE},,,,5,0,b,",
        "",
        f"{TWO},Refund,2026-01-04T10:00:00Z,EUR,1,0,a",
    )

    assert sentences(read) == []
    first, second = read.items
    assert first["merchantName"] == "Tea, and\nmore"
    assert first["lines"] == [
        {
            "netAmount": Decimal("10.10"),
            "taxAmount": Decimal(2),
            "accountRef": {"id": "a"},
        },
        {"netAmount": Decimal(5), "taxAmount": Decimal(0), "accountRef": {"id": "b"}},
    ]
    assert second["id"] == TWO


def test_a_bad_row_is_told_by_its_line_and_column() -> None:
    read = rows(
        HEAD,
        f"{ONE},{GOOD}",
        f'{ONE},,,EUR,"5,000",0,',
        f"{TWO},Pay,04/01/2026,GBP,-1,0,a",
        f"{TWO},{GOOD},more",
        f"{ONE},{GOOD}",
    )

    assert sentences(read) == [
        'line 3: currency: "EUR" differs from "GBP" on line 2, which has the same id,'
        " expected the same",
        'line 3: netAmount: "5,000" is not a number, expected one such as 12.50,'
        " without signs of thousands or currency",
        'line 4: issueDate: "04/01/2026" is not a date,'
        " expected one such as 2026-03-02",
        'line 4: type: "Pay" is not one of Payment, Refund, Reward, Chargeback',
        "line 4: netAmount: -1 is below 0, expected 0 to 5000000",
        "line 5: cell 8 is filled and has no name in the header, expected 7 cells",
        'line 5: type: "Payment" differs from "Pay" on line 4, which has the same id,'
        " expected the same",
        'line 5: issueDate: "2026-01-04" differs from "04/01/2026" on line 4, which has'
        " the same id, expected the same",
        f"line 6: id: {ONE} is the id of line 2 already",
    ]


NO_TABLE = {
    "": "line 1: the file is empty",
    "\n\n": "line 1: the file is empty",
    "id|type\n": 'line 1: the header has no column id and begins "id|type"',
    f"{HEAD},netAmuont\n": 'line 1: the column "netAmuont" is not known',
    f"{HEAD},type\n": "line 1: the column type is in the header twice",
    f"\n\n{HEAD},type\n": "line 3: the column type is in the header twice",
    HEAD: "the file has no expenses",
    f'{HEAD}\n"x': "line 2: it is not CSV: unexpected end of data",
    "PK\x03\x04": "it cannot be read: the file is a workbook or a zip",
    "%PDF-1.7": "it cannot be read: the file is a PDF",
}


@pytest.mark.parametrize(("text", "sentence"), NO_TABLE.items(), ids=range(10))
def test_a_table_that_is_none_is_one_sentence(text: str, sentence: str) -> None:
    (problem,) = sentences(read_csv(text.encode(), "current"))

    assert problem.startswith(sentence)


def test_a_table_in_another_encoding_is_one_sentence() -> None:
    body = f"{HEAD}\n{ONE},{GOOD}é".encode("latin-1")

    assert sentences(read_csv(body, "current")) == [
        "it cannot be read: line 2 is not UTF-8, expected a file saved as CSV UTF-8,"
        " or --encoding with its own, such as windows-1252"
    ]


@pytest.mark.parametrize("dialect", ["v1", "current"])
def test_every_column_becomes_what_codat_takes(dialect: Dialect) -> None:
    cells = {
        "id": ONE,
        "type": "Payment",
        "issueDate": "2026-01-04",
        "currency": "GBP",
        "currencyRate": "1.25",
        "merchantName": "Tea",
        "notes": "N",
        "contactId": "c",
        "netAmount": "10",
        "taxAmount": "2",
        "accountId": "account-1",
        "taxRateId": "t",
        "trackingIds": "x; y",
    }
    if dialect == "current":
        cells |= {
            "reference": "R",
            "bankAccountId": "b",
            "postAsDraft": "TRUE",
            "itemId": "i",
            "invoiceToId": "u",
        }
        assert set(cells) == set(COLUMNS)

    read = rows(",".join(cells), ",".join(cells.values()), dialect=dialect)

    assert sentences(read) == []
    sandbox = Sandbox(settings=Settings(strict=True))
    sandbox.company(COMPANY)
    items = msgspec.json.decode(push_dataset(COMPANY, read.items).body or b"")["items"]
    path, data = "/expense-transactions", items
    if dialect == "v1":
        path, data = "/data/expense-transactions", {"items": items}
    assert call(sandbox, "POST", path, data).status == 200


def test_a_cell_for_the_other_dialect_is_a_problem() -> None:
    read = rows(f"{HEAD},reference,itemId", f"{ONE},{GOOD},R,i", dialect="v1")

    assert sentences(read) == [
        "line 2: reference: it is not a field of v1",
        "line 2: itemId: it is not a field of v1",
    ]


@given(st.binary(max_size=200))
def test_no_bytes_are_an_error(body: bytes) -> None:
    for read in (read_json, read_csv):
        found = read(body, "v1")
        assert bool(found.items) != bool(found.problems)


@given(
    st.lists(st.text(max_size=12), min_size=7, max_size=7).map(
        lambda cells: ",".join(f'"{cell}"' for cell in cells)
    )
)
def test_no_row_is_an_error(row: str) -> None:
    body = f"{HEAD}\n{row}".encode("utf-8", "surrogatepass")

    assert read_csv(body, "current").items == ()
