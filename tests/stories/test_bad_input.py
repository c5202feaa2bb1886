"""Bad input: read as far as it can be, kept and counted, and nothing else disturbed."""

import json
from pathlib import Path
from typing import Any

import pytest

from reconcile import Reconciler, read_document, read_lines, to_data
from reconcile.codat.exchange import BODY_BYTES_MAX, Exchange
from reconcile.intake.take import Intake
from reconcile.report.wire import digest
from tests.builders import (
    COMPANY,
    NINE,
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
from tests.engines import url_at

LATER = at(60 * 40)
PAGES = url(f"/syncs/{SYNC}/transactions")
GOOD = (
    push("t1", "t2"),
    start(minutes=1),
    status(5130, minutes=2),
    page(row("t1"), row("t2", "PushError"), minutes=3),
    hook("expenses.sync.unsuccessful", ("t2", "PushError"), minutes=4, delivery="m1"),
)


def data_of(books: Reconciler, company_id: str | None = None) -> dict[str, Any]:
    """Return the report at a fixed moment as plain data."""
    return to_data(books.report(as_of=LATER, company_id=company_id))


def counted(intake: Intake) -> int:
    """Return how many captures became something."""
    return (
        intake.read
        + intake.seen_before
        + intake.quarantined
        + intake.not_codats
        + intake.set_aside
    )


def states(data: dict[str, Any]) -> dict[str, str]:
    return {item["transaction_id"]: item["state"] for item in data["items"]}


@pytest.mark.parametrize(
    "rubbish",
    [
        b"this is no JSON",
        b"\x89PNG\r\x1a\x00\xff\xfe\xfd",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"startedDateTime":"2026-03-02T09:00:00","request":{},"response":{}}',
        b"1" * 400,
    ],
)
def test_a_line_that_is_no_entry_is_counted_and_disturbs_nothing(
    books: Reconciler, rubbish: bytes
) -> None:
    books.ingest(read_lines(GOOD))
    before = data_of(books)

    intake = books.ingest(read_lines([GOOD[0], rubbish], name="a.jsonl"))

    after = data_of(books)
    assert (intake.seen_before, intake.quarantined) == (1, 1)
    assert intake.unread[0].where == "a.jsonl, line 2"
    assert after["unprocessed"] == 1
    for name in ("items", "syncs", "findings", "totals"):
        assert after[name] == before[name]


def test_of_a_har_that_breaks_off_the_whole_entries_stand(books: Reconciler) -> None:
    document = har(GOOD)

    intake = books.ingest(read_document(document[:-40], name="a.har"))

    assert (intake.read, intake.quarantined) == (len(GOOD), 1)
    assert "line 1" in intake.unread[0].where
    assert states(data_of(books)) == {"t1": "matched", "t2": "break"}


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        "{}",
        "5",
        "<html>",
        "",
        "NaN",
        "[" * 100_000 + "]" * 100_000,
        '{"results":{"a":1}}',
    ],
)
@pytest.mark.parametrize(
    "path", [f"/syncs/{SYNC}/transactions", "/syncs/latest/status"]
)
def test_an_answer_that_cannot_be_read_is_counted_and_disturbs_nothing(
    books: Reconciler, body: str, path: str
) -> None:
    books.ingest(read_lines(GOOD))
    before = data_of(books)

    intake = books.ingest(read_lines([entry("GET", url(path), minutes=9, answer=body)]))

    after = data_of(books)
    assert intake.quarantined == 1
    assert (after["unprocessed"], after["items"]) == (1, before["items"])


def test_a_body_over_the_limit_is_kept_unread(books: Reconciler) -> None:
    books.ingest(read_lines(GOOD))
    huge = Exchange(
        method="GET",
        url=PAGES,
        status=200,
        response_body=b'{"results":[]}'.ljust(BODY_BYTES_MAX + 6 * 2**20),
        observed_at=NINE,
    )

    intake = books.record(huge)

    assert "expected at most" in intake.unread[0].reason
    assert states(data_of(books)) == {"t1": "matched", "t2": "break"}
    assert data_of(books)["unprocessed"] == 1


