"""What would change a judgement: the same rules asked with one fact more, or later.

Each answer is judged, never guessed: a fact that could still come is added to the facts
there are, and what comes out otherwise is what it would change.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

import attrs

from reconcile.domain.policy import Policy
from reconcile.domain.request import latest_of_each_kind
from reconcile.domain.vocabulary import CodeClass, RequestOutcome, code_class
from reconcile.judgement.facts import (
    LegReport,
    RowsRead,
    SyncFacts,
    SyncReport,
    Unsettled,
)
from reconcile.judgement.item import Dossier, Item, Rules
from reconcile.judgement.judge import judge
from reconcile.judgement.listing import KeysOf, LegKey
from reconcile.judgement.sync_context import survey
from reconcile.projections.folds import sync_after

_COMPLETED: Final = "Completed"
_COMPLETE: Final = 2000
_SUPPOSED: Final = -1
"""The position of a reading that was never made; its rows name none of our expenses."""

_IN_DOUBT: Final = (
    RequestOutcome.ASKED,
    RequestOutcome.LOST,
    RequestOutcome.THROTTLED,
)


class WhatIf(NamedTuple):
    """What an item would be, were something the case that is not; `at`: only then."""

    condition: str
    at: datetime | None
    item: Item


class _Supposed(NamedTuple):
    """A fact that could still come: the words for it, and the facts with it."""

    condition: str
    dossier: Dossier


@attrs.frozen(kw_only=True)
class Asker:
    """Asks what an item would be with other facts; `keys_of` gives a reading's legs."""

    dossier: Dossier
    sync_facts: dict[str, SyncFacts]
    keys_of: KeysOf | None
    policy: Policy
    rules: Rules

    def what_if(self, item: Item, *, as_of: datetime) -> list[WhatIf]:
        """Return what would change an item's state, kind or verdict, in order."""
        found: list[WhatIf] = []
        for condition, dossier in self._supposed(as_of):
            then = judge(dossier, as_of=as_of, policy=self.policy, rules=self.rules)
            if _outcome(then) != _outcome(item):
                found.append(WhatIf(condition, None, then))
        if item.changes_at is not None:
            then = judge(
                self.dossier,
                as_of=item.changes_at,
                policy=self.policy,
                rules=self.rules,
            )
            if _outcome(then) != _outcome(item):
                found.append(WhatIf("news of none by then", item.changes_at, then))
        return found

    def _supposed(self, as_of: datetime) -> Iterator[_Supposed]:
        for sync_id in self._syncs(as_of):
            yield from self._of_sync(sync_id, as_of)
        yield from self._of_requests(as_of)

    def _syncs(self, as_of: datetime) -> list[str]:
        """Return the syncs that reported or expected the item, by order of time."""
        facts, datasets = self.dossier.facts, self.dossier.datasets
        named = {leg.sync_id for leg in facts.legs} | {h.sync_id for h in facts.hooks}
        for expected in facts.expected:
            if expected.sync_id is not None:
                named.add(expected.sync_id)
            elif expected.dataset_id is not None:
                named |= {link.sync_id for link in datasets[expected.dataset_id].syncs}
        begun = {name: self.dossier.syncs[name].order(as_of) for name in named}
        return [
            name for _, name in sorted((at, name) for name, at in begun.items() if at)
        ]

    def _of_sync(self, sync_id: str, as_of: datetime) -> Iterator[_Supposed]:
        """Yield what the rest of a sync's pages, or its end, could still say."""
        context = self.dossier.syncs[sync_id]
        complete_at = context.listing.complete_at
        if complete_at is not None and complete_at <= as_of:
            return
        facts = self.sync_facts.get(sync_id, SyncFacts())
        ends: tuple[SyncReport, ...] = ()
        ended = ""
        code = context.code_at(as_of)
        if code is None or code_class(code.code) is CodeClass.IN_PROGRESS:
            ends = (SyncReport(_COMPLETE, "Complete", (), None, None, as_of),)
            ended = f"sync {sync_id} ended well (2000), and "
        if any(leg.sync_id == sync_id for leg in self.dossier.facts.legs):
            if ends:
                yield _Supposed(
                    f"sync {sync_id} ended well (2000)",
                    self._with(sync_id, ends, (), as_of),
                )
            return
        pages = _pages_to_read(facts, as_of, anew=bool(ends))
        where = _named(pages) if pages else "a page"
        read = f"{where} read" if ended else f"{where} of sync {sync_id} read"
        yield _Supposed(
            f"{ended}{read}, and it completed there",
            self._with(sync_id, ends, self._legs(sync_id, as_of), as_of),
        )
        whole = "all its pages" if ended else f"all pages of sync {sync_id}"
        rest = _readings(facts, pages, as_of)
        yield _Supposed(
            f"{ended}{whole} read, without it",
            self._with(sync_id, (*ends, *rest), (), as_of),
        )

    def _legs(self, sync_id: str, as_of: datetime) -> tuple[LegReport, ...]:
        """Return a row for each leg that is known of the item, each completed."""
        names = {
            leg.integration_type for leg in self.dossier.facts.legs if leg.at <= as_of
        }
        return tuple(
            LegReport(sync_id, name, _COMPLETED, None, as_of, _SUPPOSED)
            for name in sorted(names or {"expense"})
        )

    def _with(
        self,
        sync_id: str,
        entries: Sequence[SyncReport | RowsRead],
        legs: tuple[LegReport, ...],
        as_of: datetime,
    ) -> Dossier:
        """Return the dossier with more known of a sync, at a moment."""
        dossier = self.dossier
        facts = self.sync_facts.get(sync_id, SyncFacts())
        if legs:
            entries = [*entries, _reading_of(len(legs), as_of)]
        for entry in entries:
            facts = sync_after(facts, entry)
        context = survey(
            sync_id, facts, datasets=dossier.datasets, keys_of=self._keys_of
        )
        return attrs.evolve(
            dossier,
            facts=attrs.evolve(dossier.facts, legs=dossier.facts.legs + legs),
            syncs={**dossier.syncs, sync_id: context},
        )

    def _keys_of(self, position: int) -> frozenset[LegKey]:
        if position <= _SUPPOSED or self.keys_of is None:
            return frozenset()
        return self.keys_of(position)

    def _of_requests(self, as_of: datetime) -> Iterator[_Supposed]:
        """Yield that a request in doubt came to nothing."""
        dossier = self.dossier
        writes = [w for w in dossier.facts.unsettled if w.at <= as_of]
        for expected in dossier.facts.expected:
            if expected.dataset_id is not None:
                of_dataset = dossier.datasets[expected.dataset_id].unsettled
                writes += [w for w in of_dataset if w.at <= as_of]
        by_request: dict[str, list[Unsettled]] = {}
        for write in writes:
            by_request.setdefault(write.request_id, []).append(write)
        for request_id, some in sorted(by_request.items()):
            last = latest_of_each_kind(some)
            if not any(write.outcome in _IN_DOUBT for write in last):
                continue
            nothing = some[-1]._replace(
                outcome=RequestOutcome.ABANDONED, at=as_of, http_status=0, words=None
            )
            unsettled = (*dossier.facts.unsettled, nothing)
            yield _Supposed(
                f"request {request_id} abandoned, as one that came to nothing",
                attrs.evolve(
                    dossier, facts=attrs.evolve(dossier.facts, unsettled=unsettled)
                ),
            )


