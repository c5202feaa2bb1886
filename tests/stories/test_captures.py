"""Captured traffic as recorders write it: whose it is first, nothing lost unsaid.

Each test states a kind of fault that public reports of recorders and proxies show.
"""

import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from reconcile import Reconciler, read_document, read_lines, to_data
from tests.builders import (
    COMPANY,
    SYNC,
    at,
    create,
    entry,
    har,
    hook,
    page,
    push,
    row,
    start,
    status,
    url,
)
from tests.engines import bytes_in
from tests.stories.test_bad_input import data_of, states

WHOLE = (
    create("t1"),
    status(2000, minutes=2),
    page(row("t1"), minutes=3),
)
GATEWAYS = (
    "https://api.codat.io//companies",
    "https://api.codat.io/companies",
    "http://localhost:8080/codat/v1//companies",
    "https://gateway.example/codat/companies",
    "https://user:word@gateway.example/a/b/companies",
)


def altered(line: bytes, **parts: Any) -> bytes:
    """Return an entry of which parts of the response or of itself are other."""
    data = json.loads(line)
    response = parts.pop("response", {})
    if isinstance(response, dict) and isinstance(data["response"], dict):
        data["response"].update(response)
    else:
        data["response"] = response
    return json.dumps({**data, **parts}).encode()


def verdicts(books: Reconciler) -> list[tuple[str, str]]:
    """Return what is broken after an hour, and what is to be done."""
    items = to_data(books.report(as_of=at(60)))["items"]
    return [(item["kind"], item["retry"]["verdict"]) for item in items]


def packed(line: bytes, body: bytes, **headers: str) -> bytes:
    """Return an entry whose answer's body is these bytes, as base64."""
    content = {"text": base64.b64encode(body).decode(), "encoding": "base64"}
    pairs = [{"name": n.replace("_", "-"), "value": v} for n, v in headers.items()]
    return altered(line, response={"content": content, "headers": pairs})


def answer_of(line: bytes) -> bytes:
    return str(json.loads(line)["response"]["content"]["text"]).encode()


@pytest.mark.parametrize("before", GATEWAYS)
def test_a_gateways_prefix_or_a_doubled_slash_hides_no_call(
    books: Reconciler, before: str
) -> None:
    lines = [
        line.replace(b"https://api.codat.io/companies", before.encode())
        for line in WHOLE
    ]

    intake = books.ingest(read_lines(lines))

    assert (intake.read, intake.not_codats) == (3, 0)
    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize("code", [-1, -999, "error", None, 0, "0", 10**9, []])
def test_a_write_without_an_answer_is_in_doubt_however_that_is_written(
    books: Reconciler, code: Any
) -> None:
    books.ingest(read_lines([altered(create("t1"), response={"status": code})]))

    assert verdicts(books) == [("INDETERMINATE", "WAIT")]


@pytest.mark.parametrize(
    "response",
    [
        {"_failureText": "net::ERR_ABORTED", "content": {"size": -1}},
        {"_error": "net::ERR_FAILED", "content": {}},
        {"content": {"size": 52}},
        {"content": {"text": "%%%", "encoding": "base64"}},
        {"content": {"text": "<html>"}},
        {"content": {"text": '{"syncId":'}},
        None,
    ],
)
@pytest.mark.parametrize("write", [create("t1"), push("t1")])
def test_a_write_whose_answer_cannot_be_read_is_in_doubt(
    books: Reconciler, write: bytes, response: Any
) -> None:
    intake = books.ingest(read_lines([altered(write, response=response)]))

    assert (intake.read, intake.quarantined) == (1, 0)
    assert verdicts(books) == [("INDETERMINATE", "WAIT")]


def test_a_sync_start_whose_answer_was_lost_is_in_doubt_as_a_create_is(
    books: Reconciler,
) -> None:
    lost = altered(start(minutes=1), response={"status": -1})

    books.ingest(read_lines([push("t1"), lost]))

    assert verdicts(books) == [("INDETERMINATE", "WAIT")]


def test_a_write_that_was_sent_on_elsewhere_did_nothing_itself(
    books: Reconciler,
) -> None:
    location = [{"name": "Location", "value": "https://api.codat.io/"}]
    moved = {"status": 307, "headers": location, "content": {}}

    books.ingest(read_lines([altered(WHOLE[0], response=moved), *WHOLE]))

    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize(
    ("marks", "headers"),
    [
        ({"_fromCache": "disk"}, {"Date": "Mon, 02 Mar 2026 09:02:00 GMT"}),
        ({}, {"Age": "3480"}),
        ({}, {"Date": "Mon, 02 Mar 2026 09:02:00 GMT"}),
        ({}, {"X-Cache": "HIT", "Date": "Mon, 02 Mar 2026 09:02:00 GMT"}),
        ({"_fetchType": "Disk Cache"}, {"Date": "Mon, 02 Mar 2026 09:02:00 GMT"}),
    ],
)
def test_an_answer_from_a_cache_is_as_old_as_its_original(
    books: Reconciler, marks: dict[str, Any], headers: dict[str, str]
) -> None:
    pairs = [{"name": name, "value": value} for name, value in headers.items()]
    failed = page(row("t1", "PushError"), minutes=60)
    stale = altered(failed, response={"headers": pairs}, **marks)
    fresh = [status(2000, minutes=30), page(row("t1"), minutes=30)]

    books.ingest(read_lines([create("t1"), *fresh, stale]))

    assert states(data_of(books))["t1"] == "cleared"