def test_one_wrong_row_leaves_the_good_ones_and_the_listing_incomplete(
    books: Reconciler,
) -> None:
    rows = [row("t1"), {"transactionId": "t2", "status": 7}, row("t3")]

    books.ingest(read_lines([create("t1", "t2", "t3"), page(*rows, minutes=2)]))

    data = data_of(books)
    legs = {item["transaction_id"]: len(item["legs"]) for item in data["items"]}
    assert legs == {"t1": 1, "t2": 0, "t3": 1}
    assert [found["kind"] for found in data["findings"]] == ["UNREADABLE"]
    assert data["findings"][0]["transaction_id"] == "t2"
    assert data["syncs"][0]["listing"] == "incomplete"
    assert data["unprocessed"] == 0


@pytest.mark.parametrize("total", [-1, 10**400, "many", None, 2**60])
def test_an_absurd_count_leaves_the_listing_incomplete(
    books: Reconciler, total: Any
) -> None:
    listing = page(row("t1"), minutes=3)
    data = json.loads(json.loads(listing)["response"]["content"]["text"])
    body = {**data, "totalResults": total}

    books.ingest(
        read_lines(
            [
                create("t1", "t2"),
                status(5130, minutes=1),
                entry("GET", PAGES, minutes=3, answer=body),
            ]
        )
    )

    report = data_of(books)
    assert report["syncs"][0]["listing"] == "incomplete"
    assert states(report)["t2"] != "matched"


NOISE = (
    entry("GET", "https://cdn.example/app.js", answer="let x = 1"),
    entry("OPTIONS", PAGES, status=204),
    entry("HEAD", PAGES),
    entry("POST", "https://stats.example/", request={"type": "view", "payload": {}}),
    entry("POST", "https://stats.example/", request="a=b"),
    entry("POST", "https://api.codat.io/rules", request={"type": "sync-failed"}),
    entry("GET", f"https://api.codat.io/companies/{COMPANY}", answer="{"),
    entry("GET", "data:image/png;base64,AAAA"),
    entry("GET", "https://[oops/", status=0),
)


def test_browser_noise_changes_nothing(books: Reconciler, tmp_path: Path) -> None:
    mixed = [item for pair in zip(GOOD, NOISE, strict=False) for item in pair]

    noise = books.ingest(read_document(har([*mixed, *NOISE])))

    assert (noise.read, noise.not_codats) == (len(GOOD), len(GOOD) + len(NOISE))
    assert noise.unread == []
    with Reconciler.open(url_at(tmp_path / "quiet.db")) as quiet:
        quiet.ingest(read_document(har(GOOD)))
        reports = [found.report(as_of=LATER) for found in (books, quiet)]
    assert digest(reports[0]) == digest(reports[1])
    assert reports[0].position == reports[1].position


@pytest.mark.parametrize("started", ["2000-01-01T00:00:00Z", "2199-12-31T23:59:59Z"])
def test_the_first_and_the_last_year_of_clocks_can_be_reported(
    books: Reconciler, started: str
) -> None:
    lines = []
    for line in GOOD:
        data = json.loads(line)
        data["startedDateTime"] = started
        lines.append(json.dumps(data).encode())

    intake = books.ingest(read_lines(lines))

    assert intake.unread == []
    assert data_of(books)["unprocessed"] == 0


def test_a_webhook_of_an_impossible_time_is_read(books: Reconciler) -> None:
    line = hook("expenses.sync.successful", ("t1", "Completed"), generated="soon")

    intake = books.ingest(read_lines([create("t1"), line]))

    assert (intake.read, intake.unread) == (2, [])
    assert states(data_of(books)) == {"t1": "matched"}


def test_odd_ids_and_words_are_carried_through(books: Reconciler) -> None:
    odd = "a:b%/\u0000'\"; é😀"
    text = json.dumps({"results": [row(odd, "\ud800", "\x1b[31m", "\u202e")]})

    books.ingest(read_lines([create(odd, sync=SYNC), entry("GET", PAGES, answer=text)]))

    (item,) = data_of(books)["items"]
    assert item["transaction_id"] == odd.replace("\u0000", "\ufffd")
    assert [(leg["status"], leg["integration_type"]) for leg in item["legs"]] == [
        ("\ufffd", "\x1b[31m")
    ]
