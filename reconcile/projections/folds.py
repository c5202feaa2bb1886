"""Fold changes into the facts of a company's items, syncs and datasets.

`CompanyFacts` is the working set: replay fills one whole, the projector fills one with
the rows that a batch touches. Each fold sees one row; the mapping owns the rows.
"""

import gc
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager
from typing import assert_never

import attrs

from reconcile.domain.rows import Groups
from reconcile.domain.vocabulary import integration_type
from reconcile.judgement.facts import (
    DatasetFacts,
    Decision,
    Expected,
    FlawSeen,
    GivenUp,
    HookReport,
    Initiation,
    ItemFacts,
    LegReport,
    Link,
    MendedBy,
    Push,
    RefusedRead,
    RowsRead,
    SentContent,
    SyncFacts,
    SyncReport,
    Unsettled,
)
from reconcile.judgement.item import Dossier
from reconcile.judgement.listing import KeysOf, LegKey
from reconcile.judgement.sync_context import SyncContext, survey
from reconcile.projections.changes import (
    Changes,
    DatasetEntry,
    ItemEntry,
    SetAside,
    SyncEntry,
)

NO_FACTS = ItemFacts()


@attrs.define(kw_only=True)
class CompanyFacts:
    """The facts of one company, as far as they are held here.

    `legs` stands apart from `others` because nearly every item has legs alone; those
    that say the same share one tuple. `sent` stands apart from both, because no
    judgement of an attempt asks what was sent, and what is judged alike says otherwise.
    """

    company_id: str
    legs: dict[str, tuple[LegReport, ...]] = attrs.field(factory=dict)
    others: dict[str, ItemFacts] = attrs.field(factory=dict)
    syncs: dict[str, SyncFacts] = attrs.field(factory=dict)
    datasets: dict[str, DatasetFacts] = attrs.field(factory=dict)
    sent: dict[str, tuple[SentContent, ...]] = attrs.field(factory=dict)
    refused: dict[str, tuple[RefusedRead, ...]] = attrs.field(factory=dict)
    mended: dict[str, tuple[MendedBy, ...]] = attrs.field(factory=dict)

    def apply(self, change: Changes) -> None:
        """Take in what one event changed."""
        legs = self.legs
        for reports, transaction_ids in change.legs:
            for transaction_id in transaction_ids:
                had = legs.get(transaction_id)
                legs[transaction_id] = reports if had is None else had + reports
        others = self.others
        grown: dict[tuple[int, int], tuple[ItemFacts, ItemFacts]] = {}
        for transaction_id, entry in change.items:  # alike ones stay one object
            was = others.get(transaction_id, NO_FACTS)
            key = id(was), id(entry)
            found = grown.get(key)
            if found is None:
                found = grown[key] = was, item_after(was, entry)
            others[transaction_id] = found[1]
        sent = self.sent
        for transaction_id, one_more in change.sent:
            had_sent = sent.get(transaction_id)
            sent[transaction_id] = (
                (one_more,) if had_sent is None else sent_after(had_sent, one_more)
            )
        if change.sync_id is not None:
            facts = self.syncs.get(change.sync_id, SyncFacts())
            for sync_entry in change.syncs:
                facts = sync_after(facts, sync_entry)
            self.syncs[change.sync_id] = facts
            if change.set_aside is not None:
                self._leave_out(change.sync_id, change.set_aside)
        for dataset_id, dataset_entry in change.datasets:
            was_dataset = self.datasets.get(dataset_id, DatasetFacts())
            self.datasets[dataset_id] = dataset_after(was_dataset, dataset_entry)
        for sync_id, refusal in change.refused:
            self.refused[sync_id] = (*self.refused.get(sync_id, ()), refusal)
        for fingerprint, mended in change.mended:
            had_mended = self.mended.get(fingerprint, ())
            self.mended[fingerprint] = (*had_mended, mended)

    def _leave_out(self, sync_id: str, aside: SetAside) -> None:
        """Forget what deliveries said; a thing of which nothing else is known, too."""
        deliveries = {*aside.deliveries}
        for transaction_id in aside.transaction_ids:
            facts = self.others.get(transaction_id, NO_FACTS)
            hooks = [hook for hook in facts.hooks if hook.delivery not in deliveries]
            rest = attrs.evolve(facts, hooks=tuple(hooks))
            if rest == NO_FACTS:
                self.others.pop(transaction_id, None)
            else:
                self.others[transaction_id] = rest
        sync = sync_without(self.syncs[sync_id], deliveries)
        if sync.initiations or sync.reports or sync.readings:
            self.syncs[sync_id] = sync
        else:
            del self.syncs[sync_id]

    def transactions(self) -> list[str]:
        """Return every transaction held, sorted."""
        if not self.others:
            return sorted(self.legs)
        return sorted(self.legs.keys() | self.others.keys())

    def facts(self, transaction_id: str) -> ItemFacts:
        """Return one item's facts."""
        legs = self.legs.get(transaction_id, ())
        others = self.others.get(transaction_id)
        if others is None:
            return ItemFacts(legs=legs)
        return attrs.evolve(others, legs=legs)

    def contexts(self, keys_of: KeysOf) -> dict[str, SyncContext]:
        """Return every sync held, as judgement sees it."""
        return {
            sync_id: survey(sync_id, facts, datasets=self.datasets, keys_of=keys_of)
            for sync_id, facts in self.syncs.items()
        }

    def dossier(
        self, transaction_id: str, contexts: Mapping[str, SyncContext]
    ) -> Dossier:
        """Return one item's dossier."""
        return Dossier(
            company_id=self.company_id,
            transaction_id=transaction_id,
            facts=self.facts(transaction_id),
            syncs=contexts,
            datasets=self.datasets,
        )


