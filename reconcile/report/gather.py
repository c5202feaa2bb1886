"""Gathers what a report tells: from the live views, or from the history alone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import attrs

from reconcile.domain.policy import Policy
from reconcile.projections.folds import gc_paused
from reconcile.projections.judging import judge_as_of, judged
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import (
    findings_of_datasets,
    findings_of_deliveries,
    findings_of_sync,
)
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.current import current, current_item
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.readmodels.replay import replay
from reconcile.report.build import Part, Report, build
from reconcile.report.groups import Judged
from reconcile.report.selection import ALL, Selection
from reconcile.rules import Ruleset
from reconcile.storage.ports import Store


@attrs.frozen(kw_only=True)
class Reporting:
    """The reports of one store, by one policy and ruleset."""

    store: Store
    policy: Policy
    rules: Ruleset

    def live(
        self, *, as_of: datetime, company_id: str | None, selection: Selection = ALL
    ) -> Report | None:
        """Return the report by all facts, from views that are up to date.

        None where some facts lie in the future of `as_of`.
        """
        with self.store.reading() as views:
            newest = views.newest()
            if newest is not None and newest > as_of:
                return None
            return self._built(
                current(views, company_id=company_id),
                as_of=as_of,
                known_at=None,
                position=views.position(),
                company_id=company_id,
                selection=selection,
                deliveries=views.deliveries(),
                poisoned=len(views.poisoned()),
            )

    def item(
        self, company_id: str, transaction_id: str, *, as_of: datetime
    ) -> Judged | None:
        """Return one item, from views that are up to date; None: none has that id."""
        with self.store.reading() as views:
            newest = views.newest()
            if newest is None or newest <= as_of:
                state = current_item(views, company_id, transaction_id)
                return next(iter(self._items(state, as_of)), None)
        report = self.replayed(as_of=as_of, known_at=None, company_id=company_id)
        return next(
            (i for i in report.items if i.transaction_id == transaction_id), None
        )

    def replayed(
        self,
        *,
        as_of: datetime,
        known_at: datetime | None,
        company_id: str | None,
        selection: Selection = ALL,
    ) -> Report:
        """Return the report folded from events alone, without the live views."""
        until = self.store.position(known_at=known_at)
        deliveries: list[DeliveryRow] = []
        poisoned: list[int] = []

        def companies() -> Iterator[CompanyState]:
            for state in replay(self.store, until=until):
                deliveries.extend(
                    delivery for at, delivery in state.deliveries if at <= as_of
                )
                poisoned.extend(state.poisoned)
                if company_id in (None, state.company.company_id):
                    yield state

        return self._built(
            companies(),
            as_of=as_of,
            known_at=known_at,
            position=until,
            company_id=company_id,
            selection=selection,
            deliveries=deliveries,
            poisoned=poisoned,
        )

    def _built(
        self,
        companies: Iterable[CompanyState],
        *,
        as_of: datetime,
        known_at: datetime | None,
        position: int,
        company_id: str | None,
        selection: Selection,
        deliveries: Sequence[DeliveryRow],
        poisoned: int | Sequence[int],
    ) -> Report:
        parts = [self._part(state, as_of) for state in companies]
        several = findings_of_deliveries(deliveries)
        return build(
            parts,
            as_of=as_of,
            known_at=known_at,
            selection=selection,
            position=position,
            ruleset=self.rules.label,
            policy=self.policy.edition,
            causes=self.rules,
            more_findings=(f for f in several if company_id in (None, f.company_id)),
            unprocessed=quarantine_at(self.store, until=position).unprocessed(
                company_id
            ),
            poisoned=poisoned if isinstance(poisoned, int) else len(poisoned),
        )

    def _part(self, state: CompanyState, as_of: datetime) -> Part:
        company = state.company
        items = self._items(state, as_of)
        findings = list(findings_of_datasets(company, at=as_of))
        for context in state.contexts.values():
            findings += findings_of_sync(company.company_id, context, at=as_of)
        return Part(
            company_id=company.company_id,
            items=items,
            syncs=list(state.summaries(as_of)),
            findings=findings,
        )

    def _items(self, state: CompanyState, as_of: datetime) -> list[Judged]:
        judge_them = judge_as_of(as_of, policy=self.policy, rules=self.rules)
        named = state.company.company_id
        with gc_paused():
            names = state.company.transactions()
            items = judged(state.company, state.contexts, names, judge=judge_them)
            return [
                Judged(named, name, item)
                if shown is None
                else Judged(named, name, item, *shown)
                for name, item, shown in zip(
                    names, items, state.shown(names, items, as_of), strict=True
                )
                if item.attempts or item.expected
            ]
