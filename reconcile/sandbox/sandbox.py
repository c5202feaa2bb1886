"""A Codat to test against: one account, its companies, their books, on one clock."""

import threading
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from typing import Final

from reconcile.sandbox.asgi import App, Running, unlocked
from reconcile.sandbox.auth import authenticate
from reconcile.sandbox.books import Books
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.engine import Engine, Moment
from reconcile.sandbox.faults import Faults
from reconcile.sandbox.idempotency import Replays
from reconcile.sandbox.limits import Quotas
from reconcile.sandbox.messages import BODY_BYTES_MAX, Call, Response
from reconcile.sandbox.refusals import RefusedError, refusal
from reconcile.sandbox.routes import dispatch, service_of
from reconcile.sandbox.scenarios import SCENARIOS, Scenario
from reconcile.sandbox.settings import Settings
from reconcile.sandbox.state import State
from reconcile.sandbox.transport import Transport
from reconcile.sandbox.webhooks import Webhooks
from reconcile.sandbox.world import Company, Ledger, Sync

HAPPY: Final = SCENARIOS["happy"]
BEGIN: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Sandbox:
    """A Codat that forgets nothing but what its scenario says, and never calls out."""

    def __init__(
        self,
        *,
        settings: Settings | None = None,
        scenario: Scenario = HAPPY,
        seed: int = 0,
        now: datetime = BEGIN,
    ) -> None:
        self.settings = settings or Settings()
        self.clock = Clock(now)
        self.chance = Chance(seed)
        self.faults = Faults(scenario, self.chance)
        self.books = Books()
        self.webhooks = Webhooks(
            clock=self.clock,
            chance=self.chance,
            route=lambda _: self.faults.delays_s(),
            contradicts=lambda _: self.faults.contradicts(),
            completed_rule=self.settings.completed_rule,
            transactions=self.settings.webhook_rows,
            names=self.settings.webhook_names,
        )
        engine = Engine(
            clock=self.clock,
            settings=self.settings,
            chance=self.chance,
            books=self.books,
            trouble=self.faults.of_leg,
            breaks=self.faults.breaks,
            notify=self._told,
        )
        self.state = State(
            settings=self.settings,
            clock=self.clock,
            chance=self.chance,
            books=self.books,
            engine=engine,
            webhooks=self.webhooks,
            faults=self.faults,
        )

    def _told(self, moment: Moment, company: Company, sync: Sync) -> None:
        """Send webhooks; and have somebody look at what failed, where chance wants."""
        self.webhooks.notify(moment, company, sync)
        wait_s = self.faults.portal_after_s(sync) if moment == "failed" else None
        if wait_s is not None:
            engine = self.state.engine
            self.clock.after(wait_s, partial(engine.resend_failed, company))

    def handle(self, call: Call) -> Response:
        """Return the answer to one request; nothing raises.

        The key, then the quotas, then what was answered before, then what is asked.
        Calls of several threads are answered one after the other.
        """
        with self.lock:
            try:
                cut = self.faults.before()
                if cut is not None:
                    return cut
                authenticate(call, api_keys=self.settings.api_keys)
                self.limits.count()
                _refuse_large(call)
                response = self.replays.answer(call, self._made)
            except RefusedError as error:
                response = self._refused(call, error)
            return self.limits.stamped(response)

    def _made(self, call: Call) -> Response:
        """Return what is kept for a call's idempotency key, errors included."""
        try:
            return self.faults.after(dispatch(self.state, call))
        except RefusedError as error:
            return self._refused(call, error)

    def _refused(self, call: Call, error: RefusedError) -> Response:
        return refusal(error, service=service_of(call.path), chance=self.chance)

    def transport(self) -> Transport:
        """Return a transport that answers any httpx client, sync or async."""
        return Transport(self.handle, wait=self.advance)

    def app(self, *, speed: float = 0.0) -> App:
        """Return an ASGI app whose time runs `speed` times as fast as the wall's.

        At 0 it stands still until `advance` is called, as it does everywhere else.
        """
        courier = self.webhooks.courier
        courier.send = unlocked(self.lock, courier.send)
        return App(self.handle, Running(self.advance, speed))

    @cached_property
    def limits(self) -> Quotas:
        """Return the account's quotas."""
        return Quotas(
            clock=self.clock,
            companies=self.companies,
            on=self.settings.quotas,
            calls_per_day=self.settings.calls_per_day,
            calls_per_minute=self.settings.calls_per_minute,
            reset=self.settings.reset,
            retry_after=self.settings.retry_after,
        )

    @cached_property
    def replays(self) -> Replays:
        """Return the answers kept for idempotency keys."""
        return Replays(clock=self.clock, strict=self.settings.strict)

    @cached_property
    def lock(self) -> threading.RLock:
        """Return the lock that whoever moves the sandbox on holds."""
        return threading.RLock()

    def advance(self, wait: timedelta) -> None:
        """Let time pass, and everything that is due in it happen."""
        with self.lock:
            self.clock.advance(self.clock.now + wait)

    @property
    def now(self) -> datetime:
        """Return the sandbox's time."""
        return self.clock.now

    def company(
        self,
        company_id: str | None = None,
        *,
        name: str = "",
        ledger: Ledger | None = None,
    ) -> Company:
        """Return a new company, linked and configured, with books as given."""
        company_id = company_id or self.chance.uuid("company")
        return self.state.create(
            company_id, name or f"Company {company_id[:8]}", ledger
        )

    @property
    def companies(self) -> Mapping[str, Company]:
        """Return every company by its id."""
        return self.state.companies

    def resend_failed(self, company_id: str) -> Sync | None:
        """Do what a person in Codat's portal could: send the failed items again."""
        return self.state.engine.resend_failed(self.state.companies[company_id])


def _refuse_large(call: Call) -> None:
    if len(call.body) > BODY_BYTES_MAX:
        raise RefusedError(413, "The body of the request is too large.")
