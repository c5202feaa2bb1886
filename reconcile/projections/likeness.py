"""What two items have to have in common to be judged alike, whatever they are called.

Judgement compares moments with one another, and with the ends of waits; it compares the
ids of syncs and of requests where moments are equal, and messages where words are. It
does no sum with a moment but to add a wait, and looks into no message but for duplicate
claims, which are judged one by one. So an item's *likeness* is its facts, with those of
the syncs and datasets they name, where each moment, id and message is replaced by its
rank among the item's own. Items of one likeness have one outline, but for what they are
called: `renaming.py` puts that in.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

import attrs

from reconcile.domain.instants import later
from reconcile.domain.policy import Policy
from reconcile.judgement.facts import (
    DatasetFacts,
    Expected,
    HookReport,
    ItemFacts,
    LegReport,
    Unsettled,
)
from reconcile.judgement.sync_context import SyncContext

_Rank = Mapping[Any, int]


class Likeness(NamedTuple):
    """What is alike in `key`, and what each thing in it is called, by rank.

    `times` hold the ends of waits too, `names` syncs and requests. `speaks_alone`: no
    sync or write of the item's has a message of its own.
    """

    key: Hashable
    times: Sequence[datetime]
    names: Sequence[str]
    messages: Sequence[str]
    speaks_alone: bool


class _Moments(NamedTuple):
    """Some moments, with the ends of the waits from each, and the rank of each."""

    raw: frozenset[datetime]
    times: Sequence[datetime]
    rank: _Rank
    ends: tuple[int, ...]


class _Sync(NamedTuple):
    """One sync as judgement sees it, taken apart: what it says, and when."""

    words: Hashable
    at: tuple[datetime | None, ...]
    texts: tuple[str, ...]
    moments: _Moments


class Likenesses:
    """The likenesses of one company's items, for judgements as of one moment."""

    def __init__(
        self,
        contexts: Mapping[str, SyncContext],
        datasets: Mapping[str, DatasetFacts],
        *,
        policy: Policy,
        as_of: datetime,
    ) -> None:
        self._contexts = contexts
        self._datasets = datasets
        self._waits: Sequence[timedelta] = sorted({*attrs.astuple(policy)})
        self._as_of = as_of
        self._syncs: dict[str, _Sync] = {}

    def of(self, legs: Sequence[LegReport], others: ItemFacts) -> Likeness:
        """Return the likeness of an item by its facts; it has no decisions."""
        named = dict.fromkeys(e.dataset_id for e in others.expected if e.dataset_id)
        datasets = [self._datasets[name] for name in named]
        sync_ids = {leg.sync_id for leg in legs}
        sync_ids.update([hook.sync_id for hook in others.hooks])
        sync_ids.update([e.sync_id for e in others.expected if e.sync_id is not None])
        sync_ids.update([link.sync_id for d in datasets for link in d.syncs])
        syncs = [self._sync(sync_id) for sync_id in sorted(sync_ids)]
        writes = [*others.unsettled, *(w for d in datasets for w in d.unsettled)]
        moments = self._moments_of(syncs, legs, others, datasets, writes)
        names = sorted(sync_ids | {w.request_id for w in writes})
        texts = {leg.message for leg in legs} | {h.message for h in others.hooks}
        texts.update([w.words for w in writes], *(sync.texts for sync in syncs))
        messages = sorted([text for text in texts if text])
        rank = _Ranks.of(moments, names, messages)
        key = (
            rank.at[self._as_of],
            moments.ends,
            tuple([rank.leg(leg) for leg in legs]),
            tuple([rank.hook(hook) for hook in others.hooks]),
            tuple([rank.expected(named) for named in others.expected]),
            tuple([rank.write(write) for write in others.unsettled]),
            tuple([rank.dataset(dataset) for dataset in datasets]),
            tuple([rank.sync(sync) for sync in syncs]),
        )
        speaks_alone = not any(sync.texts for sync in syncs) and not any(
            write.words for write in writes
        )
        return Likeness(key, moments.times, names, messages, speaks_alone)

    def _moments_of(
        self,
        syncs: Sequence[_Sync],
        legs: Sequence[LegReport],
        others: ItemFacts,
        datasets: Sequence[DatasetFacts],
        writes: Sequence[Unsettled],
    ) -> _Moments:
        """Return every moment of an item: mostly those of its one sync."""
        own = {leg.at for leg in legs}
        own.update([hook.at for hook in others.hooks])
        own.update([e.at for e in others.expected])
        own.update([link.at for dataset in datasets for link in dataset.syncs])
        own.update([write.at for write in writes])
        own.update([w.not_before for w in writes if w.not_before is not None])
        if len(syncs) == 1 and own <= syncs[0].moments.raw:
            return syncs[0].moments
        return self._moments(own.union(*(sync.moments.raw for sync in syncs)))

    def _moments(self, raw: Iterable[datetime]) -> _Moments:
        begun = sorted(raw)
        ends = [later(moment, wait) for moment in begun for wait in self._waits]
        times = sorted({*begun, *ends, self._as_of})
        rank = dict(zip(times, range(len(times)), strict=True))
        return _Moments(frozenset(begun), times, rank, tuple([rank[t] for t in ends]))

    def _sync(self, sync_id: str) -> _Sync:
        known = self._syncs.get(sync_id)
        if known is None:
            known = self._syncs[sync_id] = self._taken_apart(self._contexts[sync_id])
        return known

    def _taken_apart(self, context: SyncContext) -> _Sync:
        words = (
            tuple([operation for _, operation in context.operations]),
            tuple([(c.code, c.code_class, c.status, c.words) for c in context.codes]),
            tuple([(notice.kind, notice.event_type) for notice in context.notices]),
            tuple([declared for _, declared in context.declared]),
        )
        at = (
            context.requested_at,
            context.first_seen,
            context.ended_at,
            context.successful_at,
            context.rows_from,
            context.listing.complete_at,
            *(moment for moment, _ in context.operations),
            *(code.at for code in context.codes),
            *(notice.at for notice in context.notices),
            *(moment for moment, _ in context.declared),
        )
        texts = tuple([text for code in context.codes for text in code.words])
        moments = self._moments({moment for moment in at if moment is not None})
        return _Sync(words, at, texts, moments)


