"""A live report made while it is read: nobody waits for the last expense.

What is held is one company's items, or a few companies', and the breaks.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import attrs

from reconcile.readmodels.current import current, is_past
from reconcile.report.batches import given_away, in_batches
from reconcile.report.build import Report, ReportStream, Share
from reconcile.report.elsewhere import mark, written_in
from reconcile.report.gather import Reporting
from reconcile.report.selection import Selection
from reconcile.report.wire import company_digest
from reconcile.storage.ports import Snapshot


@contextmanager
def streamed(
    reporting: Reporting,
    *,
    as_of: datetime,
    company_id: str | None,
    selection: Selection,
) -> Iterator[ReportStream | None]:
    """Give the report by all facts, from views that are up to date, as it is made.

    None where some facts lie in the future of `as_of`, or others write the views.
    """
    with reporting.store.reading() as views:
        if not is_past(views, as_of):
            yield None
            return
        making = _Making(reporting, views, as_of, company_id, selection)
        yield ReportStream(as_of=as_of, shares=making.shares(), rest=making.rest)


class _Making:
    """A report on its way: its shares are given once, and kept without items."""

    def __init__(
        self,
        reporting: Reporting,
        views: Snapshot,
        as_of: datetime,
        company_id: str | None,
        selection: Selection,
    ) -> None:
        self._reporting = reporting
        self._views = views
        self._as_of = as_of
        self._company_id = company_id
        self._builder = reporting.builder(
            views.deliveries(), as_of=as_of, company_id=company_id, selection=selection
        )
        self._given: list[Share] = []
        self._ended: Report | None = None

    def shares(self) -> Iterator[Share]:
        """Yield each company's share, with its digest."""
        for share in self._all():
            digest = company_digest(share, as_of=self._as_of)
            self._given.append(attrs.evolve(share, items=(), digest=digest))
            yield attrs.evolve(share, digest=digest)

    def _all(self) -> Iterator[Share]:
        others = written_in(self._views)
        states = current(self._views, company_id=self._company_id)
        for some in in_batches(states):
            parts = [self._reporting.part(state, self._as_of) for state in some]
            mark(parts, others)
            yield from self._builder.shares(given_away(parts))
        yield from self._builder.rest()

    def rest(self) -> Report:
        """Return the report without its items, once all shares were read."""
        if self._ended is None:
            self._ended = self._reporting.ended(
                self._builder,
                self._given,
                known_at=None,
                position=self._views.position(),
                company_id=self._company_id,
                poisoned=len(self._views.poisoned()),
            )
        return self._ended
