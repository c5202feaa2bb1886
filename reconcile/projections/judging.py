"""Judge a company's items: one judgement for all that can be judged alike.

**The invariant of the shared outlines.** Take the items that have legs alone, each leg
reported once, all of one sync by one read. The *shape* of such an item is its sync, the
types and words of its legs, and the place of the read among the moments of the sync:
between which two it lies, or at which one. Items of one shape have one outline, except
for the times and messages of their legs, and for `broken_since` where that is the time
of the read. Both are put in for each item.

It holds because judgement does nothing else with such an item's own time than compare
it with the sync's moments (no deadline starts at a leg), and nothing else with its
messages than to look for a duplicate claim and to put the outline into words, which
depends on their gists. So these are judged one by one: an item that may be claimed a
duplicate, for a claim looks at the item's own id, and one that a listing lacks.

Items that have other facts besides share an outline with those of their likeness
(`likeness.py`), in whatever company and batch.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs

from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.policy import Policy
from reconcile.judgement.claims import claims_processed
from reconcile.judgement.facts import ItemFacts, LegReport
from reconcile.judgement.item import Dossier, Item, Leg, Outline, Rules
from reconcile.judgement.judge import moments_of_sync, outline, outline_without_clock
from reconcile.judgement.sync_context import SyncContext
from reconcile.judgement.verdict import Wording, word, wording_of
from reconcile.projections.folds import CompanyFacts
from reconcile.projections.likeness import Likeness, Likenesses, but_for_messages
from reconcile.projections.renaming import renamed, renamed_wording, renaming, reworded

_Legs = tuple[LegReport, ...]
_Wordings = dict[tuple[tuple[str | None, ...], int], Wording]


LIKENESSES_MAX: Final = 4096
_Template = dict[object, tuple[Wording, Likeness]]
"""What was judged of one likeness, by the gists of its messages."""


@attrs.frozen(kw_only=True)
class Judge:
    """How items are judged: an outline of a dossier, put into words by rules.

    `turns` gives every moment, beside an item's own, with which judgement compares;
    `as_of` is the one for which it judges, and `policy` has its waits. What it judged
    it remembers: whoever judges often keeps it.
    """

    outline: Callable[[Dossier], Outline]
    turns: Callable[[SyncContext], Iterable[datetime]]
    rules: Rules
    as_of: datetime
    policy: Policy
    templates: dict[object, _Template] = attrs.field(
        init=False, factory=dict, repr=False, eq=False
    )
    worded: dict[int, tuple[Item, Wording]] = attrs.field(
        init=False, factory=dict, repr=False, eq=False
    )

    def wording(self, item: Item) -> Wording | None:
        """Return how an item was worded, if it was judged last and by its likeness."""
        known = self.worded.get(id(item))
        return known[1] if known is not None and known[0] is item else None


def judge_as_of(as_of: datetime, *, policy: Policy, rules: Rules) -> Judge:
    """Return how items are judged as of a moment."""
    return Judge(
        outline=lambda dossier: outline(dossier, as_of=as_of, policy=policy),
        turns=lambda sync: moments_of_sync(sync, as_of=as_of, policy=policy),
        rules=rules,
        as_of=as_of,
        policy=policy,
    )


def judge_by_facts(*, policy: Policy, rules: Rules) -> Judge:
    """Return how items are judged by all their facts, as if no deadline passed."""
    return Judge(
        outline=lambda dossier: outline_without_clock(
            dossier, newest=END_OF_TIME, policy=policy
        ),
        turns=lambda sync: moments_of_sync(sync, as_of=END_OF_TIME, policy=policy),
        rules=rules,
        as_of=END_OF_TIME,
        policy=policy,
    )


def judged(
    company: CompanyFacts,
    contexts: Mapping[str, SyncContext],
    transactions: Sequence[str],
    *,
    judge: Judge,
) -> list[Item]:
    """Return the item of each transaction; items of equal facts are one object."""
    judge.worded.clear()
    bench = _Bench(company, contexts, judge)
    legs_of, others_of = company.legs, company.others
    reports = [
        () if transaction_id in bench.alone else legs_of.get(transaction_id, ())
        for transaction_id in transactions
    ]
    others = [*map(others_of.get, transactions)] if others_of else _NONE * len(reports)
    if others_of or bench.one_by_one:
        return [*map(bench.item, transactions, reports, others)]
    for transaction_id, legs in dict(  # what is held once is judged once
        zip(map(id, reports), zip(transactions, reports, strict=True), strict=True)
    ).values():
        if legs:
            bench.item(transaction_id, legs, None)
    found = map(bench.at_sight.get, zip(map(id, reports), map(id, others), strict=True))
    return [
        item or bench.item(transaction_id, legs, None)
        for transaction_id, legs, item in zip(transactions, reports, found, strict=True)
    ]


_NONE: Final = [None]


class _Bench:
    """Items and outlines made so far, by what they can be shared for.

    `at_sight` holds items by the identity of their legs and of their other facts: what
    the rows of a page, or the expenses of a call, say alike is held once.
    """

    def __init__(
        self, company: CompanyFacts, contexts: Mapping[str, SyncContext], judge: Judge
    ) -> None:
        self.at_sight: dict[tuple[int, int], Item] = {}
        self._company = company
        self._contexts = contexts
        self._judge = judge
        self.one_by_one = _may_claim(company, contexts)
        self.alone = {  # what a listing lacks has no like
            transaction_id
            for context in contexts.values()
            for (transaction_id, _), _ in context.listing.vanished
        }
        self._items: dict[tuple[_Legs, ItemFacts], Item] = {}
        self._outlines: dict[object, tuple[Outline, datetime, _Wordings]] = {}
        self._near: dict[object, tuple[Wording, Sequence[str]]] = {}
        self._turns: dict[str, Sequence[datetime]] = {}
        self._likenesses = Likenesses(
            contexts, company.datasets, policy=judge.policy, as_of=judge.as_of
        )

    def item(self, transaction_id: str, legs: _Legs, others: ItemFacts | None) -> Item:
        """Return the item, shared with those of equal facts."""
        if self.one_by_one or transaction_id in self.alone:
            return word(self._outline(transaction_id), self._judge.rules)
        key = id(legs), id(others)
        item = self.at_sight.get(key)
        if item is None:
            if _speaks_of_duplicates(legs, others):
                return word(self._outline(transaction_id), self._judge.rules)
            item = self._made(transaction_id, legs, others)
            self.at_sight[key] = item
        return item

    def _made(self, transaction_id: str, legs: _Legs, others: ItemFacts | None) -> Item:
        """Return the item, by one of equal facts or of the same outline, if any is."""
        if others is None:
            if _read_at_once(legs):
                return self._item_of(transaction_id, legs)
            return word(self._outline(transaction_id), self._judge.rules)
        if not others.decisions:
            return self._item_like(transaction_id, legs, others)
        known = self._items.get((legs, others))
        if known is None:
            known = word(self._outline(transaction_id), self._judge.rules)
            self._items[legs, others] = known
        return known

    def _item_like(self, transaction_id: str, legs: _Legs, others: ItemFacts) -> Item:
        """Return the item, by what was judged of its likeness before."""
        near, messages = but_for_messages(legs, others, self._judge.rules.gist)
        known = self._near.get(near)
        if known is not None:
            wording, shown = reworded(known[0], known[1], messages)
        else:
            own = self._likenesses.of(legs, others)
            wording = self._wording(transaction_id, own)
            shown = wording.outline.legs
            if own.speaks_alone:
                self._near[near] = wording, messages
        item = wording.item(shown, wording.outline.broken_since)
        if item.failed_in is not None:
            self._judge.worded[id(item)] = item, wording
        return item

    def _wording(self, transaction_id: str, own: Likeness) -> Wording:
        """Return what is made of one item of a likeness."""
        rules, templates = self._judge.rules, self._judge.templates
        gists = tuple(map(rules.gist, own.messages))
        first, last = rules.edition(own.times[0]), rules.edition(own.times[-1])
        editions = first if first == last else tuple(map(rules.edition, own.times))
        template = templates.get(own.key)
        if template is None:
            if len(templates) >= LIKENESSES_MAX:
                templates.clear()
            template = templates[own.key] = {}
        known = template.get((gists, editions))
        if known is not None:
            return renamed_wording(known[0], renaming(known[1], own))
        if template:
            like, named = next(iter(template.values()))
            shared = renamed(like.outline, renaming(named, own))
        else:
            shared = self._outline(transaction_id)
        wording = wording_of(shared, rules, legs=shared.legs)
        template[gists, editions] = wording, own
        return wording

    def _outline(self, transaction_id: str) -> Outline:
        """Return the outline of one item, made for it alone."""
        return self._judge.outline(
            self._company.dossier(transaction_id, self._contexts)
        )

    def _item_of(self, transaction_id: str, legs: _Legs) -> Item:
        """Return the item, by an outline made before where one serves."""
        rules = self._judge.rules
        at = legs[0].at
        shape = self._shape(legs, at)
        known = self._outlines.get(shape)
        if known is None:
            shared_outline = self._outline(transaction_id)
            self._outlines[shape] = shared_outline, at, {}
            return word(shared_outline, rules)
        shared_outline, its_time, wordings = known
        own = _told(shared_outline.legs, legs)
        gists = tuple([leg.message and rules.gist(leg.message) for leg in own])
        key = gists, rules.edition(at)
        wording = wordings.get(key)
        if wording is None:
            wording = wordings[key] = wording_of(shared_outline, rules, legs=own)
        since = shared_outline.broken_since
        return wording.item(own, at if since == its_time else since)

    def _shape(self, legs: _Legs, at: datetime) -> object:
        sync_id = legs[0].sync_id
        words = tuple([(leg.integration_type, leg.word) for leg in legs])
        turns = self._turns.get(sync_id)
        if turns is None:
            turns = sorted(set(self._judge.turns(self._contexts[sync_id])))
            self._turns[sync_id] = turns
        return sync_id, words, bisect_left(turns, at), bisect_right(turns, at)


def _read_at_once(legs: _Legs) -> bool:
    """Return whether each leg has one report, all of one sync at one time."""
    if len(legs) == 2:
        first, second = legs  # what nearly every expense has
        return (
            first.at is second.at
            and first.sync_id == second.sync_id
            and first.integration_type != second.integration_type
        )
    first = legs[0]
    types = {leg.integration_type for leg in legs}
    return len(types) == len(legs) and all(
        leg.at is first.at and leg.sync_id == first.sync_id for leg in legs
    )


def _told(shown: tuple[Leg, ...], legs: _Legs) -> tuple[Leg, ...]:
    """Return an outline's legs with the words and times of this item's own reports.

    What a webhook said is among the other facts, which are the same for both.
    """
    own = {(leg.sync_id, leg.integration_type): leg for leg in legs}
    found = [own.get((leg.sync_id, leg.integration_type or "")) for leg in shown]
    return tuple(
        [
            leg if report is None else _leg(report)
            for leg, report in zip(shown, found, strict=True)
        ]
    )


def _leg(report: LegReport) -> Leg:
    sync_id, name, word, message, at, _ = report
    return Leg(name, word, sync_id, message, at)


def _may_claim(company: CompanyFacts, contexts: Mapping[str, SyncContext]) -> bool:
    """Return whether a sync's words, or a refusal's, speak of duplicates."""
    return any(
        claims_processed(text)
        for context in contexts.values()
        for code in context.codes
        for text in code.words
    ) or any(
        claims_processed(write.words)
        for dataset in company.datasets.values()
        for write in dataset.unsettled
    )


def _speaks_of_duplicates(legs: _Legs, others: ItemFacts | None) -> bool:
    for leg in legs:
        if leg.message is not None and claims_processed(leg.message):
            return True
    return others is not None and (
        any(claims_processed(hook.message) for hook in others.hooks)
        or any(claims_processed(write.words) for write in others.unsettled)
    )