def but_for_messages(
    legs: Sequence[LegReport], others: ItemFacts, gist: Callable[[str], str]
) -> tuple[Hashable, Sequence[str]]:
    """Return all of an item's facts but its messages, and these, in order.

    Of messages the first holds their gists, and which of them are the same. Items of
    one company for which it is the same are alike, if they speak alone.
    """
    hooks = others.hooks
    given = [leg.message for leg in legs]
    given += [hook.message for hook in hooks]
    messages = sorted({message for message in given if message})
    rank: dict[str | None, int] = {None: -2, "": -1}
    rank.update(zip(messages, range(len(messages)), strict=True))
    key = (
        tuple([(leg.sync_id, leg.integration_type, leg.word, leg.at) for leg in legs]),
        tuple([(h.sync_id, h.word, h.at, h.dated, h.delivery) for h in hooks]),
        others.expected,
        others.unsettled,
        tuple([rank[message] for message in given]),
        tuple(map(gist, messages)),
    )
    return key, messages


class _Ranks(NamedTuple):
    """The ranks of an item's moments, ids and messages.

    Which delivery, and which dataset, is told by the order of their first mention.
    """

    at: _Rank
    name: _Rank
    message: _Rank
    delivery: dict[str, int]
    place: dict[str, int]

    @classmethod
    def of(
        cls, moments: _Moments, names: Sequence[str], messages: Sequence[str]
    ) -> Self:
        message: dict[str | None, int] = {None: -2, "": -1}
        message.update(zip(messages, range(len(messages)), strict=True))
        name = dict(zip(names, range(len(names)), strict=True))
        return cls(moments.rank, name, message, {}, {})

    def leg(self, leg: LegReport) -> Hashable:
        sync_id, integration_type, word, message, at, _ = leg
        rank = self.name[sync_id], self.message[message], self.at[at]
        return integration_type, word, rank

    def hook(self, hook: HookReport) -> Hashable:
        sync_id, word, message, at, dated, name, _ = hook
        delivery = self.delivery.setdefault(name, len(self.delivery))
        rank = self.name[sync_id], self.message[message], self.at[at]
        return word, dated, delivery, rank

    def expected(self, named: Expected) -> Hashable:
        dataset_id, sync_id, operation, at, _ = named
        place = None
        if dataset_id is not None:
            place = self.place.setdefault(dataset_id, len(self.place))
        name = None if sync_id is None else self.name[sync_id]
        return place, name, operation, self.at[at]

    def write(self, write: Unsettled) -> Hashable:
        """Return a write; writes are sorted by their words as they stand."""
        not_before = write.not_before
        return (
            self.name[write.request_id],
            write.outcome,
            write.operation,
            self.at[write.at],
            write.http_status,
            write.words,
            self.message[write.words],
            None if not_before is None else self.at[not_before],
        )

    def dataset(self, dataset: DatasetFacts) -> Hashable:
        links = [(self.name[link.sync_id], self.at[link.at]) for link in dataset.syncs]
        return tuple(links), tuple([self.write(w) for w in dataset.unsettled])

    def sync(self, sync: _Sync) -> Hashable:
        at = [None if moment is None else self.at[moment] for moment in sync.at]
        return sync.words, tuple(at), tuple([self.message[t] for t in sync.texts])
