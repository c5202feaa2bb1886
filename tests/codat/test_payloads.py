"""Pages and single expenses: what they say, verbatim."""

import json
from typing import Any

import pytest

from reconcile.codat.exchange import BODY_BYTES_MAX, Exchange
from reconcile.codat.payloads import DROPPED, read_exchange
from reconcile.codat.routes import route_of
from reconcile.domain.observations import RefusedAnswer, TransactionPage
from reconcile.domain.vocabulary import FindingKind
from reconcile.errors import PayloadError
from tests.builders import (
    COMPANY,
    NINE,
    SYNC,
    TRANSACTION,
    entry,
    page,
    payload,
    row,
    url,
)
from tests.codat.readers import IDENTITY, captured, observations_in

PAGES = url(f"/syncs/{SYNC}/transactions?page=2&pageSize=100")


def read_page(answer: Any, *, address: str = PAGES) -> TransactionPage:
    (seen,) = observations_in(entry("GET", address, answer=answer))
    assert isinstance(seen, TransactionPage)
    return seen


def test_a_page_is_read_word_for_word() -> None:
    rows = [row(TRANSACTION.upper(), "PushError", "bankfeeds", "No."), row("t2")]

    (seen,) = observations_in(page(*rows, number=3, size=50, total=134))

    assert isinstance(seen, TransactionPage)
    assert (seen.company_id, seen.sync_id) == (COMPANY, SYNC)
    assert (seen.page, seen.page_size, seen.total) == (3, 50, 134)
    assert seen.rows == (
        (TRANSACTION, "PushError", "bankfeeds", "No."),
        ("t2", "Completed", "expense", None),
    )
    assert (seen.unread, seen.flaws) == (0, ())


@pytest.mark.parametrize("name", ["successful", "failed"])
def test_the_pages_own_bodies_are_read(name: str) -> None:
    seen = read_page(payload(f"page-transactions-{name}.json"))

    assert {item[0] for item in seen.rows} == {TRANSACTION}
    assert (len(seen.rows), seen.page, seen.total) == (2, 1, 134)


@pytest.mark.parametrize("links", ["_links", "links"])
def test_links_are_not_read_under_either_name(links: str) -> None:
    hrefs = {"next": {"href": "/companies/x/syncs/y/transactions?page=9"}}

    seen = read_page({"results": [row("t1")], "pageNumber": 1, links: hrefs})

    assert (seen.page, len(seen.rows)) == (1, 1)


def test_a_page_without_a_number_has_the_urls() -> None:
    assert read_page({"results": []}).page == 2
    assert read_page({"results": [], "pageNumber": None, "pageSize": "x"}).page == 2


@pytest.mark.parametrize(
    ("name", "absurd"),
    [
        ("pageNumber", -1),
        ("pageNumber", 2**60),
        ("pageSize", -100),
        ("totalResults", -1),
        ("totalResults", 2**60),
        ("totalResults", 10**400),
        ("totalResults", 1.5),
        ("totalResults", "many"),
        ("totalResults", [1]),
    ],
)
def test_an_absurd_count_is_none_and_told(name: str, absurd: Any) -> None:
    body = {"results": [row("t1")], "pageNumber": 1, "pageSize": 9, "totalResults": 1}

    seen = read_page({**body, name: absurd})

    assert len(seen.rows) == 1
    figures = {"pageSize": seen.page_size, "totalResults": seen.total}
    assert figures.get(name) is None
    assert seen.page == (0 if name == "pageNumber" else 1)
    assert [flaw.kind for flaw in seen.flaws] == [FindingKind.UNREADABLE]
    assert name in seen.flaws[0].reason
    assert len(seen.flaws[0].reason) < 120


def test_counts_may_be_text_or_have_a_fraction_of_nothing() -> None:
    body = {"results": [], "pageNumber": "4", "pageSize": 100.0, "totalResults": "7.0"}

    seen = read_page(body)

    assert (seen.page, seen.page_size, seen.total) == (4, 100, 7)


@pytest.mark.parametrize(
    ("wrong", "transaction"),
    [
        (5, None),
        (None, None),
        ([], None),
        ({}, None),
        (row(""), None),
        (row("  "), None),
        ({"transactionId": 7, "status": "Completed"}, None),
        ({"transactionId": "t9", "status": 2000}, "t9"),
        ({"transactionId": "t9", "integrationType": {}}, "t9"),
    ],
)
def test_one_wrong_row_leaves_the_good_ones(
    wrong: Any, transaction: str | None
) -> None:
    seen = read_page({"results": [row("t1"), wrong, row("t2")], "totalResults": 3})

    assert [item[0] for item in seen.rows] == ["t1", "t2"]
    assert (seen.unread, seen.total) == (1, 3)
    assert [(flaw.kind, flaw.transaction_id) for flaw in seen.flaws] == [
        (FindingKind.UNREADABLE, transaction)
    ]
    assert "row 2" in seen.flaws[0].reason


def test_what_may_be_missing_of_a_row_may_be_missing() -> None:
    seen = read_page({"results": [{"transactionId": "t1", "status": None}]})

    assert seen.rows == (("t1", "", None, None),)
    assert seen.flaws == ()


def test_a_message_that_is_no_text_is_kept_as_json() -> None:
    seen = read_page({"results": [{**row("t1"), "message": {"code": 409}}]})

    assert seen.rows[0][3] == '{"code":409}'


def test_the_same_rows_have_one_digest_whichever_way_they_are_read() -> None:
    body = json.dumps({"results": [row("t1"), row("t1")], "totalResults": 2})

    strict = read_page(body)
    slow = read_page("\ufeff" + body)

    assert strict.rows_digest == slow.rows_digest
    assert strict == slow


