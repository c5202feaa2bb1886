"""One run of the whole library against the sandbox, from one seed; what it broke."""

import random
import tempfile
from pathlib import Path
from typing import Final

import attrs

from reconcile import Reconciler
from reconcile.report.wire import digest
from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.scenarios import SCENARIOS
from tests.simulator.captured import Captured
from tests.simulator.invariants import unread, untrue, violations
from tests.simulator.live import LiveOffice
from tests.simulator.office import Office
from tests.simulator.plan import Plan

TRIES_MAX: Final = 400  # of shortening one story


@attrs.frozen(kw_only=True)
class Failure:
    """A run that did not hold, with its shortest story."""

    seed: int
    scenario: str
    broken: tuple[str, ...]
    story: tuple[str, ...]


def run(seed: int) -> Failure | None:
    """Return how one seed's run on captured traffic fails, None where it holds."""
    return _run(seed, Office)


def run_live(seed: int) -> Failure | None:
    """Return how one seed's live run fails, None where it holds."""
    return _run(seed, LiveOffice)


def _run(seed: int, kind: type[Office] | type[LiveOffice]) -> Failure | None:
    chance = random.Random(f"run {seed}")
    scenario = SCENARIOS[chance.choice(_DRAWN)]
    settings = Settings(
        integration_type=chance.choice(["expenses", "expense"]),
        links=chance.choice(["_links", "links"]),
        second_sync=chance.choice(["queued", "queued", "refused"]),
        duplicates=chance.choice(["sync", "sync", "call"]),
    )
    plan = Plan(
        companies=chance.choice([1, 1, 2, 3]),
        expenses=chance.choice([2, 4, 8, 16]),
        hours=chance.choice([2, 12, 48, 120]),
        silence=chance.choice([0, 0, 1, 60]),
        page_size=chance.choice([1, 3, 7, 100]),
        reads=chance.choice([1.0, 0.8, 0.4]),
        hooks=chance.choice([1.0, 0.8, 0.5]),
        crashes=chance.choice([0.0, 0.3]),
    )
    with tempfile.TemporaryDirectory() as folder:
        sandbox = Sandbox(settings=settings, scenario=scenario, seed=seed)
        store = Path(folder) / "books.db"
        office = kind(sandbox, plan, store, seed)
        office.live()
        with office.opened() as books:
            broken = [
                *violations(
                    books,
                    sandbox,
                    office.log,
                    store,
                    now=office.end,
                    blind=office.blind,
                )
            ]
            if isinstance(office, LiveOffice):
                broken += office.broken
                broken += unread(books, sandbox, plan)
            else:
                held = books.replayed_report(as_of=office.end)
                broken += _unordered(office, digest(held), Path(folder), chance)
    if not broken:
        return None
    story = _shortest(office) if isinstance(office, Office) else office.log
    begin = office.log[0].exchange.observed_at
    lines = tuple(one.line(begin) for one in story)
    return Failure(seed=seed, scenario=scenario.name, broken=tuple(broken), story=lines)


_DRAWN: Final = (*SCENARIOS, "storm", "storm", "half-failed", "lost-answers")


def _unordered(
    office: Office, wanted: str, folder: Path, chance: random.Random
) -> list[str]:
    """Return what is wrong where the same log in another order tells another report."""
    mixed = [one.exchange for one in office.log]
    mixed += chance.sample(mixed, len(mixed) // 3)
    chance.shuffle(mixed)
    now = office.end
    with Reconciler.open(f"sqlite:///{folder / 'mixed.db'}", now=lambda: now) as books:
        books.ingest(mixed)
        told = digest(books.replayed_report(as_of=now))
    return [] if told == wanted else ["the same evidence in another order differs"]


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
    now = max(sandbox.now, *(one.exchange.observed_at for one in log))
    with (
        tempfile.TemporaryDirectory() as folder,
        Reconciler.open(f"sqlite:///{folder}/part.db", now=lambda: now) as books,
    ):
        books.ingest([one.exchange for one in log])
        report = books.replayed_report(as_of=now)
        return next(untrue(report, sandbox, log, blind=office.blind), None) is not None
