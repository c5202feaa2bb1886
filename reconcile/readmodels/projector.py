"""The projector: events after the views' position, folded into rows, exactly once.

A batch's rows and its position are written in one transaction. An event that cannot be
folded is found by halving, put aside with the reason, and never stops the others.
"""

from collections.abc import Sequence

import attrs

from reconcile.domain.events import LegsReported, LegsReread, Recorded
from reconcile.domain.instants import END_OF_TIME
from reconcile.domain.policy import Policy
from reconcile.domain.rows import Groups
from reconcile.errors import HistoryError, StoreError
from reconcile.judgement.facts import DatasetFacts, ItemFacts
from reconcile.judgement.item import Rules
from reconcile.judgement.sync_context import SyncContext, survey
from reconcile.projections.changes import Changes, changes
from reconcile.projections.folds import CompanyFacts, keys_reader
from reconcile.projections.judging import judge_by_facts
from reconcile.projections.rows import (
    ItemRows,
    dataset_row,
    delivery_row,
    item_rows,
    sync_row,
)
from reconcile.projections.summaries import summarise
from reconcile.storage.ports import (
    OvertakenError,
    Snapshot,
    Store,
    StoredEvent,
    ViewChanges,
)
from reconcile.storage.views import (
    contexts_by_key,
    datasets_by_key,
    items_by_key,
    syncs_by_key,
)


class Projector:
    """Brings the live views of one store up to date."""

    def __init__(self, store: Store, *, policy: Policy, rules: Rules) -> None:
        self._store = store
        self._views = store.views()
        self._policy = policy
        self._rules = rules

    def catch_up(self) -> int:
        """Project every event there is; return the position the views stand at.

        Views that other rules or deadlines made are folded anew from the first event.
        """
        self._views.begin_anew_unless(f"{self._rules.label}; {self._policy.label}")
        while True:
            with self._store.reading() as snapshot:
                after = snapshot.position()
            stored = self._store.stored_after(after)
            if not stored:
                return after
            try:
                self._project(stored, after)
            except OvertakenError:
                continue

    def _project(self, stored: Sequence[StoredEvent], after: int) -> None:
        position = stored[-1].position
        try:
            with self._store.reading() as snapshot:
                written = _Batch(self._store, snapshot, self._policy, self._rules).fold(
                    stored
                )
        except StoreError:
            raise  # the file failed us, not an event: nothing is poison for that
        except Exception as error:  # noqa: BLE001 - whatever it is, it must not stop the rest
            if len(stored) > 1:
                half = len(stored) // 2
                self._project(stored[:half], after)
                self._project(stored[half:], stored[half - 1].position)
                return
            written = ViewChanges(
                poisoned=[(position, f"{type(error).__name__}: {error}")]
            )
        self._views.write(written, after=after, position=position)


@attrs.define
class _Work:
    """What one batch does to one company."""

    company: CompanyFacts
    changes: list[Changes] = attrs.field(factory=list)
    contexts: dict[str, SyncContext] = attrs.field(factory=dict)
    named: set[str] = attrs.field(factory=set)  # syncs that stored rows name


