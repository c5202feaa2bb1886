"""A worksheet brought to where its store stands: as much as has changed, or all of it.

Whatever a row says comes from a share of the report. Companies are laid out again that
have heard something, whose deadline has passed, of which deliveries show something
else, or whose open and broken expenses have come into the books of another, or left.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final

import attrs

from reconcile.console.laying import CompanyStand, laid_out
from reconcile.projections.summaries import Finding
from reconcile.reconciler import Reconciler
from reconcile.report.build import Report
from reconcile.report.digests import digest_of_companies
from reconcile.report.gather import Reporting
from reconcile.report.standing import AHEAD_MAX, StandingReport, standing
from reconcile.report.wire import company_digest, digest
from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.ports import Store
from reconcile.storage.worksheet.file import WorksheetFile
from reconcile.storage.worksheet.rows import CompanyLine, SheetHead
from reconcile.storage.worksheet.write import SheetWrites
from reconcile.version import VERSION

_TRIES: Final = 3


class WorksheetClosedError(Exception):
    """Whoever asked for the worksheet has no use for it any more."""


def label_of(books: Reconciler) -> str:
    """Return all that a worksheet's rows depend on beside the events."""
    parts = VERSION, books.rules.label, books.policy.label, books.store.path
    return "; ".join(parts)


def anchor_of(store: Store, position: int) -> str:
    """Return what tells an event from another store's event of that number."""
    hashed = hashlib.sha256()
    for stored in store.stored_at([position]):
        named = f"{stored.stream}\n{stored.version}\n{stored.topic}\n"
        hashed.update(named.encode("utf-8", "surrogatepass") + stored.state)
    return hashed.hexdigest()


def refresh(
    books: Reconciler, file: WorksheetFile, *, check: Callable[[], None]
) -> None:
    """Bring a worksheet to where the store stands now.

    `check` is called between companies, and may raise. Where others write the views
    all the time, it stays behind, unless there is nothing yet.
    """
    reporting = Reporting(store=books.store, policy=books.policy, rules=books.rules)
    now = _no_earlier(books, file)
    for _ in range(_TRIES):
        books.catch_up()
        with standing(reporting, now=now) as stands:
            if stands is not None:
                with file.writing() as writes:
                    _Refreshing(books, writes, stands, check).run()
                return
        if not _waits_for_others(books):
            break
    with file.reading() as reads:
        head = reads.head()
    if head is None or not _waits_for_others(books):
        lay_out_whole(books, file, as_of=books.now(), known_at=None, check=check)


def _no_earlier(books: Reconciler, file: WorksheetFile) -> Callable[[], datetime]:
    """Return our clock, or a worksheet's moment where its clock is a little ahead."""
    with file.reading() as reads:
        head = reads.head()
    last = books.now() if head is None else moment_of(head.as_of)

    def now() -> datetime:
        moment = books.now()
        return last if moment < last <= moment + AHEAD_MAX else moment

    return now


def _waits_for_others(books: Reconciler) -> bool:
    """Return whether other projectors are ahead with some of the companies."""
    with books.store.reading() as views:
        return not views.is_even()


def lay_out_whole(
    books: Reconciler,
    file: WorksheetFile,
    *,
    as_of: datetime,
    known_at: datetime | None,
    check: Callable[[], None],
) -> None:
    """Make a worksheet anew of the report of a moment, folded from the events."""
    report = books.replayed_report(as_of=as_of, known_at=known_at)
    with file.writing() as writes:
        writes.begin_anew()
        for share in report.shares:
            check()
            share_digest = share.digest or company_digest(share, as_of=as_of)
            stands = CompanyStand(
                share=attrs.evolve(share, digest=share_digest),
                position=report.position,
                as_of=as_of,
                turns_at=None,
            )
            writes.put(laid_out(stands))
        writes.finish(_head_of_report(books, report))


