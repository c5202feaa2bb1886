"""Setting evidence aside: bytes in quarantine that nobody needs to read."""

from datetime import datetime

from reconcile.cases.deciding import check_person
from reconcile.domain.events import EvidenceSetAside
from reconcile.errors import UsageError
from reconcile.history import Batch, History
from reconcile.readmodels.quarantine import quarantine_at


def set_aside(
    history: History, digest: str, *, actor: str, reason: str, now: datetime
) -> None:
    """Decide that quarantined bytes need not be read.

    Raises:
        UsageError: no quarantined evidence has that digest, or a name is blank.

    """
    check_person("set aside", actor=actor, reason=reason)
    wanted = digest.removeprefix("sha256:").lower()
    quarantine = quarantine_at(history.store, until=history.store.position())
    companies = {
        evidence.company_id for name, evidence in quarantine.waiting() if name == wanted
    }
    if not companies:
        raise UsageError(f"{digest!r} is not the digest of evidence in quarantine")
    batch = Batch()
    event = EvidenceSetAside(digest=wanted, actor=actor, reason=reason)
    for company in sorted(companies, key=lambda company_id: company_id or ""):
        history.add_case_event(batch, company, wanted, event)
    history.commit(batch, now=now)
