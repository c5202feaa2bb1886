"""The server is killed and started again: who uses it goes on by itself."""

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from reconcile import Reconciler, read_lines
from reconcile.domain.events import SyncStarted
from reconcile.endpoint import Limits, Trust, WebhookEndpoint
from reconcile.errors import StoreAwayError
from reconcile.storage.codec import Envelope
from reconcile.storage.opening import open_store
from tests.builders import COMPANY, at, push, uuid_of
from tests.cli.test_stores import children_of
from tests.endpoint.deliveries import NOW, SECRET, signed, webhook
from tests.live.commands import COMMAND
from tests.storage.faults.servers import OwnServer

_STARTED = SyncStarted(at=at(0), evidence="")
_BACK_S = 15.0
_STORES = 3  # that are open in this process: of books, endpoint and projector


def until(holds: Callable[[], bool], *, within_s: float = _BACK_S) -> float:
    """Wait until something holds; return how long that took."""
    begun = time.monotonic()
    while not holds():
        assert time.monotonic() - begun < within_s
        time.sleep(0.02)
    return time.monotonic() - begun


class Writer:
    """A thread that appends event after event, and remembers what was acknowledged."""

    def __init__(self, url: str, name: str) -> None:
        self.acknowledged: list[str] = []
        self.refused: list[str] = []
        self._url = url
        self._name = name
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with open_store(self._url, create=False) as store:
            number = 0
            while not self._over.is_set():
                number += 1
                stream = f"sync:{self._name}:{number}"
                try:
                    store.append([Envelope(stream, 1, _STARTED)], (), recorded_at=at(1))
                except StoreAwayError as error:
                    self.refused.append(str(error))
                else:
                    self.acknowledged.append(stream)


def kill_postmaster(server: OwnServer) -> None:
    os.kill(server.postmaster(), signal.SIGKILL)


def stop_at_once(server: OwnServer) -> None:
    server.stop("immediate")


@pytest.mark.parametrize("kill", [kill_postmaster, stop_at_once])
def test_every_acknowledged_append_is_there_after_the_server_was_killed(
    victim: OwnServer, kill: Callable[[OwnServer], None]
) -> None:
    with victim.book() as url:
        with Writer(url, "a") as first, Writer(url, "b") as second:
            writers = (first, second)
            until(lambda: all(len(each.acknowledged) > 20 for each in writers))
            kill(victim)
            victim.start()
            before = [len(each.acknowledged) for each in writers]
            until(
                lambda: all(
                    len(each.acknowledged) > n + 20
                    for each, n in zip(writers, before, strict=True)
                )
            )

        with open_store(url, create=False) as store:
            store.check()
            stored = [event.stream for event in store.stored_at(range(1, 10**5))]
    acknowledged = {*first.acknowledged, *second.acknowledged}
    assert first.refused == second.refused == []  # it was away for less than PATIENCE_S
    assert len(stored) == len(set(stored))
    assert set(stored) == acknowledged


@contextmanager
def keeping_up(url: str) -> Iterator[Reconciler]:
    """Have a thread keep the views up to date; give the books, to look at them."""
    over = threading.Event()

    def work() -> None:
        with Reconciler.open(url, create=False) as books:
            books.keep_up(over)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        with Reconciler.open(url, create=False) as books:
            yield books
    finally:
        over.set()
        worker.join()


def is_up_to_date(books: Reconciler) -> bool:
    with books.store.reading() as views:
        return views.position() == books.store.position()


def test_projector_and_endpoint_come_back_by_themselves(
    victim: OwnServer, caplog: pytest.LogCaptureFixture
) -> None:
    trust = Trust(secrets=(SECRET,))
    hasty = Limits(answer_wait_s=1.0)
    with (
        victim.book("connect_timeout=2") as url,
        keeping_up(url) as books,
        WebhookEndpoint(url, trust=trust, limits=hasty, now=lambda: NOW) as endpoint,
    ):
        ingest(books, 1)
        until(lambda: is_up_to_date(books))
        first = endpoint.receive(signed(webhook("s1"), named="m1"), webhook("s1"))

        kill_postmaster(victim)
        gone = endpoint.receive(signed(webhook("s2"), named="m2"), webhook("s2"))
        begun = time.monotonic()
        health = endpoint.health()
        asked_for = time.monotonic() - begun
        output = doctor(url)
        with pytest.raises(StoreAwayError, match="Connection refused"):
            books.catch_up()
        victim.start()

        until(lambda: endpoint.health().status < 300)
        again = endpoint.receive(signed(webhook("s2"), named="m2"), webhook("s2"))
        ingest(books, 2)
        until(lambda: is_up_to_date(books))

        assert [first.status, gone.status, again.status] == [204, 503, 204]
        assert (health.status, b"Connection refused" in health.body) == (503, True)
        assert asked_for < 2.0
        assert "psycopg.pool" not in {record.name for record in caplog.records}
        logged = [r.message for r in caplog.records if r.name == "reconcile.storage"]
        for words in ("cannot be reached: connection", "is reached again"):
            assert 1 <= sum(words in message for message in logged) <= _STORES
        assert re.search(
            r"^problem  store: postgresql://:\d+/postgres \(schema f[0-9a-f]+\) cannot"
            r" be reached: connection to server on socket \".*\" failed: Connection"
            r" refused$",
            output,
            re.MULTILINE,
        )
        assert books.tie_out().differences == []
        assert books.store.companies() == [COMPANY, "c1", "c2"]
        kinds = [key.kind for key in books.store.evidence_keys()]
        assert kinds.count("delivery") == 2


def test_a_worker_that_is_started_while_the_server_is_away_waits_for_it(
    victim: OwnServer,
) -> None:
    with victim.book("connect_timeout=2") as url, Reconciler.open(url) as books:
        ingest(books, 1)
        running = subprocess.Popen(
            [COMMAND, "--store", url, "project", "--workers", "2"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            until(lambda: len(children_of(running.pid)) == 2, within_s=60.0)
            until(lambda: is_up_to_date(books))
            kill_postmaster(victim)
            for worker in children_of(running.pid):
                os.kill(worker, signal.SIGKILL)
            time.sleep(5.0)
            victim.start()
            until(lambda: is_written(books, 2), within_s=60.0)
            until(lambda: is_up_to_date(books))
            running.send_signal(signal.SIGINT)
            _, written = running.communicate(timeout=30)
        finally:
            running.kill()

        assert "Traceback" not in written
        complaints = [line for line in written.splitlines() if "not projected" in line]
        assert 1 <= len(complaints) <= 4  # each of two, and each that was started


def is_written(books: Reconciler, number: int) -> bool:
    try:
        ingest(books, number)
    except StoreAwayError:
        return False
    return True


def ingest(books: Reconciler, number: int) -> None:
    books.ingest(read_lines([push(uuid_of(number), company=f"c{number}")]))


def doctor(url: str) -> str:
    """Return what the doctor says; its status is that of a problem."""
    found = subprocess.run(
        [COMMAND, "--store", url, "doctor"],
        capture_output=True,
        text=True,
        env=os.environ | {"CODAT_BASE_URL": "http://127.0.0.1:9"},
        check=False,
    )
    assert found.returncode == 2
    assert "Traceback" not in found.stderr
    return found.stdout
