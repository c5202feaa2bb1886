"""The Codat of a soak: the sandbox on a port, watched from inside.

It is what `reconcile sandbox` serves. It lives in the soak's own process because its
books, which nobody can ask for over HTTP, are the truth that reports are held against.
"""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, Final
from uuid import UUID, uuid4

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

RECENT: Final = 10  # syncs of each company that webhooks are made of
WEBHOOKS_PER_SYNC: Final = 4  # of the sender's own; more than Codat would send


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
    elsewhere: dict[str, str] = attrs.field(factory=dict)  # syncs, and their companies

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

    def begin_elsewhere(self, chance: Random) -> None:
        """Begin a sync that is not ours: another system writes to the same books.

        So many webhooks about our few pushes would be more than Codat ever sends of
        one sync; these are about syncs that a follower has to find and to read.
        """
        company_id = chance.choice(self.companies)
        items = [drawn_expense(chance) for _ in range(chance.randint(1, 3))]
        path = f"/companies/{company_id}/sync/expenses/expense-transactions"
        call = Call(method="POST", path=path, body=json.dumps(items).encode())
        with self.sandbox.lock:
            syncs = self.sandbox.companies[company_id].syncs
            before = len(syncs)
            Sandbox.handle(self.sandbox, call)  # unwatched: it is not ours to announce
            self.elsewhere.update((name, company_id) for name in [*syncs][before:])

    def webhook(self, chance: Random) -> bytes | None:
        """Return a true webhook of a sync that ended lately; None: none did yet."""
        with self.sandbox.lock:
            ended = [
                (company, sync)
                for company in self.sandbox.companies.values()
                for sync in islice(reversed(company.syncs.values()), RECENT)
                if sync.ended_at is not None
            ]
            if not ended:
                return None
            return self._webhook_of(*chance.choice(ended))

    def webhook_of_elsewhere(self, sync_id: str) -> bytes:
        """Return a true webhook of a sync that another system began."""
        with self.sandbox.lock:
            company = self.sandbox.companies[self.elsewhere[sync_id]]
            return self._webhook_of(company, company.syncs[sync_id])

    def _webhook_of(self, company: Company, sync: Sync) -> bytes:
        return bodies.current(
            bodies.SUCCESSFUL if sync.code in (2000, 2040) else bodies.UNSUCCESSFUL,
            company,
            sync,
            event_id=str(uuid4()),
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

    def synced(self) -> set[str]:
        """Return every transaction that a sync was ever begun of."""
        with self.sandbox.lock:
            return {
                transaction.transaction_id
                for company in self.sandbox.companies.values()
                for sync in company.syncs.values()
                for transaction in sync.transactions
            }

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


def drawn_expense(chance: Random) -> dict[str, Any]:
    """Return an expense that Codat takes, and that some companies' books do not."""
    issued = date.today() - timedelta(days=chance.randint(0, 9))  # noqa: DTZ011
    return {
        "id": str(UUID(int=chance.getrandbits(128), version=4)),
        "type": "Payment",
        "issueDate": f"{issued}T00:00:00Z",
        "currency": "GBP",
        "merchantName": f"Merchant {chance.randint(1, 99)}",
        "lines": [
            {
                "netAmount": chance.randint(1, 50_000) / 100,
                "taxAmount": 0,
                "accountRef": {"id": "account-1"},
            }
        ],
    }
