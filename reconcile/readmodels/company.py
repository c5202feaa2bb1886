"""One company's working set, however it came about: from tables or from events."""

from collections.abc import Callable, Iterable
from datetime import datetime

import attrs

from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.folds import CompanyFacts
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import SyncSummary


@attrs.define(kw_only=True)
class CompanyState:
    """One company: its facts, and its syncs as judgement sees them.

    `current()` makes it from the view tables, `replay()` from events. `summaries`
    gives the syncs known by a moment; from the tables that moment may not lie before
    the last fact. Only a replay fills `deliveries` and `poisoned`: the tables hold them
    for all companies together.
    """

    company: CompanyFacts
    contexts: dict[str, SyncContext] = attrs.field(factory=dict)
    summaries: Callable[[datetime], Iterable[SyncSummary]]
    deliveries: list[tuple[datetime, DeliveryRow]] = attrs.field(factory=list)
    poisoned: list[int] = attrs.field(factory=list)
