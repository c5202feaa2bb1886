"""The server is far: what a batch asks of it does not grow with what is in it."""

import itertools
import time
from collections.abc import Iterator

import attrs
import pytest

from reconcile import Reconciler, read_lines
from tests.builders import create, page, row, uuid_of
from tests.storage.faults.proxy import Proxy, proxied
from tests.storage.faults.servers import OwnServer

_BESIDE = 2  # one NOTIFY for all appends of a while; its connection may be new
_INGEST_MAX = 5 + _BESIDE  # evidence and streams in one read, one append
_CATCH_UP_MAX = 25 + _BESIDE  # one claim of up to 500 events


@attrs.frozen
class Far:
    """Books whose server is behind a proxy."""

    proxy: Proxy
    books: Reconciler

    def asked_of(self, lines: list[bytes]) -> tuple[int, int]:
        """Return the round trips of taking lines in, and of the views' catching up."""
        self.proxy.forget()
        self.books.ingest(read_lines(lines))
        ingested = self.proxy.round_trips
        self.proxy.forget()
        self.books.catch_up()
        return ingested, self.proxy.round_trips


@pytest.fixture
def far(victim: OwnServer) -> Iterator[Far]:
    with (
        victim.book("prepare=0") as url,
        proxied(victim.folder, victim.port) as (proxy, host),
        Reconciler.open(url.replace(str(victim.folder), host)) as books,
    ):
        books.catch_up()  # views of another version are emptied first
        yield Far(proxy, books)


_NUMBERS = itertools.count(1)


def syncs(companies: int, *, rows: int) -> list[bytes]:
    """Return a new sync of each of so many companies: its call, and the page of it."""
    lines = []
    for n in range(companies):
        number = next(_NUMBERS)
        ids = [uuid_of(1000 * number + k) for k in range(rows)]
        sync, company = f"s{number}", f"c{n}"
        lines += [
            create(*ids, sync=sync, company=company),
            page(*[row(id_) for id_ in ids], sync=sync, company=company, minutes=1),
        ]
    return lines


def test_a_batch_asks_as_often_whatever_is_in_it(far: Far) -> None:
    few = [far.asked_of(syncs(2, rows=1)) for _ in range(6)]
    many = [far.asked_of(syncs(100, rows=20)) for _ in range(3)]

    assert max(ingested for ingested, _ in few + many) <= _INGEST_MAX
    assert max(caught_up for _, caught_up in few + many) <= _CATCH_UP_MAX
    assert far.books.report().totals.items == 6 * 2 + 3 * 2000


def test_a_server_that_does_not_answer_is_lost_before_a_load_balancer_gives_up(
    far: Far,
) -> None:
    far.books.store.position()
    far.proxy.delay_s = 3.0
    begun = time.monotonic()
    why = far.books.store.lost()
    asked_for = time.monotonic() - begun
    far.proxy.delay_s = 0.0

    assert why is not None
    assert "has not answered within" in why
    assert asked_for < 2.0
    while far.books.store.lost() is not None:
        assert time.monotonic() - begun < 20.0


def test_every_round_trip_is_counted_and_delayed(far: Far) -> None:
    far.books.store.position()
    far.proxy.forget()
    far.proxy.delay_s = 0.02
    begun = time.monotonic()
    for _ in range(3):
        far.books.store.position()

    assert far.proxy.round_trips == 3
    assert time.monotonic() - begun >= 3 * 2 * 0.02
