"""What could not be read: kept once, counted in its scope, read again, set aside."""

import json
from pathlib import Path

import pytest

from reconcile import Reconciler, read_lines
from tests.builders import create, entry, page, status, url
from tests.engines import url_at
from tests.stories.test_bad_input import PAGES, counted, data_of


def without_body(line: bytes, *, size: int) -> bytes:
    """Return an entry whose answer the capture left out."""
    data = json.loads(line)
    data["response"]["content"] = {"size": size, "mimeType": "application/json"}
    return json.dumps(data).encode()


def test_the_same_rubbish_is_one_piece_of_evidence_however_often_it_comes(
    books: Reconciler,
) -> None:
    item, indented, other = b'{"b":1,"a":2}', b'{ "a": 2,\t"b": 1 }', b'{"b":2}'

    first = books.ingest(read_lines([item, item, indented, other]))
    again = books.ingest(read_lines([item]))

    assert (first.quarantined, again.quarantined) == (4, 1)
    assert data_of(books)["unprocessed"] == 2


def test_the_same_unreadable_answer_to_two_calls_is_one_piece_of_evidence(
    books: Reconciler,
) -> None:
    answers = [entry("GET", PAGES, minutes=n, answer="<html>") for n in (1, 2)]

    books.ingest(read_lines(answers))

    assert data_of(books)["unprocessed"] == 1


def test_answers_that_captures_left_out_are_not_one_piece_of_evidence(
    books: Reconciler,
) -> None:
    lines = [
        without_body(page(minutes=1), size=100),
        without_body(page(minutes=2), size=100),
        without_body(page(minutes=3), size=0),
        entry("GET", PAGES, minutes=4, answer=""),
    ]

    intake = books.ingest(read_lines(lines))

    assert intake.quarantined == 4
    assert {item.reason for item in intake.unread} == {
        "the capture holds no response body"
    }
    assert data_of(books)["unprocessed"] == 4


@pytest.mark.parametrize(
    "line",
    [
        without_body(page(), size=10),
        without_body(status(2000), size=10),
    ],
)
def test_a_left_out_answer_stays_unread_when_it_is_read_again(
    books: Reconciler, line: bytes
) -> None:
    books.ingest(read_lines([line]))

    again = books.reprocess()

    assert (again.read, again.quarantined) == (0, 1)
    assert data_of(books)["unprocessed"] == 1


def test_an_answer_that_one_capture_left_out_and_another_holds_is_read_in_any_order(
    books: Reconciler, tmp_path: Path
) -> None:
    refused = create("t1", status=400)
    lines = [refused, without_body(refused, size=10)]

    books.ingest(read_lines(lines))

    with Reconciler.open(url_at(tmp_path / "other.db")) as other:
        other.ingest(read_lines(reversed(lines)))
        assert data_of(other) == data_of(books)


def test_what_is_set_aside_is_not_counted_any_more(books: Reconciler) -> None:
    (unread,) = books.ingest(read_lines([b"rubbish"])).unread

    books.set_aside(unread.digest, actor="ada", reason="a log line")

    again = books.ingest(read_lines([b"rubbish"]))
    assert (again.set_aside, again.quarantined) == (1, 0)
    assert data_of(books)["unprocessed"] == 0
    assert counted(books.reprocess()) == 0


def test_what_still_cannot_be_read_again_stays(books: Reconciler) -> None:
    lines = [b"rubbish", entry("GET", PAGES, answer="<")]
    first = books.ingest(read_lines(lines))

    again = books.reprocess()

    assert {item.digest for item in again.unread} == {
        found.digest for found in first.unread
    }
    assert data_of(books)["unprocessed"] == 2


def test_unread_evidence_is_in_the_scope_of_its_company_or_of_all(
    books: Reconciler,
) -> None:
    books.ingest(
        read_lines(
            [
                entry("GET", url("/syncs/s/status", company="a"), answer="<"),
                entry("GET", url("/syncs/s/status", company="b"), answer=">"),
                b"rubbish",
            ]
        )
    )

    scopes = {name: data_of(books, name)["unprocessed"] for name in ("a", "b", "c")}

    assert scopes == {"a": 2, "b": 2, "c": 1}
    assert data_of(books)["unprocessed"] == 3
