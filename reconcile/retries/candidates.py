"""What a plan is made of: each expense not in the books, with all that counts."""

from collections.abc import Mapping
from datetime import datetime

import attrs

from reconcile.domain.vocabulary import Owner
from reconcile.judgement.item import Item
from reconcile.retries.plan import Operation


@attrs.frozen(kw_only=True)
class Payload:
    """What would be sent of an expense: how, its content's digest, and where it stands.

    `evidence` is the identity (hex) of the exchange that holds it, "" for what the host
    supplies corrected.
    """

    dialect: str
    operation: Operation
    noun: str
    content: str
    evidence: str


@attrs.frozen(kw_only=True)
class Candidate:
    """One break, or one open expense of which nothing is under way.

    `sent` counts the calls that sent its content; `poisoned` the attempts that another
    expense of their batch spoilt. `proven`: something that failed as it did was written
    since. `released_by`: a person says it is mended. `changed`: what is sent now is not
    what failed.
    """

    transaction_id: str
    item: Item
    payload: Payload | None
    readable: bool = True  # what the evidence has of it
    cause_owner: Owner | None = None
    passes: bool = False  # its cause passes with time
    sent: int = 0
    last_sent_at: datetime | None = None
    poisoned: int = 0
    is_elsewhere: bool = False
    is_claimed: bool = False  # a duplicate claim of any expense names it
    proven: bool = False
    released_by: str | None = None
    changed: bool = False
    dataset_id: str | None = None  # of what was pushed and never synced
    in_scope: bool = True  # of the causes that the plan is asked for
    read_again_at: datetime | None = None  # it timed out, and may have been written


@attrs.frozen(kw_only=True)
class CompanyCandidates:
    """One company's candidates, and what else of it a plan looks at.

    `sent_today` counts by fingerprint the expenses that were sent again on the day.
    `disproved` are fingerprints that failed again after a person called them mended;
    `probed` those of which an expense is under way. `pushed` are the expenses of each
    dataset that was never synced.
    """

    company_id: str
    candidates: tuple[Candidate, ...] = ()
    sent_today: Mapping[str, int] = attrs.field(factory=dict)
    disproved: frozenset[str] = frozenset()
    probed: frozenset[str] = frozenset()
    pushed: Mapping[str, frozenset[str]] = attrs.field(factory=dict)
