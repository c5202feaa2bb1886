"""Tables as spreadsheets save them: what a person reads is sent, or is a problem."""

import codecs
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from iso4217 import Currency

from reconcile.expenses import Expenses, read_csv, read_json
from tests.expenses.test_files import GOOD, HEAD, ONE, TWO, rows, sentences

WHOLE = f"{HEAD}\n{ONE},{GOOD}\n{TWO},{GOOD}"


def amounts(read: Expenses) -> list[object]:
    """Return the net amount of each line."""
    found = []
    for item in read.items:
        lines = item["lines"]
        assert isinstance(lines, list)
        found += [line["netAmount"] for line in lines]
    return found


def priced(currency: str, amount: str, *, separator: str = ",") -> Expenses:
    """Return a table of one expense with this amount."""
    row = f"{ONE},Payment,2026-01-04,{currency},#,,account-1"
    text = f"{HEAD}\n{row}".replace(",", separator).replace("#", amount)
    return read_csv(text.encode(), "current")


@pytest.mark.parametrize(
    ("currency", "amount", "decimals"),
    [
        ("EUR", "1.000", "3 decimals, expected at most 2"),
        ("JPY", "12.500", "3 decimals, expected at most 0"),
        ("KWD", "1.0000", "4 decimals, expected at most 3"),
        ("GBP", "12.345", "3 decimals, expected at most 2"),
    ],
)
def test_an_amount_has_no_more_decimals_than_its_currency(
    currency: str, amount: str, decimals: str
) -> None:
    assert sentences(priced(currency, amount)) == [
        f"line 2: netAmount: {amount} has {decimals} in {currency}"
    ]


@given(
    st.sampled_from([item for item in Currency if item.exponent is not None]),
    st.integers(0, 4_999_999),
    st.text("0123456789", max_size=6),
)
def test_what_is_sent_is_what_is_read_or_a_problem(
    currency: Currency, whole: int, decimals: str
) -> None:
    text = f"{whole}.{decimals}" if decimals else f"{whole}"

    read = priced(currency.code, text)

    if len(decimals) <= (currency.exponent or 0) or not Decimal(text):
        assert sentences(read) == []
        assert [str(amount) for amount in amounts(read)] == [str(Decimal(text))]
    else:
        assert read.items == ()
        assert len(read.problems) == 1


@pytest.mark.parametrize("text", ["-0", "-0.00", "-0.0"])
def test_minus_nought_is_nought(text: str) -> None:
    in_json = f"""[{{"id":"{ONE}","type":"Payment","issueDate":"2026-01-04",
        "currency":"GBP","lines":[{{"netAmount":{text}}}]}}]"""

    for read in (priced("GBP", text), read_json(in_json.encode(), "current")):
        (amount,) = amounts(read)
        assert not str(amount).startswith("-")


def test_rows_that_say_the_same_in_every_cell_are_told() -> None:
    assert sentences(rows(HEAD, f"{ONE},{GOOD}", f"{ONE},{GOOD}")) == [
        "line 3: the row says the same as line 2 in every cell,"
        " expected each row once, or lines that differ"
    ]


def test_cells_that_are_empty_under_no_name_are_nothing() -> None:
    assert sentences(rows(f"{HEAD},,", f"{ONE},{GOOD},,", f"{TWO},{GOOD},,,,")) == []


def test_a_filled_cell_under_no_name_is_told() -> None:
    assert sentences(rows(f"{HEAD},", f"{ONE},{GOOD},more")) == [
        "line 2: cell 8 is filled and has no name in the header, expected 7 cells"
    ]


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("sep_line", ["", "sep={}\r\n"])
def test_semicolons_and_tabs_part_cells_and_commas_decimals(
    separator: str, sep_line: str
) -> None:
    text = WHOLE.replace(",", separator).replace(
        f"{separator}10{separator}", f"{separator}10,25{separator}"
    )

    read = read_csv((sep_line.format(separator) + text).encode(), "current")

    assert sentences(read) == []
    assert amounts(read) == [Decimal("10.25")] * 2


def test_a_line_that_says_sep_is_passed_over_and_lines_keep_their_numbers() -> None:
    read = rows("sep=,", HEAD, f"{ONE},{GOOD}", f"{TWO},Pay,2026-01-04,GBP,1,,a")

    assert [problem.place for problem in read.problems] == ["line 4"]


def test_among_decimal_commas_a_point_is_a_problem() -> None:
    text = f"{HEAD}\n{ONE},Payment,2026-01-04,KWD,1.000,0#5,a".replace(",", ";")

    read = read_csv(text.replace("#", ",").encode(), "current")

    assert read.items == ()
    assert sentences(read) == [
        'line 2: netAmount: "1.000" has a point, and other numbers decimal commas,'
        " expected one such as 1234,50"
    ]


