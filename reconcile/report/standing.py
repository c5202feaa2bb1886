"""What stands now of some companies, from one read: their shares of the report.

A report judged every company again, of which most have heard nothing since; here, who
holds what stood before asks for those alone that may stand otherwise.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.projections.summaries import Finding, findings_of_deliveries
from reconcile.readmodels.current import current_companies
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.report.batches import given_away, in_batches
from reconcile.report.build import Share, share_of
from reconcile.report.elsewhere import mark, written_in
from reconcile.report.gather import Reporting
from reconcile.report.selection import ALL
from reconcile.report.turning import turns_at
from reconcile.report.wire import company_digest
from reconcile.storage.ports import Snapshot

AHEAD_MAX: Final = timedelta(minutes=5)
"""So far may another machine's clock be ahead: what stands, stands as of its time."""


@attrs.frozen(kw_only=True)
class StandingShare:
    """One company's share with its digest, and when the clock may change it next."""

    share: Share
    turns_at: datetime | None


class StandingReport:
    """The report by all facts, of which any companies can be asked for."""

    def __init__(self, reporting: Reporting, views: Snapshot, as_of: datetime) -> None:
        self.as_of = as_of
        self.position = views.position()
        self._reporting = reporting
        self._views = views
        self.beside: Mapping[str, frozenset[Finding]] = _by_company(
            findings_of_deliveries(views.deliveries())
        )

    def companies(self) -> list[str]:
        """Return every company of which something may be told, sorted."""
        return sorted({*self._views.companies(), *self.beside})

    def poisoned(self) -> int:
        """Return how many events cannot be read."""
        return len(self._views.poisoned())

    def unprocessed(self) -> int:
        """Return how many distinct pieces of evidence nobody could read."""
        return quarantine_at(self._reporting.store, until=self.position).unprocessed()

    def shares(self, company_ids: Iterable[str]) -> Iterator[StandingShare]:
        """Yield the shares of companies in their order, a few held at a time."""
        for names in in_batches(company_ids):
            yield from self._some(names)

    def _some(self, names: Sequence[str]) -> Iterator[StandingShare]:
        reporting, as_of = self._reporting, self.as_of
        parts = []
        turns = []
        for state in current_companies(self._views, names):
            part = reporting.part(state, as_of)
            parts.append(part)
            turns.append(
                turns_at(state, part.items, as_of=as_of, policy=reporting.policy)
            )
        mark(parts, written_in(self._views))
        for turn, part in zip(turns, given_away(parts), strict=True):
            more = self.beside.get(part.company_id, frozenset())
            share, _ = share_of(part, more, as_of=as_of, selection=ALL)
            digest = company_digest(share, as_of=as_of)
            yield StandingShare(share=attrs.evolve(share, digest=digest), turns_at=turn)


@contextmanager
def standing(
    reporting: Reporting, *, now: Callable[[], datetime]
) -> Iterator[StandingReport | None]:
    """Give what stands now, by views that are up to date.

    As of now, or of the last fact where another clock is a little ahead. None where
    facts lie further in the future, or others write the views.
    """
    with reporting.store.reading() as views:
        newest = views.newest()
        as_of = now()
        if newest is not None and as_of < newest <= as_of + AHEAD_MAX:
            as_of = newest
        if not views.is_even() or (newest is not None and newest > as_of):
            yield None
            return
        yield StandingReport(reporting, views, as_of)


def _by_company(findings: Iterable[Finding]) -> dict[str, frozenset[Finding]]:
    found: dict[str, set[Finding]] = {}
    for finding in findings:
        found.setdefault(finding.company_id or "", set()).add(finding)
    return {name: frozenset(some) for name, some in found.items()}
