"""What both offices are: expenses sent over days, and what failed sent again."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from reconcile.domain.vocabulary import BreakKind, ItemState, Verdict
from reconcile.report.build import Report
from reconcile.sandbox import Sandbox
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.deliveries import Delivery, Generation
from tests.engines import url_at
from tests.simulator.captured import Captured
from tests.simulator.plan import Plan

MENDABLE_MAX = 50  # sent again at once


class CrashError(BaseException):  # nobody lives on by catching every Exception
    """The process died here."""


class PlannedOffice(ABC):
    """One back office with its store; `log` is everything that it captured.

    How it sends and what it hears is for those made from it.
    """

    def __init__(self, sandbox: Sandbox, plan: Plan, store: Path, seed: int) -> None:
        self.sandbox = sandbox
        self.plan = plan
        self.chance = Chance(seed)
        self.log: list[Captured] = []
        self.sent: dict[str, dict[str, dict[str, Any]]] = {}  # company → id → item
        self.path = store
        self._store = url_at(store)

    @property
    @abstractmethod
    def end(self) -> datetime:
        """Return the latest moment anything is dated at."""

    @abstractmethod
    def live(self) -> None:
        """Plan everything, and let the time pass."""

    @abstractmethod
    def _send(self, company_id: str, items: list[dict[str, Any]], v1: bool) -> None:
        """Send expenses, by datasets (v1) or by the call that creates them."""

    @abstractmethod
    def _update(self, company_id: str, name: str, changed: dict[str, Any]) -> None:
        """Send the body of an update."""

    @abstractmethod
    def _hear(self, company_id: str, delivery: Delivery) -> int:
        """Return what a delivery is answered."""

    @abstractmethod
    def _report(self, company_id: str) -> Report:
        """Return what the library says now."""

    @abstractmethod
    def _plan_more(self, company_id: str, chance: Random, *, v1: bool) -> None:
        """Plan what only this kind of office does."""

    # Planning

    @property
    def _sends_s(self) -> float:
        """Return the seconds in which what is new is sent."""
        return self.plan.hours * 3600 * 0.6

    @property
    def _mends_s(self) -> float:
        """Return the seconds in which all that is planned happens."""
        return self._sends_s * 1.6

    def _plan_companies(self) -> None:
        for _ in range(self.plan.companies):
            self._plan_company(self.chance.uuid("company"))

    def _plan_company(self, company_id: str) -> None:
        chance = self.chance.of("plan")
        self.sent[company_id] = {}
        v1 = chance.random() < 0.5
        generations: list[Generation] = ["legacy", "interim", "current", "current"]
        generation = chance.choice(generations)
        self.sandbox.company(company_id)
        self.sandbox.webhooks.subscribe_callable(
            partial(self._hear, company_id),
            generation=generation,
            company_id=company_id,
        )
        left = self.plan.expenses
        while left > 0:
            size = min(left, chance.choice([1, 2, 3, 5, 8]))
            left -= size
            self._sometime(self._sends_s, partial(self._send_new, company_id, size, v1))
        for _ in range(chance.choice([0, 1, 2])):
            self._sometime(self._mends_s, partial(self._retry, company_id, v1))
        self._plan_more(company_id, chance, v1=v1)

    def _send_new(self, company_id: str, size: int, v1: bool) -> None:
        items = [self._expense() for _ in range(size)]
        self._send(company_id, items, v1)

    def _expense(self) -> dict[str, Any]:
        chance = self.chance.of("expense")
        account = chance.choice(["account-1", "account-2", "account-3"])
        line = {
            "netAmount": chance.randint(100, 99_999) / 100,
            "taxAmount": 0,
            "accountRef": {"id": account},
        }
        return {
            "id": self.chance.uuid("expense id"),
            "type": "Payment",
            "issueDate": f"2026-01-{chance.randint(1, 5):02}",
            "currency": chance.choice(["GBP", "GBP", "EUR"]),
            "lines": [line],
        }

    def _sent_now(self, company_id: str, items: list[dict[str, Any]]) -> frozenset[str]:
        """Note what is sent, and return its names."""
        self.sent[company_id] |= {item["id"]: item for item in items}
        return frozenset(item["id"] for item in items)

    # Mending

    def _retry(self, company_id: str, v1: bool) -> None:
        """Send again what the report says may be, or what somebody mended."""
        mends = self.chance.happens("mends", 0.7)
        if mends:
            ledger = self.sandbox.companies[company_id].ledger
            ledger.bank_feed_taken, ledger.closed_until = False, None
            ledger.multi_currency = True
            ledger.deleted_accounts.clear()
            ledger.billing_expired = False
        again, written = [], []
        for entry in self._report(company_id).items:
            sent = self.sent[company_id].get(entry.transaction_id)
            item = entry.item
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
            self._send(company_id, again[:MENDABLE_MAX], v1)
        if written and self.chance.happens("updates", 0.3):
            self._change(company_id, written[0])

    def _change(self, company_id: str, item: dict[str, Any]) -> None:
        """Send an expense's new values."""
        changed = {**item, "notes": "changed"}
        self._update(company_id, changed.pop("id"), changed)

    def _sometime(self, span_s: float, act: Callable[[], None]) -> None:
        self._after(self.chance.of("when").uniform(0, span_s), act)

    def _after(self, wait_s: float, act: Callable[[], None]) -> None:
        self.sandbox.clock.after(wait_s, act)