def _outcome(item: Item) -> tuple[object, ...]:
    return item.state, item.kind, item.verdict


def _latest_page(facts: SyncFacts, as_of: datetime) -> RowsRead | None:
    reads = [r for r in facts.readings if r.origin == "page" and r.at <= as_of]
    return max(reads, key=lambda read: read.at, default=None)


def _pages_to_read(facts: SyncFacts, as_of: datetime, *, anew: bool) -> list[int]:
    """Return the numbers of the pages not read yet, as far as known; `anew`: of all."""
    latest = _latest_page(facts, as_of)
    if latest is None:
        return [1]
    if not latest.total or not latest.page_size:
        return []
    promised = range(1, -(-latest.total // latest.page_size) + 1)
    read = {r.page for r in facts.readings if r.at <= as_of}
    return [page for page in promised if anew or page not in read]


def _named(pages: Sequence[int]) -> str:
    if len(pages) == 1:
        return f"page {pages[0]}"
    if len(pages) == 2:
        return f"page {pages[0]} or {pages[1]}"
    return f"one of pages {pages[0]} to {pages[-1]}"


def _readings(
    facts: SyncFacts, pages: Sequence[int], as_of: datetime
) -> Iterator[RowsRead]:
    """Yield a reading of each of these pages, which name none of our expenses."""
    latest = _latest_page(facts, as_of)
    total = (latest.total if latest else None) or 0
    size = (latest.page_size if latest else None) or 100
    for page in pages:
        rows = max(0, min(size, total - (page - 1) * size))
        yield RowsRead("page", page, size, total, rows, 0, as_of, _SUPPOSED, _SUPPOSED)


def _reading_of(rows: int, as_of: datetime) -> RowsRead:
    """Return a reading of one transaction's rows."""
    return RowsRead(
        "transaction", None, None, None, rows, 0, as_of, _SUPPOSED, _SUPPOSED
    )
