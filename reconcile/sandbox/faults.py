"""What goes wrong, drawn by a scenario's rates and a seed; never a lie about a leg.

Every fault here is one that Codat's documents tell of, or that networks have. None
makes Codat say of a leg what is not so: a run's books and its rows agree.
"""

from collections.abc import Sequence
from datetime import timedelta

import attrs

from reconcile.sandbox.chance import Chance
from reconcile.sandbox.messages import Response
from reconcile.sandbox.posting import Trouble
from reconcile.sandbox.refusals import RefusedError
from reconcile.sandbox.scenarios import Scenario
from reconcile.sandbox.world import Company, Sync, SyncedRow

_WORDS = ("Reconciling", "OnHold")
_CODES = ((4200, "MapCoreError"), (2100, "CompleteWithNotes"))
_DAY_S = 86_400


@attrs.define
class Faults:
    """One scenario's faults, drawn one by one; another may follow while time runs."""

    scenario: Scenario
    chance: Chance

    def of_company(self, company: Company) -> None:
        """Put a new company in the state chance gives it."""
        rates, ledger = self.scenario, company.ledger
        happens = self.chance.happens
        if happens("feed taken", rates.feeds_taken):
            ledger.bank_feed_taken = True
        if happens("period closed", rates.periods_closed):
            ledger.closed_until = company.created_at.date() - timedelta(days=3)
        if happens("account deleted", rates.accounts_deleted):
            ledger.deleted_accounts.add("account-1")
        if happens("single currency", rates.single_currency):
            ledger.multi_currency = False
        if happens("billing expired", rates.billing_expired):
            ledger.billing_expired = True
        if happens("de-authorised", rates.deauthorised):
            company.linked = False
        if happens("unconfigured", rates.unconfigured):
            company.config = None

    def of_leg(self, *_: object) -> Trouble | None:
        """Return what befalls the push of one leg."""
        if self.chance.happens("broken", self.scenario.broken):
            return Trouble.BROKEN
        if not self.chance.happens("timed out", self.scenario.timed_out):
            return None
        wrote = self.chance.happens("written", self.scenario.timed_out_written)
        return Trouble.TIMED_OUT_WRITTEN if wrote else Trouble.TIMED_OUT

    def breaks(self, sync: Sync) -> bool:
        """Return whether a sync ends 5000, with nothing written."""
        return self.chance.once(f"break {sync.sync_id}", self.scenario.breaks)

    def portal_after_s(self, sync: Sync) -> float | None:
        """Return when, after a failed sync, a person sends its items again."""
        if sync.origin == "portal" or not self.chance.happens(
            "portal", self.scenario.portal_resends
        ):
            return None
        return self.chance.of("portal wait").uniform(600, _DAY_S)

    def before(self) -> Response | None:
        """Return the answer of a call that is not carried out, None for all others.

        Raises:
            RefusedError: it is turned away.

        """
        rates, happens = self.scenario, self.chance.happens
        if happens("cut", rates.calls_cut):
            return Response(status=0, lost=True)
        if happens("throttled", rates.throttled):
            wait = (("Retry-After", str(self.chance.of("wait").randint(1, 60))),)
            raise RefusedError(429, "The rate limit was reached.", headers=wait)
        if happens("unavailable", rates.unavailable / 2):
            raise RefusedError(self._broken(), "The service is unavailable.")
        return None

    def after(self, response: Response) -> Response:
        """Return the answer of a call that was carried out, if it arrives.

        Raises:
            RefusedError: it arrives as an error of the server's.

        """
        rates, happens = self.scenario, self.chance.happens
        if happens("answer lost", rates.answers_lost):
            return attrs.evolve(response, lost=True)
        if happens("unavailable after", rates.unavailable / 2):
            raise RefusedError(self._broken(), "The service is unavailable.")
        if happens("slow", rates.slow):
            return attrs.evolve(response, delay_s=self.chance.of("slow").uniform(1, 20))
        return response

    def _broken(self) -> int:
        return self.chance.of("status").choice((500, 502, 503, 504))

    def code(self, sync: Sync) -> tuple[int, str]:
        """Return the code and text of a sync that has ended, or one nobody knows."""
        if self.chance.once(f"code {sync.sync_id}", self.scenario.codes_unknown):
            return _CODES[0 if sync.code >= 4000 else 1]
        return sync.code, sync.status

    def word(self, sync: Sync, row: SyncedRow) -> str:
        """Return a row's word, or one nobody knows."""
        name = f"word {sync.sync_id} {row.transaction_id} {row.leg}"
        if self.chance.once(name, self.scenario.words_unknown):
            return _WORDS[len(row.transaction_id + row.leg) % len(_WORDS)]
        return row.status

    def rows(self, sync: Sync) -> list[SyncedRow]:
        """Return the rows one read of a sync's listing goes over."""
        rates, happens = self.scenario, self.chance.happens
        rows = list(sync.rows)
        if rows and self.chance.once(f"repeat {sync.sync_id}", rates.rows_repeat):
            place = int(sync.sync_id[:8], 16) % len(rows)
            rows.insert(place, rows[place])
        # Always the same go, whole: else the totals of two reads could hide a leg. And
        # never all: a failed sync that lists nothing says that nothing was written.
        if rows and happens("shrink", rates.pages_shrink):
            gone = {row.transaction_id for row in rows[-3:]}
            left = [row for row in rows if row.transaction_id not in gone]
            rows = left or rows
        if happens("drift", rates.pages_drift):
            self.chance.of("drift").shuffle(rows)
        return rows

    def delays_s(self) -> Sequence[float]:
        """Return after how long each copy of a delivery goes out; () for a lost one."""
        rates, happens = self.scenario, self.chance.happens
        if happens("webhook lost", rates.webhooks_lost):
            return ()
        copies = 2 if happens("webhook doubled", rates.webhooks_doubled) else 1
        return [self._delay_s() for _ in range(copies)]

    def _delay_s(self) -> float:
        if not self.chance.happens("webhook late", self.scenario.webhooks_late):
            return 0.0
        return self.chance.of("late").choice((30.0, 600.0, 7200.0, 1.5 * _DAY_S))

    def contradicts(self) -> bool:
        """Return whether a webhook says other than the status."""
        return self.chance.happens("contradict", self.scenario.webhooks_contradict)
