"""HAR in: every entry an exchange, or handed on as it stands."""

import base64
import io
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from reconcile.codat.document import Document
from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import Captured, Exchange, Unreadable
from reconcile.codat.har import read_document, read_lines
from reconcile.errors import UsageError
from tests.builders import COMPANY, NINE, SYNC, at, har, page, push, row, status, url

PAGES = url(f"/syncs/{SYNC}/transactions")
ENTRY: dict[str, Any] = {
    "startedDateTime": "2026-03-02T09:00:00Z",
    "request": {"method": "get", "url": PAGES, "headers": []},
    "response": {"status": 200, "content": {"text": "{}"}},
}


def changed(**parts: Any) -> bytes:
    """Return an entry of which some parts are other."""
    return json.dumps({**ENTRY, **parts}).encode()


def answered(**content: Any) -> bytes:
    """Return an entry with this content as its answer's."""
    return changed(response={"status": 200, "content": content})


def exchange(raw: bytes) -> Exchange:
    read = read_entry(raw)
    assert isinstance(read, Exchange), read
    return read


def unreadable(raw: bytes) -> Unreadable:
    read = read_entry(raw)
    assert isinstance(read, Unreadable), read
    return read


def kinds(captured: list[Captured]) -> list[str]:
    return [type(item).__name__ for item in captured]


def test_an_entry_is_observed_when_its_answer_had_come() -> None:
    read = exchange(changed(time=1500.25))

    assert read.observed_at == datetime(2026, 3, 2, 9, 0, 1, 500250, tzinfo=UTC)


@pytest.mark.parametrize("time", [None, 0, -1, -1.5])
def test_an_absent_or_negative_time_counts_nothing(time: float | None) -> None:
    assert exchange(changed(time=time)).observed_at == NINE


def test_numbers_written_as_text_are_read() -> None:
    raw = changed(time="1000", response={"status": "202", "content": {"size": "0"}})

    read = exchange(raw)

    assert (read.status, read.observed_at) == (202, at(1 / 60))


def test_methods_are_upper_case_and_headers_known_in_any_case() -> None:
    headers = [{"name": "Webhook-ID", "value": "msg-1"}]
    request = {"method": "post", "url": PAGES, "headers": headers}

    read = exchange(changed(request=request))

    assert (read.method, read.header("webhook-id")) == ("POST", "msg-1")
    assert read.header("svix-id") is None


@pytest.mark.parametrize(
    "started",
    [
        "2026-03-02T09:00:00",
        "2026-03-02",
        "2026-03-02T09:00:99Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00Z",
        "1970-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "yesterday",
        "",
    ],
)
def test_a_time_without_a_zone_or_that_no_clock_shows_is_no_entry(started: str) -> None:
    read = unreadable(changed(startedDateTime=started))

    assert "is not a time with a zone" in read.reason


def test_a_seventh_digit_of_a_second_is_dropped() -> None:
    read = exchange(changed(startedDateTime="2026-03-02T09:00:00.1234567Z"))

    assert read.observed_at.microsecond == 123456


@pytest.mark.parametrize("time", [1e300, 10**15, "Infinity"])
def test_an_answer_at_no_time_of_a_clock_is_no_entry(time: Any) -> None:
    assert "no clock shows" in unreadable(changed(time=time)).reason


@pytest.mark.parametrize("code", [-1, -999, 1000, 10**30, "error", None, [], "0"])
def test_a_status_that_is_none_of_http_says_that_the_answer_was_lost(code: Any) -> None:
    assert exchange(changed(response={"status": code})).status == 0


@pytest.mark.parametrize("response", [None, [], "aborted", 5])
def test_a_response_in_no_state_says_that_the_answer_was_lost(response: Any) -> None:
    assert exchange(changed(response=response)).status == 0


def test_bodies_may_be_base64_also_broken_into_lines() -> None:
    text = base64.encodebytes(b'{"syncId":"s"}' * 20).decode()

    read = exchange(answered(text=text, encoding="base64"))

    assert read.response_body == b'{"syncId":"s"}' * 20


