"""A streamed report says what the whole one says, and begins at once."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st

from reconcile import (
    Reconciler,
    UsageError,
    digest,
    read_lines,
    to_csv,
    to_data,
    to_json,
)
from reconcile.report.batches import COMPANIES_MAX
from reconcile.report.gather import Reporting
from reconcile.report.selection import ALL
from reconcile.report.streaming import streamed
from reconcile.storage.ports import ViewChanges
from tests.builders import COMPANY, at, create_of, expense_of, page, row, status
from tests.builders import uuid_of as name_of
from tests.engines import POSTGRES, new_store
from tests.laws import law
from tests.strategies import traffic

OTHER = "b18d8d81-fd7b-4764-a31e-475cb1f36591"
LATER = at(60 * 24 * 60)


@contextmanager
def books_of(
    url: str, lines: list[bytes], now: int = 60 * 24 * 60
) -> Iterator[Reconciler]:
    """Give a store of traffic, at a moment in minutes."""
    with Reconciler.open(url, now=lambda: at(now)) as books:
        books.ingest(read_lines(lines))
        yield books


def sent(company: str, names: range, *, written: bool) -> list[bytes]:
    """Return a company's call, its end and its page."""
    word = "Completed" if written else "PushError"
    expenses = [expense_of(name_of(n), n + 1, merchant="Shell") for n in names]
    rows = [row(name_of(n), word, message="No account.") for n in names]
    return [
        create_of(*expenses, company=company, sync=f"sync-{company}"),
        status(2000, minutes=1, company=company, sync=f"sync-{company}"),
        page(*rows, minutes=2, company=company, sync=f"sync-{company}"),
    ]


@law(
    examples=60,
    lines=traffic(),
    only=st.sampled_from([{}, {"company_id": COMPANY}, {"state": "break"}]),
    now=st.sampled_from([60 * 24 * 60, 1]),
)
def test_a_streamed_report_is_the_whole_one(
    url: str, lines: list[bytes], only: dict[str, str], now: int
) -> None:
    twin = [line.replace(COMPANY.encode(), OTHER.encode()) for line in lines[:5]]

    with books_of(url, [*lines, *twin], now) as books:
        whole = books.report(**only)  # type: ignore[arg-type]  # none is a moment
        with books.streamed_report(**only) as stream:
            streamed = b"".join(to_json(stream))
        with books.streamed_report(**only) as stream:
            table = [*to_csv(stream)]

    assert json.loads(streamed) == to_data(whole)
    assert table == [*to_csv(whole)]


def test_what_is_in_the_books_of_a_company_further_on_is_marked_in_the_first(
    store_url: str,
) -> None:
    companies = [f"company-{n:02d}" for n in range(3 * COMPANIES_MAX)]
    lines = [*sent(companies[0], range(3), written=False)]
    for place, company in enumerate(companies[1:], start=1):
        lines += sent(company, range(place, place + 1), written=True)

    with books_of(store_url, lines) as books:
        whole = to_data(books.report())
        with books.streamed_report() as stream:
            streamed = json.loads(b"".join(to_json(stream)))

    assert streamed == whole
    assert {f["kind"] for f in streamed["findings"]} == {"ELSEWHERE"}


def test_the_first_company_comes_before_the_others_are_read(
    store_url: str,
) -> None:
    companies = [f"company-{n:02d}" for n in range(5)]
    lines = [line for c in companies for line in sent(c, range(2), written=True)]

    with books_of(store_url, lines) as books, books.streamed_report() as stream:
        first = next(to_json(stream))

    assert companies[0].encode() in first
    assert not any(company.encode() in first for company in companies[1:])


def test_a_stream_holds_no_items_when_it_was_read(
    store_url: str,
) -> None:
    with (
        books_of(store_url, sent(COMPANY, range(3), written=True)) as books,
        books.streamed_report() as stream,
    ):
        whole = books.report()
        shares = [*stream.shares]
        rest = stream.rest()

    assert [len(share.items) for share in shares] == [3]
    assert (len(rest.items), rest.totals.items) == (0, 3)
    assert digest(rest) == digest(whole)
    with pytest.raises(UsageError, match="has no expenses any more"):
        to_data(rest)
    with pytest.raises(UsageError, match="has no expenses any more"):
        next(to_csv(rest))


def test_a_report_of_facts_in_the_future_is_streamed_whole(
    store_url: str,
) -> None:
    with (
        books_of(store_url, sent(COMPANY, range(2), written=True), now=1) as books,
        books.streamed_report() as stream,
    ):
        data = json.loads(b"".join(to_json(stream)))

    assert data["totals"]["items"] == 2


def test_a_month_that_is_none_is_refused_before_anything_is_read(
    store_url: str,
) -> None:
    with (
        books_of(store_url, []) as books,
        pytest.raises(Exception, match="is not a month"),
        books.streamed_report(month="2026-13"),
    ):
        pass


def test_views_that_others_are_ahead_with_are_not_streamed() -> None:
    with (
        new_store(POSTGRES) as url,
        books_of(url, sent(COMPANY, range(2), written=True)) as books,
    ):
        reporting = Reporting(store=books.store, policy=books.policy, rules=books.rules)
        asked = {"as_of": LATER, "company_id": None, "selection": ALL}
        books.catch_up()
        with streamed(reporting, **asked) as stream:  # type: ignore[arg-type]
            assert stream is not None
        books.ingest(read_lines(sent(COMPANY, range(2, 4), written=True)))
        with books.store.views().claim(until=books.store.position()) as behind:
            assert behind is not None
            books.ingest(read_lines(sent(OTHER, range(2), written=True)))
            until = books.store.position()
            with books.store.views().claim(until=until) as ahead:
                assert ahead is not None
                ahead.write(ViewChanges(), position=until)

            with streamed(reporting, **asked) as stream:  # type: ignore[arg-type]
                assert stream is None
            assert reporting.live(as_of=LATER, company_id=None) is None
