"""A Codat to test against: one account, its companies, their books, on one clock."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from reconcile.sandbox.books import Books
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.engine import Engine
from reconcile.sandbox.messages import Answer, Call
from reconcile.sandbox.refusals import RefusedError, refusal
from reconcile.sandbox.routes import dispatch, service_of
from reconcile.sandbox.settings import Settings
from reconcile.sandbox.state import State
from reconcile.sandbox.webhooks import Webhooks
from reconcile.sandbox.world import Company, Ledger, Sync

BEGIN: Final = datetime(2026, 1, 5, 9, tzinfo=UTC)


class Sandbox:
    """A Codat that forgets nothing but what its scenario says, and never calls out."""

    def __init__(
        self, *, settings: Settings | None = None, seed: int = 0, now: datetime = BEGIN
    ) -> None:
        self.settings = settings or Settings()
        self.clock = Clock(now)
        self.chance = Chance(seed)
        self.books = Books()
        self.webhooks = Webhooks()
        engine = Engine(
            clock=self.clock,
            settings=self.settings,
            chance=self.chance,
            books=self.books,
            trouble=lambda *_: None,
            breaks=lambda _: False,
            told=self.webhooks.told,
        )
        self.state = State(
            settings=self.settings,
            clock=self.clock,
            chance=self.chance,
            books=self.books,
            engine=engine,
            webhooks=self.webhooks,
        )

    def handle(self, call: Call) -> Answer:
        """Return the answer to one request; nothing raises."""
        try:
            return dispatch(self.state, call)
        except RefusedError as error:
            service = service_of(call.path)
            return refusal(error, service=service, chance=self.chance)

    def advance(self, wait: timedelta) -> None:
        """Let time pass, and everything that is due in it happen."""
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
