"""What a store says when all is at rest, held against the books and against itself."""

from collections import Counter
from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from pathlib import Path

from reconcile import Exchange, Reconciler
from reconcile.domain.vocabulary import ItemState
from reconcile.report.build import Report
from reconcile.sandbox import Sandbox
from tests.simulator.captured import Captured
from tests.simulator.invariants import untrue

IN_THE_BOOKS = (ItemState.MATCHED, ItemState.CLEARED)


def untruths(
    store: Path, sandbox: Sandbox, pushed: Collection[tuple[str, str]]
) -> Iterator[str]:
    """Yield everything that a store at rest says, and that is not so."""
    with Reconciler.open(f"sqlite:///{store}", create=False) as books:
        yield from _facts_twice(books)
        report = books.report()
        yield from untrue(report, sandbox, _all_known(sandbox))
        yield from _books_beside(report, sandbox)
        known = {(item.company_id, item.transaction_id) for item in report.items}
        for company_id, name in pushed:
            if (
                sandbox.books.entry(company_id, name)
                and (company_id, name) not in known
            ):
                yield f"{name} was pushed and written, and is in no report"


def _facts_twice(books: Reconciler) -> Iterator[str]:
    """Yield the evidence from which one stream was told the same thing twice."""
    seen: Counter[tuple[str, str, str]] = Counter()
    position = 0
    while some := books.store.stored_after(position):
        position = some[-1].position
        for recorded in map(books.store.recorded, some):
            evidence = getattr(recorded.event, "evidence", "")
            if evidence:
                seen[recorded.stream, recorded.event.TOPIC, evidence] += 1
    for (stream, topic, evidence), times in seen.items():
        if times > 1:
            yield f"{stream} has {topic} {times} times of evidence {evidence}"


def _books_beside(report: Report, sandbox: Sandbox) -> Iterator[str]:
    """Yield what the books hold whole, and a report at rest does not call so."""
    states = {
        (item.company_id, item.transaction_id): item.item.state for item in report.items
    }
    for company_id, entry in sandbox.books:
        state = states.get((company_id, entry.transaction_id))
        if entry.whole and state not in IN_THE_BOOKS:
            yield f"{entry.transaction_id} is in the books, and is called {state}"


def _all_known(sandbox: Sandbox) -> list[Captured]:
    """Return a log in which each sync and all its rows were heard of.

    At rest nothing hides from a follower: no listing shrinks, and nobody else sends.
    """
    exchange = Exchange(
        method="POST", url="", status=200, observed_at=datetime.now(UTC)
    )
    return [
        Captured(
            exchange=exchange,
            company_id=company.company_id,
            sent=frozenset(item.transaction_id for item in sync.transactions),
            began=sync.sync_id,
            reported=frozenset((sync.sync_id, row.transaction_id) for row in sync.rows),
        )
        for company in sandbox.companies.values()
        for sync in company.syncs.values()
    ]
