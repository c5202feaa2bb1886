"""The sync itself: queued, prepared, pushed leg by leg, ended; each on the clock."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Literal

import attrs

from reconcile.sandbox.books import Books
from reconcile.sandbox.chance import Chance
from reconcile.sandbox.clock import Clock
from reconcile.sandbox.posting import Trouble, downstream, invalid, post
from reconcile.sandbox.settings import Settings
from reconcile.sandbox.world import (
    BANK_LEG,
    EXPENSE_LEG,
    Company,
    Sync,
    SyncedRow,
    Transaction,
)

Moment = Literal["started", "completed", "failed"]
_BLOCKED = {
    4000: "The company's configuration is incomplete.",
    4040: "The company was deleted.",
    4220: "The company has de-authorised its connection.",
    4260: "The subscription of the accounting software has expired.",
    5000: "An unexpected error occurred.",
}


@attrs.define(kw_only=True)
class Engine:
    """Runs every company's syncs, one at a time each, in order of request."""

    clock: Clock
    settings: Settings
    chance: Chance
    books: Books
    trouble: Callable[[Company, Transaction, str], Trouble | None]
    breaks: Callable[[Sync], bool]  # whether a sync ends 5000
    notify: Callable[[Moment, Company, Sync], None]  # what webhooks go out for
    _queues: dict[str, deque[Sync]] = attrs.field(factory=dict)

    def submit(
        self,
        company: Company,
        transactions: Iterable[Transaction],
        origin: Literal["datasets", "create", "update", "portal"],
    ) -> Sync:
        """Take on a sync; it starts when those before it have ended."""
        sync = Sync(
            sync_id=self.chance.uuid("sync"),
            company_id=company.company_id,
            origin=origin,
            transactions=tuple(transactions),
            requested_at=self.clock.now,
        )
        company.syncs[sync.sync_id] = sync
        queue = self._queues.setdefault(company.company_id, deque())
        queue.append(sync)
        if len(queue) == 1:
            self.clock.after(self.settings.queue_s, lambda: self._start(company, sync))
        return sync

    def resend_failed(self, company: Company) -> Sync | None:
        """Do what "Retry failed items" in the portal did: a new sync, behind our back.

        Source: Codat docs, Expenses, until 2025-08-11.
        """
        failed: dict[str, Transaction] = {}
        for sync in company.syncs.values():
            sent = {t.transaction_id: t for t in sync.transactions}
            for row in sync.rows:
                if row.status in ("PushError", "ValidationError"):
                    failed[row.transaction_id] = sent[row.transaction_id]
        again = [t for name, t in failed.items() if name not in company.processed]
        return self.submit(company, again, "portal") if again else None

    def _start(self, company: Company, sync: Sync) -> None:
        sync.started_at = self.clock.now
        sync.status = "Started"
        self.notify("started", company, sync)
        self.clock.after(self.settings.prepare_s, lambda: self._prepare(company, sync))
        self.clock.after(600, lambda: self._long(sync))

    def _long(self, sync: Sync) -> None:
        if sync.ended_at is None:
            sync.code = 1010  # running for more than ten minutes

    def _prepare(self, company: Company, sync: Sync) -> None:
        blocked = self._blocked(company, sync)
        if blocked is not None:
            self._end(company, sync, blocked, "Failed", _BLOCKED[blocked])
            return
        legs = self._legs(company)
        sync.rows = [
            SyncedRow(transaction_id=t.transaction_id, leg=leg)
            for t in sync.transactions
            for leg in (legs if t.kind == "expense" else (EXPENSE_LEG,))
        ]
        again = sorted(
            t.transaction_id
            for t in sync.transactions
            if not t.update and t.transaction_id in company.processed
        )
        if again:
            self._refuse_duplicates(company, sync, again)
            return
        sync.status = "Pushing"
        sent = {t.transaction_id: t for t in sync.transactions}
        for place, row in enumerate(sync.rows, start=1):
            transaction = sent[row.transaction_id]
            self.clock.after(
                place * self.settings.push_s,
                lambda row=row, t=transaction: self._push(company, sync, t, row),  # type: ignore[misc]  # bound at once
            )
        self.clock.after(
            (len(sync.rows) + 1) * self.settings.push_s,
            lambda: self._conclude(company, sync),
        )

    def _blocked(self, company: Company, sync: Sync) -> int | None:
        """Return the code of what keeps a sync from writing anything."""
        if company.deleted:
            return 4040
        if not company.linked:
            return 4220
        if company.ledger.billing_expired:
            return 4260
        if company.config is None:
            return 4000
        return 5000 if self.breaks(sync) else None

    def _legs(self, company: Company) -> tuple[str, ...]:
        if company.ledger.bank_feeds:
            return (BANK_LEG, EXPENSE_LEG)
        return (EXPENSE_LEG,)

    def _refuse_duplicates(
        self, company: Company, sync: Sync, again: list[str]
    ) -> None:
        """End a sync that names what was processed before: nothing of it is written.

        Source: Codat docs, Sync for Expenses FAQ; batch-wide by its wording.
        """
        message = (
            f"One or more transactions have previously been processed: {again[0]}"
            if len(again) == 1
            else "One or more transactions have previously been processed: "
            + ", ".join(again)
        )
        for row in sync.rows:
            row.status, row.message = "ValidationError", message
        self._end(company, sync, 5080, "Failed", message)

    def _push(
        self, company: Company, sync: Sync, transaction: Transaction, row: SyncedRow
    ) -> None:
        entry = self.books.entry(company.company_id, transaction.transaction_id)
        written = entry is not None and bool(entry.legs)
        wrong = invalid(transaction, written=written)
        if wrong is not None:
            row.status, row.message = "ValidationError", wrong
            return
        if not transaction.update and entry is not None and row.leg in entry.legs:
            row.status = "Completed"  # written by an earlier sync that failed in part
            return
        posting = post(
            company,
            transaction,
            row.leg,
            trouble=self.trouble(company, transaction, row.leg),
            chance=self.chance,
            timed_out=self.settings.timed_out,
        )
        row.status, row.message = posting.word, posting.message
        if posting.writes:
            self._write(company, sync, transaction, row)
        if posting.settles:
            self.clock.after(
                self.settings.settle_s,
                lambda: self._settle(company, sync, row, wrote=posting.writes),
            )

    def _write(
        self, company: Company, sync: Sync, transaction: Transaction, row: SyncedRow
    ) -> None:
        wanted = {r.leg for r in sync.rows if r.transaction_id == row.transaction_id}
        self.books.post(
            company.company_id,
            transaction,
            row.leg,
            wanted=wanted,
            sync_id=sync.sync_id,
            at=self.clock.now,
        )
        sync.pushed = True

    def _settle(
        self, company: Company, sync: Sync, row: SyncedRow, *, wrote: bool
    ) -> None:
        """Put in the row what became of a write that had timed out."""
        if wrote:
            row.status, row.message = "Completed", None
        else:
            row.status = "PushError"
            row.message = downstream("The request timed out.", self.chance)
        self._remember(company, sync)

    def _conclude(self, company: Company, sync: Sync) -> None:
        words = {row.status for row in sync.rows}
        self._remember(company, sync)
        if words <= {"Completed"}:
            code = 2000 if sync.pushed or sync.rows else 2040
            self._end(company, sync, code, "Complete", "")
            return
        message = next(row.message for row in sync.rows if row.status != "Completed")
        if words <= {"Completed", "ValidationError"}:
            self._end(company, sync, 5120, "Failed", message or "")
        else:
            self._end(company, sync, 5130, "PushError", message or "")

    def _remember(self, company: Company, sync: Sync) -> None:
        """Note what must never be written again: every leg of it is done."""
        words: dict[str, set[str]] = {}
        for row in sync.rows:
            words.setdefault(row.transaction_id, set()).add(row.status)
        company.processed |= {
            name for name, of_rows in words.items() if of_rows == {"Completed"}
        }

    def _end(
        self, company: Company, sync: Sync, code: int, status: str, error: str
    ) -> None:
        sync.code, sync.status = code, status
        sync.ended_at = self.clock.now
        sync.error = error
        sync.exception = _other_id(error, self.chance)
        self.notify("completed" if code in (2000, 2040) else "failed", company, sync)
        queue = self._queues[company.company_id]
        queue.popleft()
        if queue:
            following = queue[0]
            self.clock.after(
                self.settings.queue_s, lambda: self._start(company, following)
            )


def _other_id(error: str, chance: Chance) -> str:
    """Return an error as the exception's text has it: with an id of its own."""
    start, mark, rest = error.partition("Correlation ID: ")
    return f"{start}{mark}{chance.uuid('correlation')}{rest[36:]}" if mark else error
