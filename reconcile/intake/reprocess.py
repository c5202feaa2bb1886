"""Read again what is in quarantine: after a mended reader, nothing has been lost."""

from collections.abc import Callable, Sequence
from datetime import datetime

from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import Exchange
from reconcile.domain.case_events import EvidenceReleased
from reconcile.domain.observations import Observation
from reconcile.history import Batch, History
from reconcile.intake.captures import (
    ReadCapture,
    UnreadCapture,
    entry_digest,
    read_capture,
)
from reconcile.intake.take import TRIES_MAX, Intake
from reconcile.readmodels.quarantine import QuarantinedEvidence, quarantine_at
from reconcile.storage.evidence import Evidence
from reconcile.storage.ports import VersionConflictError


def reprocess(
    history: History,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Read again what is in quarantine and not set aside."""
    intake = Intake()
    quarantine = quarantine_at(history.store, until=history.store.position())
    for done, (digest, quarantined) in enumerate(list(quarantine.waiting()), start=1):
        evidence = history.store.evidence(bytes.fromhex(quarantined.evidence))
        if evidence is None:
            continue
        piece = read_again(evidence)
        if piece is None:
            unread = UnreadCapture(where="", digest=digest, reason=quarantined.reason)
            intake.unread.append(unread)
        elif piece.unread is not None:
            intake.unread.append(
                UnreadCapture(
                    where=piece.unread.where, digest=digest, reason=piece.unread.reason
                )
            )
        else:
            _release(history, piece, digest, quarantined, now=now)
            intake.read += 1
        progress(done)
    return intake


def _release(
    history: History,
    piece: ReadCapture,
    digest: str,
    quarantined: QuarantinedEvidence,
    *,
    now: Callable[[], datetime],
) -> None:
    """Take in what a piece says; again, where another writer was quicker."""
    for attempt in range(TRIES_MAX):
        waiting = quarantine_at(history.store, until=history.store.position())
        if quarantined.evidence not in waiting.by_digest.get(digest, {}):
            return  # the other writer was reading it again too
        batch = Batch()
        history.observe(batch, piece.evidence, piece.seen)
        if piece.evidence.identity.hex() == quarantined.evidence:
            batch.evidence.clear()  # it is held already
        event = EvidenceReleased(digest=digest, evidence=quarantined.evidence)
        history.add_case_event(batch, quarantined.company_id, digest, event)
        try:
            history.commit(batch, now=now())
        except VersionConflictError:
            if attempt == TRIES_MAX - 1:
                raise
            continue
        return


def read_again(evidence: Evidence) -> ReadCapture | None:
    """Return what stored evidence says, read anew; None: nothing of Codat's."""
    if evidence.kind == "bytes":
        return read_capture(read_entry(evidence.request_body or b""))
    return read_capture(exchange_in(evidence))


def said_by(evidence: Evidence) -> tuple[bytes, str | None, str, Sequence[Observation]]:
    """Return stored evidence as it is read anew: identity, company, what it says.

    The third is the digest under which it is quarantined, "" where it can be read. All
    are empty where it is no traffic of Codat's any more.
    """
    if evidence.kind == "bytes":
        digest = entry_digest(evidence.request_body or b"")
        return bytes.fromhex(digest), evidence.company_id, digest, ()
    piece = read_again(evidence)
    if piece is None:
        return b"", None, "", ()
    unread = "" if piece.unread is None else piece.unread.digest
    return piece.evidence.identity, piece.evidence.company_id, unread, piece.seen


def exchange_in(evidence: Evidence) -> Exchange:
    """Return the exchange that is stored as evidence, which is no mere bytes."""
    assert evidence.observed_at is not None
    return Exchange(
        method=evidence.method,
        url=evidence.url,
        request_headers=evidence.headers,
        request_body=evidence.request_body,
        status=evidence.status,
        response_headers=evidence.headers,
        response_body=evidence.response_body,
        body_dropped=evidence.body_dropped,
        observed_at=evidence.observed_at,
    )
