"""Listings in pages: by number, to their end and no further, and on from any page."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from reconcile.codat.client.answers import Answer
from reconcile.errors import CodatUnavailable, PayloadError, UsageError
from reconcile.sandbox import Sandbox
from tests.codat.client.clients import client_at, ignore, let_syncs_end, response, wired
from tests.codat.client.test_clients import IDS
from tests.sandbox.calls import COMPANY, expense


def test_a_listing_that_broke_goes_on_where_it_broke() -> None:
    sandbox = Sandbox()
    codat = client_at(sandbox, ignore)
    created = codat.create_expenses(COMPANY, [expense(item) for item in IDS])
    let_syncs_end(sandbox)
    whole = _rows(
        codat.transaction_pages(COMPANY, created.named("syncId"), page_size=4)
    )

    first = codat.transaction_pages(COMPANY, created.named("syncId"), page_size=4)
    begun = _rows(iter([next(first)]))
    rest = codat.transaction_pages(
        COMPANY, created.named("syncId"), page_size=4, first=2
    )

    assert begun + _rows(rest) == whole
    assert len(whole) == 2 * len(IDS)


def _rows(pages: Iterator[Answer]) -> list[Any]:
    return [row for page in pages for row in page.data()["results"]]


def page(rows: int, **more: Any) -> httpx.Response:
    return response(200, {"results": [{}] * rows, **more})


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ([page(0, totalResults=0)], 1),
        ([page(2, totalResults=2, pageSize=100)], 1),
        ([page(2, totalResults=134, pageSize=100), page(0, totalResults=134)], 2),
        ([page(2), page(1)], 2),  # no total told: a short page is the last
        ([page(2), page(0)], 2),
        (
            [page(1, totalResults=3), page(1, totalResults=3), page(1, totalResults=3)],
            3,
        ),
        ([page(2, totalResults=2, _links={"next": {"href": "https://else/"}})], 1),
        ([page(2, totalResults="2", pageSize="2")], 1),
        ([page(2, totalResults=-1, pageSize=2.5), page(0)], 2),
    ],
)
def test_a_listing_ends_where_its_rows_do(
    given: list[httpx.Response], asked: int
) -> None:
    wire = wired(*given)

    result = [*wire.client.transaction_pages(COMPANY, "s1", page_size=2)]

    assert len(result) == len(wire.sent) == asked
    assert {item.url.host for item in wire.sent} == {"api.codat.io"}
    assert [entry.url.params["page"] for entry in wire.sent] == [
        str(number) for number in range(1, asked + 1)
    ]


def test_a_listing_without_an_end_has_one() -> None:
    wire = wired(page(2, totalResults=10**9))
    pages = wire.client.transaction_pages(COMPANY, "s1", page_size=2, pages_max=7)

    with pytest.raises(CodatUnavailable, match="more than 7 pages"):
        list(pages)

    assert len(wire.sent) == 7


@pytest.mark.parametrize("data", [[], {}, {"results": {}}, "x"])
def test_what_is_no_page_is_recorded_and_said(data: Any) -> None:
    wire = wired(response(200, data))

    with pytest.raises((PayloadError, CodatUnavailable)):
        list(wire.client.transaction_pages(COMPANY, "s1"))

    assert wire.statuses == [200]


def test_a_page_that_is_refused_ends_the_listing() -> None:
    wire = wired(page(2, totalResults=9), 404)
    pages = wire.client.transaction_pages(COMPANY, "s1", page_size=2)
    next(pages)

    with pytest.raises(CodatUnavailable, match="was refused with 404"):
        next(pages)


def test_pages_are_counted_from_one() -> None:
    with pytest.raises(UsageError, match="not a page number"):
        list(wired(200).client.transaction_pages(COMPANY, "s1", first=0))


def test_a_page_in_another_encoding_is_a_page() -> None:
    text = '{"results": [{}], "totalResults": 1}'
    wire = wired(httpx.Response(200, content=text.encode("utf-16")))

    assert len(list(wire.client.transaction_pages(COMPANY, "s1"))) == 1
