"""Projectors stopped and killed in the middle: others take over, no row is wrong."""

import os
import random
import signal
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import attrs

from reconcile import Reconciler, read_lines
from reconcile.domain.policy import DEFAULT
from reconcile.judgement.item import Rules
from reconcile.readmodels.projector import Projector
from reconcile.rules import BUILT_IN
from tests.builders import create, page, push, row, start, uuid_of
from tests.storage.faults.programs import running
from tests.storage.faults.servers import OwnServer

_KILLS = 20
_STOPPED = """
import sys
from reconcile import Reconciler
from reconcile.readmodels import projector

class Batch(projector.ProjectionBatch):
    def fold(self, stored):
        print("claimed", len(stored), flush=True)
        sys.stdin.readline()
        return super().fold(stored)

projector.ProjectionBatch = Batch
with Reconciler.open(sys.argv[1]) as books:
    print(books.catch_up(), flush=True)
"""


def file_of_all(number: int) -> list[bytes]:
    """Return a file in which each of twelve companies has some news."""
    lines = []
    for n in range(12):
        company, sync = f"c{n}", f"s{number}"
        ids = [uuid_of(1000 * number + n), uuid_of(number // 4)]
        lines += [
            push(*ids, company=company, dataset=f"d{number}", minutes=number),
            start(f"d{number}", company=company, sync=sync, minutes=number),
            create(*ids, company=company, sync=f"t{number}", minutes=number),
        ]
    return lines


def test_a_projector_that_was_stopped_is_passed_and_spoils_nothing(
    victim: OwnServer,
) -> None:
    with (
        victim.book("idle_timeout=1") as url,
        Reconciler.open(url) as books,
        running(_STOPPED, url) as stopped,
    ):
        books.ingest(read_lines(file_of_all(1)))
        assert stopped.hear().startswith("claimed")
        stopped.send(signal.SIGSTOP)
        begun = time.monotonic()
        position = books.catch_up()
        waited = time.monotonic() - begun
        books.ingest(read_lines(file_of_all(2)))
        books.catch_up()
        stopped.send(signal.SIGCONT)
        stopped.tell()
        rest = stopped.hear_all()

        assert position > 30
        assert waited < 5.0
        assert rest == [str(books.store.position())]
        assert books.tie_out().differences == []


@attrs.define
class SlowRules:
    """The built-in rules, which take their time each time that they are asked."""

    seconds: float
    asked: int = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(BUILT_IN, name)

    def edition(self, at: Any) -> int:
        self.asked += 1
        time.sleep(self.seconds)
        return BUILT_IN.edition(at)


def test_what_is_folded_for_longer_than_a_transaction_may_stand_still_is_folded(
    victim: OwnServer,
) -> None:
    rules = SlowRules(seconds=1.2)
    with victim.book("idle_timeout=1") as url, Reconciler.open(url) as books:
        failed = row("t1", "PushError", message="it does not go")
        books.ingest(read_lines([create("t1"), page(failed, minutes=2)]))
        projector = Projector(books.store, policy=DEFAULT, rules=cast("Rules", rules))

        assert projector.catch_up() == books.store.position()
        assert rules.asked >= 3  # too slow for 1 s and for 2 s
        assert books.tie_out().differences == []


def test_who_reads_may_think_for_longer_than_a_writer_may_stand_still(
    victim: OwnServer,
) -> None:
    with victim.book("idle_timeout=1") as url, Reconciler.open(url) as books:
        books.ingest(read_lines(file_of_all(1)))
        books.catch_up()
        with books.store.reading() as views:
            before = views.companies()
            time.sleep(1.5)

            assert views.companies("syncs") == before
            assert len(before) == 12


# Projectors in processes that are forked, so that twenty of them cost little.
_FORKING = """
import os, signal, sys, threading
from reconcile import Reconciler

def work():
    with Reconciler.open(sys.argv[1]) as books:
        books.keep_up(threading.Event())

alive = set()
while True:
    while len(alive) < 2:
        pid = os.fork()
        if not pid:
            work()
            os._exit(0)
        alive.add(pid)
        print(pid, flush=True)
    ended, _ = os.wait()
    alive.discard(ended)
"""


def test_twenty_projectors_are_killed_and_no_row_is_wrong(victim: OwnServer) -> None:
    chance = random.Random(20)
    waits = []
    with (
        victim.book("idle_timeout=1") as url,
        Reconciler.open(url) as books,
        feeding(url),
        running(_FORKING, url) as forking,
    ):
        alive = [int(forking.hear()), int(forking.hear())]
        for number in range(_KILLS):
            time.sleep(chance.uniform(0.05, 0.3))
            dying = alive.pop(chance.randrange(2))
            os.kill(dying, signal.SIGKILL)
            waits.append(seconds_until_passed(books, books.store.position()))
            alive.append(int(forking.hear()))
            if number % 5 == 0:
                zombie = alive[chance.randrange(2)]
                os.kill(zombie, signal.SIGSTOP)
                seconds_until_passed(books, books.store.position())
                os.kill(zombie, signal.SIGCONT)
        for each in alive:
            os.kill(each, signal.SIGKILL)

        assert books.tie_out().differences == []
        books.store.check()
    assert statistics.median(waits) <= 1.0, waits


def seconds_until_passed(books: Reconciler, position: int) -> float:
    begun = time.monotonic()
    while True:
        with books.store.reading() as views:
            if views.position() >= position:
                return time.monotonic() - begun
            stands = views.position()
        assert time.monotonic() - begun < 20.0, f"at {stands}, expected {position}"
        time.sleep(0.01)


@contextmanager
def feeding(url: str) -> Iterator[None]:
    """Have a thread take in file after file."""
    over = threading.Event()

    def work() -> None:
        number = 0
        with Reconciler.open(url) as books:
            while not over.wait(0.1):
                number += 1
                books.ingest(read_lines(file_of_all(number)))

    feeder = threading.Thread(target=work)
    feeder.start()
    try:
        yield
    finally:
        over.set()
        feeder.join()
