"""A back office that is live: client, endpoint, dispatch and follower, and crashes.

It lives as the other office does, but that nothing is captured on the way: what it
hears goes into its store as it hears it, until the process dies between two steps.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import attrs
import httpx

from reconcile import Exchange, Reconciler
from reconcile.codat.client import CodatClient
from reconcile.codat.requests import (
    Request,
    create_expenses,
    push_dataset,
    start_sync,
    update_expense,
)
from reconcile.domain.vocabulary import BreakKind, ItemState, Verdict
from reconcile.endpoint import Trust, WebhookEndpoint
from reconcile.errors import BusyError, CodatUnavailable, InDoubtError, PayloadError
from reconcile.follow import Follower
from reconcile.sandbox import Sandbox
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.deliveries import Delivery, Generation
from tests.simulator.captured import Captured, rows_told
from tests.simulator.office import CrashError
from tests.simulator.plan import Plan

LOOK_EVERY_S = 600


class LiveOffice:
    """One live back office with its store; `log` is everything that was recorded."""

    def __init__(self, sandbox: Sandbox, plan: Plan, store: Path, seed: int) -> None:
        self.sandbox = sandbox
        self.plan = plan
        self.chance = Chance(seed)
        self.log: list[Captured] = []
        self.blind: set[tuple[str, str]] = set()
        self.sent: dict[str, dict[str, dict[str, Any]]] = {}
        self._store = f"sqlite:///{store}"
        self._wait_s: float = LOOK_EVERY_S  # until the follower looks again
        self.broken: list[str] = []  # what the office itself saw go wrong
        self._pushes: set[tuple[str, str]] = set()  # sent, and in no sync's request yet
        self._seen: set[str] = set()  # syncs the sandbox had begun
        self._naming: tuple[str, frozenset[str]] = ("", frozenset())
        self._http = httpx.Client(transport=sandbox.transport())
        self._begin()

    @property
    def end(self) -> datetime:
        """Return the latest moment anything is dated at."""
        return self.sandbox.now

    # One process after the other

    def _begin(self) -> None:
        self.books = Reconciler.open(self._store, now=lambda: self.sandbox.now)
        self.client = CodatClient(
            self._http,
            api_keys="key",
            record=self._record,
            now=lambda: self.sandbox.now,
            sleep=lambda seconds: self.sandbox.advance(timedelta(seconds=seconds)),
            chance=lambda: 0.5,
        )
        self._endpoint = WebhookEndpoint(
            self._store, trust=Trust(unsigned=True), now=lambda: self.sandbox.now
        )
        self.follower: Follower = self.books.follower(self.client, holder="simulator")

    def _lives(self, act: Callable[[], object]) -> None:
        """Do something, unless the process dies on the way; then there is a new one."""
        try:
            act()
        except CrashError:
            self._end()
            self._begin()
        except (BusyError, InDoubtError, CodatUnavailable, PayloadError):
            pass  # known, and told by the report

    def _end(self) -> None:
        self._endpoint.close()
        self.books.close()

    def _dies(self, what: str) -> None:
        if self.chance.happens(f"dies {what}", self.plan.crashes / 10):
            raise CrashError

    def live(self) -> None:
        """Plan everything, and let the time pass."""
        for _ in range(self.plan.companies):
            self._plan_company(self.chance.uuid("company"))
        span_s = self.plan.hours * 3600
        self._after(LOOK_EVERY_S, self._look)
        self.sandbox.advance(timedelta(seconds=span_s))
        self.sandbox.advance(timedelta(hours=self.plan.silence))

    def opened(self) -> Reconciler:
        """Return the library on the office's store, for the last time."""
        self._endpoint.close()
        return self.books

    def _look(self) -> None:
        self._wait_s = LOOK_EVERY_S
        self._lives(self._follow)
        self._after(min(max(self._wait_s, 60), 6 * LOOK_EVERY_S), self._look)

    def _follow(self) -> None:
        if self.chance.happens("follows", self.plan.reads):
            due = self.follower.step()
            if due is not None:
                self._wait_s = (due - self.sandbox.now).total_seconds()

    # Sending

    def _plan_company(self, company_id: str) -> None:
        chance = self.chance.of("plan")
        self.sent[company_id] = {}
        v1 = chance.random() < 0.5
        generations: list[Generation] = ["legacy", "interim", "current", "current"]
        self.sandbox.company(company_id)
        self.sandbox.webhooks.subscribe_callable(
            self._hear, generation=chance.choice(generations), company_id=company_id
        )
        left = self.plan.expenses
        span_s = self.plan.hours * 3600 * 0.6
        while left > 0:
            size = min(left, chance.choice([1, 2, 3, 5, 8]))
            left -= size
            self._sometime(span_s, partial(self._send_new, company_id, size, v1))
        for _ in range(chance.choice([0, 1, 2])):
            self._sometime(span_s * 1.6, partial(self._retry, company_id, v1))
        for _ in range(chance.choice([0, 1, 2])):
            self._sometime(span_s * 1.6, partial(self._insist, company_id))

    def _send_new(self, company_id: str, size: int, v1: bool) -> None:
        items = [self._expense() for _ in range(size)]
        self._send(company_id, items, v1)

    def _expense(self) -> dict[str, Any]:
        chance = self.chance.of("expense")
        return {
            "id": self.chance.uuid("expense id"),
            "type": "Payment",
            "issueDate": f"2026-01-{chance.randint(1, 5):02}",
            "currency": chance.choice(["GBP", "GBP", "EUR"]),
            "lines": [
                {
                    "netAmount": chance.randint(100, 99_999) / 100,
                    "taxAmount": 0,
                    "accountRef": {"id": f"account-{chance.randint(1, 3)}"},
                }
            ],
        }

    def _send(self, company_id: str, items: list[dict[str, Any]], v1: bool) -> None:
        self.sent[company_id] |= {item["id"]: item for item in items}
        names = frozenset(item["id"] for item in items)
        if v1:
            self._lives(partial(self._send_v1, company_id, items, names))
        else:
            request = create_expenses(company_id, items)
            self._lives(partial(self._dispatch, request, names))

    def _send_v1(
        self, company_id: str, items: list[dict[str, Any]], names: frozenset[str]
    ) -> None:
        dataset = self._dispatch(push_dataset(company_id, items), names)
        if dataset is not None:
            self._dispatch(start_sync(company_id, [dataset]), names)

    def _dispatch(self, request: Request, names: frozenset[str]) -> str | None:
        """Send, and return the dataset's id where it is one."""
        self._naming = request.company_id, names
        try:
            answer = self.books.dispatch(self._ask, actor="simulator").send(request)
        finally:
            self._naming = "", frozenset()
        self._dies("after the answer")
        data = json.loads(answer.answer.body)
        return data.get("datasetId") if isinstance(data, dict) else None

    def _ask(self, request: Request) -> Any:
        company_id, names = self._naming
        keys = {(company_id, name) for name in names}
        if request.path.endswith("/data/expense-transactions"):
            self._pushes |= keys  # a dataset nobody syncs is never in doubt
        else:
            self._pushes -= keys
        self._log_intent()
        self._dies("before the call")
        return self.client.ask(request)

    def _log_intent(self) -> None:
        """Note that what an intent names is known from here on, come what may."""
        made = Exchange(method="", url="", status=0, observed_at=self.sandbox.now)
        company_id, names = self._naming
        self.log.append(
            Captured(exchange=made, company_id=company_id, sent=names, kept=False)
        )

    def _retry(self, company_id: str, v1: bool) -> None:
        """Send again what the report says may be, or what somebody mended."""
        ledger = self.sandbox.companies[company_id].ledger
        mends = self.chance.happens("mends", 0.7)
        if mends:
            ledger.bank_feed_taken, ledger.closed_until = False, None
            ledger.multi_currency = True
            ledger.deleted_accounts.clear()
            ledger.billing_expired = False
        again, written = [], []
        for one in self.books.report(company_id=company_id).items:
            sent = self.sent[company_id].get(one.transaction_id)
            item = one.item
            if sent is None:
                continue
            if item.verdict is Verdict.RESEND or (
                mends
                and item.kind is BreakKind.FAILED
                and item.verdict is Verdict.FIX_FIRST
            ):
                again.append(sent)
            elif item.state is ItemState.MATCHED:
                written.append(sent)
        if again:
            self._send(company_id, again[:50], v1)
        if written and self.chance.happens("updates", 0.3):
            changed = {**written[0], "notes": "changed"}
            name = changed.pop("id")
            request = update_expense(company_id, name, changed)
            self._lives(partial(self._dispatch, request, frozenset({name})))

    def _insist(self, company_id: str) -> None:
        """Try to send what is in doubt, as the impatient would: it must not go."""
        doubtful = [
            one.transaction_id
            for one in self.books.report(company_id=company_id).items
            if one.item.kind is BreakKind.INDETERMINATE
            and (company_id, one.transaction_id) not in self._pushes
        ]
        for name in doubtful[:1]:
            item = self.sent[company_id][name]
            request = create_expenses(company_id, [item])
            try:
                self.books.dispatch(self.client.ask, actor="simulator").send(request)
            except InDoubtError:
                continue
            except (CodatUnavailable, CrashError):
                pass
            self.broken.append(f"{name} was sent again while in doubt")

    # Hearing

    def _hear(self, delivery: Delivery) -> int:
        """Take a delivery through the endpoint; it may be heard, and not answered."""
        if not self.chance.happens("hears", self.plan.hooks):
            return 500
        made = Exchange(
            method="POST",
            url="https://office.example/webhooks/codat",
            request_headers=delivery.headers,
            request_body=delivery.body,
            status=204,
            observed_at=self.sandbox.now,
        )
        answer = self._endpoint.receive(delivery.headers, delivery.body)
        if answer.status == 204:
            self.log.append(_heard(made))
        return answer.status if self.chance.happens("answers", 0.9) else 500

    def _record(self, exchange: Exchange) -> None:
        """Record what the client heard, or die before it is, or just after."""
        company_id = exchange.url.partition("/companies/")[2].partition("/")[0]
        syncs = self.sandbox.companies[company_id].syncs
        began = next((one for one in syncs if one not in self._seen), None)
        if exchange.method != "GET":
            self._seen |= syncs.keys()
        sync_id = exchange.url.partition("/syncs/")[2].partition("/")[0]
        body = exchange.response_body
        rows = exchange.method == "GET" and exchange.status == 200 and body is not None
        told = rows_told(sync_id, body or b"") if rows and sync_id != "list" else None
        captured = Captured(
            exchange=exchange,
            company_id=company_id,
            sent=self._naming[1] if exchange.method != "GET" else frozenset(),
            began=began if exchange.method != "GET" else None,
            told=told or frozenset(),
            kept=False,
        )
        self.log.append(captured)
        self._dies("before recording")
        self.books.record(exchange)
        self.log[-1] = attrs.evolve(captured, kept=True)
        self._dies("after recording")

    def _sometime(self, span_s: float, act: Callable[[], None]) -> None:
        self._after(self.chance.of("when").uniform(0, span_s), act)

    def _after(self, wait_s: float, act: Callable[[], None]) -> None:
        self.sandbox.clock.after(wait_s, act)


def _heard(made: Exchange) -> Captured:
    data = json.loads(made.request_body or b"{}")
    payload = data.get("payload") or data.get("Data") or {}
    company = payload.get("referenceCompany") or {}
    sync_id = str(payload.get("syncId"))
    rows = payload.get("transactions") or ()
    names = {name.lower(): value for name, value in made.request_headers}
    return Captured(
        exchange=made,
        company_id=str(company.get("id") or data.get("CompanyId")),
        told=frozenset((sync_id, row["id"]) for row in rows),
        delivery_id=names.get("webhook-id"),
        webhook=True,
    )