def _head_of_report(books: Reconciler, report: Report) -> SheetHead:
    return SheetHead(
        label=label_of(books),
        anchor=anchor_of(books.store, report.position),
        position=report.position,
        as_of=micros(report.as_of),
        known_at=None if report.known_at is None else micros(report.known_at),
        ruleset=report.ruleset,
        policy=report.policy,
        unprocessed=report.unprocessed,
        poisoned=report.poisoned,
        is_past=0,
        digest=digest(report),
        generation=uuid.uuid4().hex,
    )


class _Refreshing:
    """One refresh, in one read of the store and one transaction of the worksheet."""

    def __init__(
        self,
        books: Reconciler,
        writes: SheetWrites,
        stands: StandingReport,
        check: Callable[[], None],
    ) -> None:
        self._books = books
        self._writes = writes
        self._stands = stands
        self._check = check
        self._head = writes.head()
        self._known: dict[str, CompanyLine] = {}

    def run(self) -> None:
        """Write what stands otherwise, and what all of it stands on now."""
        stands, head = self._stands, self._head
        if head is None or not self._follows(head):
            self._head = None
            self._writes.begin_anew()
            self._lay_out(stands.companies())
        elif head.position > stands.position:
            return  # another process has written a later one meanwhile
        else:
            self._known = self._writes.companies()
            names = {*self._changed(head)}
            moved = self._lay_out(sorted(names))
            self._lay_out(sorted(self._writes.waiting_for(moved) - names))
        self._writes.finish(self._new_head())

    def _follows(self, head: SheetHead) -> bool:
        """Return whether what stands can follow what the worksheet has."""
        if head.label != label_of(self._books) or not head.is_past:
            return False
        store = self._books.store
        if head.position > store.position() or head.as_of > micros(self._stands.as_of):
            return False
        return head.anchor == anchor_of(store, head.position)

    def _changed(self, head: SheetHead) -> Iterable[str]:
        stands = self._stands
        as_of = micros(stands.as_of)
        store = self._books.store
        if head.position < stands.position:
            yield from store.companies_after(head.position, until=stands.position)
        for name, company in self._known.items():
            due = company.turns_at is not None and company.turns_at <= as_of
            if due or company.beside != self._beside(name):
                yield name
        yield from stands.beside.keys() - self._known.keys()

    def _beside(self, name: str) -> str:
        return _digest_of_findings(self._stands.beside.get(name, frozenset()))

    def _lay_out(self, names: Iterable[str]) -> set[str]:
        """Write companies anew; return the ids that came into books, or left them."""
        moved: set[str] = set()
        for found in self._stands.shares(dict.fromkeys(names)):
            self._check()
            share = found.share
            if share.says_something:
                stands = CompanyStand(
                    share=share,
                    position=self._stands.position,
                    as_of=self._stands.as_of,
                    turns_at=found.turns_at,
                    beside=self._beside(share.company_id),
                )
                moved |= self._writes.put(laid_out(stands))
            else:
                moved |= self._writes.drop(share.company_id)
        return moved

    def _new_head(self) -> SheetHead:
        stands, head, books = self._stands, self._head, self._books
        as_of = micros(stands.as_of)
        if head is None or head.position < stands.position:
            unprocessed = stands.unprocessed()
        else:
            unprocessed = head.unprocessed
        companies = self._writes.companies().values()
        current = all(c.judged_at == as_of or not c.ages for c in companies)
        ruleset, policy = books.rules.label, books.policy.edition
        return SheetHead(
            label=label_of(books),
            anchor=anchor_of(books.store, stands.position),
            position=stands.position,
            as_of=as_of,
            known_at=None,
            ruleset=ruleset,
            policy=policy,
            unprocessed=unprocessed,
            poisoned=stands.poisoned(),
            is_past=1,
            digest=digest_of_companies(
                ((c.company_id, c.share_digest) for c in companies),
                as_of=stands.as_of,
                ruleset=ruleset,
                policy=policy,
                unprocessed=unprocessed,
            )
            if current
            else None,
            generation=uuid.uuid4().hex if head is None else head.generation,
        )


def _digest_of_findings(findings: Iterable[Finding]) -> str:
    """Return a digest of findings, "" for none."""
    orders = sorted(finding.order for finding in findings)
    return hashlib.sha256(repr(orders).encode()).hexdigest() if orders else ""
