"""A back office that embeds the library: it sends, polls, listens, mends and retries.

Everything it does happens on the sandbox's clock, by chance. What it captures stands in
a log that outlives a crash; the library takes it from there, in pieces, some twice.
"""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import httpx

from reconcile import Exchange, Reconciler
from reconcile.domain.vocabulary import BreakKind, ItemState
from reconcile.report.build import Report
from reconcile.sandbox import Sandbox
from reconcile.sandbox.deliveries import Delivery
from tests.simulator.captured import Captured, rows_told
from tests.simulator.plan import Plan
from tests.simulator.planned import CrashError, PlannedOffice

HOST = "https://api.codat.io"
HOOKS = "https://office.example/webhooks/codat"
_UNKNOWN = (BreakKind.STUCK, BreakKind.INDETERMINATE, BreakKind.UNRECOGNISED)


class Office(PlannedOffice):
    """A back office that captures its traffic, and hands it over now and then."""

    def __init__(self, sandbox: Sandbox, plan: Plan, store: Path, seed: int) -> None:
        super().__init__(sandbox, plan, store, seed)
        self._taken = 0  # of the log, by the library
        self._drift = timedelta()
        self._followed: set[tuple[str, str]] = set()
        self._http = httpx.Client(base_url=HOST, transport=sandbox.transport())

    @property
    def now(self) -> datetime:
        """Return the time by the office's own clock, which may be wrong."""
        return self.sandbox.now + self._drift

    @property
    def end(self) -> datetime:
        """Return the latest moment anything is dated at; a clock may have been fast."""
        seen = max((item.exchange.observed_at for item in self.log), default=self.now)
        return max(seen, self.sandbox.now)

    # Living

    def live(self) -> None:
        """Plan everything, let the time pass, take in what was captured."""
        self._plan_companies()
        span_s = self.plan.hours * 3600
        for _ in range(int(self.plan.hours / 4) + 1):
            self._sometime(span_s, self.take)
        if self.chance.happens("jumps", 5 * self.sandbox.faults.scenario.clocks_jump):
            self._sometime(span_s, self._jump)
        self.sandbox.advance(timedelta(hours=self.plan.hours + self.plan.silence))
        self._drift = timedelta()
        self.take(crashes=False)

    def opened(self) -> Reconciler:
        """Return the library on the office's store."""
        return Reconciler.open(self._store, now=lambda: self.end)

    def take(self, *, crashes: bool = True) -> None:
        """Have the library take in what it has not, and some of what it has, again."""
        again = self.chance.of("again").randrange(0, 12)
        begin = max(0, self._taken - again)
        some = [item.exchange for item in self.log[begin:]]
        fails = crashes and self.chance.happens("crash", self.plan.crashes)
        with self.opened() as books:
            try:
                books.ingest(self._dying(some) if fails else some)
            except CrashError:
                return  # nobody knows how far it came
            self._taken = len(self.log)
            if self.chance.happens("projects", 0.5):
                books.catch_up()

    def _report(self, company_id: str) -> Report:
        self.take()
        with self.opened() as books:
            return books.report(company_id=company_id)

    def _dying(self, some: list[Exchange]) -> Iterator[Exchange]:
        last = self.chance.of("dies").randint(0, len(some))
        yield from some[:last]
        raise CrashError

    def _jump(self) -> None:
        minutes = self.chance.of("jump").choice([-180, -5, 5, 180])
        self._drift = timedelta(minutes=minutes)
        self._after(3600, self._right)

    def _right(self) -> None:
        self._drift = timedelta()

    # Sending

    def _plan_more(self, company_id: str, chance: Random, *, v1: bool) -> None:
        for _ in range(chance.choice([0, 0, 1])):
            self._sometime(self._mends_s, partial(self._send_twice, company_id, v1))
        for _ in range(chance.choice([0, 0, 1])):
            self._sometime(self._mends_s, partial(self._send_blind, company_id, v1))
        if chance.random() < 0.2:
            self._sometime(self._mends_s, partial(self._expire, company_id))
        self._sometime(self._mends_s, partial(self._list, company_id))

    def _send(self, company_id: str, items: list[dict[str, Any]], v1: bool) -> None:
        names = self._sent_now(company_id, items)
        if not v1:
            self._write(company_id, "POST", "/expense-transactions", items, names)
            return
        body = {"items": items}
        result = self._call(
            company_id, "POST", "/data/expense-transactions", body, sent=names
        )
        dataset = _field(result, "datasetId")
        if dataset is not None:
            self._after(
                self.chance.of("pause").choice([1, 60, 3600]),
                partial(
                    self._write, company_id, "POST", "/syncs", {"datasetIds": [dataset]}
                ),
            )

    def _update(self, company_id: str, name: str, changed: dict[str, Any]) -> None:
        path = f"/expense-transactions/{name}"
        self._write(company_id, "PUT", path, changed, frozenset({name}))

    def _write(
        self,
        company_id: str,
        method: str,
        path: str,
        body: object,
        names: frozenset[str] = frozenset(),
    ) -> None:
        """Start a sync by any call; follow it, or look for it where no answer came."""
        answered = self._call(company_id, method, path, body, sent=names)
        sync_id = _field(answered, "syncId")
        if sync_id is not None:
            self._follow(company_id, sync_id)
        else:
            self._after(3600, partial(self._list, company_id))

    # Reading

    def _follow(self, company_id: str, sync_id: str) -> None:
        if (company_id, sync_id) in self._followed:
            return
        self._followed.add((company_id, sync_id))
        for wait_s in (5, 30, 300, 1200, 14_400):
            self._after(wait_s, partial(self._read, company_id, sync_id))

    def _read(self, company_id: str, sync_id: str) -> None:
        """Read a sync's status and, mostly, its pages; some reads are never made."""
        if not self.chance.happens("read", self.plan.reads):
            return
        if self.chance.happens("status", 0.8):
            self._call(company_id, "GET", f"/syncs/{sync_id}/status")
        for page in range(1, 40):
            if self.chance.happens("skip page", 0.05):
                continue
            path = f"/syncs/{sync_id}/transactions"
            query = f"?page={page}&pageSize={self.plan.page_size}"
            result = self._call(company_id, "GET", path + query, sync_id=sync_id)
            if not isinstance(result, dict) or not result.get("results"):
                return
            if page * self.plan.page_size >= result["totalResults"]:
                return

    def _list(self, company_id: str) -> None:
        result = self._call(company_id, "GET", "/syncs/list/status")
        for item in result if isinstance(result, list) else ():
            self._follow(company_id, item["syncId"])

    def _hear(self, company_id: str, delivery: Delivery) -> int:
        """Capture a delivery; sometimes fail before that, sometimes after."""
        if not self.chance.happens("hears", self.plan.hooks):
            return 500
        headers = tuple(delivery.headers)
        names = {name.lower(): value for name, value in headers}
        data = json.loads(delivery.body)
        payload = data.get("payload") or data.get("Data") or {}
        sync_id = str(payload.get("syncId"))
        rows = payload.get("transactions") or ()
        created = Exchange(
            method="POST",
            url=HOOKS,
            request_headers=headers,
            request_body=delivery.body,
            status=204,
            observed_at=self.now,
        )
        self.log.append(
            Captured(
                exchange=created,
                company_id=company_id,
                reported=frozenset((sync_id, row["id"]) for row in rows),
                delivery_id=names.get("webhook-id"),
                webhook=True,
            )
        )
        if self.chance.happens("looks", 0.7):
            self._after(2, partial(self._read, company_id, sync_id))
        return 204 if self.chance.happens("answers", 0.9) else 500

    # Mending

    def _send_twice(self, company_id: str, v1: bool) -> None:
        """Send what is in the books already, by mistake, beside something new."""
        report = self._report(company_id)
        written = [
            self.sent[company_id][item.transaction_id]
            for item in report.items
            if item.item.state is ItemState.MATCHED
        ]
        if written:
            if self.chance.happens("lapses first", 0.4):
                self._expire(company_id)
            self._send(company_id, [*written[:2], self._expense()], v1)

    def _send_blind(self, company_id: str, v1: bool) -> None:
        """Send again, alone, what nobody knows enough of: as people do."""
        report = self._report(company_id)
        unknown = [
            item.transaction_id
            for item in report.items
            if item.item.state is ItemState.OPEN or item.item.kind in _UNKNOWN
        ]
        for name in unknown[:2]:
            self._send(company_id, [self.sent[company_id][name]], v1)

    def _expire(self, company_id: str) -> None:
        """Have the accounting software's subscription lapse for some hours."""
        ledger = self.sandbox.companies[company_id].ledger
        ledger.billing_expired = True
        self._after(4 * 3600, partial(setattr, ledger, "billing_expired", False))

    # Capturing

    def _call(
        self,
        company_id: str,
        method: str,
        path: str,
        body: object = None,
        *,
        sent: frozenset[str] = frozenset(),
        sync_id: str | None = None,
    ) -> Any:
        """Return an answer's JSON, None where there is none; capture the exchange."""
        url = f"/companies/{company_id}/sync/expenses{path}"
        raw = None if body is None else json.dumps(body).encode()
        status, answer = 0, None
        syncs = self.sandbox.companies[company_id].syncs
        before = set(syncs)
        try:
            got = self._http.request(method, url, content=raw)
            status, answer = got.status_code, got.content
        except httpx.TransportError:
            pass  # no answer; whether it was carried out is not known
        self.log.append(
            Captured(
                exchange=Exchange(
                    method=method,
                    url=HOST + url,
                    request_body=raw,
                    status=status,
                    response_body=answer,
                    observed_at=self.now,
                ),
                company_id=company_id,
                sent=sent,
                began=next((sync for sync in syncs if sync not in before), None)
                if method != "GET"
                else None,
                reported=rows_told(sync_id, answer)
                if sync_id and answer and status == 200
                else frozenset(),
            )
        )
        return json.loads(answer) if answer and status in (200, 202) else None


def _field(result: Any, name: str) -> str | None:
    return result.get(name) if isinstance(result, dict) else None