@pytest.mark.parametrize(
    ("amount", "value"),
    [("1.234,50", "1234.50"), ("1.000.000,00", "1000000.00"), ("999,9", "999.9")],
)
def test_points_part_thousands_where_a_decimal_comma_follows(
    amount: str, value: str
) -> None:
    assert amounts(priced("EUR", amount, separator=";")) == [Decimal(value)]


@pytest.mark.parametrize(
    "amount",
    ["1.23,50", "1234.567,50", "1,234.50", "1.234,50,5", ".234,50", "1..234,5"],
)
def test_points_at_other_places_are_a_problem_that_shows_the_cell(amount: str) -> None:
    text = f"{HEAD}\n{ONE},Payment,2026-01-04,EUR,#,0!5,a".replace(",", ";")
    read = read_csv(text.replace("#", amount).replace("!", ",").encode(), "current")

    (sentence,) = sentences(read)
    assert sentence.startswith(f'line 2: netAmount: "{amount}" ')


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("amount", ["1,250", "1.250", "12,500"])
def test_three_digits_behind_one_sign_are_a_problem_unless_another_number_shows_it(
    separator: str, amount: str
) -> None:
    def read(tax: str) -> Expenses:
        row = f"{ONE}|Payment|2026-01-04|KWD|{amount}|{tax}|a"
        text = f"{HEAD.replace(',', '|')}\n{row}".replace("|", separator)
        return read_csv(text.encode(), "current")

    (problem,) = sentences(read(""))
    assert problem.startswith(f'line 2: netAmount: "{amount}" may be ')
    assert amounts(read("0,000" if "," in amount else "0.5")) == [
        Decimal(amount.replace(",", "."))
    ]
    assert not read("0.5" if "," in amount else "0,5").items


def test_a_file_in_utf_8_is_not_read_in_another_encoding() -> None:
    body = f"{HEAD}\n{ONE},{GOOD}é".encode()

    assert sentences(read_csv(body, "current", encoding="windows-1252")) == [
        "it cannot be read: it is in UTF-8, expected no --encoding"
    ]
    assert sentences(read_csv(body, "current", encoding="utf8")) == []


@pytest.mark.parametrize("codec", ["unicode_escape", "utf-7", "idna", "rot13", "hex"])
def test_a_codec_that_no_table_is_saved_in_is_no_encoding(codec: str) -> None:
    (problem,) = sentences(read_csv(WHOLE.encode(), "current", encoding=codec))

    assert "is not an encoding" in problem


@pytest.mark.parametrize("head", ["net_amount", "Net-Amount", "net amount"])
def test_hyphens_and_underscores_of_the_header_make_no_difference(head: str) -> None:
    read = rows(HEAD.replace("netAmount", head), f"{ONE},{GOOD}")

    assert sentences(read) == []


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_file_in_a_known_utf_is_read(encoding: str) -> None:
    text = f"{HEAD}\n{ONE},{GOOD}é"

    (item,) = read_csv(text.encode(encoding), "current").items

    assert "account-1é" in str(item)


def test_another_encoding_is_read_by_its_name() -> None:
    body = f"{HEAD}\n{ONE},{GOOD}é".encode("windows-1252")

    (item,) = read_csv(body, "current", encoding="windows-1252").items

    assert "account-1é" in str(item)
    assert sentences(read_csv(body, "current", encoding="klingon")) == [
        'it cannot be read: "klingon" is not an encoding,'
        " expected one such as windows-1252"
    ]


def test_a_mark_outweighs_the_encoding_that_is_named() -> None:
    body = codecs.BOM_UTF8 + WHOLE.encode()

    assert sentences(read_csv(body, "current", encoding="windows-1252")) == []


def test_capitals_and_spaces_of_the_header_make_no_difference() -> None:
    head = "ID, Type ,Issue Date,CURRENCY,net amount,TaxAmount,account id"

    assert sentences(rows(head, f"{ONE},{GOOD}")) == []


def test_all_columns_that_are_not_known_are_told_at_once() -> None:
    read = rows(f"{HEAD},employee,cost centre", f"{ONE},{GOOD},Ada,7")

    assert sentences(read) == [
        'line 1: the columns "employee", "cost centre" are not known, expected one of'
        " currencyRate, merchantName, notes, reference, contactId, bankAccountId,"
        " postAsDraft, taxRateId, itemId, trackingIds, invoiceToId, or"
        " --ignore-other-columns to leave out what is not to be sent"
    ]


def test_a_column_that_every_row_needs_is_missed_once() -> None:
    head = HEAD.replace("currency,", "").replace("netAmount,", "")
    read = rows(head, *(f"{name},Payment,2026-01-04,0,a" for name in (ONE, TWO)))

    assert sentences(read) == [
        f"line 1: {column}: the header has no such column, expected it for every"
        " expense"
        for column in ("currency", "netAmount")
    ]


