"""What a plan is made of: the expenses not in the books, with all that counts.

What a call, a page or a person says is said of many expenses at once. So those of which
the same is known are held as one, and what becomes of them is decided once.
"""

from collections.abc import Mapping
from datetime import datetime

import attrs

from reconcile.domain.vocabulary import Owner
from reconcile.judgement.item import Item
from reconcile.retries.plan import Operation


@attrs.frozen(kw_only=True)
class Payload:
    """What would be sent of expenses: how, and where it stands.

    `evidence` is the identity (hex) of the exchange that holds it, "" for what the host
    supplies corrected.
    """

    dialect: str
    operation: Operation
    noun: str
    evidence: str


@attrs.frozen(kw_only=True, eq=False)
class Alike:
    """Breaks, or open expenses of which nothing is under way, that are alike.

    `contents` has each by its id, with the digest of what would be sent of it, "" where
    nothing would; all else that counts for a plan is the same for all of them.

    `sent` counts the calls that sent such a content; `poisoned` the attempts that
    another expense of their batch spoilt. `proven`: something that failed as they did
    was written since. `released_by`: a person says it is mended. `changed`: what is
    sent now is not what failed.
    """

    contents: Mapping[str, str]
    item: Item
    payload: Payload | None
    readable: bool = True  # what the evidence has of them
    cause_owner: Owner | None = None
    passes: bool = False  # their cause passes with time
    sent: int = 0
    last_sent_at: datetime | None = None
    poisoned: int = 0
    is_elsewhere: bool = False
    is_claimed: bool = False  # a duplicate claim of any expense names them
    proven: bool = False
    released_by: str | None = None
    changed: bool = False
    dataset_id: str | None = None  # of what was pushed and never synced
    in_scope: bool = True  # of the causes that the plan is asked for
    read_again_at: datetime | None = None  # they timed out, and may have been written

    @property
    def probes(self) -> bool:
        """Return whether one of their kind is to be tried before the others."""
        if self.proven or self.changed or self.item.fingerprint is None:
            return False
        return self.passes or self.released_by is not None


@attrs.frozen(kw_only=True)
class CompanyCandidates:
    """One company's candidates, and what else of it a plan looks at.

    `sent_today` counts by fingerprint the expenses that were sent again on the day.
    `disproved` are fingerprints that failed again after a person called them mended;
    `probed` those of which an expense is under way. `pushed` are the expenses of each
    dataset that was never synced.
    """

    company_id: str
    candidates: tuple[Alike, ...] = ()
    sent_today: Mapping[str, int] = attrs.field(factory=dict)
    disproved: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()
    pushed: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
