"""Slips of recorders and of those who save: lines run together, spellings, secrets.

Each test states a kind; nothing is lost unsaid, and nothing that is not ours is kept.
"""

import gzip
import io
import json
import zipfile
from typing import Any

import pytest

from reconcile import Reconciler, read_document, read_lines
from reconcile.errors import UsageError
from reconcile.intake.files import STRAY_TOLD_MAX, read_stream
from tests.builders import COMPANY, SYNC, create, entry, har, page, row, status, url
from tests.stories.test_bad_input import data_of, states
from tests.stories.test_capture_files import DOCUMENT, LINES, zipped
from tests.stories.test_captures import WHOLE, altered, verdicts
from tests.stories.test_scrub import holds

SECRET = "5ecret-t0ken"  # noqa: S105 - a password of nobody's
OTHER = entry("GET", "https://mail.example/inbox", answer={"password": SECRET})


@pytest.mark.parametrize("between", [b"", b" ", b",", b"\r", "\u2028".encode()])
@pytest.mark.parametrize("first", [OTHER, status(2000, minutes=1)])
def test_entries_that_stand_on_one_line_are_all_read(
    books: Reconciler, store_url: str, between: bytes, first: bytes
) -> None:
    line = between.join((first, create("t1"), page(row("t1"), minutes=3)))

    intake = books.ingest(read_lines([line, status(2000, minutes=2)]))

    assert intake.unread == []
    assert states(data_of(books)) == {"t1": "matched"}
    assert not holds(books, store_url, SECRET)


@pytest.mark.parametrize("torn", [OTHER, create("t2", sync="f" * 8 + SYNC[8:])])
@pytest.mark.parametrize("share", [0.4, 0.6, 0.9])
def test_an_entry_behind_a_torn_one_is_read(
    books: Reconciler, store_url: str, torn: bytes, share: float
) -> None:
    line = torn[: int(len(torn) * share)] + create("t1")

    books.ingest(read_lines([line, *WHOLE[1:]]))

    assert states(data_of(books))["t1"] == "matched"
    assert not holds(books, store_url, SECRET)


def test_neighbours_that_are_broken_alike_hide_no_write(
    books: Reconciler, store_url: str
) -> None:
    lines = [
        line.replace(b'"content": {', b'"content": {\'broken": 1, ', 1)
        for line in (OTHER, create("t1"), create("t2"), OTHER)
    ]

    intake = books.ingest(read_document(har(lines)))

    assert {*states(data_of(books))} == {"t1", "t2"}
    assert intake.not_codats == 2
    assert not holds(books, store_url, SECRET)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_no_json_cost_nothing_where_nobody_needs_them(
    books: Reconciler, number: str
) -> None:
    timings = f'"timings": {{"wait": {number}}}, "request"'.encode()
    lines = [line.replace(b'"request"', timings, 1) for line in WHOLE]

    intake = books.ingest(read_lines(lines))

    assert intake.unread == []
    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize(
    ("codats", "spelling"),
    [
        ("companies", "Companies"),
        ("/sync/expenses/", "/Sync/Expenses/"),
        ("/sync/expenses/", "/sync%2Fexpenses/"),
        ("expense-transactions", "Expense-Transactions"),
        ("expense-transactions", "expense%2Dtransactions"),
        ("expense-transactions", "expense-transactions;v=1"),
        ("expense-transactions", "expense-transactions%20"),
        ("/sync/expenses/", "/sync/./expenses/"),
        ("/sync/expenses/", "/sync/x/../expenses/"),
        ("/sync/expenses/", "//sync/expenses/"),
        ("api.codat.io", "api.codat.io."),
    ],
)
def test_a_call_is_known_in_every_spelling_that_a_server_takes(
    books: Reconciler, codats: str, spelling: str
) -> None:
    line = create("t1").replace(codats.encode(), spelling.encode(), 1)

    books.ingest(read_lines([line, *WHOLE[1:]]))

    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize(
    "where",
    [
        "https://u:{}@api.codat.io/companies",
        "//u:{}@api.codat.io/companies",
        "https:/u:{}@api.codat.io/companies",
        "https://gateway.example/{}/companies",
        "https://gateway.example/codat;key={}/companies",
    ],
)
def test_no_secret_of_a_url_is_kept(
    books: Reconciler, store_url: str, where: str
) -> None:
    before = where.format(SECRET).encode()
    lines = [line.replace(b"https://api.codat.io/companies", before) for line in WHOLE]

    books.ingest(read_lines([*lines, altered(lines[1], response={"status": 500})]))

    assert states(data_of(books)) == {"t1": "matched"}
    assert not holds(books, store_url, SECRET)


@pytest.mark.parametrize(
    "query", ["?page=1&key={}", "?page=1;key={}", "?page=1?key={}"]
)
def test_no_secret_of_a_query_is_kept(
    books: Reconciler, store_url: str, query: str
) -> None:
    asked = url(f"/syncs/{SYNC}/transactions{query.format(SECRET)}")
    data = json.loads(WHOLE[2])
    data["request"]["url"] = asked

    books.ingest(read_lines([*WHOLE[:2], json.dumps(data).encode()]))

    assert states(data_of(books)) == {"t1": "matched"}
    assert not holds(books, store_url, SECRET)