def test_columns_that_are_not_known_can_be_left_out() -> None:
    text = f"{HEAD},employee,cost centre\n{ONE},{GOOD},Ada,#N/A"

    read = read_csv(text.encode(), "current", ignore_other_columns=True)

    assert sentences(read) == []
    assert "Ada" not in str(read.items)
    assert read.left_out == ("employee", "cost centre")


@pytest.mark.parametrize(
    "error",
    [
        *("#N/A", "#REF!", "#DIV/0!", "#NAME?", "#NV", "#BEZUG!", "####", "Err:502"),
        *("#¡VALOR!", "#¿NOMBRE?", "#VÆRDI!", "#DEĞER!", "#ЗНАЧ!", "#ДЕЛ/0!", "#Н/Д"),
        *("#ČÍSLO!", "#値!", "#YOK", "#I/T", "#HIÁNYZIK", "#ERROR", "#n/a", "#N/DISP"),
    ],
)
def test_a_spreadsheets_error_is_never_a_value(error: str) -> None:
    read = rows(f"{HEAD},merchantName", f"{ONE},{GOOD},{error}")

    assert sentences(read) == [
        f'line 2: merchantName: "{error}" is a spreadsheet\'s error, expected a value'
    ]


@pytest.mark.parametrize("merchant", ["#1 Pizza", "#hashtag", "Shop #N", "#Wow!"])
def test_what_only_begins_like_an_error_is_a_value(merchant: str) -> None:
    (item,) = rows(f"{HEAD},merchantName", f"{ONE},{GOOD},{merchant}").items

    assert item["merchantName"] == merchant


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("4.55E+11", "is a number that a spreadsheet shortened"),
        ("acc\u200b1", "has characters that nobody sees"),
        ("\ufeffacc", "has characters that nobody sees"),
        ("acc\x00", "has characters that nobody sees"),
    ],
)
def test_an_id_that_a_table_spoils_is_a_problem(cell: str, reason: str) -> None:
    (problem,) = sentences(rows(HEAD, f"{ONE},Payment,2026-01-04,GBP,1,,{cell}"))

    assert problem.startswith("line 2: accountId: ")
    assert reason in problem


def test_a_control_character_in_a_name_is_a_problem() -> None:
    (problem,) = sentences(rows(f"{HEAD},merchantName", f"{ONE},{GOOD},Caf\x85e"))

    assert "has a control character" in problem


def test_a_row_that_a_quote_swallows_is_a_problem() -> None:
    read = rows(f"{HEAD},merchantName", f'{ONE},{GOOD},"Shop', f'{TWO},{GOOD},Shop"')

    (problem,) = sentences(read)
    assert problem.startswith("line 2: merchantName: ")
    assert "has a whole row within quotes" in problem


@pytest.mark.parametrize("amounts_", [("10.00", "10.0"), ("1", "1.000"), ("0", "-0")])
def test_rows_that_say_the_same_in_other_digits_are_a_problem(
    amounts_: tuple[str, str],
) -> None:
    read = rows(HEAD, *(f"{ONE},Payment,2026-01-04,KWD,{n},,a" for n in amounts_))

    assert "line 3: the row says the same as line 2" in sentences(read)[0]


def test_a_text_written_as_a_formula_is_the_text() -> None:
    (item,) = rows(HEAD, f'{ONE},Payment,2026-01-04,GBP,1,,"=""0012"""').items

    assert item["lines"] == [{"netAmount": Decimal(1), "accountRef": {"id": "0012"}}]


def test_another_formula_is_a_problem() -> None:
    (problem,) = sentences(rows(HEAD, f"{ONE},Payment,2026-01-04,GBP,=1+1,,a"))

    assert "is a formula, expected its value" in problem


@pytest.mark.parametrize(
    "date",
    [
        *("0001-01-01", "1601-01-01", "1753-01-01", "1899-12-30", "1900-01-00"),
        *("1900-01-01", "1970-01-01T00:00:00Z", "2262-04-11", "9999-12-31"),
    ],
)
def test_a_date_that_programs_write_for_none_is_a_problem(date: str) -> None:
    (problem,) = sentences(rows(HEAD, f"{ONE},Payment,{date},GBP,1,,a"))

    assert "is not a date" in problem


def test_every_problem_is_told_with_its_line_at_once() -> None:
    read = rows(
        f"{HEAD},employee",
        f"{ONE},Payment,0001-01-01,EUR,1.000,,#REF!",
        f"{TWO},Pay,2026-01-04,GBP,1,,a",
    )

    assert [problem.place for problem in read.problems] == [
        *("line 1", "line 2", "line 2", "line 2", "line 3"),
    ]
