"""The people beside an office: they mend ledgers, decide, and are sometimes wrong."""

from collections.abc import Callable
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from reconcile import LeftOutReason
from reconcile.domain.vocabulary import ItemState, Verdict
from reconcile.errors import UsageError
from reconcile.judgement.item import Item
from reconcile.report.groups import Judged
from reconcile.retries.policy import DEFAULT_POLICY
from reconcile.sandbox.state import CONFIG

if TYPE_CHECKING:
    from tests.simulator.planning import PlanningOffice

_WORDS = ("booked", "moved", "waive")
WAIT_S = 1800  # until somebody gives up a call of which nothing came


class People:
    """Those who decide for one office. `ended` is what they ended, and with what word.

    `wrong` are those of them of which it was not so.
    """

    def __init__(self, office: "PlanningOffice") -> None:
        self._office = office
        self.ended: dict[tuple[str, str], str] = {}
        self.wrong: set[tuple[str, str]] = set()
        self.mends: dict[tuple[str, str], int] = {}  # by company and fingerprint

    def plan(self, company_id: str, chance: Random) -> None:
        """Plan what they do about a company."""
        acts: list[Callable[[str], None]] = [
            self._mends_and_tells,
            self._mends_and_tells,
            self._mends,
            self._tells,
            self._shuts,
            self._ends,
            self._reopens,
            self._notes,
            self.abandons,
        ]
        for _ in range(chance.choice([2, 4, 8])):
            self._office.sometime(partial(chance.choice(acts), company_id))

    def mends_all(self) -> None:
        """Mend everything, and take back what was not so."""
        self.mends.clear()
        for company_id in self._office.sandbox.companies:
            self._mends(company_id)
        for company_id, name in sorted(self.wrong):
            self._decide("reopen", company_id, transactions=[name])

    def says_all(self) -> None:
        """Say of everything that has to be mended that it is; give up what is lost."""
        for company_id in self._office.sent:
            self.abandons(company_id)
            to_mend = self._to_mend(company_id) | self._to_release(company_id)
            for fingerprint in sorted(to_mend):
                self._says(company_id, fingerprint)

    def _to_mend(self, company_id: str) -> set[str]:
        return {
            row.item.fingerprint
            for row in self._rows(company_id)
            if row.item.state is ItemState.BREAK
            and row.item.verdict is Verdict.FIX_FIRST
            and row.item.fingerprint is not None
        }

    def _to_release(self, company_id: str) -> set[str]:
        """Return what failed as often as it may before a person says that it is over.

        Not what was sent so often that nobody can release it.
        """
        plan = self._office.books.plan(DEFAULT_POLICY, company_id=company_id)
        spent = {
            row.transaction_id
            for row in plan.left_out
            if row.reason is LeftOutReason.BUDGET
            and self._office.wire.tries(company_id, row.transaction_id)
            < DEFAULT_POLICY.per_content
        }
        return {
            row.item.fingerprint
            for row in self._rows(company_id)
            if row.transaction_id in spent and row.item.fingerprint is not None
        }

    # What they do

    def _mends(self, company_id: str) -> None:
        company = self._office.sandbox.companies[company_id]
        ledger = company.ledger
        ledger.bank_feed_taken, ledger.closed_until = False, None
        ledger.multi_currency, ledger.billing_expired = True, False
        ledger.deleted_accounts.clear()
        company.linked, company.config = True, CONFIG

    def _shuts(self, company_id: str) -> None:
        """Have the ledger refuse what it took before."""
        company = self._office.sandbox.companies[company_id]
        chance = self._office.chance.of("shuts")
        match chance.choice(["period", "account", "currency", "billing"]):
            case "period":
                company.ledger.closed_until = company.created_at.date()
            case "account":
                company.ledger.deleted_accounts.add("account-2")
            case "currency":
                company.ledger.multi_currency = False
            case _:
                company.ledger.billing_expired = True

    def _mends_and_tells(self, company_id: str) -> None:
        self._mends(company_id)
        for fingerprint in sorted(self._to_mend(company_id)):
            self._says(company_id, fingerprint)

    def _tells(self, company_id: str) -> None:
        """Say that one cause is mended, whether it is or not."""
        found = sorted(self._to_mend(company_id))
        if found:
            self._says(company_id, self._office.chance.of("tells").choice(found))

    def _says(self, company_id: str, fingerprint: str) -> None:
        key = company_id, fingerprint
        self.mends[key] = self.mends.get(key, 0) + 1
        self._decide("mended", company_id, cause=fingerprint)

    def _ends(self, company_id: str) -> None:
        """End one expense, rightly or not."""
        chance = self._office.chance.of("ends")
        found = self._names(company_id, lambda item: item.state is ItemState.BREAK)
        if not found:
            return
        name, word = chance.choice(found), chance.choice(_WORDS)
        others = sorted(self._office.sent.keys() - {company_id})
        more = {"to": chance.choice([*others, "elsewhere"])} if word == "moved" else {}
        if not self._decide(word, company_id, transactions=[name], **more):
            return
        self.ended[company_id, name] = word
        if chance.random() < 0.4:
            self.wrong.add((company_id, name))
        elif word == "moved" and more["to"] in others:
            self._office.sends_moved(company_id, name, more["to"])

    def _reopens(self, company_id: str) -> None:
        found = self._names(company_id, lambda item: item.state is ItemState.RESOLVED)
        if found:
            name = self._office.chance.of("reopens").choice(found)
            self._decide("reopen", company_id, transactions=[name])
            self.ended.pop((company_id, name), None)

    def _notes(self, company_id: str) -> None:
        found = self._names(company_id, lambda _: True)
        if found:
            name = self._office.chance.of("notes").choice(found)
            self._decide("note", company_id, transactions=[name])

    def abandons(self, company_id: str) -> None:
        """Give up the calls of which nothing came: Codat's support has looked."""
        office = self._office
        for state in office.ledger(company_id).states:
            asked = state.asked
            if asked is None or not state.in_doubt:
                continue
            waited = (office.sandbox.now - asked.at).total_seconds()
            if waited >= WAIT_S and self._came_to_nothing(company_id, state.request_id):
                office.books.abandon(
                    company_id, state.request_id, actor="bob", reason="nothing came"
                )

    def _came_to_nothing(self, company_id: str, request_id: str) -> bool:
        """Return whether a call began no sync, or one that ended before any row."""
        began = self._office.wire.began(request_id)
        if began is None:
            return True
        sync = self._office.sandbox.companies[company_id].syncs[began]
        return sync.ended_at is not None and not sync.rows

    # How they do it

    def _decide(self, decision: str, company_id: str, **more: Any) -> bool:
        """Decide; return False where it makes no sense as things stand."""
        try:
            self._office.books.decide(
                decision, company_id=company_id, actor="ann", reason="seen", **more
            )
        except UsageError:
            return False
        return True

    def _names(self, company_id: str, chosen: Callable[[Item], bool]) -> list[str]:
        return [
            row.transaction_id for row in self._rows(company_id) if chosen(row.item)
        ]

    def _rows(self, company_id: str) -> list[Judged]:
        return [*self._office.books.report(company_id=company_id).items]
