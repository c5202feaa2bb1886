"""Failures that may be in the books all the same: time-outs that were not read again.

Rules: `docs/explanation/judgement.md`, section 10, "Backoff".
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from reconcile.domain.instants import later
from reconcile.domain.policy import DEFAULT
from reconcile.judgement.facts import LegReport
from reconcile.judgement.item import Item

SETTLES_FOR: Final = DEFAULT.settle_for
"""So long after a time-out was first read, a read tells what became of it."""


def read_again_at(item: Item, legs: Iterable[LegReport]) -> datetime | None:
    """Return from when on a read tells whether what timed out was written.

    `legs` are the item's, as pages have them: what a webhook says is no read. None: it
    was read since, or did not time out.
    """
    sync_id = item.timed_out_in
    if sync_id is None:
        return None
    reads = [leg.at for leg in legs if leg.sync_id == sync_id]
    shown = [leg.reported_at for leg in item.legs if leg.sync_id == sync_id]
    first = min(reads or shown, default=None)
    if first is None:
        return None
    due = later(first, SETTLES_FOR)
    return due if max(reads, default=first) < due else None
