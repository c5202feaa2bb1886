"""Many processes write one book: a reader misses nothing, and nothing is lost."""

import json
from contextlib import ExitStack

from reconcile import Reconciler
from reconcile.storage.opening import open_store
from tests.builders import COMPANY
from tests.storage.faults.programs import running
from tests.storage.faults.servers import OwnServer

_SECONDS = 3.0
_WRITER = """
import sys, time
from datetime import UTC, datetime
from reconcile.domain.events import SyncStarted
from reconcile.storage.codec import Envelope
from reconcile.storage.opening import open_store

url, name = sys.argv[1:3]
size, seconds = int(sys.argv[3]), float(sys.argv[4])
now = datetime.now(UTC)
event = SyncStarted(at=now, evidence="")
with open_store(url, create=False) as store:
    print("ready", flush=True)
    sys.stdin.readline()
    until = time.monotonic() + seconds
    version = 0
    while time.monotonic() < until:
        batch = [
            Envelope(f"sync:{name}:s", version + n, event) for n in range(1, size + 1)
        ]
        store.append(batch, (), recorded_at=now)
        version += size
    print(version, flush=True)
"""


def test_a_reader_behind_writers_of_mixed_batches_misses_no_event(
    victim: OwnServer,
) -> None:
    sizes = {"a": 1, "b": 10, "c": 100, "d": 700}
    with victim.book() as url, ExitStack() as stack:
        reader = stack.enter_context(open_store(url, create=False))
        writers = [
            stack.enter_context(running(_WRITER, url, name, str(size), str(_SECONDS)))
            for name, size in sizes.items()
        ]
        for writer in writers:
            assert writer.hear() == "ready"
        for writer in writers:
            writer.tell()
        seen: list[tuple[int, str, int]] = []
        reads = 0
        while any(writer.process.poll() is None for writer in writers):
            found = reader.stored_after(seen[-1][0] if seen else 0)
            seen += [(each.position, each.stream, each.version) for each in found]
            reads += bool(found)
            if not found:
                reader.wait_for_news(reader.position(), timeout_s=0.05)
        while found := reader.stored_after(seen[-1][0]):
            seen += [(each.position, each.stream, each.version) for each in found]
        written = {
            name: int(writer.hear())
            for name, writer in zip(sizes, writers, strict=True)
        }

        reader.check()
        assert reads > 20
        assert [position for position, _, _ in seen] == [*range(1, len(seen) + 1)]
        assert len(seen) == reader.position() == sum(written.values())
        for name, number in written.items():
            versions = [v for _, stream, v in seen if stream == f"sync:{name}:s"]
            assert versions == [*range(1, number + 1)]
            assert number > sizes[name]


_ENDPOINT = """
import json, sys
from concurrent.futures import ThreadPoolExecutor
from reconcile.endpoint import Trust, WebhookEndpoint
from tests.endpoint.deliveries import NOW, SECRET, signed, webhook

url, name, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
trust = Trust(secrets=(SECRET,))
with WebhookEndpoint(url, trust=trust, now=lambda: NOW) as endpoint:
    print("ready", flush=True)
    sys.stdin.readline()

    def deliver(n):
        # Every third comes to all workers: Codat sends again what it doubts.
        named = f"all_{n}" if n % 3 == 0 else f"{name}_{n}"
        body = webhook(f"sync_{named}")
        return endpoint.receive(signed(body, named=named), body).status

    with ThreadPoolExecutor(16) as pool:
        print(json.dumps([*pool.map(deliver, range(number))]), flush=True)
"""


def test_endpoints_of_several_processes_receive_at_once_and_lose_nothing(
    victim: OwnServer,
) -> None:
    number = 120
    names = ("a", "b", "c")
    with victim.book() as url, ExitStack() as stack:
        books = stack.enter_context(Reconciler.open(url))
        workers = [
            stack.enter_context(running(_ENDPOINT, url, name, str(number)))
            for name in names
        ]
        for worker in workers:
            assert worker.hear() == "ready"
        for worker in workers:
            worker.tell()
        while any(worker.process.poll() is None for worker in workers):
            books.catch_up()
            books.store.wait_for_news(books.store.position(), timeout_s=0.1)
        answers = [status for worker in workers for status in json.loads(worker.hear())]

        books.store.check()
        assert set(answers) == {204}
        assert len(answers) == number * len(names)
        apart = number // 3 * 2 * len(names)
        keys = [k for k in books.store.evidence_keys() if k.kind == "delivery"]
        assert len(keys) == apart + number // 3
        assert books.tie_out(evidence=True).differences == []
        with books.store.reading() as views:
            assert len([*views.syncs(COMPANY)]) == apart + number // 3
