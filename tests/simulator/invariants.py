"""What must hold of every run: its report, against the books and what was heard."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Self

import attrs

from reconcile import Reconciler
from reconcile.domain.policy import DEFAULT
from reconcile.domain.vocabulary import BreakKind, ItemState, Verdict
from reconcile.judgement.item import Item
from reconcile.report.build import Report
from reconcile.report.wire import to_data
from reconcile.sandbox import Sandbox
from tests.engines import rows_of, url_at
from tests.simulator.captured import Captured, facts
from tests.simulator.plan import Plan

NOT_IN = (BreakKind.FAILED, BreakKind.MISSING, BreakKind.REGRESSED)
SLACK = timedelta(hours=4)  # our clock may have been wrong by three


def violations(
    books: Reconciler,
    sandbox: Sandbox,
    log: list[Captured],
    store: Path,
    *,
    now: datetime,
) -> Iterator[str]:
    """Yield everything that does not hold of a store that took in a whole log."""
    report = books.report()
    replayed = books.replayed_report(as_of=now)
    if to_data(report) != to_data(replayed):
        yield "the live views and a replay tell different reports"
    tied = books.tie_out(evidence=True)
    if tied.differences or tied.poisoned:
        yield f"the tie-out finds {len(tied.differences)} differences"
    if tied.evidence is None or tied.evidence.differences:
        yield f"events and evidence differ: {tied.evidence}"
    if report.unprocessed:
        yield f"{report.unprocessed} pieces of evidence could not be read"
    recorded = _kept(store)
    if recorded != facts(log):
        yield f"{facts(log)} facts were captured, and {recorded} are kept as evidence"
    yield from _counted(report, log)
    yield from untrue(report, sandbox, log)
    yield from _late(report, log, now)


def _kept(store: Path) -> int:
    query = "SELECT COUNT(DISTINCT identity) FROM evidence"
    ((found,),) = rows_of(url_at(store), query)
    return int(found)


def _counted(report: Report, log: Iterable[Captured]) -> Iterator[str]:
    """Yield what is sent and not reported once, or counted wrongly."""
    sent = {(item.company_id, name) for item in log for name in item.sent}
    listed = Counter((item.company_id, item.transaction_id) for item in report.items)
    for key in sorted(sent):
        if listed[key] != 1:
            yield f"{key[1]} was sent, and is reported {listed[key]} times"
    totals = report.totals
    states = Counter(item.item.state for item in report.items)
    result = (totals.open, totals.matched, totals.broken, totals.cleared)
    real = tuple(
        states[s]
        for s in (
            ItemState.OPEN,
            ItemState.MATCHED,
            ItemState.BREAK,
            ItemState.CLEARED,
        )
    )
    if result != real or totals.items != len(report.items):
        yield f"the totals say {result}, the items {real}"


def untrue(report: Report, sandbox: Sandbox, log: Iterable[Captured]) -> Iterator[str]:
    """Yield every item of which something false is said."""
    heard = _Heard.of(log)
    for company_id, name, item in report.items:
        false = _false(sandbox, heard, company_id, name, item)
        if false is not None:
            kind = item.kind or item.state
            yield f"{name} is called {kind} and {item.verdict}: {false}"


@attrs.frozen
class _Heard:
    """What a log tells of syncs: those we began, what we sent, whose rows we saw."""

    began: set[str | None]
    sent: set[tuple[str, str]]
    reported: set[tuple[str, str]]
    unanswered: set[str]  # companies with a write whose answer was lost

    @classmethod
    def of(cls, log: Iterable[Captured]) -> Self:
        """Return what a log tells."""
        log = list(log)
        return cls(
            {item.began for item in log},
            {(entry.company_id, name) for entry in log for name in entry.sent},
            {key for found in log for key in found.reported},
            {
                each.company_id
                for each in log
                if each.exchange.method != "GET"
                and (each.exchange.status == 0 or each.exchange.status >= 500)
            },
        )

    def knows(self, sandbox: Sandbox, company_id: str, name: str) -> bool:
        """Return whether each sync that wrote a transaction can be known to have it.

        What somebody sent through the portal, in rows that nobody read, cannot.
        """
        return all(
            (sync_id, name) in self.reported
            or (sync_id in self.began and (company_id, name) in self.sent)
            for sync_id in _writers(sandbox, company_id, name)
        )

    def saw(self, sandbox: Sandbox, company_id: str, name: str) -> bool:
        """Return whether rows of each sync that wrote a transaction were read."""
        return all(
            (sync_id, name) in self.reported
            for sync_id in _writers(sandbox, company_id, name)
        )


def _writers(sandbox: Sandbox, company_id: str, name: str) -> set[str]:
    """Return the syncs that wrote a leg of a transaction."""
    entry = sandbox.books.entry(company_id, name)
    assert entry is not None
    return {posted.sync_id for posted in entry.legs.values()}


def _false(
    sandbox: Sandbox, heard: _Heard, company_id: str, name: str, item: Item
) -> str | None:
    """Return what is false, None where nothing is.

    A break that waits for an attempt still open speaks of the attempt before it. Of an
    update that failed, the update may be sent again.
    """
    if (item.state is ItemState.BREAK) != (item.kind is not None):
        return "a break has a kind, and nothing else has"
    written = sandbox.books.hold(company_id, name)
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        return None if written else "it is not in the books"
    if not written or not heard.knows(sandbox, company_id, name):
        return None
    scenario = sandbox.faults.scenario
    lists_err = scenario.pages_shrink or scenario.clocks_jump
    if lists_err and not heard.saw(sandbox, company_id, name):
        return None  # a listing that says it is complete left the writing out
    if company_id in heard.unanswered and _of_portal(sandbox, company_id, name):
        return None  # nobody can tell the portal's sync from the one we lost
    if item.kind in NOT_IN and item.verdict is not Verdict.WAIT:
        return "it is in the books"
    if item.verdict is Verdict.RESEND and item.kind is not BreakKind.UPDATE_FAILED:
        return "it is in the books, and would be sent again"
    return None


def _of_portal(sandbox: Sandbox, company_id: str, name: str) -> bool:
    """Return whether somebody sent a transaction again through the portal."""
    return any(
        sync.origin == "portal"
        and any(transaction.transaction_id == name for transaction in sync.transactions)
        for sync in sandbox.companies[company_id].syncs.values()
    )


def unread(books: Reconciler, sandbox: Sandbox, plan: Plan) -> Iterator[str]:
    """Yield what is undecided where nothing was ever lost but webhooks."""
    calm = sandbox.faults.scenario.name in ("happy", "flaky-webhooks")
    if not calm or plan.crashes:
        return
    for item in books.report().items:
        if item.item.state is ItemState.OPEN or item.item.kind is BreakKind.STUCK:
            yield f"{item.transaction_id} is undecided, though all of it could be read"


def _late(report: Report, log: Iterable[Captured], now: datetime) -> Iterator[str]:
    """Yield what is still open though its last request is past every deadline."""
    last: dict[tuple[str, str], datetime] = {}
    for entry in log:
        at = entry.exchange.observed_at
        for name in {*entry.sent, *(name for _, name in entry.reported)}:
            key = entry.company_id, name
            last[key] = max(at, last.get(key, at))
    begun = _syncs_begun(log)
    for company_id, name, item in report.items:
        known = max(
            last.get((company_id, name), now),
            begun.get(company_id, datetime.min.replace(tzinfo=now.tzinfo)),
        )
        if item.state is ItemState.OPEN and now > known + DEFAULT.undecided_for + SLACK:
            yield f"{name} is open, and nothing can decide it any more"


def _syncs_begun(log: Iterable[Captured]) -> Mapping[str, datetime]:
    """Return when each company last started a sync (v1): datasets are begun with it."""
    begun: dict[str, datetime] = {}
    for item in log:
        if item.exchange.url.endswith("/syncs"):
            at = item.exchange.observed_at
            begun[item.company_id] = max(at, begun.get(item.company_id, at))
    return begun
