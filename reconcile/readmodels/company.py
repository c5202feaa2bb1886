"""One company's working set, however it came about: from tables or from events."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

import attrs

from reconcile.judgement.contents import Shown
from reconcile.judgement.facts import SentContent
from reconcile.judgement.item import Item
from reconcile.judgement.listing import KeysOf
from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.folds import CompanyFacts
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import SyncSummary


@attrs.define(kw_only=True)
class CompanyState:
    """One company: its facts, and its syncs as judgement sees them.

    `current()` makes it from the view tables, `replay()` from events. `summaries`
    gives the syncs known by a moment; from the tables that moment may not lie before
    the last fact, as that of `shown`, which gives what stands for items; `sent`
    gives each sending of it. Only a replay fills `deliveries` and `poisoned`, which
    tables hold for all companies together, and `keys_of`, the legs of each reading.
    """

    company: CompanyFacts
    contexts: dict[str, SyncContext] = attrs.field(factory=dict)
    summaries: Callable[[datetime], Iterable[SyncSummary]]
    shown: Callable[[Sequence[str], Sequence[Item], datetime], Sequence[Shown | None]]
    sent: Callable[[str], tuple[SentContent, ...]]
    deliveries: list[tuple[datetime, DeliveryRow]] = attrs.field(factory=list)
    poisoned: list[int] = attrs.field(factory=list)
    keys_of: KeysOf | None = None
