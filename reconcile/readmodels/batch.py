"""One batch of events on its way into rows: gather, apply, rejudge.

*Gather* decodes events and sorts what they change by company. *Apply* loads the rows
that are touched and folds the changes into their facts. *Rejudge* surveys the syncs
again, loads every item whose judgement may be another now, and makes the new rows.
"""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial

import attrs

from reconcile.domain.events import Recorded
from reconcile.domain.instants import END_OF_TIME
from reconcile.errors import HistoryError, StoreError
from reconcile.judgement.facts import DatasetFacts, ItemFacts
from reconcile.judgement.sync_context import SyncContext, survey
from reconcile.projections.changes import Changes, changes
from reconcile.projections.contents import content_rows, sent_again
from reconcile.projections.folds import NO_FACTS, CompanyFacts, keys_reader
from reconcile.projections.judging import Judge, judged
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
        for _, transaction_ids in change.legs:
            self.transactions.update(transaction_ids)
        self.transactions.update([name for name, _ in change.items])
        if change.set_aside is not None:
            self.transactions.update(change.set_aside.transaction_ids)
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


_Wanted = Sequence[tuple[_Work, set[str]]]


class ProjectionBatch:
    """A batch of events, read against one consistent state of the views."""

    def __init__(self, store: Store, views: Snapshot, *, judge: Judge) -> None:
        self._store = store
        self._views = views
        self._judge = judge
        self._rows = RowsByEvent(event_at=store.event_at, event_in=self._event_in)
        self._keys_of = keys_reader(self._rows.groups_at)

    def fold(self, stored: Sequence[StoredEvent]) -> ViewChanges:
        """Return everything that the events write.

        Each kind of row is read once for all companies, so that what a batch costs on
        the way to a server does not grow with them.
        """
        written = ViewChanges()
        works = [*self._gather(stored, written)]
        self._apply(works)
        self._rejudge(works, written)
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

    def _apply(self, works: Sequence[_Work]) -> None:
        """Load what the changes touch, and fold them into it."""
        self._load_items([(work, work.transactions) for work in works])
        self._load_datasets([(work, work.datasets) for work in works])
        self._load_syncs([(work, work.syncs) for work in works])
        self._load_sent([(work, work.sent) for work in works])
        refused = {work.company.company_id: work.refused for work in works}
        mended = {work.company.company_id: work.mended for work in works}
        found_refused = refused_by_key(self._views, refused)
        found_mended = mended_by_key(self._views, mended)
        linked: list[tuple[_Work, set[str]]] = []
        for work in works:
            company = work.company
            company.refused.update(found_refused.get(company.company_id, {}))
            company.mended.update(found_mended.get(company.company_id, {}))
            for change in work.changes:
                company.apply(change)
            work.forget_what_is_gone()
            links = [link for d in work.datasets for link in company.datasets[d].syncs]
            linked.append((work, {link.sync_id for link in links}))
        self._load_syncs([(work, syncs - work.syncs) for work, syncs in linked])
        for work, syncs in linked:
            work.syncs |= syncs

    # Rejudge

    def _rejudge(self, works: Sequence[_Work], written: ViewChanges) -> None:
        """Judge every item anew that the changes may have given another judgement."""
        touched = [
            (work, work.transactions | changed)
            for work, changed in self._items_of_changed_syncs(works)
        ]
        for work, items in touched:
            for dataset_id in work.datasets:
                for push in work.company.datasets[dataset_id].pushes:
                    items.update(push.transaction_ids)
        self._load_items([(work, items - work.transactions) for work, items in touched])
        self._load_what_items_name(touched)
        self._load_sent([(work, _sent_again(work, items)) for work, items in touched])
        for work, items in touched:
            self._judge_anew(work, sorted(items), written)

    def _judge_anew(
        self, work: _Work, names: Sequence[str], written: ViewChanges
    ) -> None:
        """Judge some items of a company, and make its new rows."""
        company = work.company
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

    def _items_of_changed_syncs(
        self, works: Sequence[_Work]
    ) -> list[tuple[_Work, set[str]]]:
        """Survey the syncs anew; return the items of those that now look otherwise."""
        named = [(work, _datasets_named(work)) for work in works]
        self._load_datasets(named)
        before = contexts_by_key(
            self._views, {work.company.company_id: work.syncs for work in works}
        )
        return [
            (work, self._surveyed(work, before.get(work.company.company_id, {})))
            for work in works
        ]

    def _surveyed(self, work: _Work, before: Mapping[str, SyncContext]) -> set[str]:
        company = work.company
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

    # Loading: each kind of row at once for all companies

    def _load_items(self, wanted: _Wanted) -> None:
        found = items_by_key(self._views, _named(wanted))
        for work, _ in wanted:
            company = work.company
            for name, facts in found.get(company.company_id, {}).items():
                if facts.legs:
                    company.legs[name] = facts.legs
                    work.reporting.update([leg.sync_id for leg in facts.legs])
                rest = attrs.evolve(facts, legs=())
                if rest != ItemFacts():
                    company.others[name] = rest

    def _load_sent(self, wanted: _Wanted) -> None:
        works = {work.company.company_id: work for work, _ in wanted}
        for row in self._views.contents_named(_named(wanted)):
            works[row.company_id].company.sent[row.transaction_id] = row.sent()

    def _load_syncs(self, wanted: _Wanted) -> None:
        found = syncs_by_key(self._views, _named(wanted))
        for work, _ in wanted:
            work.company.syncs.update(found.get(work.company.company_id, {}))

    def _load_datasets(self, wanted: _Wanted) -> None:
        found = datasets_by_key(self._views, _named(wanted))
        for work, _ in wanted:
            work.company.datasets.update(found.get(work.company.company_id, {}))

    def _load_what_items_name(self, touched: _Wanted) -> None:
        """Load the datasets that items name, and the contexts of their syncs."""
        named = [(work, _datasets_of_items(work, items)) for work, items in touched]
        self._load_datasets(
            [(work, names - work.company.datasets.keys()) for work, names in named]
        )
        missing = [
            (work, _syncs_of_items(work, items, datasets) - work.contexts.keys())
            for (work, items), (_, datasets) in zip(touched, named, strict=True)
        ]
        found = contexts_by_key(self._views, _named(missing))
        for work, _ in missing:
            work.contexts.update(found.get(work.company.company_id, {}))