@pytest.mark.parametrize("text", ["%%%", "abc", "ä"])
def test_an_answer_that_is_no_base64_is_told_as_left_out(text: str) -> None:
    read = exchange(answered(text=text, encoding="base64"))

    assert (read.response_body, read.body_dropped) == (None, True)
    assert "not base64" in read.dropped_why


def test_lone_surrogates_in_a_body_are_replaced() -> None:
    raw = answered(text="x").replace(b'"x"', rb'"\ud800"')

    assert exchange(raw).response_body == "\ufffd".encode()


def test_a_body_that_the_capture_left_out_is_told_from_none() -> None:
    left_out = exchange(answered(size=512))
    none = exchange(answered(size=0))
    negative = exchange(answered(size=-1))

    assert [item.body_dropped for item in (left_out, none, negative)] == [
        True,
        False,
        False,
    ]


def test_a_request_without_post_data_or_content_has_no_bodies() -> None:
    read = exchange(changed(response={"status": 0}))

    assert (read.status, read.request_body, read.response_body) == (0, None, None)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"null",
        b"[]",
        b"5",
        b'"entry"',
        b"{}",
        b"not json",
        b"\x00\xff\xfe\x80",
        b'{"startedDateTime":NaN}',
        b"[" * 100_000,
        changed(request=None),
        changed(request={"method": 5, "url": [], "headers": {}}),
    ],
)
def test_of_what_is_no_entry_its_digest_alone_is_kept(raw: bytes) -> None:
    read = read_entry(raw, where="a.jsonl, line 3")

    assert isinstance(read, Unreadable)
    assert (read.where, read.company_id, read.codats) == (
        "a.jsonl, line 3",
        None,
        False,
    )
    assert set(json.loads(read.raw)) == {"notKept"}
    assert read.reason.startswith("not a HAR entry: ")


def test_a_call_of_codats_without_a_time_is_unread_and_its_companys() -> None:
    read = unreadable(changed(startedDateTime=20260302))

    assert (read.company_id, read.codats) == (COMPANY, True)


def test_lines_are_entries_and_blank_ones_nothing() -> None:
    lines = [b"\xef\xbb\xbf" + status(2000) + b"\r\n", b"\n", b"  \r\n", b"rubbish\n"]

    read = list(read_lines(lines, name="a.jsonl"))

    assert kinds(read) == ["Exchange", "Unreadable"]
    assert getattr(read[1], "where", "") == "a.jsonl, line 4"


def test_lines_without_a_name_are_placed_by_their_number_alone() -> None:
    (read,) = read_lines([b"rubbish"])

    assert isinstance(read, Unreadable)
    assert read.where == "line 1"


def test_a_document_holds_entries_and_what_is_none_has_its_place() -> None:
    document = har([status(2000), b'{"a":1}', page(row("t1"))])

    read = list(read_document(document, name="a.har"))

    assert kinds(read) == ["Exchange", "Unreadable", "Exchange"]
    assert getattr(read[1], "where", "") == "a.har, entry 2"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_document_in_another_utf_is_read(encoding: str) -> None:
    document = har([status(2000), page(row("t1"))]).decode().encode(encoding)

    assert kinds(list(read_document(document))) == ["Exchange", "Exchange"]


def test_of_a_document_cut_off_anywhere_the_whole_entries_are_read() -> None:
    entries = [push("t1"), status(2000), page(row("t1"))]
    document = har(entries)
    ends = [document.index(entry) + len(entry) for entry in entries]

    for cut in range(document.index(entries[0]), len(document), 7):
        read = list(read_document(document[:cut]))

        whole = sum(end <= cut for end in ends)
        unread = [item for item in read if isinstance(item, Unreadable)]
        assert kinds(read).count("Exchange") in (whole, whole + 1)
        assert len(unread) == (cut < len(document) - 2)


def test_what_follows_a_break_is_one_piece_with_its_line() -> None:
    document = b'{"log":{"entries":[\n' + status(2000) + b",\n{oops"

    read = list(read_document(document, name="a.har"))

    assert kinds(read) == ["Exchange", "Unreadable"]
    rest = read[1]
    assert isinstance(rest, Unreadable)
    assert (rest.reason, rest.where) == (
        "the HAR document ends too early",
        "a.har, line 3",
    )


