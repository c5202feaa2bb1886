"""The Codat of a soak: the sandbox on a port, watched from inside.

It is what `reconcile sandbox` serves. It lives in the soak's own process because its
books, which nobody can ask for over HTTP, are the truth that reports are held against.
"""

import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Final
from uuid import UUID

import attrs
import httpx

from reconcile.domain.identity import stream_name
from reconcile.sandbox import Call, Response, Sandbox, bodies
from reconcile.sandbox.deliveries import Delivery
from reconcile.sandbox.outbound import Poster
from reconcile.sandbox.sandbox import HAPPY
from reconcile.sandbox.world import Company, Sync
from tests.simulator.wire import name_in
from tests.soak.plan import Plan
from tests.soak.registry import Registry

RECENT: Final = 100  # syncs that webhooks are made of


class WatchedSandbox(Sandbox):
    """A sandbox that sees each write: was its intent stored, did it begin a sync."""

    def __init__(self, plan: Plan, store: Path) -> None:
        super().__init__(
            settings=plan.settings,
            scenario=plan.scenario,
            seed=plan.seed,
            now=datetime.now(UTC),
        )
        self.store = store
        self.writes = 0
        self.unannounced: list[str] = []
        self.begun: Counter[str] = Counter()  # syncs, by the request that began them

    def handle(self, call: Call) -> Response:
        """Return the answer to one request."""
        if call.method == "GET" or "/sync/expenses/" not in call.path:
            return super().handle(call)
        company_id = call.path.partition("/companies/")[2].partition("/")[0]
        key = name_in(call.headers)
        known = self._is_stored(stream_name("request", company_id, key))
        with self.lock:
            before = len(self.companies[company_id].syncs)
            response = super().handle(call)
            self.writes += 1
            self.begun[key] += len(self.companies[company_id].syncs) - before
            if not known:
                self.unannounced.append(f"{call.method} {call.path} ({key})")
        return response

    def _is_stored(self, stream: str) -> bool:
        query = "SELECT 1 FROM stored_events WHERE originator_id = ?"
        with closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)) as db:
            return db.execute(query, (stream,)).fetchone() is not None


class RecordingPoster:
    """Posts the sandbox's webhooks, and notes what each was answered."""

    def __init__(self, registry: Registry, http: httpx.Client) -> None:
        self._registry = registry
        self._post = Poster(http)

    def __call__(self, delivery: Delivery) -> Response:
        """Return the answer of a delivery's URL; a status of 0 for none in time."""
        named = dict(delivery.headers)["webhook-id"]
        identity = self._registry.offer(named, delivery.body)
        response = self._post(delivery)
        self._registry.note(identity, response.status)
        return response


@attrs.define(kw_only=True)
class Account:
    """A watched sandbox with its companies."""

    sandbox: WatchedSandbox
    companies: tuple[str, ...]
    _ended: list[tuple[Company, Sync]] = attrs.field(factory=list)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)

    @classmethod
    def opened(
        cls,
        plan: Plan,
        store: Path,
        *,
        deliver_to: str,
        secret: str,
        send: RecordingPoster,
    ) -> "Account":
        """Return an account whose webhooks go to a URL, signed with a secret."""
        sandbox = WatchedSandbox(plan, store)
        names = tuple(str(UUID(int=plan.seed << 32 | n)) for n in range(plan.companies))
        for name in names:
            sandbox.company(name)
        consumer = sandbox.webhooks.subscribe(deliver_to)
        subscriber = sandbox.webhooks.consumer(consumer["id"])
        subscriber.secrets[:] = [secret]
        sandbox.webhooks.courier.send = send
        return cls(sandbox=sandbox, companies=names)

    def webhook(self, chance: Random) -> bytes | None:
        """Return a true webhook of a sync that ended lately; None: none did yet."""
        with self.sandbox.lock:
            ended = [
                (company, sync)
                for company in self.sandbox.companies.values()
                for sync in company.syncs.values()
                if sync.ended_at is not None
            ]
            if not ended:
                return None
            ended.sort(key=lambda found: str(found[1].ended_at))
            company, sync = chance.choice(ended[-RECENT:])
            well = sync.code in (2000, 2040)
            return bodies.current(
                bodies.SUCCESSFUL if well else bodies.UNSUCCESSFUL,
                company,
                sync,
                event_id=str(UUID(int=chance.getrandbits(128))),
                at=self.sandbox.now,
                transactions=True,
                tags={},
            )

    def calm(self) -> None:
        """Have nothing more go wrong between Codat and the library."""
        with self.sandbox.lock:
            self.sandbox.faults.scenario = HAPPY

    def unended(self) -> int:
        """Return how many syncs have not ended."""
        with self.sandbox.lock:
            return sum(
                sync.ended_at is None
                for company in self.sandbox.companies.values()
                for sync in company.syncs.values()
            )

    def sync_ids(self) -> list[str]:
        """Return every sync that was ever begun."""
        with self.sandbox.lock:
            companies = self.sandbox.companies.values()
            return [sync_id for company in companies for sync_id in company.syncs]

    def wrongs(self) -> Iterator[str]:
        """Yield what was sent and not written down before, or carried out twice."""
        with self.sandbox.lock:
            for line in self.sandbox.unannounced:
                yield f"{line} was sent, and nobody had stored that it would be"
            for key, syncs in self.sandbox.begun.items():
                if syncs > 1:
                    yield f"request {key} began {syncs} syncs"
            for company_id, entry in self.sandbox.books:
                if entry.times > 1:
                    yield (
                        f"{entry.transaction_id} of {company_id} was written"
                        f" {entry.times} times"
                    )
