"""The transactions of a sync, from the pages that are stored: nothing is asked for."""

from collections.abc import Iterable
from typing import NamedTuple

from reconcile.domain.events import (
    LegsReported,
    LegsReread,
    Recorded,
    SyncCompleted,
    SyncFailed,
)
from reconcile.domain.rows import rows_in
from reconcile.projections.rereads import RowsByEvent, rows_of


class _Page(NamedTuple):
    size: int | None
    total: int | None
    names: frozenset[str]


def names_listed(stream: Iterable[Recorded]) -> frozenset[str] | None:
    """Return the transactions of a sync that was listed whole once it had ended.

    A listing is whole where its pages follow each other, agree about the total, and are
    as many as it needs. None: none is.
    """
    ended = False
    rows = RowsByEvent()
    pages: dict[int, _Page] = {}
    for recorded in stream:
        event, original = recorded.event, rows.take(recorded)
        if isinstance(event, SyncCompleted | SyncFailed):
            ended = True
        if not isinstance(event, LegsReported | LegsReread) or event.origin != "page":
            continue
        if ended and event.page is not None and not event.unread:
            if event.page == 1:
                pages.clear()
            found = rows_in(rows_of(recorded, original=original))
            names = frozenset(row[0] for row in found)
            pages[event.page] = _Page(event.page_size, event.total, names)
    if sorted(pages) != [*range(1, len(pages) + 1)] or not pages:
        return None
    size, total, _ = pages[1]
    if not size or total is None or any(p[:2] != (size, total) for p in pages.values()):
        return None
    if len(pages) != max(1, -(-total // size)):
        return None
    return frozenset[str]().union(*(page.names for page in pages.values()))
