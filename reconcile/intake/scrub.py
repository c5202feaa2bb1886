"""Takes out of a store what earlier versions kept of others: credentials, bodies, keys.

What is replaced is gone for good, and that it was replaced is in the history. What is
read already says the same after it; what waits in quarantine is still counted, but for
what turns out to be nobody's business of ours.
"""

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import islice
from typing import Final

import attrs

from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import Unreadable
from reconcile.codat.jsons import as_far_as_it_reads, loads
from reconcile.codat.read import is_codats_body
from reconcile.codat.scrubbing import kept_entry, kept_url, not_kept
from reconcile.domain.case_events import (
    EvidenceQuarantined,
    EvidenceReleased,
    EvidenceScrubbed,
)
from reconcile.errors import PayloadError
from reconcile.history import Batch, History
from reconcile.intake.captures import UNRECOGNISED_DELIVERY, read_capture
from reconcile.intake.reprocess import exchange_in
from reconcile.readmodels.quarantine import QuarantinedEvidence, quarantine_at
from reconcile.storage.evidence import Evidence

PIECES_PER_COMMIT: Final = 200


@attrs.define(kw_only=True)
class Scrubbing:
    """What became of a store: how many pieces were rewritten, and how many let go.

    `untrusted` counts refused deliveries of which the body was taken out. `vacuum` is
    the SQL by which the owner of a PostgreSQL store has the server let go of the old
    bytes, which it keeps for a while; empty for a file, which has let go of them.
    """

    rewritten: int = 0
    released: int = 0
    untrusted: int = 0
    vacuum: str = ""


@attrs.frozen(kw_only=True)
class _Change:
    """One piece of evidence as it is to be kept, and in which quarantine it is."""

    evidence: Evidence
    digest: str = ""  # under which it is quarantined; its own identity where it is not
    waiting: QuarantinedEvidence | None = None
    is_ours: bool = True


def scrub(history: History, *, now: Callable[[], datetime]) -> Scrubbing:
    """Rewrite what is stored as today's rules would keep it; running it again mends."""
    result = Scrubbing()
    found = _changes(history)
    while changes := list(islice(found, PIECES_PER_COMMIT)):
        batch = Batch()
        for change in changes:
            _record(history, batch, change)
            result.rewritten += 1
            result.released += not change.is_ours
        history.commit(batch, now=now())
        history.store.rewrite([change.evidence for change in changes])
    result.untrusted = history.store.untrusted().forget_bodies(unless=is_codats_body)
    result.vacuum = history.store.compact()
    return result


def _record(history: History, batch: Batch, change: _Change) -> None:
    identity = change.evidence.identity.hex()
    digest = change.digest or identity
    before = None if change.waiting is None else change.waiting.company_id
    company_id = change.evidence.company_id
    body = change.evidence.request_body or b""
    scrubbed = EvidenceScrubbed(
        digest=digest, evidence=identity, replacement=hashlib.sha256(body).hexdigest()
    )
    history.add_case_event(batch, before, digest, scrubbed)
    if change.waiting is None or (change.is_ours and before == company_id):
        return
    released = EvidenceReleased(digest=digest, evidence=identity)
    history.add_case_event(batch, before, digest, released)
    if change.is_ours:
        again = EvidenceQuarantined(
            digest=digest, reason=change.waiting.reason, evidence=identity
        )
        history.add_case_event(batch, company_id, digest, again)


def _changes(history: History) -> Iterator[_Change]:
    """Yield what is stored otherwise than it would be today."""
    store = history.store
    quarantine = quarantine_at(store, until=store.position())
    unread = {
        identity: (digest, piece)
        for digest, pieces in quarantine.by_digest.items()
        for identity, piece in pieces.items()
    }
    for key in store.evidence_keys():
        digest, waiting = unread.get(key.identity.hex(), ("", None))
        clean = kept_url(key.method, key.url) == key.url
        if key.kind != "bytes" and waiting is None and clean:
            continue
        evidence = store.evidence(key.identity)
        if evidence is None:
            continue
        today, is_ours = as_today(evidence, waiting)
        if today != evidence:
            yield _Change(
                evidence=today, digest=digest, waiting=waiting, is_ours=is_ours
            )


def as_today(
    evidence: Evidence, waiting: QuarantinedEvidence | None
) -> tuple[Evidence, bool]:
    """Return evidence as it would be kept today, and whether it is ours at all."""
    if evidence.kind == "bytes":
        return _bytes_as_today(evidence, waiting)
    url = kept_url(evidence.method, evidence.url)
    evidence = attrs.evolve(evidence, url=url)
    if waiting is None or read_capture(exchange_in(evidence)) is not None:
        return evidence, True
    return _not_ours(evidence), False


def _bytes_as_today(
    evidence: Evidence, waiting: QuarantinedEvidence | None
) -> tuple[Evidence, bool]:
    raw = evidence.request_body or b""
    if waiting is not None and waiting.reason == UNRECOGNISED_DELIVERY:
        return evidence, True  # it was signed with Codat's secret
    found = read_entry(raw)
    if isinstance(found, Unreadable):
        return _with(evidence, found.raw, found.company_id), True
    piece = read_capture(found)
    if piece is None:  # a piece cut out of a document may have held more
        return _with(evidence, not_kept(raw), None), not _is_json(raw)
    entry = kept_entry(as_far_as_it_reads(raw))
    return _with(evidence, entry, piece.evidence.company_id), True


def _with(evidence: Evidence, body: bytes, company_id: str | None) -> Evidence:
    return attrs.evolve(evidence, request_body=body, company_id=company_id)


def _not_ours(evidence: Evidence) -> Evidence:
    return attrs.evolve(
        evidence,
        request_body=not_kept(evidence.request_body or b""),
        response_body=None,
        headers=(),
    )


def _is_json(raw: bytes) -> bool:
    try:
        loads(raw)
    except PayloadError:
        return False
    return True
