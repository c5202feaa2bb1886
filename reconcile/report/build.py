"""Build a report: every item, sync and finding in order, with totals and digest."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import attrs

from reconcile.domain.vocabulary import FindingKind, ItemState
from reconcile.judgement.item import Item
from reconcile.projections.summaries import Finding, SyncSummary


class Judged(NamedTuple):
    """One item of a report; items with the same facts share their `item`."""

    company_id: str
    transaction_id: str
    item: Item


@attrs.frozen(kw_only=True)
class Totals:
    """How many items there are, and in which state."""

    items: int = 0
    expected: int = 0
    open: int = 0
    matched: int = 0
    broken: int = 0
    cleared: int = 0
    waived: int = 0


@attrs.frozen(kw_only=True)
class Report:
    """A report as plain data; `position` is the last event it rests on."""

    as_of: datetime
    known_at: datetime | None
    position: int
    ruleset: str
    totals: Totals
    items: Sequence[Judged]
    syncs: Sequence[SyncSummary]
    findings: Sequence[Finding]
    unprocessed: int
    poisoned: int


@attrs.define(kw_only=True)
class Part:
    """One company's share of a report."""

    items: Iterable[Judged]
    syncs: Iterable[SyncSummary]
    findings: Iterable[Finding]


def build(
    parts: Iterable[Part],
    *,
    as_of: datetime,
    known_at: datetime | None,
    position: int,
    ruleset: str,
    more_findings: Iterable[Finding] = (),
    unprocessed: int = 0,
    poisoned: int = 0,
) -> Report:
    """Return the report of companies that come sorted by id, items sorted within."""
    items: list[Judged] = []
    syncs: list[SyncSummary] = []
    findings = set(more_findings)
    for part in parts:
        items.extend(part.items)
        syncs.extend(part.syncs)
        findings.update(part.findings)
    objects = [item.item for item in items]
    alike = Counter(map(id, objects))  # items with the same facts are one object
    distinct = {id(item): item for item in objects}.values()
    if any(item.update_unsettled for item in distinct):
        findings.update(_of_items(items))
    return Report(
        as_of=as_of,
        known_at=known_at,
        position=position,
        ruleset=ruleset,
        totals=_totals((item, alike[id(item)]) for item in distinct),
        items=items,
        syncs=sorted(syncs, key=lambda item: (item.company_id, item.sync_id)),
        findings=sorted(findings, key=lambda item: item.order),
        unprocessed=unprocessed,
        poisoned=poisoned,
    )


def _of_items(items: Iterable[Judged]) -> Iterator[Finding]:
    for company_id, transaction_id, item in items:
        if item.update_unsettled:
            yield Finding(
                kind=FindingKind.UPDATE_UNSETTLED,
                company_id=company_id,
                transaction_id=transaction_id,
                reason="it is in the books; whether its update is too is not known",
            )


def _totals(counted: Iterable[tuple[Item, int]]) -> Totals:
    """Return the totals of items that come with how many are like them."""
    states = dict.fromkeys(ItemState, 0)
    expected = 0
    for item, number in counted:
        states[item.state] += number
        expected += number if item.expected else 0
    return Totals(
        items=sum(states.values()),
        expected=expected,
        open=states[ItemState.OPEN],
        matched=states[ItemState.MATCHED],
        broken=states[ItemState.BREAK],
        cleared=states[ItemState.CLEARED],
        waived=states[ItemState.WAIVED],
    )
