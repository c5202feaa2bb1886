"""What people may do to a history: the part of the facade that takes decisions."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime

from reconcile.cases.evidence import set_aside
from reconcile.cases.expenses import Decided, decide
from reconcile.cases.listing import Case, cases
from reconcile.cases.requests import abandon
from reconcile.domain.identity import canonical_id
from reconcile.history import History
from reconcile.judgement.item import Item


class Decisions(ABC):
    """Takes the decisions of people, each with its actor and its reason."""

    _history: History
    _now: Callable[[], datetime]

    @abstractmethod
    def _stand(self, company_id: str) -> Mapping[str, Item]:
        """Return how each expense of a company stands now."""

    def decide(
        self,
        decision: str,
        *,
        company_id: str,
        transactions: Sequence[str] = (),
        cause: str | None = None,
        to: str | None = None,
        actor: str,
        reason: str,
        seen: str | None = None,
    ) -> Decided:
        """Store a decision about expenses, or about all breaks of a cause.

        `decision` is one of mended, booked, moved, waive, reopen and note. `cause` is a
        fingerprint or the name of a cause, `to` the company of what was moved. `seen`
        is the digest that `explain` or `causes` gave of what the person saw.

        Raises:
            UsageError: an expense or the cause is not known, the decision makes no
                sense for it, what was seen has changed, or a name is blank.

        """
        company_id = canonical_id(company_id)
        return decide(
            self._history,
            decision,
            company_id=company_id,
            items=self._stand(company_id),
            transactions=transactions,
            cause=cause,
            to=to,
            actor=actor,
            reason=reason,
            seen=seen,
            now=self._now,
        )

    def cases(self, company_id: str | None = None) -> Iterator[Case]:
        """Yield everything that people decided, in the order of recording."""
        company_id = None if company_id is None else canonical_id(company_id)
        return cases(self._history.store, company_id)

    def set_aside(self, digest: str, *, actor: str, reason: str) -> None:
        """Leave out evidence, by its SHA-256: unread bytes, or what a webhook said.

        Raises:
            UsageError: no unread bytes and no webhook have it, or a name is blank.

        """
        set_aside(self._history, digest, actor=actor, reason=reason, now=self._now)

    def abandon(
        self, company_id: str, request_id: str, *, actor: str, reason: str
    ) -> None:
        """Decide that nothing came of a request in doubt; see `cases/requests.py`.

        Nothing is sent; what the request names may be sent again.

        Raises:
            UsageError: the request is not known, is not in doubt, or may be under way;
                or a name is blank.

        """
        abandon(
            self._history,
            company_id,
            request_id,
            actor=actor,
            reason=reason,
            now=self._now,
        )
