"""What all answers rest on: the evidence that is stored, counted by kind."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Final

import attrs

from reconcile.console.pages.visit import Visit
from reconcile.console.works import StillCounting
from reconcile.reconciler import Reconciler

KEY: Final = "evidence-counts"
FRESH_FOR_S: Final = 60.0
"""So long is a count shown again."""
WAIT_S: Final = 0.5
KINDS: Final = (
    "Requests of ours, with their answers",
    "Pages and statuses that we read",
    "Webhooks",
    "What could not be read as traffic",
)


@attrs.frozen(kw_only=True)
class EvidenceInStore:
    """How many pieces of evidence are stored, by kind in words, and when that was."""

    at: datetime
    kinds: Mapping[str, int]

    @property
    def pieces(self) -> int:
        """Return how many there are."""
        return sum(self.kinds.values())


def stored_evidence(visit: Visit) -> EvidenceInStore | None:
    """Return what is stored; None while it is still being counted."""
    try:
        return visit.jobs.result(KEY, _counted, lasts_s=FRESH_FOR_S, wait_s=WAIT_S)
    except StillCounting:
        return None


def _counted(books: Reconciler) -> EvidenceInStore:
    kinds = Counter(dict.fromkeys(KINDS, 0))
    for (kind, method), number in books.store.evidence_counts().items():
        kinds[_name(kind, method)] += number
    return EvidenceInStore(at=books.now(), kinds=kinds)


def _name(kind: str, method: str) -> str:
    sent, read, webhooks, bare = KINDS
    match kind:
        case "delivery":
            return webhooks
        case "exchange":
            return read if method.upper() in ("GET", "HEAD") else sent
        case _:
            return bare
