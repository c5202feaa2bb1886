"""Whatever stands beside a company's traffic changes nothing of it, and is not kept."""

import json
import zlib
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any

from hypothesis import strategies as st

from reconcile import Reconciler, read_document, read_lines
from reconcile.errors import UsageError
from reconcile.report.wire import digest
from tests.builders import COMPANY, entry, har, hook, page, url
from tests.engines import bytes_in, engine_of, new_store, values_in
from tests.laws import law
from tests.stories.test_any_input import JSON
from tests.stories.test_bad_input import GOOD, LATER

SECRET = "S3CR3T"  # noqa: S105 - a marker
OTHER = "00000000-0000-4000-8000-00000000000b"
HOSTS = ("mail.example", "www.youtube.com", "api.codat.io", "127.0.0.1:9000")
NAMES = ("cookie", "Authorization", "x-api-key", "Set-Cookie", "Host", "Age", "odd\n")


@st.composite
def headers(draw: st.DrawFn) -> Any:
    """Return headers in any state, each with a secret."""
    pairs = [
        {"name": draw(st.sampled_from(NAMES)), "value": f"{SECRET}{n}"}
        for n in range(draw(st.integers(0, 3)))
    ]
    return draw(st.sampled_from([pairs, {"cookie": SECRET}, [*pairs, 5], None]))


@st.composite
def entries_of_others(draw: st.DrawFn) -> bytes:
    """Return an entry of another host: each part odd, or full of secrets."""
    host = draw(st.sampled_from(HOSTS))
    path = draw(st.sampled_from(["/", "/companies/1", "/a?key=", "/sync/expenses#"]))
    method = draw(st.sampled_from(["GET", "POST", "PUT", "DELETE", "CONNECT", "get"]))
    body = draw(
        st.sampled_from(
            [
                {"text": f"password={SECRET}"},
                {"text": json.dumps({"payload": {"token": SECRET}})},
                {"text": f'{{"payload": "{SECRET}'},
                {"text": "%%%", "encoding": "base64"},
                {"_file": f"{SECRET}.json"},
                {"params": [{"name": "password", "value": SECRET}]},
                {"text": {"token": SECRET}},
                SECRET,
            ]
        )
    )
    odd = st.one_of(JSON, st.sampled_from([-1, "error", 10**30, SECRET]))
    request = {
        "method": method,
        "url": f"https://u:{SECRET}@{host}{path}{SECRET}",
        "headers": draw(headers()),
        "cookies": [{"name": "session", "value": SECRET}],
        "postData": body,
    }
    captured = {
        "startedDateTime": draw(st.one_of(odd, st.just("2026-03-02T09:00:00Z"))),
        "time": draw(odd),
        "request": request,
        "response": draw(
            st.one_of(
                odd,
                st.fixed_dictionaries(
                    {
                        "status": odd,
                        "headers": headers(),
                        "content": st.one_of(odd, st.just({"text": SECRET})),
                    }
                ),
            )
        ),
        "_securityDetails": SECRET,
    }
    return json.dumps(captured).encode()


@st.composite
def unread_of_others(draw: st.DrawFn) -> bytes:
    """Return traffic of another company that cannot be read."""
    path = draw(st.sampled_from(["/syncs/s/status", "/syncs/s/transactions"]))
    odd = draw(st.sampled_from(["<html>", "[]", "{", "5"]))
    line = draw(
        st.sampled_from(
            [
                entry("GET", url(path), answer=odd),
                entry("POST", url("/expense-transactions"), request=odd),
                page()[:-70],
                hook("expenses.sync.successful", sync="", delivery="m"),
                entry("GET", url(path)).replace(b"2026-", b"0001-"),
            ]
        )
    )
    return line.replace(COMPANY.encode(), OTHER.encode())


def stored(url: str) -> Iterator[bytes]:
    """Yield every value of every table of a store, unpacked."""
    for value in values_in(url):
        raw = value
        with suppress(zlib.error):
            raw = zlib.decompress(value)
        yield raw


def taken_in(
    url: str, lines: list[bytes], *, company_id: str | None
) -> tuple[str, list[bytes]]:
    """Return the digest of a report on lines, and the bytes that are stored of them."""
    with Reconciler.open(url) as books:
        books.ingest(read_lines(lines))
        report = books.report(as_of=LATER, company_id=company_id)
        found = digest(report)
        unprocessed = report.unprocessed
    values = [] if company_id else sorted(_without_times(url))
    return f"{found} {unprocessed}", values


def _without_times(url: str) -> Iterator[bytes]:
    """Yield what is stored, but for what differs from one run to the next: times."""
    for value in stored(url):
        if not value.startswith((b"17", b"2026-11", b"2027", b"2028")):
            yield value


@cache
def alone(engine: str, company_id: str | None = None) -> tuple[str, list[bytes]]:
    """Return what comes of the good lines without any neighbours."""
    with new_store(engine) as url:
        return taken_in(url, list(GOOD), company_id=company_id)


ANYWHERE = st.integers(0, len(GOOD))


@law(
    examples=60,
    others=st.lists(entries_of_others(), min_size=1, max_size=4),
    at=st.integers(0, 5),
)
def test_entries_of_other_hosts_change_nothing(
    url: str, others: list[bytes], at: int
) -> None:
    lines = [*GOOD[:at], *others, *GOOD[at:]]

    assert taken_in(url, lines, company_id=None) == alone(engine_of(url))


@law(
    examples=60,
    others=st.lists(unread_of_others(), min_size=1, max_size=4),
    at=st.integers(0, 5),
)
def test_what_is_unread_of_other_companies_changes_nothing_of_ours(
    url: str, others: list[bytes], at: int
) -> None:
    lines = [*GOOD[:at], *others, *GOOD[at:]]

    found = taken_in(url, lines, company_id=COMPANY)

    assert found == alone(engine_of(url), COMPANY)


@law(
    examples=150,
    others=st.lists(
        st.one_of(entries_of_others(), unread_of_others()), min_size=1, max_size=4
    ),
    cut=st.integers(0, 1500),
    lined=st.booleans(),
)
def test_nothing_of_another_host_stands_anywhere_in_a_store(
    url: str, others: list[bytes], cut: int, lined: bool
) -> None:
    document = b"\n".join(others) if lined else har(others)
    torn = document[: len(document) - cut]

    with Reconciler.open(url) as books:
        lines = torn.split(b"\n")
        with suppress(UsageError):
            books.ingest(read_lines(lines) if lined else read_document(torn))
        books.reprocess()
    values = b"\n".join([*stored(url), *bytes_in(url)])

    assert SECRET.encode() not in values
