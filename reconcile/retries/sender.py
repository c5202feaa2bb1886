"""What sends: the part of the facade that writes to Codat, and plans what to write."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Final

from reconcile.codat.client.answers import Answer
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.requests import Request
from reconcile.domain.concurrency import CODATS, Concurrency
from reconcile.domain.identity import canonical_id
from reconcile.domain.policy import Policy
from reconcile.history import History
from reconcile.judgement.item import Item
from reconcile.live.dispatch import why_not_to_be_sent
from reconcile.live.recovery import Recovered, Recovery
from reconcile.projections.releases import Corrected
from reconcile.readmodels.projector import Projector
from reconcile.report.gather import Reporting
from reconcile.report.groups import Judged
from reconcile.retries.outcome import PlanOutcome, outcomes
from reconcile.retries.passing import PassingRetries
from reconcile.retries.plan import Plan
from reconcile.retries.planning import make_plan
from reconcile.retries.policy import DEFAULT_POLICY, RetryPolicy
from reconcile.retries.run import CALLS_A_DAY, RetryDispatch
from reconcile.rules import Ruleset

PASSING_ACTOR: Final = "reconcile follow"


class Sender(ABC):
    """Sends writes to Codat, and plans what is to be sent again."""

    policy: Policy
    rules: Ruleset
    _history: History
    _projector: Projector
    _reporting: Reporting
    _now: Callable[[], datetime]

    def dispatch(
        self,
        ask: Callable[[Request], Answer],
        *,
        actor: str,
        concurrency: Concurrency = CODATS,
        calls_a_day: Callable[[], int] = lambda: CALLS_A_DAY,
    ) -> RetryDispatch:
        """Return what sends writes, runs plans, and keeps track; `ask` is a client's.

        `actor` is who asks, for the record; the client records here what it hears.
        `calls_a_day` gives the account's quota, of which plans have a share.
        """
        return RetryDispatch(
            history=self._history,
            ask=ask,
            actor=actor,
            now=self._now,
            concurrency=concurrency,
            not_to_be_sent=self.not_to_be_sent,
            standing=self._standing,
            ruleset=self.rules.label,
            judged_by=self.policy.edition,
            calls_a_day=calls_a_day,
        )

    def _standing(
        self, company_id: str, names: Collection[str], corrected: Corrected
    ) -> Mapping[str, Judged]:
        self._projector.catch_up()
        return self._reporting.standing(
            company_id, names, as_of=self._now(), corrected=corrected
        )

    def not_to_be_sent(
        self, company_id: str, transaction_ids: Collection[str]
    ) -> dict[str, str]:
        """Return which of some expenses are not to be created again now, and why.

        The reason is a predicate, such as "is in the books". Expenses that are not
        known are left out.
        """
        ids = {name: canonical_id(name) for name in transaction_ids}
        rows = self._standing(canonical_id(company_id), {*ids.values()}, {})
        found = {}
        for name, known in ids.items():
            reason = why_not_to_be_sent(rows[known].item) if known in rows else None
            if reason is not None:
                found[name] = reason
        return found

    def passing_retries(
        self, client: CodatClient, policy: RetryPolicy = DEFAULT_POLICY
    ) -> PassingRetries:
        """Return what sends again by itself what failed for a cause that passes."""
        dispatch = self.dispatch(
            client.ask,
            actor=PASSING_ACTOR,
            calls_a_day=lambda: client.quota.figures(self._now()).limit,
        )

        def make() -> Plan:
            self._projector.catch_up()
            return make_plan(
                self._reporting,
                policy,
                as_of=self._now(),
                live=True,
                passing_only=True,
            )

        return PassingRetries(dispatch, make)

    @abstractmethod
    def _stand(self, company_id: str) -> Mapping[str, Item]:
        """Return how each expense of a company stands now."""

    def retries(self, digest: str | None = None) -> list[PlanOutcome]:
        """Return the plans that were run, or one, with what became of each line.

        Raises:
            UsageError: no plan of that digest was run.

        """
        return outcomes(self._history.store, self._stand, digest)

    def recover(
        self, ask: Callable[[Request], Answer], company_id: str, *, actor: str
    ) -> list[Recovered]:
        """Return a company's requests in doubt, and the syncs found for them.

        Raises:
            CodatUnavailable: the company's syncs could not be read.

        """
        dispatch = self.dispatch(ask, actor=actor)
        recovery = Recovery(dispatch=dispatch, ask=ask, now=self._now)
        return recovery.recover(canonical_id(company_id))

    def plan(
        self,
        policy: RetryPolicy = DEFAULT_POLICY,
        *,
        company_id: str | None = None,
        cause: str | None = None,
        corrected: Sequence[Mapping[str, object]] = (),
        as_of: datetime | None = None,
    ) -> Plan:
        """Return what is to be sent again, frozen; nothing is sent, nothing stored.

        `cause` is a fingerprint or the name of a cause: nothing else is planned then.
        `corrected` are expenses of the company, sent in place of what failed.

        Raises:
            UsageError: a correction is of an expense that is not to be sent.

        """
        if as_of is None:
            self._projector.catch_up()
        return make_plan(
            self._reporting,
            policy,
            as_of=as_of or self._now(),
            live=as_of is None,
            company_id=None if company_id is None else canonical_id(company_id),
            cause=cause,
            corrected=corrected,
        )
