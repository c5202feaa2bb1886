"""One batch of events on its way into rows: gather, apply, rejudge.

*Gather* decodes events and sorts what they change by company. *Apply* loads the rows
that are touched and folds the changes into their facts. *Rejudge* surveys the syncs
again, loads every item whose judgement may be another now, and makes the new rows.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import attrs

from reconcile.domain.events import Recorded
from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.policy import Policy
from reconcile.errors import HistoryError, StoreError
from reconcile.judgement.facts import DatasetFacts, ItemFacts
from reconcile.judgement.item import Rules
from reconcile.judgement.sync_context import SyncContext, survey
from reconcile.projections.changes import Changes, changes
from reconcile.projections.contents import content_rows, sent_again
from reconcile.projections.folds import NO_FACTS, CompanyFacts, keys_reader
from reconcile.projections.judging import judge_by_facts, judged
from reconcile.projections.releases import released_by_own
from reconcile.projections.rereads import RowsByEvent
from reconcile.projections.rows import (
    SyncRow,
    dataset_row,
    delivery_row,
    is_of,
    item_rows,
    mended_rows,
    refused_rows,
    sync_row,
)
from reconcile.projections.summaries import summarise
from reconcile.storage.ports import (
    Snapshot,
    Store,
    StoredEvent,
    ViewChanges,
    ViewTable,
)
from reconcile.storage.views import (
    contexts_by_key,
    datasets_by_key,
    items_by_key,
    mended_by_key,
    refused_by_key,
    syncs_by_key,
)


@attrs.define
class _Work:
    """What one batch does to one company: its events' changes, and what they touch."""

    company: CompanyFacts
    changes: list[Changes] = attrs.field(factory=list)
    transactions: set[str] = attrs.field(factory=set)
    sent: set[str] = attrs.field(factory=set)
    syncs: set[str] = attrs.field(factory=set)
    datasets: set[str] = attrs.field(factory=set)
    refused: set[str] = attrs.field(factory=set)
    mended: set[str] = attrs.field(factory=set)
    gone: list[tuple[ViewTable, str, str]] = attrs.field(factory=list)
    contexts: dict[str, SyncContext] = attrs.field(factory=dict)
    reporting: set[str] = attrs.field(factory=set)  # syncs that reported loaded items

    def add(self, change: Changes) -> None:
        """Add what one event changes."""
        self.changes.append(change)
        self.transactions.update(change.transactions())
        self.sent.update([transaction_id for transaction_id, _ in change.sent])
        self.datasets.update([dataset_id for dataset_id, _ in change.datasets])
        self.refused.update([sync_id for sync_id, _ in change.refused])
        self.mended.update([fingerprint for fingerprint, _ in change.mended])
        if change.sync_id is not None:
            self.syncs.add(change.sync_id)

    def forget_what_is_gone(self) -> None:
        """Leave out the items and syncs of which nothing is known any more."""
        company = self.company
        transactions = self.transactions & (company.legs.keys() | company.others.keys())
        syncs = self.syncs & company.syncs.keys()
        name = company.company_id
        self.gone += [("items", name, t) for t in self.transactions - transactions]
        self.gone += [("syncs", name, sync_id) for sync_id in self.syncs - syncs]
        self.transactions, self.syncs = transactions, syncs


