"""A back office that is live: client, endpoint, dispatch and follower, and crashes.

It lives as the other office does, but that nothing is captured on the way: what it
hears goes into its store as it hears it, until the process dies between two steps.
"""

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import attrs
import httpx

from reconcile import Exchange, Reconciler
from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.client.quota import Quota
from reconcile.codat.requests import (
    Request,
    create_expenses,
    push_dataset,
    start_sync,
    update_expense,
)
from reconcile.domain.vocabulary import BreakKind, ItemState
from reconcile.endpoint import Trust, WebhookEndpoint
from reconcile.errors import BusyError, CodatUnavailable, InDoubtError, PayloadError
from reconcile.live.dispatch import Dispatch
from reconcile.live.follow import Follower
from reconcile.live.pace import Pace
from reconcile.readmodels.requests import RequestLedger
from reconcile.report.build import Report
from reconcile.sandbox import Sandbox
from reconcile.sandbox.deliveries import Delivery
from reconcile.sandbox.sandbox import HAPPY
from tests.simulator.captured import Captured, rows_told
from tests.simulator.plan import Plan
from tests.simulator.planned import CrashError, PlannedOffice
from tests.simulator.wire import Wire, name_in

LOOK_EVERY_S = 600
PAGE_SIZE_LEAST = 3  # a page a row is a call a row, each time it is read
AGAIN_S = 60  # at least, until what was certainly not sent is sent again
CALM = timedelta(hours=36)  # beyond a midnight, when the quotas of a day are new