def test_a_cached_answer_of_no_known_age_says_nothing_and_is_told(
    books: Reconciler,
) -> None:
    stale = altered(page(row("t1", "PushError"), minutes=60), _fromCache="disk")

    intake = books.ingest(read_lines([*WHOLE, stale]))

    assert "neither Age nor Date" in intake.unread[0].reason
    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize(
    "dated", ["0001-01-01T00:00:00", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
)
def test_a_webhook_of_a_default_date_came_when_it_came(
    books: Reconciler, dated: str
) -> None:
    late = hook("expenses.sync.unsuccessful", ("t1", "PushError"), generated=dated)

    books.ingest(read_lines([late, *WHOLE]))

    (item,) = data_of(books)["items"]
    assert item["broken_since"] is None or item["broken_since"] > "2026"
    assert item["state"] in ("matched", "cleared")


@pytest.mark.parametrize(
    "pack",
    [
        (gzip.compress, "gzip"),
        (zlib.compress, "deflate"),
        (lambda body: zlib.compress(body)[2:-4], "deflate"),
    ],
)
def test_bodies_that_are_packed_still_are_unpacked(
    books: Reconciler, pack: Any
) -> None:
    compress, name = pack
    lines = [
        packed(line, compress(answer_of(line)), Content_Encoding=name) for line in WHOLE
    ]

    intake = books.ingest(read_lines(lines))

    assert intake.unread == []
    assert states(data_of(books)) == {"t1": "matched"}


def test_a_body_packed_in_another_way_is_told_by_its_name(books: Reconciler) -> None:
    line = packed(WHOLE[2], b"\x1b\x2a\x00\xf8", Content_Encoding="br")

    (unread,) = books.ingest(read_lines([line])).unread

    assert "packed with br" in unread.reason
    assert books.reprocess().unread[0].reason == unread.reason


def test_a_bomb_is_unpacked_within_bounds(books: Reconciler) -> None:
    bomb = gzip.compress(b" " * 2**27, 9)

    (unread,) = books.ingest(read_lines([packed(WHOLE[2], bomb)])).unread

    assert "larger than 67108864 bytes" in unread.reason


def test_base64_that_is_not_marked_so_is_read_all_the_same(books: Reconciler) -> None:
    lines = []
    for line in WHOLE:
        text = base64.b64encode(answer_of(line)).decode()
        lines.append(altered(line, response={"content": {"text": text}}))

    books.ingest(read_lines(lines))

    assert states(data_of(books)) == {"t1": "matched"}


# Whose it is


OTHERS_WEBHOOKS = (
    {"type": "invoice.paid", "data": {"object": {"id": "in_1"}}},
    {"type": "user.created", "timestamp": "2026-03-02T09:00:00Z", "data": {"id": 1}},
    {"event": "push", "repository": {"id": 5}},
)


@pytest.mark.parametrize("body", OTHERS_WEBHOOKS)
@pytest.mark.parametrize("header", ["webhook-id", "svix-id"])
def test_other_vendors_signed_webhooks_are_other_traffic(
    books: Reconciler, body: Any, header: str
) -> None:
    line = entry("POST", "https://us.example/h", request=body, headers={header: "m"})

    intake = books.ingest(read_lines([line]))

    assert (intake.not_codats, intake.quarantined) == (1, 0)


def test_a_webhook_by_put_is_a_delivery(books: Reconciler) -> None:
    line = hook("expenses.sync.successful", ("t1", "Completed"), minutes=1)
    put = line.replace(b'"method": "POST"', b'"method": "PUT"')
    assert put != line

    books.ingest(read_lines([create("t1"), put]))

    assert states(data_of(books)) == {"t1": "matched"}


@pytest.mark.parametrize(
    "unread",
    [
        altered(page(), startedDateTime="soon"),
        altered(page(), response={"content": {"text": "<html>"}}),
        page()[:-60],
        hook("expenses.sync.successful", minutes=1).replace(SYNC.encode(), b""),
    ],
)
def test_what_is_unread_counts_against_the_company_that_it_names(
    books: Reconciler, unread: bytes
) -> None:
    other = "00000000-0000-4000-8000-00000000000b"
    line = unread.replace(COMPANY.encode(), other.encode())
    assert line != unread

    intake = books.ingest(read_lines([*WHOLE, line]))

    assert intake.quarantined == 1
    assert data_of(books, COMPANY)["unprocessed"] == 0
    assert data_of(books, other)["unprocessed"] == 1


def test_one_broken_entry_of_a_document_costs_that_entry_alone(
    books: Reconciler,
) -> None:
    broken = page(row("t1"), minutes=1).replace(b'"results', b'"res\nults')[:-9]

    intake = books.ingest(read_document(har([WHOLE[0], broken, *WHOLE[1:]])))

    assert (intake.read, intake.quarantined) == (3, 1)
    assert states(data_of(books)) == {"t1": "matched"}


def test_a_query_of_a_gateways_own_is_not_kept(
    books: Reconciler, store_url: str
) -> None:
    query = "?page=1&pageSize=100&subscription-key=hunter2"
    asked = url(f"/syncs/{SYNC}/transactions{query}")

    books.ingest(read_lines([entry("GET", asked, answer="<")]))

    stored = b"".join(bytes_in(store_url))
    assert b"/transactions" in stored
    assert b"hunter2" not in stored
