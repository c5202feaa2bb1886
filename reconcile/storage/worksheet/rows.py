"""The rows of a worksheet, as they are written and read: plain values, no judgement.

Moments are microseconds since 1970, UTC. `issued` is the day of issue, "" for none.
"""

from typing import NamedTuple


class SheetLine(NamedTuple):
    """One expense: all that a list shows of it, and all that it is found by."""

    company_id: str
    transaction_id: str
    state: str
    kind: str | None
    cause: str | None
    fingerprint: str | None
    owner: str | None
    verdict: str
    action: str
    attempts: int
    expected: int
    half_booked: int
    waits: int
    differs: int
    broken_since: int | None
    changes_at: int | None
    changes_to: str | None
    not_before: int | None
    first_sent_at: int | None
    last_sent_at: int | None
    sync_id: str | None
    blocked_by: str | None
    decision: str | None  # what a person decided
    decided_by: str | None  # who
    decided_at: int | None
    reason: str
    message: str | None  # Codat's, or of the accounting software; of breaks alone
    type: str | None
    currency: str | None
    amount: str | None
    unpriced: int  # its amount cannot be added up, or it has none
    whole: int
    billionths: int
    places: int
    odd: str | None  # an amount that has no parts
    size: float  # by which amounts are in order; the lowest where there is none
    issued: str
    merchant: str | None
    reference: str | None
    words: str  # of merchant and reference, case folded
    aged: int  # in the order of age: `broken_since` backwards, the lowest for none
    content: bytes  # the beginning of the digest of what it says, b"" for none
    seen: bytes  # a digest of how it stands


class Tally(NamedTuple):
    """Lines of one company that are alike in all that figures are cut by."""

    issued: str
    state: str
    kind: str | None
    cause: str | None
    fingerprint: str | None
    owner: str | None
    verdict: str
    action: str
    half_booked: int
    type: str | None
    currency: str | None
    unpriced: int  # all of them or none
    items: int
    expected: int
    whole: int
    billionths: int
    places: int
    odd: str | None  # a sum that has no parts
    first_at: int | None  # since when the first of them is broken
    last_at: int | None


class CompanyLine(NamedTuple):
    """One company: where it stands, and when the clock alone may change it."""

    company_id: str
    position: int
    judged_at: int
    turns_at: int | None
    beside: str  # a digest of what deliveries show of it
    share_digest: str  # of its share of the report at `judged_at`
    ages: int  # that digest is another at each moment: something is broken
    rows_digest: str  # of its rows, whatever the moment


class SyncLine(NamedTuple):
    """One sync as a report shows it."""

    company_id: str
    sync_id: str
    state: str
    status_code: int | None
    status: str | None
    listing: str
    expected: int
    reported: int
    promised: int | None
    seen: int | None


class FindingLine(NamedTuple):
    """One finding; `place` is its order in the company's share."""

    company_id: str
    place: int
    kind: str
    finding_company: str | None
    sync_id: str | None
    transaction_id: str | None
    reason: str


class SheetHead(NamedTuple):
    """What a whole worksheet stands on."""

    label: str  # of everything that made it: version, rules, policy, store
    anchor: str  # of the last event it stands on
    position: int
    as_of: int
    known_at: int | None
    ruleset: str
    policy: str
    unprocessed: int
    poisoned: int
    is_past: int  # every fact lay in the past of `as_of`
    digest: str | None  # of the report at `as_of`, where it was taken
    generation: str  # a name for this making of the file
