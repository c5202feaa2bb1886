"""A connection is cut at every statement: nothing is lost, and nothing is there twice.

Each operation is run again and again, each time cut one round trip later, until it ends
before the cut. It does by itself what was asked, or says that the server cannot be
reached; then it is asked again. At the end the books are those of a store that nobody
disturbed.
"""

import itertools
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import attrs
import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.events import SyncStarted
from reconcile.errors import StoreAwayError
from reconcile.report.wire import digest
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from reconcile.storage.ports import VersionConflictError
from tests.builders import at, create, push, start, uuid_of
from tests.storage.faults.proxy import Cut, Proxy, proxied
from tests.storage.faults.servers import OwnServer

_LATER = at(600)
_MINUTE = timedelta(minutes=1)
_POINTS_MAX = 200


@attrs.frozen
class Line:
    """A store behind a proxy, and past it."""

    proxy: Proxy
    books: Reconciler
    beside: Reconciler


@pytest.fixture
def line(victim: OwnServer) -> Iterator[Line]:
    with (
        victim.book() as url,
        proxied(victim.folder, victim.port) as (proxy, host),
        Reconciler.open(url.replace(str(victim.folder), host), now=later) as books,
        Reconciler.open(url, now=later) as beside,
    ):
        yield Line(proxy, books, beside)


def later() -> datetime:
    return _LATER


def file_of(number: int) -> list[bytes]:
    """Return a small file: a company of its own, and evidence with bodies."""
    company = f"c{number}"
    ids = [uuid_of(number), uuid_of(number + 1000)]
    return [
        push(*ids, company=company),
        start(company=company, minutes=1),
        create(uuid_of(number + 2000), company=company, sync="s2", minutes=2),
    ]


def at_each_point(proxy: Proxy, how: Cut, work: Callable[[int], object]) -> int:
    """Do work cut at its first round trip, then its second…; return how often."""
    for number in itertools.count(1):
        assert number < _POINTS_MAX
        proxy.cut_at(number, how)
        try:
            work(number)
        except StoreAwayError:
            assert proxy.cuts == 1
            proxy.forget()
            work(number)
        else:
            if not proxy.cuts:
                return number
    raise AssertionError


def undisturbed(folder: Path, files: int) -> str:
    """Return the digest of a store of one file, in which nothing was cut."""
    with Reconciler.open(f"sqlite:///{folder / 'undisturbed.db'}") as books:
        for number in range(1, files + 1):
            books.ingest(read_lines(file_of(number)))
        return digest(books.report(as_of=_LATER))


@pytest.mark.parametrize("how", list(Cut))
def test_a_file_is_taken_in_once_wherever_it_is_cut(
    line: Line, tmp_path: Path, how: Cut
) -> None:
    def ingest(number: int) -> None:
        line.books.ingest(read_lines(file_of(number)))

    files = at_each_point(line.proxy, how, ingest)

    line.proxy.forget()
    line.books.store.check()
    assert files > 3
    assert digest(line.books.report(as_of=_LATER)) == undisturbed(tmp_path, files)
    assert len(line.books.store.evidence_keys()) == 3 * files


@pytest.mark.parametrize("how", list(Cut))
def test_the_views_catch_up_exactly_once_wherever_they_are_cut(
    line: Line, tmp_path: Path, how: Cut
) -> None:
    done = 0

    def catch_up(number: int) -> None:
        nonlocal done
        if done < number:
            done = number
            line.beside.ingest(read_lines(file_of(done)))
        assert line.books.catch_up() == line.beside.store.position()

    points = at_each_point(line.proxy, how, catch_up)

    line.proxy.forget()
    assert points > 10
    assert line.books.tie_out().differences == []
    assert line.books.tie_out().rows > 3 * points
    assert digest(line.books.report(as_of=_LATER)) == undisturbed(tmp_path, done)


@pytest.mark.parametrize("how", list(Cut))
def test_a_lease_is_taken_and_left_wherever_it_is_cut(line: Line, how: Cut) -> None:
    mine = line.books.store.leases("mine")
    others = line.books.store.leases("others")

    def lease(number: int) -> None:
        name = f"work {number}"
        assert mine.take(name, now=None, lasts=_MINUTE)
        mine.leave(name, done=at(number))

    points = at_each_point(line.proxy, how, lease)

    line.proxy.forget()
    done = mine.all_done()
    assert points > 4
    assert done == {f"work {n}": at(n) for n in range(1, points + 1)}
    assert all(others.take(name, now=None, lasts=_MINUTE) for name in done)
    assert not any(mine.take(name, now=None, lasts=_MINUTE) for name in done)


@pytest.mark.parametrize("how", [Cut.AT_ONCE, Cut.HALF])
def test_a_report_is_whole_wherever_it_is_cut(line: Line, how: Cut) -> None:
    for number in range(1, 4):
        line.books.ingest(read_lines(file_of(number)))
    whole = digest(line.books.report(as_of=_LATER))

    def report(_: int) -> None:
        assert digest(line.books.report()) == whole

    assert at_each_point(line.proxy, how, report) > 10


@pytest.mark.parametrize("how", [Cut.UNANSWERED, Cut.HALF, Cut.AT_ONCE])
@pytest.mark.parametrize("times", [1, 2])
def test_what_was_written_and_not_answered_is_no_conflict(
    line: Line, how: Cut, times: int
) -> None:
    store = line.books.store
    started = Envelope("sync:c:s", 1, SyncStarted(at=at(0), evidence=""))
    piece = Evidence(identity=b"e" * 32, kind="bytes", observed_at=None, company_id="c")

    line.proxy.cut_at(1, how, times=times)
    store.append([started], [piece], recorded_at=at(1))
    line.proxy.cut_at(1, how, times=times)
    store.append([], [attrs.evolve(piece, identity=b"f" * 32)], recorded_at=at(2))
    assert line.proxy.cuts == times

    line.proxy.forget()
    with pytest.raises(VersionConflictError):
        store.append([started], [], recorded_at=at(3))
    assert store.position() == 1
    assert [key.identity[:1] for key in store.evidence_keys()] == [b"e", b"f"]
    store.check()


def test_another_s_event_is_a_conflict_even_where_an_answer_was_lost(
    line: Line,
) -> None:
    store = line.books.store
    store.append([Envelope("sync:c:s", 1, _started(0))], [], recorded_at=at(1))

    line.proxy.cut_at(1, Cut.UNANSWERED)
    with pytest.raises(VersionConflictError):
        store.append([Envelope("sync:c:s", 1, _started(5))], [], recorded_at=at(1))

    assert line.proxy.cuts == 1
    assert [each.event for each in store.stream("sync:c:s")] == [_started(0)]


def _started(minutes: int) -> SyncStarted:
    return SyncStarted(at=at(minutes), evidence="")
