"""Tie-out: the live views held against a replay, row by row and column by column."""

from collections.abc import Iterable, Iterator
from typing import Any, Final, assert_never

import attrs

from reconcile.audit.evidence import EvidenceCheck, SaidBy, check_evidence
from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.policy import Policy
from reconcile.judgement.item import Rules
from reconcile.projections.contents import CONTENT_COLUMNS, content_rows
from reconcile.projections.judging import judge_by_facts, judged
from reconcile.projections.releases import released_by_own
from reconcile.projections.rows import (
    DATASET_COLUMNS,
    ITEM_COLUMNS,
    MENDED_COLUMNS,
    REFUSED_COLUMNS,
    SYNC_COLUMNS,
    Column,
    Row,
    dataset_row,
    decode_any,
    item_rows,
    mended_rows,
    refused_rows,
    sync_row,
)
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.replay import replay_company
from reconcile.storage.ports import Snapshot, Store, ViewTable
from reconcile.storage.sources import EventSource, StoreEvents


@attrs.frozen(kw_only=True)
class Difference:
    """One place where a live view and the replay do not agree; None: no such row."""

    table: str
    company_id: str
    name: str
    column: str | None
    live: Any
    replayed: Any


@attrs.define(kw_only=True)
class TieOut:
    """What a tie-out compared, and every difference it found.

    `poisoned_at` are the positions of events that cannot be read.
    """

    position: int
    rows: int = 0
    poisoned_at: set[int] = attrs.field(factory=set)
    differences: list[Difference] = attrs.field(factory=list)
    evidence: EvidenceCheck | None = None  # where it was asked for

    @property
    def poisoned(self) -> int:
        """Return how many events cannot be read."""
        return len(self.poisoned_at)


def tie_out(
    store: Store, said_by: SaidBy | None = None, *, policy: Policy, rules: Rules
) -> TieOut:
    """Return how the views compare with a replay to their position.

    With `said_by`, which reads evidence anew, how the history compares with that, too.
    """
    source = StoreEvents(store)
    with store.reading() as views:
        names = companies_in(source, views)
        result = compare(source, views, names, policy=policy, rules=rules)
    if said_by is not None:
        result.evidence = check_evidence(store, said_by)
    return result


def companies_in(source: EventSource, views: Snapshot) -> list[str]:
    """Return every company that has events or rows, sorted."""
    return sorted({*source.companies(), *views.companies()} - {""})


def compare(
    source: EventSource,
    views: Snapshot,
    companies: Iterable[str],
    *,
    policy: Policy,
    rules: Rules,
) -> TieOut:
    """Return how the rows of companies compare with a replay to the views' position."""
    result = TieOut(position=views.position())
    result.poisoned_at.update(position for position, _ in views.poisoned())
    for company_id in companies:
        state = replay_company(source, company_id, until=result.position)
        result.poisoned_at.update(
            state.poisoned
        )  # what was damaged since its projection
        for table, rows in _rows(state, policy, rules):
            _compare(result, table, company_id, _live(views, table, company_id), rows)
    return result


_COLUMNS: Final[dict[ViewTable, tuple[Column, ...]]] = {
    "items": ITEM_COLUMNS,
    "contents": CONTENT_COLUMNS,
    "syncs": SYNC_COLUMNS,
    "datasets": DATASET_COLUMNS,
    "refused": REFUSED_COLUMNS,
    "mended": MENDED_COLUMNS,
}


def _live(views: Snapshot, table: ViewTable, company_id: str) -> Iterable[Row]:
    match table:
        case "items":
            return views.items(company_id)
        case "contents":
            return views.contents(company_id)
        case "syncs":
            return views.syncs(company_id)
        case "datasets":
            return views.datasets(company_id)
        case "refused":
            return views.refused(company_id)
        case "mended":
            return views.mended(company_id)
        case _:  # pragma: no cover
            assert_never(table)


def _rows(
    state: CompanyState, policy: Policy, rules: Rules
) -> Iterator[tuple[ViewTable, Iterable[Row]]]:
    company = state.company
    transactions = company.transactions()
    judge = judge_by_facts(policy=policy, rules=rules)
    found = released_by_own(
        company,
        state.contexts,
        transactions,
        judged(company, state.contexts, transactions, judge=judge),
        judge=judge,
    )
    groups = item_rows(company, transactions, found)
    yield "items", (row for alike in groups for row in alike.rows())
    yield "contents", content_rows(company, transactions, found)
    yield (
        "syncs",
        [
            sync_row(s, company.syncs[s.sync_id], state.contexts[s.sync_id])
            for s in state.summaries(END_OF_TIME)
        ],
    )
    yield (
        "datasets",
        [
            dataset_row(company.company_id, name, facts)
            for name, facts in company.datasets.items()
        ],
    )
    yield "refused", refused_rows(company, company.refused)
    yield "mended", mended_rows(company, company.mended)


def _compare(
    result: TieOut,
    table: ViewTable,
    company_id: str,
    live: Iterable[Row],
    replayed: Iterable[Row],
) -> None:
    expected = {row[1]: row for row in replayed}
    for row in live:
        result.rows += 1
        other = expected.pop(row[1], None)
        if other is None:
            result.differences.append(_difference(table, company_id, row[1], row, None))
        elif other != row:
            result.differences += _columns(table, company_id, row, other)
    for name, row in sorted(expected.items()):
        result.rows += 1
        result.differences.append(_difference(table, company_id, name, None, row))


def _columns(
    table: ViewTable, company_id: str, live: Row, other: Row
) -> Iterator[Difference]:
    for column, ours, theirs in zip(_COLUMNS[table], live, other, strict=True):
        if ours != theirs:
            if isinstance(ours, bytes):
                decode_any(ours)  # damage is no difference: it is an error
            yield Difference(
                table=table,
                company_id=company_id,
                name=live[1],
                column=column.name,
                live=ours,
                replayed=theirs,
            )


def _difference(
    table: str, company_id: str, name: str, live: Row | None, replayed: Row | None
) -> Difference:
    return Difference(
        table=table,
        company_id=company_id,
        name=name,
        column=None,
        live=live,
        replayed=replayed,
    )