class _Batch:
    """One batch of events on its way into rows, read against one consistent state."""

    def __init__(
        self, store: Store, snapshot: Snapshot, policy: Policy, rules: Rules
    ) -> None:
        self._store = store
        self._snapshot = snapshot
        self._policy = policy
        self._rules = rules
        self._groups: dict[int, Groups] = {}
        self._keys_of = keys_reader(self._groups_at)

    def fold(self, stored: Sequence[StoredEvent]) -> ViewChanges:
        """Return everything that the events write."""
        written = ViewChanges()
        works: dict[str, _Work] = {}
        holders: dict[tuple[str, int], Recorded] = {}
        for stored_event in stored:
            try:
                recorded = self._store.recorded(stored_event)
                change = changes(recorded, original=self._original(recorded, holders))
            except StoreError:
                raise
            except HistoryError as error:
                written.poisoned.append((stored_event.position, str(error)))
                continue
            at = getattr(recorded.event, "at", None)
            if at is not None and (written.newest is None or at > written.newest):
                written.newest = at
            if change.delivery is not None:
                row = delivery_row(change.company_id, change.delivery)
                written.deliveries.append(row)
            if change.case is None:
                work = works.get(change.company_id)
                if work is None:
                    work = _Work(CompanyFacts(company_id=change.company_id))
                    works[change.company_id] = work
                work.changes.append(change)
        for work in works.values():
            self._company(work, written)
        return written

    def _original(
        self, recorded: Recorded, holders: dict[tuple[str, int], Recorded]
    ) -> Recorded | None:
        """Return the event that a re-read points to; keep the rows of all others."""
        event = recorded.event
        if isinstance(event, LegsReported):
            self._groups[recorded.position] = event.groups
            holders[recorded.stream, recorded.version] = recorded
        if not isinstance(event, LegsReread):
            return None
        key = (recorded.stream, event.same_as)
        if key not in holders:
            found = self._store.event_at(*key)
            if found is not None:
                holders[key] = found
        return holders.get(key)

    def _groups_at(self, position: int) -> Groups:
        if position not in self._groups:
            for row in self._store.stored_at([position]):
                event = self._store.recorded(row).event
                if isinstance(event, LegsReported):
                    self._groups[position] = event.groups
        return self._groups[position]

    def _company(self, work: _Work, written: ViewChanges) -> None:
        company = work.company
        touched = {t for change in work.changes for t in change.transactions()}
        datasets = {d for change in work.changes for d, _ in change.datasets}
        syncs = {c.sync_id for c in work.changes if c.sync_id is not None}
        self._load_items(work, touched)
        company.datasets.update(self._datasets(company, datasets))
        self._load_syncs(company, syncs)
        for change in work.changes:
            company.apply(change)
        linked = {link.sync_id for d in datasets for link in company.datasets[d].syncs}
        self._load_syncs(company, linked - syncs)
        syncs |= linked
        changed = self._survey(work, syncs)
        more = set(touched)
        for sync_id in changed:
            more |= self._items_of(company, sync_id)
        for dataset_id in datasets:
            for push in company.datasets[dataset_id].pushes:
                more.update(push.transaction_ids)
        self._load_items(work, more - touched)
        self._load_others(work, more)
        written.items += self._item_rows(work, more)
        for sync_id in sorted(syncs):
            context = work.contexts[sync_id]
            summary = summarise(
                company, sync_id, context, at=END_OF_TIME, groups_at=self._groups_at
            )
            if summary is not None:
                facts = company.syncs[sync_id]
                written.syncs.append(sync_row(summary, facts, context))
        written.datasets += [
            dataset_row(company.company_id, d, company.datasets[d])
            for d in sorted(datasets)
        ]

    def _survey(self, work: _Work, syncs: set[str]) -> list[str]:
        """Survey syncs anew; return those that judgement now sees otherwise."""
        company = work.company
        named = {
            dataset_id
            for sync_id in syncs
            for initiation in company.syncs[sync_id].initiations
            for dataset_id in initiation.dataset_ids
        }
        company.datasets.update(
            self._datasets(company, named - company.datasets.keys())
        )
        before = contexts_by_key(self._snapshot, company.company_id, syncs)
        for sync_id in syncs:
            work.contexts[sync_id] = survey(
                sync_id,
                company.syncs[sync_id],
                datasets=company.datasets,
                keys_of=self._keys_of,
            )
        return [s for s in syncs if before.get(s) != work.contexts[s]]

    def _items_of(self, company: CompanyFacts, sync_id: str) -> set[str]:
        """Return every transaction that a sync reported or expected."""
        facts = company.syncs[sync_id]
        found = {
            transaction_id
            for position in {read.rows_at for read in facts.readings}
            for _, transaction_ids in self._groups_at(position)
            for transaction_id in transaction_ids
        }
        for initiation in facts.initiations:
            found.update(initiation.transaction_ids)
            for dataset_id in initiation.dataset_ids:
                for push in company.datasets.get(dataset_id, DatasetFacts()).pushes:
                    found.update(push.transaction_ids)
        return found

    def _load_items(self, work: _Work, transaction_ids: set[str]) -> None:
        company = work.company
        found = items_by_key(self._snapshot, company.company_id, transaction_ids)
        for transaction_id, facts in found.items():
            if facts.legs:
                company.legs[transaction_id] = facts.legs
                work.named.update([leg.sync_id for leg in facts.legs])
            rest = attrs.evolve(facts, legs=())
            if rest != ItemFacts():
                company.others[transaction_id] = rest

    def _load_syncs(self, company: CompanyFacts, sync_ids: set[str]) -> None:
        found = syncs_by_key(self._snapshot, company.company_id, sync_ids)
        company.syncs.update(found)

    def _datasets(
        self, company: CompanyFacts, dataset_ids: set[str]
    ) -> dict[str, DatasetFacts]:
        return datasets_by_key(self._snapshot, company.company_id, dataset_ids)

    def _load_others(self, work: _Work, transaction_ids: set[str]) -> None:
        """Load the datasets and syncs that the items' other facts name."""
        company = work.company
        others = [company.others[t] for t in transaction_ids if t in company.others]
        named = {e.dataset_id for o in others for e in o.expected if e.dataset_id}
        company.datasets.update(
            self._datasets(company, named - company.datasets.keys())
        )
        syncs = {link.sync_id for d in named for link in company.datasets[d].syncs}
        syncs.update(e.sync_id for o in others for e in o.expected if e.sync_id)
        syncs.update(hook.sync_id for o in others for hook in o.hooks)
        syncs |= work.named
        missing = syncs - work.contexts.keys()
        work.contexts.update(
            contexts_by_key(self._snapshot, company.company_id, missing)
        )

    def _item_rows(self, work: _Work, transaction_ids: set[str]) -> list[ItemRows]:
        judge = judge_by_facts(policy=self._policy, rules=self._rules)
        return item_rows(
            work.company, work.contexts, sorted(transaction_ids), judge=judge
        )