def _named(wanted: _Wanted) -> dict[str, set[str]]:
    return {work.company.company_id: names for work, names in wanted if names}


def _datasets_named(work: _Work) -> set[str]:
    """Return the datasets that the changed syncs name, of those not yet loaded."""
    syncs = [work.company.syncs[sync_id] for sync_id in work.syncs]
    named = {
        d for sync in syncs for start in sync.initiations for d in start.dataset_ids
    }
    return named - work.company.datasets.keys()


def _others(work: _Work, items: set[str]) -> list[ItemFacts]:
    others = work.company.others
    return [others[name] for name in items if name in others]


def _datasets_of_items(work: _Work, items: set[str]) -> set[str]:
    others = _others(work, items)
    return {e.dataset_id for o in others for e in o.expected if e.dataset_id}


def _syncs_of_items(work: _Work, items: set[str], datasets: set[str]) -> set[str]:
    company, others = work.company, _others(work, items)
    syncs = {link.sync_id for d in datasets for link in company.datasets[d].syncs}
    syncs.update(e.sync_id for o in others for e in o.expected if e.sync_id)
    syncs.update(hook.sync_id for o in others for hook in o.hooks)
    return syncs | work.reporting


def _sent_again(work: _Work, items: set[str]) -> set[str]:
    """Return the items that may have been sent with several contents."""
    others = work.company.others
    return {t for t in items if sent_again(others.get(t, NO_FACTS))} - work.sent
