"""Tie-out: the live views held against a replay, row by row and column by column."""

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

import attrs

from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.policy import Policy
from reconcile.judgement.item import Rules
from reconcile.projections.judging import judge_by_facts
from reconcile.projections.rows import Row, dataset_row, item_rows, sync_row
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.replay import replay
from reconcile.storage.sqlite.store import Store
from reconcile.storage.sqlite.tables import (
    TABLES,
    companies_in,
    poisoned_in,
    position_of,
    rows_in,
)


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
    """What a tie-out compared, and every difference it found."""

    position: int
    rows: int = 0
    poisoned: int = 0
    differences: list[Difference] = attrs.field(factory=list)


def tie_out(
    store: Store, cursor: sqlite3.Cursor, *, policy: Policy, rules: Rules
) -> TieOut:
    """Return how the views at `cursor` compare with a replay to their position."""
    result = TieOut(position=position_of(cursor), poisoned=len(poisoned_in(cursor)))
    seen: set[str] = set()
    for state in replay(store, until=result.position):
        company_id = state.company.company_id
        seen.add(company_id)
        for table, rows in _rows(state, policy, rules):
            live = rows_in(cursor, table, company_id)
            _compare(result, table, company_id, live, rows)
    for company_id in companies_in(cursor):
        if company_id not in seen:
            for table in TABLES:
                live = rows_in(cursor, table, company_id)
                _compare(result, table, company_id, live, ())
    return result


def _rows(
    state: CompanyState, policy: Policy, rules: Rules
) -> Iterator[tuple[str, Iterable[Row]]]:
    company = state.company
    transactions = company.transactions()
    judge = judge_by_facts(policy=policy, rules=rules)
    groups = item_rows(company, state.contexts, transactions, judge=judge)
    yield "items", (row for alike in groups for row in alike.rows())
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


def _compare(
    result: TieOut,
    table: str,
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
    table: str, company_id: str, live: Row, other: Row
) -> Iterator[Difference]:
    for (column, _), ours, theirs in zip(TABLES[table], live, other, strict=True):
        if ours != theirs:
            yield Difference(
                table=table,
                company_id=company_id,
                name=live[1],
                column=column,
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