class LiveOffice(PlannedOffice):
    """One live back office; `broken` is what it saw go wrong itself."""

    def __init__(self, sandbox: Sandbox, plan: Plan, store: Path, seed: int) -> None:
        super().__init__(sandbox, plan, store, seed)
        self.wire = self._wired()
        self.broken: list[str] = []
        self._wait_s: float = LOOK_EVERY_S  # until the follower looks again
        self.unsynced: set[tuple[str, str]] = set()  # pushed last
        self._names: dict[str, frozenset[str]] = {}  # of each request, by its id
        self._depth = 0  # of acts that began while others wait
        self._dead = False  # the process; it records nothing any more
        self._http = httpx.Client(transport=self.wire.transport())
        self._begin()

    @property
    def end(self) -> datetime:
        """Return the latest moment anything is dated at."""
        return self.sandbox.now

    def _wired(self) -> Wire:
        return Wire(sandbox=self.sandbox, store=self.path)

    # One process after the other

    def _begin(self) -> None:
        self.wire.processes += 1
        self._dead = False
        settings = self.sandbox.settings
        self.books = Reconciler.open(self._store, now=lambda: self.sandbox.now)
        self.client = CodatClient(
            self._http,
            api_keys="key",
            record=self._record,
            now=lambda: self.sandbox.now,
            sleep=lambda seconds: self.sandbox.advance(timedelta(seconds=seconds)),
            chance=lambda: 0.5,
            quota=Quota(
                per_day=2 * settings.calls_per_day,
                per_minute=settings.calls_per_minute,
            ),
        )
        self._open_endpoint()
        pace = Pace(page_size=max(self.plan.page_size, PAGE_SIZE_LEAST))
        self.follower: Follower = self.books.follower(
            self.client, holder="simulator", pace=pace
        )

    def _open_endpoint(self) -> None:
        self._endpoint = WebhookEndpoint(
            self._store, trust=Trust(unsigned=True), now=lambda: self.sandbox.now
        )

    def _lives(self, act: Callable[[], object]) -> None:
        """Do something, unless the process dies on the way; then there is a new one.

        What is certain not to have been carried out is done again, later.
        """
        self._depth += 1
        try:
            act()
        except CrashError:
            if self._depth > 1:
                raise  # who waits for this dies as well
            self._end()
            self._begin()
        except CodatUnavailable as error:
            if error.safe_to_resend:
                wait_s = max(error.wait_s or 0, AGAIN_S)
                self._after(wait_s, partial(self._lives, act))
        except (BusyError, InDoubtError, PayloadError):
            pass  # known, and told by the report
        finally:
            self._depth -= 1

    def _end(self) -> None:
        self._endpoint.close()
        self.books.close()

    def _dies(self, what: str) -> None:
        if self.chance.happens(f"dies {what}", self.plan.crashes / 10):
            self._dead = True
        if self._dead:
            raise CrashError

    def live(self) -> None:
        """Plan everything, and let the time pass."""
        self._plan_companies()
        self._after(LOOK_EVERY_S, self._look)
        self.sandbox.advance(timedelta(hours=self.plan.hours))
        self.sandbox.advance(timedelta(hours=self.plan.silence))

    def calm(self) -> None:
        """Have nothing more go wrong, and let the follower have its time."""
        faults = self.sandbox.faults
        scenario, faults.scenario = faults.scenario, HAPPY
        self.plan = attrs.evolve(self.plan, reads=1.0, crashes=0.0)
        self.sandbox.advance(CALM)
        faults.scenario = scenario

    def ledger(self, company_id: str) -> RequestLedger:
        """Return how a company's requests stand, as the history has it."""
        return self._dispatcher(self.client.ask).ledger(company_id)

    def close(self) -> None:
        """End the last process."""
        self._end()

    def _look(self) -> None:
        self._wait_s = LOOK_EVERY_S
        try:
            self._lives(self._follow)
        finally:
            self._after(min(max(self._wait_s, 60), 6 * LOOK_EVERY_S), self._look)

    def _follow(self) -> None:
        if self.chance.happens("follows", self.plan.reads):
            due = self.follower.step()
            if due is not None:
                self._wait_s = (due - self.sandbox.now).total_seconds()

    # Sending

    def _plan_more(self, company_id: str, chance: Random, **_v1: bool) -> None:
        for _ in range(chance.choice([1, 2, 3])):
            self._sometime(self._mends_s, partial(self._insist, company_id))
        for _ in range(chance.choice([0, 1, 2])):
            self._sometime(self._mends_s, partial(self._change_any, company_id))

    def _report(self, company_id: str) -> Report:
        return self.books.report(company_id=company_id)

    def _send(self, company_id: str, items: list[dict[str, Any]], v1: bool) -> None:
        names = self._sent_now(company_id, items)
        if v1:
            self._lives(partial(self._send_v1, company_id, items, names))
        else:
            request = create_expenses(company_id, items)
            self._lives(partial(self._dispatch, request, names))

    def _send_v1(
        self, company_id: str, items: list[dict[str, Any]], names: frozenset[str]
    ) -> None:
        answer = self._dispatch(push_dataset(company_id, items), names)
        data = json.loads(answer.body)
        dataset = data.get("datasetId") if isinstance(data, dict) else None
        if dataset is not None:
            request = start_sync(company_id, [dataset])
            self._lives(partial(self._dispatch, request, names))

    def _update(self, company_id: str, name: str, changed: dict[str, Any]) -> None:
        request = update_expense(company_id, name, changed)
        self._lives(partial(self._dispatch, request, frozenset({name})))

    def _dispatch(self, request: Request, names: frozenset[str]) -> Answer:
        """Send, and return the answer."""
        request_id = self.chance.uuid("request")
        self._names[request_id] = names
        dispatch = self._dispatcher(partial(self._ask, names))
        sent = dispatch.send(request, request_id=request_id)
        self._dies("after the answer")
        return sent.answer

    def _dispatcher(self, ask: Callable[[Request], Answer]) -> Dispatch:
        return self.books.dispatch(ask, actor="simulator")

    def _ask(self, names: frozenset[str], request: Request) -> Answer:
        keys = {(request.company_id, name) for name in names}
        if request.path.endswith("/data/expense-transactions"):
            self.unsynced |= keys  # a dataset nobody syncs is never in doubt
        else:
            self.unsynced -= keys
        self._log_intent(request.company_id, names)
        self._dies("before the call")
        return self.client.ask(request)

    def _log_intent(self, company_id: str, names: frozenset[str]) -> None:
        """Note that what an intent names is known from here on, come what may."""
        created = Exchange(method="", url="", status=0, observed_at=self.sandbox.now)
        self.log.append(
            Captured(
                exchange=created, company_id=company_id, sent=names, recorded=False
            )
        )

    def _change_any(self, company_id: str) -> None:
        """Change something that is in the books."""
        written = [
            item.transaction_id
            for item in self._report(company_id).items
            if item.item.state is ItemState.MATCHED
        ]
        if written:
            name = self.chance.of("changes").choice(written)
            self._change(company_id, self.sent[company_id][name])

    def _insist(self, company_id: str) -> None:
        """Try to send what is in doubt, as the impatient would: it must not go."""
        doubtful = [
            item.transaction_id
            for item in self._report(company_id).items
            if item.item.kind is BreakKind.INDETERMINATE
            and (company_id, item.transaction_id) not in self.unsynced
        ]
        for name in doubtful[:1]:
            request = create_expenses(company_id, [self.sent[company_id][name]])
            try:
                self._dispatcher(self.client.ask).send(request)
            except InDoubtError:
                continue
            except (CodatUnavailable, CrashError):
                pass
            self.broken.append(f"{name} was sent again while in doubt")

    # Hearing

    def _hear(self, company_id: str, delivery: Delivery) -> int:
        """Take a delivery through the endpoint; it may be heard, and not answered."""
        if not self.chance.happens("hears", self.plan.hooks):
            return 500
        if self.chance.happens("restarts", self.plan.crashes / 10):
            return self._hear_nothing(delivery)
        created = Exchange(
            method="POST",
            url="https://office.example/webhooks/codat",
            request_headers=delivery.headers,
            request_body=delivery.body,
            status=204,
            observed_at=self.sandbox.now,
        )
        answer = self._endpoint.receive(delivery.headers, delivery.body)
        if answer.status == 204:
            self.log.append(_heard(company_id, created))
            if not self.wire.keeps(delivery.body):
                self.broken.append("a delivery is answered 204, and is not kept")
        return answer.status if self.chance.happens("answers", 0.9) else 500

    def _hear_nothing(self, delivery: Delivery) -> int:
        """Take a delivery while the endpoint is restarted."""
        self._endpoint.close()
        answer = self._endpoint.receive(delivery.headers, delivery.body)
        self._open_endpoint()
        if answer.status == 204:
            self.broken.append("a delivery that nobody can keep is answered 204")
        return answer.status

    def _record(self, exchange: Exchange) -> None:
        """Record what the client heard, or die before it is, or just after."""
        if self._dead:
            raise CrashError
        writes = exchange.method != "GET"
        key = name_in({n.lower(): value for n, value in exchange.request_headers})
        sync_id = exchange.url.partition("/syncs/")[2].partition("/")[0]
        body = exchange.response_body
        rows = not writes and exchange.status == 200 and body is not None
        result = rows_told(sync_id, body or b"") if rows and sync_id != "list" else None
        captured = Captured(
            exchange=exchange,
            company_id=exchange.url.partition("/companies/")[2].partition("/")[0],
            sent=self._names.get(key, frozenset()) if writes else frozenset(),
            began=self.wire.began(key) if writes else None,
            reported=result or frozenset(),
            recorded=False,
        )
        self.log.append(captured)
        self._dies("before recording")
        self.books.record(exchange)
        self.log[-1] = attrs.evolve(captured, recorded=True)
        self._dies("after recording")


def _heard(company_id: str, created: Exchange) -> Captured:
    data = json.loads(created.request_body or b"{}")
    payload = data.get("payload") or data.get("Data") or {}
    sync_id = str(payload.get("syncId"))
    rows = payload.get("transactions") or ()
    names = {name.lower(): value for name, value in created.request_headers}
    return Captured(
        exchange=created,
        company_id=company_id,
        reported=frozenset((sync_id, row["id"]) for row in rows),
        delivery_id=names.get("webhook-id"),
        webhook=True,
    )
