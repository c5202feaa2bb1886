"""Gathers what a report tells: from the live views, or from the history alone."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import MappingProxyType
from typing import Final

import attrs

from reconcile.domain.policy import Policy
from reconcile.judgement.item import Item
from reconcile.projections.folds import gc_paused
from reconcile.projections.judging import Judge, judge_as_of, judged
from reconcile.projections.releases import Corrected, may_be_released, released
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import (
    findings_of_company,
    findings_of_datasets,
    findings_of_deliveries,
    findings_of_reading,
    findings_of_sync,
)
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.current import current, current_items
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.readmodels.replay import replay
from reconcile.report.build import Part, Report, build
from reconcile.report.elsewhere import Copies, Copy, copies_in, marked, unwritten
from reconcile.report.groups import Judged
from reconcile.report.selection import ALL, Selection
from reconcile.report.story import Story, story_of
from reconcile.report.what_if import Asker
from reconcile.rules import Ruleset
from reconcile.storage.ports import Snapshot, Store

_AS_SENT: Final[Mapping[str, Corrected]] = MappingProxyType({})
_AS_SENT_HERE: Final[Corrected] = MappingProxyType({})


@attrs.frozen
class Gathered:
    """What a report is built of, by company: facts in `states`, items in `parts`."""

    position: int
    states: Sequence[CompanyState]
    parts: Sequence[Part]


@attrs.frozen(kw_only=True)
class Reporting:
    """The reports of one store, by one policy and ruleset."""

    store: Store
    policy: Policy
    rules: Ruleset
    _judges: dict[datetime, Judge] = attrs.field(init=False, factory=dict, repr=False)

    def _judge(self, as_of: datetime) -> Judge:
        """Return how items are judged as of a moment; the last one is remembered."""
        if as_of not in self._judges:
            self._judges.clear()
            self._judges[as_of] = judge_as_of(
                as_of, policy=self.policy, rules=self.rules
            )
        return self._judges[as_of]

    def live(
        self, *, as_of: datetime, company_id: str | None, selection: Selection = ALL
    ) -> Report | None:
        """Return the report by all facts, from views that are up to date.

        None where some facts lie in the future of `as_of`, or others write the views.
        """
        with self.store.reading() as views:
            if not _is_past(views, as_of):
                return None
            states = current(views, company_id=company_id)
            parts = [self._part(state, as_of) for state in states]
            _mark(parts, _written(views) if company_id is not None else None)
            return self._built(
                parts,
                as_of=as_of,
                known_at=None,
                position=views.position(),
                company_id=company_id,
                selection=selection,
                deliveries=views.deliveries(),
                poisoned=len(views.poisoned()),
            )

    @contextmanager
    def gathered(
        self,
        *,
        as_of: datetime,
        company_id: str | None,
        live: bool = True,
        corrected: Mapping[str, Corrected] = _AS_SENT,
    ) -> Iterator["Gathered"]:
        """Give what a report is built of, with each company's facts beside it.

        `live`: from views that are up to date, where no fact of theirs lies in the
        future. `corrected` are by company what is to be sent in place of what was.
        """
        with self.store.reading() as views:
            if live and _is_past(views, as_of):
                states = [*current(views, company_id=company_id)]
                parts = [self._part(s, as_of, corrected) for s in states]
                _mark(parts, _written(views) if company_id is not None else None)
                yield Gathered(views.position(), states, parts)
                return
        until = self.store.position()
        states = [*replay(self.store, until=until, as_of=as_of, company_id=company_id)]
        parts = [self._part(state, as_of, corrected) for state in states]
        others = replay(self.store, until=until, as_of=as_of, besides=company_id)
        _mark(
            parts,
            None
            if company_id is None
            else lambda names: self._copies(others, names, as_of),
        )
        yield Gathered(until, states, parts)

    def standing(
        self,
        company_id: str,
        transaction_ids: Collection[str],
        *,
        as_of: datetime,
        corrected: Corrected = _AS_SENT_HERE,
    ) -> dict[str, Judged]:
        """Return how some of a company's items stand, from views that are up to date.

        Those that nobody knows are left out.
        """
        with self.store.reading() as views:
            if _is_past(views, as_of):
                state = current_items(views, company_id, transaction_ids)
                rows = self._items(state, as_of, corrected)
                if any(may_be_released(row.item) for row in rows):  # by what others say
                    (state,) = current(views, company_id=company_id)
                    rows = self._items(state, as_of, corrected)
                found = {r.transaction_id: r for r in rows}
                rows = [found[name] for name in transaction_ids if name in found]
                copies = Copies(_written(views)(unwritten(rows)))
                return {r.transaction_id: r for r in marked(rows, copies)[0]}
        with self.gathered(
            as_of=as_of,
            company_id=company_id,
            live=False,
            corrected={company_id: corrected},
        ) as replayed:
            wanted = {*transaction_ids}
            return {
                row.transaction_id: row
                for part in replayed.parts
                for row in part.items
                if row.transaction_id in wanted
            }

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

        def heard(states: Iterable[CompanyState]) -> Iterator[CompanyState]:
            for state in states:
                deliveries.extend(
                    delivery for at, delivery in state.deliveries if at <= as_of
                )
                poisoned.extend(state.poisoned)
                yield state

        chosen = heard(
            replay(self.store, until=until, as_of=as_of, company_id=company_id)
        )
        parts = [self._part(state, as_of) for state in chosen]
        if company_id is None:
            _mark(parts, None)
        else:
            others = heard(
                replay(self.store, until=until, as_of=as_of, besides=company_id)
            )
            _mark(parts, lambda names: self._copies(others, names, as_of))
        return self._built(
            parts,
            as_of=as_of,
            known_at=known_at,
            position=until,
            company_id=company_id,
            selection=selection,
            deliveries=deliveries,
            poisoned=poisoned,
        )

    def stories(
        self, transaction_id: str, *, company_id: str | None, as_of: datetime
    ) -> list[Story]:
        """Return a transaction's story in each company that has one of its id."""
        until = self.store.position()
        found = [
            (state, self._item(state, transaction_id, as_of))
            for state in replay(
                self.store, until=until, as_of=as_of, company_id=company_id
            )
            if transaction_id in state.company.legs.keys() | state.company.others.keys()
        ]
        rows = [row for _, row in found]
        names = unwritten(rows)
        copies = [*copies_in(rows, names)]
        if names and company_id is not None:
            copies += self._copies_besides(company_id, names, as_of=as_of, until=until)
        rows = [*marked(rows, Copies(copies))[0]]
        return [
            self._story(state, row, as_of=as_of, until=until)
            for (state, _), row in zip(found, rows, strict=True)
        ]

    def _story(
        self, state: CompanyState, row: Judged, *, as_of: datetime, until: int
    ) -> Story:
        dossier = state.company.dossier(row.transaction_id, state.contexts)
        asker = Asker(
            dossier=dossier,
            sync_facts=state.company.syncs,
            keys_of=state.keys_of,
            policy=self.policy,
            rules=self.rules,
        )
        return story_of(
            self.store,
            dossier,
            row.item,
            as_of=as_of,
            until=until,
            policy=self.policy,
            rules=self.rules,
            content=row.content,
            changes=asker.what_if(row.item, as_of=as_of),
        )

    def _copies_besides(
        self, company_id: str, names: set[str], *, as_of: datetime, until: int
    ) -> Iterable[Copy]:
        """Return where expenses are in the books of other companies."""
        with self.store.reading() as views:
            if views.position() == until and _is_past(views, as_of):
                return _written(views)(names)
        others = replay(self.store, until=until, as_of=as_of, besides=company_id)
        return self._copies(others, names, as_of)

    def _copies(
        self, states: Iterable[CompanyState], names: set[str], as_of: datetime
    ) -> list[Copy]:
        """Return those of some expenses that are in the books of companies."""
        judge_them = self._judge(as_of)
        found: list[Copy] = []
        for state in states:
            company = state.company
            known = names & (company.legs.keys() | company.others.keys())
            here = sorted(known)
            items = judged(company, state.contexts, here, judge=judge_them)
            found += copies_in(_rows(state, here, items, as_of), names)
        return found

    def _built(
        self,
        parts: Iterable[Part],
        *,
        as_of: datetime,
        known_at: datetime | None,
        position: int,
        company_id: str | None,
        selection: Selection,
        deliveries: Sequence[DeliveryRow],
        poisoned: int | Sequence[int],
    ) -> Report:
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

    def _part(
        self,
        state: CompanyState,
        as_of: datetime,
        corrected: Mapping[str, Corrected] = _AS_SENT,
    ) -> Part:
        company = state.company
        items = self._items(state, as_of, corrected.get(company.company_id, {}))
        findings = list(findings_of_datasets(company, at=as_of))
        findings += findings_of_company(company, state.contexts, at=as_of)
        findings += findings_of_reading(company, at=as_of)
        for context in state.contexts.values():
            findings += findings_of_sync(company.company_id, context, at=as_of)
        return Part(
            company_id=company.company_id,
            items=items,
            syncs=list(state.summaries(as_of)),
            findings=findings,
        )

    def _items(
        self, state: CompanyState, as_of: datetime, corrected: Corrected = _AS_SENT_HERE
    ) -> list[Judged]:
        """Return a company's items that are known by a moment."""
        judge_them = self._judge(as_of)
        with gc_paused():
            names = state.company.transactions()
            items = released(
                state.company,
                state.contexts,
                names,
                judged(state.company, state.contexts, names, judge=judge_them),
                judge=judge_them,
                sent_of=state.sent,
                at=as_of,
                corrected=corrected,
            )
            rows = _rows(state, names, items, as_of)
            return [row for row in rows if row.item.attempts or row.item.expected]

    def _item(
        self, state: CompanyState, transaction_id: str, as_of: datetime
    ) -> Judged:
        """Return one of a company's items."""
        judge_them = self._judge(as_of)
        names = [transaction_id]
        items = judged(state.company, state.contexts, names, judge=judge_them)
        if may_be_released(items[0]):
            rows = self._items(state, as_of)
            return next(row for row in rows if row.transaction_id == transaction_id)
        return _rows(state, names, items, as_of)[0]


def _rows(
    state: CompanyState,
    transactions: Sequence[str],
    items: Sequence[Item],
    as_of: datetime,
) -> list[Judged]:
    """Return items with what stands for each."""
    company_id = state.company.company_id
    return [
        Judged(company_id, name, item)
        if shown is None
        else Judged(company_id, name, item, *shown)
        for name, item, shown in zip(
            transactions, items, state.shown(transactions, items, as_of), strict=True
        )
    ]


def _is_past(views: Snapshot, as_of: datetime) -> bool:
    """Return whether the views hold all facts, and none that is later than a moment."""
    newest = views.newest()
    return views.is_even() and (newest is None or newest <= as_of)


def _written(views: Snapshot) -> Callable[[set[str]], Iterable[Copy]]:
    """Return what finds expenses in any books, by views that are up to date."""
    return lambda names: map(Copy._make, views.written(names)) if names else ()


def _mark(
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