class ProjectionBatch:
    """A batch of events, read against one consistent state of the views."""

    def __init__(
        self, store: Store, views: Snapshot, *, policy: Policy, rules: Rules
    ) -> None:
        self._store = store
        self._views = views
        self._judge = judge_by_facts(policy=policy, rules=rules)
        self._rows = RowsByEvent(event_at=store.event_at, event_in=self._event_in)
        self._keys_of = keys_reader(self._rows.groups_at)

    def fold(self, stored: Sequence[StoredEvent]) -> ViewChanges:
        """Return everything that the events write."""
        written = ViewChanges()
        for work in self._gather(stored, written):
            self._apply(work)
            self._rejudge(work, written)
        return written

    # Gather

    def _gather(
        self, stored: Iterable[StoredEvent], written: ViewChanges
    ) -> Iterable[_Work]:
        """Return the work by company; add to `written` what belongs to none."""
        works: dict[str, _Work] = {}
        for stored_event in stored:
            try:
                recorded = self._store.recorded(stored_event)
                change = changes(recorded, original=self._rows.take(recorded))
            except StoreError:
                raise
            except HistoryError as error:
                written.poisoned.append((stored_event.position, str(error)))
                continue
            at = getattr(recorded.event, "at", None)
            if at is not None and (written.newest is None or at > written.newest):
                written.newest = at
            if change.set_aside is not None:
                digest = change.set_aside.body_digest
                written.silenced.append(
                    (change.company_id, change.sync_id or "", digest)
                )
                is_silent = partial(is_of, change.sync_id, digest)
                heard = written.deliveries
                written.deliveries = [d for d in heard if not is_silent(d)]
            if change.delivery is not None:
                row = delivery_row(change.company_id, change.delivery)
                written.deliveries.append(row)
            if change.case is None:
                name = change.company_id
                if name not in works:
                    works[name] = _Work(CompanyFacts(company_id=name))
                works[name].add(change)
        return works.values()

    def _event_in(self, position: int) -> Recorded | None:
        stored = [*self._store.stored_at([position])]
        return self._store.recorded(stored[0]) if stored else None

    # Apply

    def _apply(self, work: _Work) -> None:
        """Load what the changes touch, and fold them into it."""
        company = work.company
        self._load_items(work, work.transactions)
        self._load_datasets(company, work.datasets)
        self._load_syncs(company, work.syncs)
        self._load_sent(company, work.sent)
        company.refused.update(
            refused_by_key(self._views, company.company_id, work.refused)
        )
        company.mended.update(
            mended_by_key(self._views, company.company_id, work.mended)
        )
        for change in work.changes:
            company.apply(change)
        work.forget_what_is_gone()
        links = [link for d in work.datasets for link in company.datasets[d].syncs]
        linked = {link.sync_id for link in links}
        self._load_syncs(company, linked - work.syncs)
        work.syncs |= linked

    # Rejudge

    def _rejudge(self, work: _Work, written: ViewChanges) -> None:
        """Judge every item anew that the changes may have given another judgement."""
        company = work.company
        items = work.transactions | self._items_of_changed_syncs(work)
        for dataset_id in work.datasets:
            for push in company.datasets[dataset_id].pushes:
                items.update(push.transaction_ids)
        self._load_items(work, items - work.transactions)
        self._load_what_items_name(work, items)
        names = sorted(items)
        self._load_sent(
            company,
            {t for t in names if sent_again(company.others.get(t, NO_FACTS))}
            - work.sent,
        )
        found = released_by_own(
            company,
            work.contexts,
            names,
            judged(company, work.contexts, names, judge=self._judge),
            judge=self._judge,
        )
        written.items += item_rows(company, names, found)
        written.contents += content_rows(company, names, found)
        written.syncs += self._sync_rows(work)
        written.datasets += [
            dataset_row(company.company_id, dataset_id, company.datasets[dataset_id])
            for dataset_id in sorted(work.datasets)
        ]
        written.refused += refused_rows(company, sorted(work.refused))
        written.mended += mended_rows(company, sorted(work.mended))
        written.gone += work.gone

    def _items_of_changed_syncs(self, work: _Work) -> set[str]:
        """Survey the syncs anew; return the items of those that now look otherwise."""
        company = work.company
        named = {
            dataset_id
            for sync_id in work.syncs
            for initiation in company.syncs[sync_id].initiations
            for dataset_id in initiation.dataset_ids
        }
        self._load_datasets(company, named - company.datasets.keys())
        before = contexts_by_key(self._views, company.company_id, work.syncs)
        found: set[str] = set()
        for sync_id in work.syncs:
            context = survey(
                sync_id,
                company.syncs[sync_id],
                datasets=company.datasets,
                keys_of=self._keys_of,
            )
            work.contexts[sync_id] = context
            if before.get(sync_id) != context:
                found |= self._items_of(company, sync_id)
        return found

    def _items_of(self, company: CompanyFacts, sync_id: str) -> set[str]:
        """Return every transaction that a sync reported or expected."""
        facts = company.syncs[sync_id]
        found = {
            transaction_id
            for position in {read.rows_at for read in facts.readings}
            for _, transaction_ids in self._rows.groups_at(position)
            for transaction_id in transaction_ids
        }
        for initiation in facts.initiations:
            found.update(initiation.transaction_ids)
            for dataset_id in initiation.dataset_ids:
                for push in company.datasets.get(dataset_id, DatasetFacts()).pushes:
                    found.update(push.transaction_ids)
        return found

    def _sync_rows(self, work: _Work) -> Iterable[SyncRow]:
        company = work.company
        for sync_id in sorted(work.syncs):
            context = work.contexts[sync_id]
            summary = summarise(
                company,
                sync_id,
                context,
                at=END_OF_TIME,
                groups_at=self._rows.groups_at,
            )
            if summary is not None:
                yield sync_row(summary, company.syncs[sync_id], context)

    # Loading

    def _load_items(self, work: _Work, transaction_ids: set[str]) -> None:
        company = work.company
        found = items_by_key(self._views, company.company_id, transaction_ids)
        for transaction_id, facts in found.items():
            if facts.legs:
                company.legs[transaction_id] = facts.legs
                work.reporting.update([leg.sync_id for leg in facts.legs])
            rest = attrs.evolve(facts, legs=())
            if rest != ItemFacts():
                company.others[transaction_id] = rest

    def _load_sent(self, company: CompanyFacts, transaction_ids: set[str]) -> None:
        found = self._views.contents_named(company.company_id, transaction_ids)
        company.sent.update((row.transaction_id, row.sent()) for row in found)

    def _load_syncs(self, company: CompanyFacts, sync_ids: set[str]) -> None:
        found = syncs_by_key(self._views, company.company_id, sync_ids)
        company.syncs.update(found)

    def _load_datasets(self, company: CompanyFacts, dataset_ids: set[str]) -> None:
        found = datasets_by_key(self._views, company.company_id, dataset_ids)
        company.datasets.update(found)

    def _load_what_items_name(self, work: _Work, transaction_ids: set[str]) -> None:
        """Load the datasets that items name, and the contexts of their syncs."""
        company = work.company
        others = [company.others[t] for t in transaction_ids if t in company.others]
        named = {e.dataset_id for o in others for e in o.expected if e.dataset_id}
        self._load_datasets(company, named - company.datasets.keys())
        syncs = {link.sync_id for d in named for link in company.datasets[d].syncs}
        syncs.update(e.sync_id for o in others for e in o.expected if e.sync_id)
        syncs.update(hook.sync_id for o in others for hook in o.hooks)
        syncs |= work.reporting
        missing = syncs - work.contexts.keys()
        found = contexts_by_key(self._views, company.company_id, missing)
        work.contexts.update(found)