def test_of_a_webhook_neither_its_address_nor_our_answer_is_kept(
    books: Reconciler,
    store_url: str,
) -> None:
    body = {
        "eventType": "expenses.sync.successful",
        "generatedDate": "2026-03-02T09:03:00Z",
        "payload": {"referenceCompany": {"id": COMPANY}, "syncId": SYNC},
    }
    line = entry(
        "POST",
        f"https://backoffice.example/hooks/{SECRET}",
        request=body,
        status=500,
        answer={"SECRET_KEY": SECRET},
        minutes=4,
    )

    intake = books.ingest(read_lines([*WHOLE, line]))

    assert (intake.read, intake.not_codats) == (4, 0)
    assert not holds(books, store_url, SECRET)


@pytest.mark.parametrize("part", ["startedDateTime", "_failureText", "retry-after"])
def test_free_text_where_a_form_is_expected_is_not_kept(
    books: Reconciler, store_url: str, part: str
) -> None:
    line: dict[str, Any] = json.loads(create("t1", status=429))
    if part == "startedDateTime":
        line[part] = SECRET
    elif part == "_failureText":
        line["response"] |= {part: SECRET, "status": "odd"}
        line["startedDateTime"] = ""
    else:
        line["response"]["headers"] = [{"name": part, "value": SECRET}]

    books.ingest(read_lines([json.dumps(line).encode()]))

    assert not holds(books, store_url, SECRET)


@pytest.mark.parametrize(
    "response",
    [
        {"status": 400, "content": {"size": -1}},
        {"status": 400, "content": {}, "bodySize": 120},
        {"status": 409, "headers": [{"name": "Content-Length", "value": "9"}]},
        {"status": 499, "content": {"text": "{}"}},
        {"status": 460, "content": {}},
        {"status": 444, "content": {}},
    ],
)
def test_a_refusal_whose_words_are_not_known_leaves_the_write_in_doubt(
    books: Reconciler, response: dict[str, Any]
) -> None:
    data = json.loads(create("t1"))
    data["response"] = response

    books.ingest(read_lines([json.dumps(data).encode()]))

    assert verdicts(books) == [("INDETERMINATE", "WAIT")]


@pytest.mark.parametrize(
    "pair",
    [{"name": "Age", "value": 3480}, {"name": "X-Cache", "value": "TCP_HIT from a"}],
)
def test_a_cache_is_known_by_what_it_says_in_any_form(
    books: Reconciler, pair: dict[str, Any]
) -> None:
    late = altered(
        page(row("t1", "PushError"), minutes=30), response={"headers": [pair]}
    )

    books.ingest(read_lines([*WHOLE, late]))

    assert [verdict for _, verdict in verdicts(books)] == ["NEVER"]


def test_a_zip_of_a_macs_own_is_read(books: Reconciler) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("a.har", DOCUMENT)
        archive.writestr("__MACOSX/._a.har", b"\x00\x05\x16\x07")

    intake = books.ingest(read_stream(io.BytesIO(target.getvalue()), name="a.zip"))

    assert (intake.read, intake.quarantined) == (3, 0)


@pytest.mark.parametrize("bad", [b"", b"<html>", b"%PDF", b"{}"])
def test_a_document_of_a_zip_that_is_none_costs_that_document_alone(
    books: Reconciler, bad: bytes
) -> None:
    for content in (zipped(a_dot_har=DOCUMENT, b_dot_har=bad), zipped(c_dot_har=LINES)):
        books.ingest(read_stream(io.BytesIO(content), name="a.zip"))

    assert states(data_of(books)) == {"t1": "matched"}
    assert data_of(books)["unprocessed"] == 1
    with pytest.raises(UsageError, match=r"b\.har"):
        list(read_stream(io.BytesIO(zipped(b_dot_har=bad)), name="a.zip"))


@pytest.mark.parametrize("method", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
@pytest.mark.parametrize("at_byte", [40, 60, 90])
def test_a_zip_with_broken_bytes_is_one_sentence(method: int, at_byte: int) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        archive.writestr("a.har", DOCUMENT)
    broken = bytearray(target.getvalue())
    broken[at_byte : at_byte + 8] = b"\xff" * 8

    with pytest.raises(UsageError, match="cannot be unpacked"):
        list(read_stream(io.BytesIO(bytes(broken)), name="a.zip"))


def test_what_a_broken_gzip_holds_is_read_and_the_break_is_told(
    books: Reconciler,
) -> None:
    packed = gzip.compress(LINES + b"\n" + OTHER * 200, mtime=0)

    books.ingest(read_stream(io.BytesIO(packed[:-20]), name="a.gz"))

    assert states(data_of(books)) == {"t1": "matched"}
    assert data_of(books)["unprocessed"] > 0


def test_many_lines_that_are_no_entries_are_one_piece(books: Reconciler) -> None:
    content = LINES + b"".join(b"\nINFO %d" % n for n in range(5 * STRAY_TOLD_MAX))

    intake = books.ingest(read_stream(io.BytesIO(content), name="a"))

    assert (intake.read, intake.quarantined) == (3, STRAY_TOLD_MAX + 1)
    assert "more lines are not HAR entries" in intake.unread[-1].reason


def test_a_compact_document_that_begins_with_something_else_is_one(
    books: Reconciler,
) -> None:
    log = json.dumps(json.loads(DOCUMENT)["log"] | {"version": "1.2"}, sort_keys=False)
    content = f'{{"exporter":"x","log":{{"version":"1.2",{log[1:]}}}'.encode()

    intake = books.ingest(read_stream(io.BytesIO(content), name="a"))

    assert (intake.read, intake.quarantined) == (3, 0)
