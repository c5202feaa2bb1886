"""The events of what people decide: of evidence, of expenses, of causes."""

from datetime import datetime
from typing import ClassVar

import attrs

from reconcile.domain.vocabulary import DecisionKind


@attrs.frozen(kw_only=True)
class EvidenceQuarantined:
    """Evidence was kept that nobody could read; `digest` names its bytes."""

    TOPIC: ClassVar[str] = "case.evidence-quarantined"

    digest: str
    reason: str
    evidence: str


@attrs.frozen(kw_only=True)
class EvidenceReleased:
    """Quarantined evidence was read after all."""

    TOPIC: ClassVar[str] = "case.evidence-released"

    digest: str
    evidence: str


@attrs.frozen(kw_only=True)
class EvidenceSetAside:
    """A person decided that quarantined evidence need not be read."""

    TOPIC: ClassVar[str] = "case.evidence-set-aside"

    digest: str
    actor: str
    reason: str


@attrs.frozen(kw_only=True)
class EvidenceScrubbed:
    """Stored evidence was rewritten: without credentials, and nothing of others.

    `replacement` is the SHA-256 of the bytes that stand there since.
    """

    TOPIC: ClassVar[str] = "case.evidence-scrubbed"

    digest: str
    evidence: str
    replacement: str


@attrs.frozen(kw_only=True)
class ExpenseDecided:
    """A person decided of one expense: see `DecisionKind`."""

    TOPIC: ClassVar[str] = "case.expense-decided"

    transaction_id: str
    decision: DecisionKind
    to: str  # the company it was moved to, else empty
    actor: str
    reason: str
    at: datetime
    evidence: str = ""


@attrs.frozen(kw_only=True)
class CauseMended:
    """A person decided that what one fingerprint stands for is mended, in a company."""

    TOPIC: ClassVar[str] = "case.cause-mended"

    fingerprint: str
    actor: str
    reason: str
    at: datetime
    evidence: str = ""


CaseEvent = EvidenceQuarantined | EvidenceReleased | EvidenceSetAside | EvidenceScrubbed
DecisionEvent = ExpenseDecided | CauseMended
