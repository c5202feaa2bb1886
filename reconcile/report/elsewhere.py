"""Expenses that are not in the books here, and are in those of another company.

A company that is connected anew has another id, and what its host sends again then is
in the books already. Rules: `docs/explanation/judgement.md`, section 10, "Elsewhere".
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import attrs

from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    FindingKind,
    ItemState,
    Owner,
    Verdict,
)
from reconcile.projections.summaries import Finding
from reconcile.report.build import Part
from reconcile.report.groups import Judged
from reconcile.storage.ports import Snapshot


class Copy(NamedTuple):
    """An expense in a company's books, by its id and the digest of its content."""

    company_id: str
    transaction_id: str
    digest: str


class Copies:
    """Where expenses are in the books."""

    def __init__(self, copies: Iterable[Copy]) -> None:
        self._companies: dict[tuple[str, str], set[str]] = {}
        for company_id, transaction_id, digest in copies:
            if digest:
                key = transaction_id, digest
                self._companies.setdefault(key, set()).add(company_id)

    def of(self, row: Judged) -> str | None:
        """Return another company that has it in its books, None where none has."""
        if row.content is None:
            return None
        named = self._companies.get((row.transaction_id, row.content.digest), set())
        return min(named - {row.company_id}, default=None)


def unwritten(rows: Iterable[Judged]) -> set[str]:
    """Return the ids of expenses that may be in another company's books instead."""
    return {row.transaction_id for row in rows if is_unwritten(row)}


def is_unwritten(row: Judged) -> bool:
    """Return whether an expense may be in another company's books instead."""
    item = row.item
    return (
        item.state in (ItemState.OPEN, ItemState.BREAK)
        and item.kind not in (BreakKind.UPDATE_FAILED, BreakKind.UNEXPECTED)
        and row.content is not None
        and bool(row.content.digest)
    )


def copies_in(rows: Iterable[Judged], names: set[str]) -> Iterator[Copy]:
    """Yield those of some expenses that are in the books."""
    for row in rows:
        if row.transaction_id not in names or row.content is None:
            continue
        if row.item.state in (ItemState.MATCHED, ItemState.CLEARED):
            yield Copy(row.company_id, row.transaction_id, row.content.digest)


def marked(
    rows: Sequence[Judged], copies: Copies
) -> tuple[Sequence[Judged], list[Finding]]:
    """Return expenses, those never to be sent that are elsewhere, with a finding."""
    found: Mapping[int, str] = {
        place: company_id
        for place, row in enumerate(rows)
        if is_unwritten(row) and (company_id := copies.of(row)) is not None
    }
    if not found:
        return rows, []
    new = [*rows]
    findings: list[Finding] = []
    for place, company_id in found.items():
        row = rows[place]
        item = attrs.evolve(
            row.item,
            verdict=Verdict.NEVER,
            action=Action.LOOK_IN_BOOKS,
            owner=Owner.US,
            advice=f"It is in the books of company {company_id}: look whether this is"
            " that company under another id.",
            not_before=None,
            without=(),
        )
        new[place] = attrs.evolve(row, item=item)
        findings.append(
            Finding(
                kind=FindingKind.ELSEWHERE,
                company_id=row.company_id,
                transaction_id=row.transaction_id,
                reason=f"the same expense is in the books of company {company_id}",
            )
        )
    return new, findings


def written_in(views: Snapshot) -> Callable[[set[str]], Iterable[Copy]]:
    """Return what finds expenses in any books, by views that are up to date."""
    return lambda names: map(Copy._make, views.written(names)) if names else ()


def mark(
    parts: Sequence[Part], others: Callable[[set[str]], Iterable[Copy]] | None
) -> None:
    """Mark what is in another company's books: of these parts, or of others."""
    names = {name for part in parts for name in unwritten(part.items)}
    copies = [*others(names)] if others is not None else []
    if not names or (len(parts) < 2 and not copies):
        return
    for part in parts:
        copies += copies_in(part.items, names)
    if not copies:
        return
    found = Copies(copies)
    for part in parts:
        part.items, findings = marked(part.items, found)
        part.findings = [*part.findings, *findings]