@pytest.mark.parametrize("broken", [b'{"a":', b"\xff\xfe", b'{"request":{"url":"\n'])
def test_one_broken_entry_costs_that_entry_alone(broken: bytes) -> None:
    document = har([status(2000), broken, page(row("t1")), push("t1")])

    read = list(read_document(document))

    assert kinds(read) == ["Exchange", "Unreadable", "Exchange", "Exchange"]


def test_two_documents_in_one_file_are_not_half_forgotten() -> None:
    document = har([status(2000)]) + b"\n" + har([status(4000)])

    read = list(read_document(document))

    assert kinds(read) == ["Exchange", "Unreadable"]


def test_a_document_with_something_after_its_entries_is_whole() -> None:
    head = b'{"log":{"creator":{"name":"\\ud800"},"entries":['
    document = head + status(2000) + b'],"pages":[]}}'

    assert kinds(list(read_document(document))) == ["Exchange"]


def test_a_document_that_ends_with_its_entries_has_lost_nothing() -> None:
    document = b'{"log":{"entries":[' + status(2000) + b"]}"

    assert kinds(list(read_document(document))) == ["Exchange"]


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"log":{}}',
        b'{"log":{"entries":null}}',
        b"\x89PNG\r\n\x1a\n\x00",
        b"[" * 100_000,
    ],
)
def test_a_document_without_entries_is_no_capture(document: bytes) -> None:
    with pytest.raises(UsageError, match=r"a\.har is not a HAR document: expected"):
        list(read_document(document, name="a.har"))


def test_a_document_of_no_entries_holds_nothing() -> None:
    assert list(read_document(har([]))) == []


class Dripping(io.BytesIO):
    """A stream that gives a few bytes at a time."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, _: int | None = -1) -> bytes:
        """Return the next few bytes."""
        return super().read(self._size)


ODD = [
    b"",
    b'{"a":1}',
    b"12",
    b'"\\u00e9 \xc3\xa9"',
    b'{"a":',
    b'{"request":{"url":"\n',
    b"\xff\xfe",
    b'{"x":NaN}',
    b"{" * 2000,
]


@pytest.mark.parametrize("size", [1, 7, 100])
@pytest.mark.parametrize("odd", ODD)
def test_a_document_says_the_same_however_it_comes(odd: bytes, size: int) -> None:
    entries = [status(2000), odd, page(row("t1", message="é")), push("t1")]
    head = b'{"log":{"_x":{"entries":[1]},"entries": \n ['
    whole = head + b",\n".join(entries) + b'],"pages":[]}}'
    for document in (whole, whole[:-40], whole[:-1], whole + b"\n" + whole):
        read = Document(Dripping(document, size), name="a.har").entries()

        assert list(read) == list(read_document(document, name="a.har"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "utf-16-le"])
def test_a_document_in_another_utf_may_come_byte_by_byte(encoding: str) -> None:
    document = har([status(2000), page(row("t1"))]).decode().encode(encoding)

    read = Document(Dripping(document, 1)).entries()

    assert kinds(list(read)) == ["Exchange", "Exchange"]


def test_entries_before_the_end_of_a_document_are_read_before_it_comes() -> None:
    whole = har([status(2000), page(row("t1")), push("t1")])
    stream = Dripping(whole, 10)

    first = next(Document(stream).entries())

    assert isinstance(first, Exchange)
    assert stream.tell() < len(whole) // 2


def test_a_second_list_of_entries_is_told() -> None:
    first, second = har([status(2000)]), har([status(4000)])
    document = first[: -len(b"}}")] + b"," + second[len(b'{"log":{') :]

    read = list(read_document(document))

    assert kinds(read) == ["Exchange", "Unreadable"]


def test_lists_of_entries_that_are_not_the_logs_cost_nothing() -> None:
    whole = har([status(2000)])
    document = whole[: -len(b"}}")] + b',"_x":{"entries":[]}}}'

    assert kinds(list(read_document(document))) == ["Exchange"]