def item_after(was: ItemFacts, entry: ItemEntry) -> ItemFacts:
    """Return an item's facts with one more entry."""
    match entry:
        case HookReport():
            return attrs.evolve(was, hooks=(*was.hooks, entry))
        case Expected():
            return attrs.evolve(was, expected=(*was.expected, entry))
        case Unsettled():
            return attrs.evolve(was, unsettled=(*was.unsettled, entry))
        case Decision():
            return attrs.evolve(was, decisions=(*was.decisions, entry))
        case _:  # pragma: no cover
            assert_never(entry)


def sent_after(
    was: tuple[SentContent, ...], sent: SentContent
) -> tuple[SentContent, ...]:
    """Return what was sent of an item, with one more.

    A request sends once, at the earliest time that is known of it.
    """
    request_id = sent.sending.request_id
    if request_id is None:
        return (*was, sent)
    others = [s for s in was if s.sending.request_id != request_id]
    same = [s for s in was if s.sending.request_id == request_id]
    return (*others, min([*same, sent], key=lambda s: (s.sending.at, s.content.digest)))


def sync_after(was: SyncFacts, entry: SyncEntry) -> SyncFacts:
    """Return a sync's facts with one more entry."""
    match entry:
        case Initiation():
            return attrs.evolve(was, initiations=(*was.initiations, entry))
        case SyncReport():
            return attrs.evolve(was, reports=(*was.reports, entry))
        case RowsRead():
            return attrs.evolve(was, readings=(*was.readings, entry))
        case FlawSeen():
            return attrs.evolve(was, flaws=(*was.flaws, entry))
        case GivenUp():
            return attrs.evolve(was, given_up=(*was.given_up, entry))
        case _:  # pragma: no cover
            assert_never(entry)


def sync_without(was: SyncFacts, deliveries: Set[str]) -> SyncFacts:
    """Return a sync's facts without what some deliveries said."""
    return attrs.evolve(
        was,
        reports=tuple(r for r in was.reports if r.delivery not in deliveries),
        readings=tuple(r for r in was.readings if r.delivery not in deliveries),
        flaws=tuple(f for f in was.flaws if f.delivery not in deliveries),
    )


def dataset_after(was: DatasetFacts, entry: DatasetEntry) -> DatasetFacts:
    """Return a dataset's facts with one more entry."""
    match entry:
        case Push():
            return attrs.evolve(was, pushes=(*was.pushes, entry))
        case Unsettled():
            return attrs.evolve(was, unsettled=(*was.unsettled, entry))
        case Link():
            return attrs.evolve(was, syncs=(*was.syncs, entry))
        case FlawSeen():
            return attrs.evolve(was, flaws=(*was.flaws, entry))
        case _:  # pragma: no cover
            assert_never(entry)


def keys_in(groups: Groups) -> frozenset[LegKey]:
    """Return the distinct legs that rows stand for."""
    return frozenset(
        [
            (transaction_id, name)
            for sayings, transaction_ids in groups
            for name in {integration_type(saying[1]) for saying in sayings}
            for transaction_id in transaction_ids
        ]
    )


GroupsAt = Callable[[int], Groups]
"""The rows held by the event at a position, in groups."""


def keys_reader(groups_at: GroupsAt) -> KeysOf:
    """Return a look-up of a reading's legs, each read once."""
    known: dict[int, frozenset[LegKey]] = {}

    def keys_of(position: int) -> frozenset[LegKey]:
        if position not in known:
            known[position] = keys_in(groups_at(position))
        return known[position]

    return keys_of


@contextmanager
def gc_paused() -> Iterator[None]:
    """Pause cyclic garbage collection: facts hold no cycles, and are millions."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
