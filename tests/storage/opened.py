"""What the tests of the store write into it."""

from datetime import datetime

from reconcile.domain.events import SyncStarted
from reconcile.storage.codec import Envelope
from reconcile.storage.evidence import Evidence
from tests.builders import at

STARTED = SyncStarted(at=at(0), evidence="")


def begun(version: int) -> Envelope:
    """Return the event of one stream at a version."""
    return Envelope("sync:c:s", version, STARTED)


def filled(
    body: bytes | None,
    *,
    identity: bytes = b"e" * 32,
    observed_at: datetime | None = None,
    answer: bytes | None = None,
    url: str = "",
) -> Evidence:
    """Return evidence with bodies."""
    return Evidence(
        identity=identity,
        kind="bytes" if observed_at is None else "exchange",
        observed_at=observed_at,
        company_id=None,
        method="" if observed_at is None else "GET",
        url=url,
        request_body=body,
        response_body=answer,
    )