def test_a_page_with_an_unreadable_row_is_another_than_one_without() -> None:
    whole = read_page({"results": [row("t1")]})
    torn = read_page({"results": [row("t1"), 5]})

    assert whole.rows == torn.rows
    assert whole.rows_digest != torn.rows_digest


def test_the_last_of_two_equal_keys_counts() -> None:
    rows = json.dumps([row("t1")])

    seen = read_page(f'{{"results":[],"results":{rows},"totalResults":2}}')

    assert len(seen.rows) == 1


def test_lone_surrogates_in_a_row_are_replaced() -> None:
    body = json.dumps({"results": [row("t\ud800", "Completed", None, "\udfff!")]})

    seen = read_page(body)

    assert seen.rows == (("t\ufffd", "Completed", None, "\ufffd!"),)


@pytest.mark.parametrize(
    "body",
    ["[]", "null", "5", "{}", '{"results":null}', '{"results":{}}', "[" * 100_000, "<"],
)
def test_what_is_no_page_is_refused(body: str) -> None:
    with pytest.raises(PayloadError):
        read_page(body)


def test_one_expenses_rows_speak_of_no_page() -> None:
    address = url(f"/syncs/{SYNC}/transactions/{TRANSACTION}")
    rows = [row(TRANSACTION), {"status": "Pending", "integrationType": "bankfeeds"}, 5]

    seen = read_page(rows, address=address)

    assert (seen.page, seen.page_size, seen.total, seen.unread) == (None, None, None, 1)
    assert [item[:2] for item in seen.rows] == [
        (TRANSACTION, "Completed"),
        (TRANSACTION, "Pending"),
    ]


def test_one_expenses_rows_that_name_another_are_told() -> None:
    seen = read_page([row("t2")], address=url(f"/syncs/{SYNC}/transactions/t1"))

    assert [item[0] for item in seen.rows] == ["t2"]
    assert [(flaw.kind, flaw.transaction_id) for flaw in seen.flaws] == [
        (FindingKind.IDENTITY_MISMATCH, "t2")
    ]


def test_one_expenses_rows_are_a_list() -> None:
    with pytest.raises(PayloadError, match="not a list"):
        read_page({"results": []}, address=url(f"/syncs/{SYNC}/transactions/t1"))


@pytest.mark.parametrize("code", [400, 404, 405, 410, 422])
@pytest.mark.parametrize(
    ("path", "sync_id", "rows"),
    [
        (f"/syncs/{SYNC}/transactions?page=2", SYNC, True),
        (f"/syncs/{SYNC}/status", SYNC, False),
        ("/syncs/list/status", "", False),
    ],
)
def test_a_read_that_codat_refused_is_told_with_its_words(
    code: int, path: str, sync_id: str, rows: bool
) -> None:
    error = {"statusCode": code, "error": "No."}

    assert observations_in(entry("GET", url(path), status=code, answer=error)) == (
        RefusedAnswer(
            company_id=COMPANY,
            sync_id=sync_id,
            rows=rows,
            http_status=code,
            words="No.",
            at=NINE,
        ),
    )


@pytest.mark.parametrize("code", [0, 301, 401, 403, 408, 429, 460, 499, 500, 503])
def test_a_read_that_was_not_answered_says_nothing(code: int) -> None:
    error = {"statusCode": code, "error": "No."}

    assert observations_in(entry("GET", PAGES, status=code, answer=error)) == ()
    assert observations_in(entry("GET", PAGES, status=code)) == ()


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/config"),
        ("POST", f"/syncs/{SYNC}/transactions/t1/attachments"),
        ("DELETE", "/syncs"),
    ],
)
def test_a_call_of_no_use_to_us_says_nothing(method: str, path: str) -> None:
    assert (
        observations_in(entry(method, url(path), request="x", answer="not JSON")) == ()
    )


@pytest.mark.parametrize("answer", [None, ""])
def test_an_answer_without_its_body_is_known_by_its_exchange(
    answer: str | None,
) -> None:
    with pytest.raises(PayloadError, match=DROPPED) as refused:
        observations_in(entry("GET", PAGES, answer=answer))

    assert refused.value.digest == IDENTITY


@pytest.mark.parametrize("path", ["/syncs/s/status", "/syncs/s/transactions"])
def test_a_body_that_the_capture_left_out_is_told_where_it_says_something(
    path: str,
) -> None:
    data = json.loads(entry("GET", url(path)))
    data["response"]["content"]["size"] = 100

    with pytest.raises(PayloadError, match=DROPPED):
        observations_in(json.dumps(data).encode())


@pytest.mark.parametrize(("path", "code"), [("/config", 200), ("/syncs/s/status", 403)])
def test_a_body_left_out_that_would_say_nothing_says_nothing(
    path: str, code: int
) -> None:
    data = json.loads(entry("GET", url(path), status=code))
    data["response"]["content"]["size"] = 100

    assert observations_in(json.dumps(data).encode()) == ()


def test_a_body_over_the_limit_is_not_read() -> None:
    exchange = captured(entry("GET", PAGES, answer="[]"))
    route = route_of(exchange.method, exchange.url)
    assert route is not None
    huge = Exchange(
        method="GET",
        url=PAGES,
        status=200,
        response_body=b" " * (BODY_BYTES_MAX + 1),
        observed_at=NINE,
    )

    with pytest.raises(PayloadError, match="expected at most") as refused:
        read_exchange(huge, route, request_id=IDENTITY)

    assert len(refused.value.digest) == 64
