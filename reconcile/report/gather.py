"""Gathers what a report tells: from the live views, or from the history alone."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import attrs

from reconcile.projections.releases import Corrected, may_be_released
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import findings_of_deliveries
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.current import current, current_items, is_past
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.readmodels.replay import replay
from reconcile.report.batches import given_away, in_batches
from reconcile.report.build import Part, Report, ReportBuilder, Share, report_of
from reconcile.report.elsewhere import (
    Copies,
    Copy,
    copies_in,
    mark,
    marked,
    unwritten,
    written_in,
)
from reconcile.report.groups import Judged
from reconcile.report.part import AS_SENT, AS_SENT_HERE, CompanyReporting
from reconcile.report.selection import ALL, Selection
from reconcile.report.story import Story, story_of
from reconcile.report.what_if import Asker
from reconcile.storage.ports import Snapshot, Store


@attrs.frozen
class Gathered:
    """What a report is built of: each company's facts and its items, given once."""

    position: int
    companies: Iterator[tuple[CompanyState, Part]]


@attrs.frozen(kw_only=True)
class Reporting(CompanyReporting):
    """The reports of one store, by one policy and ruleset."""

    store: Store

    def live(
        self, *, as_of: datetime, company_id: str | None, selection: Selection = ALL
    ) -> Report | None:
        """Return the report by all facts, from views that are up to date.

        None where some facts lie in the future of `as_of`, or others write the views.
        """
        with self.store.reading() as views:
            if not is_past(views, as_of):
                return None
            states = current(views, company_id=company_id)
            parts = [self.part(state, as_of) for state in states]
            mark(parts, written_in(views) if company_id is not None else None)
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
        corrected: Mapping[str, Corrected] = AS_SENT,
    ) -> Iterator["Gathered"]:
        """Give what a report is built of, with each company's facts beside it.

        `live`: from views that are up to date, where no fact of theirs lies in the
        future. `corrected` are by company what is to be sent in place of what was.
        """
        with self.store.reading() as views:
            if live and is_past(views, as_of):
                known = current(views, company_id=company_id)
                companies = self._marked(views, known, as_of, corrected)
                yield Gathered(views.position(), companies)
                return
        until = self.store.position()
        states = [*replay(self.store, until=until, as_of=as_of, company_id=company_id)]
        parts = [self.part(state, as_of, corrected) for state in states]
        others = replay(self.store, until=until, as_of=as_of, besides=company_id)
        mark(
            parts,
            None
            if company_id is None
            else lambda names: self.copies(others, names, as_of),
        )
        yield Gathered(until, zip(states, parts, strict=True))

    def _marked(
        self,
        views: Snapshot,
        states: Iterable[CompanyState],
        as_of: datetime,
        corrected: Mapping[str, Corrected],
    ) -> Iterator[tuple[CompanyState, Part]]:
        """Yield companies with what they are judged to be, a few held at a time."""
        for some in in_batches(states):
            parts = [self.part(state, as_of, corrected) for state in some]
            mark(parts, written_in(views))
            yield from zip(given_away(some), given_away(parts), strict=True)

    def standing(
        self,
        company_id: str,
        transaction_ids: Collection[str],
        *,
        as_of: datetime,
        corrected: Corrected = AS_SENT_HERE,
    ) -> dict[str, Judged]:
        """Return how some of a company's items stand, from views that are up to date.

        Those that nobody knows are left out.
        """
        with self.store.reading() as views:
            if is_past(views, as_of):
                state = current_items(views, company_id, transaction_ids)
                rows = self.items(state, as_of, corrected)
                if any(may_be_released(row.item) for row in rows):  # by what others say
                    (state,) = current(views, company_id=company_id)
                    rows = self.items(state, as_of, corrected)
                found = {r.transaction_id: r for r in rows}
                rows = [found[name] for name in transaction_ids if name in found]
                copies = Copies(written_in(views)(unwritten(rows)))
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
                for _, part in replayed.companies
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
        parts = [self.part(state, as_of) for state in chosen]
        if company_id is None:
            mark(parts, None)
        else:
            others = heard(
                replay(self.store, until=until, as_of=as_of, besides=company_id)
            )
            mark(parts, lambda names: self.copies(others, names, as_of))
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
        self,
        transaction_id: str,
        *,
        company_id: str | None,
        as_of: datetime,
        known_at: datetime | None = None,
    ) -> list[Story]:
        """Return a transaction's story in each company that has one of its id."""
        return self.stories_of(
            [transaction_id], company_id=company_id, as_of=as_of, known_at=known_at
        )

    def stories_of(
        self,
        names: Sequence[str],
        *,
        company_id: str | None,
        as_of: datetime,
        known_at: datetime | None = None,
    ) -> list[Story]:
        """Return the stories of some transactions; each company is replayed once."""
        until = self.store.position(known_at=known_at)
        found = [
            (state, self.item(state, name, as_of))
            for state in replay(
                self.store, until=until, as_of=as_of, company_id=company_id
            )
            for name in names
            if name in state.company.legs or name in state.company.others
        ]
        rows = [row for _, row in found]
        lost = unwritten(rows)
        copies = [*copies_in(rows, lost)]
        if lost and company_id is not None:
            copies += self._copies_besides(company_id, lost, as_of=as_of, until=until)
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
            if views.position() == until and is_past(views, as_of):
                return written_in(views)(names)
        others = replay(self.store, until=until, as_of=as_of, besides=company_id)
        return self.copies(others, names, as_of)

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
        builder = self.builder(
            deliveries, as_of=as_of, company_id=company_id, selection=selection
        )
        shares = [*builder.shares(parts), *builder.rest()]
        return self.ended(
            builder,
            shares,
            known_at=known_at,
            position=position,
            company_id=company_id,
            poisoned=poisoned if isinstance(poisoned, int) else len(poisoned),
        )

    def builder(
        self,
        deliveries: Sequence[DeliveryRow],
        *,
        as_of: datetime,
        company_id: str | None,
        selection: Selection,
    ) -> ReportBuilder:
        """Return what makes a report's shares, with what deliveries show of them."""
        several = findings_of_deliveries(deliveries)
        return ReportBuilder(
            as_of=as_of,
            selection=selection,
            more_findings=[f for f in several if company_id in (None, f.company_id)],
        )

    def ended(
        self,
        builder: ReportBuilder,
        shares: Iterable[Share],
        *,
        known_at: datetime | None,
        position: int,
        company_id: str | None,
        poisoned: int,
    ) -> Report:
        """Return the report of all shares that its builder has given."""
        quarantine = quarantine_at(self.store, until=position)
        return report_of(
            shares,
            builder.breaks,
            as_of=builder.as_of,
            known_at=known_at,
            selection=builder.selection,
            position=position,
            ruleset=self.rules.label,
            policy=self.policy.edition,
            causes=self.rules,
            unprocessed=quarantine.unprocessed(company_id),
            poisoned=poisoned,
            company_id=company_id,
        )
