"""One run of the whole library against the sandbox, from one seed; what it broke."""

import logging
import os
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from reconcile import Reconciler
from reconcile.report.wire import digest
from tests.engines import another_store, drop_free, url_at, using
from tests.simulator.captured import Captured
from tests.simulator.edge import edge_violations
from tests.simulator.invariants import unread, untrue, violations
from tests.simulator.live import LiveOffice
from tests.simulator.neighbours import broken_beside
from tests.simulator.office import Office
from tests.simulator.plan import Drawn, draw, draw_retries
from tests.simulator.planned import PlannedOffice
from tests.simulator.planning import PlanningOffice
from tests.simulator.retry_rules import incomplete, unbooked, unended, unreleased

CAPTURED: Final = "captured"
LIVE: Final = "live"
NEIGHBOURS: Final = "neighbours"
RETRIES: Final = "retries"
NEIGHBOURS_EVERY: Final = 10
"""Of so many seeds one is lived through beside troubled neighbours."""
TRIES_MAX: Final = 400  # of shortening one story


@attrs.frozen(kw_only=True)
class Failure:
    """A run that did not hold, with its shortest story."""

    seed: int
    kind: str  # of the run: CAPTURED, LIVE, NEIGHBOURS or RETRIES
    scenario: str
    broken: tuple[str, ...]
    story: tuple[str, ...]


def run(seed: int) -> Failure | None:
    """Return how one seed's run on captured traffic fails, None where it holds."""
    drawn = draw(seed)
    with _folder() as folder:
        sandbox = drawn.sandbox()
        office = Office(sandbox, drawn.plan, folder / "books.db", seed)
        office.live()
        with office.opened() as books:
            stored = digest(books.replayed_report(as_of=office.end))
            broken = [
                *_violations(office, books),
                *_unordered(office, stored, folder, drawn.chance),
            ]
    return _failure(CAPTURED, drawn, broken, _shortest(office) if broken else [])


def run_live(seed: int) -> Failure | None:
    """Return how one seed's live run fails, None where it holds.

    What it says holds at the end of all faults, and again after some hours without.
    """
    drawn = draw(seed, live=True)
    with _folder() as folder:
        sandbox = drawn.sandbox()
        office = LiveOffice(sandbox, drawn.plan, folder / "books.db", seed)
        office.live()
        broken = _violations(office, office.books)
        if not broken:
            office.calm()
            broken = [*_violations(office, office.books), *edge_violations(office)]
            broken += unread(office.books, sandbox, drawn.plan)
        office.close()
    return _failure(LIVE, drawn, broken, office.log)


def run_neighbours(seed: int) -> Failure | None:
    """Return how a seed's day beside troubled companies fails, None where it holds."""
    with _folder() as folder:
        found = broken_beside(folder, seed)
    if not found:
        return None
    return Failure(
        seed=seed, kind=NEIGHBOURS, scenario="-", broken=tuple(found), story=()
    )


def run_retries(seed: int) -> Failure | None:
    """Return how a seed's run of an office that plans retries fails, None: it holds.

    Nothing booked is sent, and nothing too often; at the end, when nothing goes wrong
    any more and all is mended, everything is in the books and every plan has ended.
    """
    drawn, size = draw_retries(seed)
    with _folder() as folder:
        sandbox = drawn.sandbox()
        office = PlanningOffice(sandbox, size, folder / "books.db", seed)
        office.checks.append(incomplete)
        office.live()
        office.drain()
        broken = [
            *office.wire.broken,
            *unbooked(office),
            *unended(office),
            *unreleased(office),
            *edge_violations(office),
            *_violations(office, office.books),
        ]
        office.close()
    return _failure(RETRIES, drawn, broken, office.log)


KINDS: Final[Mapping[str, Callable[[int], Failure | None]]] = {
    CAPTURED: run,
    LIVE: run_live,
    NEIGHBOURS: run_neighbours,
    RETRIES: run_retries,
}


def run_one(asked: tuple[str, int, str]) -> Failure | None:
    """Return how the run of a kind, a seed and an engine fails, None where it holds.

    For a process of its own: the library's warnings of what was meant to fail are off.
    """
    logging.disable(logging.WARNING)
    kind, seed, engine = asked
    with using(engine):
        failure = KINDS[kind](seed)
    drop_free()
    return failure


@contextmanager
def _folder() -> Iterator[Path]:
    """Yield a folder, in memory where there is one: a crash here spares the disk."""
    memory = Path("/dev/shm")  # noqa: S108 - a name of its own is made in it
    stored = memory if os.access(memory, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=stored) as folder:
        yield Path(folder)


def _violations(office: PlannedOffice, books: Reconciler) -> list[str]:
    return [
        *violations(
            books,
            office.sandbox,
            office.log,
            office.path,
            now=office.end,
        )
    ]


def _failure(
    kind: str, drawn: Drawn, broken: list[str], story: list[Captured]
) -> Failure | None:
    if not broken:
        return None
    begin = story[0].exchange.observed_at
    return Failure(
        seed=drawn.seed,
        kind=kind,
        scenario=drawn.scenario.name,
        broken=tuple(broken),
        story=tuple(item.line(begin) for item in story),
    )


def _unordered(
    office: Office, wanted: str, folder: Path, chance: random.Random
) -> list[str]:
    """Return what is wrong where the same log in another order tells another report."""
    mixed = [item.exchange for item in office.log]
    mixed += chance.sample(mixed, len(mixed) // 3)
    chance.shuffle(mixed)
    now = office.end
    with Reconciler.open(url_at(folder / "mixed.db"), now=lambda: now) as books:
        books.ingest(mixed)
        result = digest(books.replayed_report(as_of=now))
    return [] if result == wanted else ["the same evidence in another order differs"]


def _shortest(office: Office) -> list[Captured]:
    """Return as little of a log as still says something false; all, where none does.

    Whatever part of what a truthful Codat said is lost, nothing false may be said of
    the rest: so any part of a log is a story of its own.
    """
    log = office.log
    if not _lies(office, log):
        return log
    tries, size = 0, max(1, len(log) // 2)
    while tries < TRIES_MAX:
        for begin in range(0, len(log), size):
            tries += 1
            shorter = log[:begin] + log[begin + size :]
            if shorter and _lies(office, shorter):
                log = shorter
                break
        else:
            if size == 1:
                return log
            size = max(1, size // 2)
    return log


def _lies(office: Office, log: list[Captured]) -> bool:
    sandbox = office.sandbox
    now = max(sandbox.now, *(item.exchange.observed_at for item in log))
    with another_store() as url, Reconciler.open(url, now=lambda: now) as books:
        books.ingest([entry.exchange for entry in log])
        report = books.replayed_report(as_of=now)
        return next(untrue(report, sandbox, log), None) is not None
