"""Evidence to observation to history: read, seen before, or kept unread."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import cache
from typing import Final

import attrs

from reconcile.codat.exchange import Captured, Exchange, Unreadable
from reconcile.domain.case_events import EvidenceQuarantined
from reconcile.history import Batch, History
from reconcile.intake.captures import ReadCapture, UnreadCapture, read_capture
from reconcile.readmodels.quarantine import Quarantine, quarantine_at
from reconcile.storage.evidence import micros
from reconcile.storage.ports import VersionConflictError

CAPTURES_PER_COMMIT: Final = 200
BYTES_PER_COMMIT: Final = 8 * 2**20
TRIES_MAX: Final = 50


@attrs.define(kw_only=True)
class Intake:
    """What became of everything that was taken in."""

    read: int = 0
    seen_before: int = 0
    not_codats: int = 0
    set_aside: int = 0
    unread: list[UnreadCapture] = attrs.field(factory=list)

    @property
    def quarantined(self) -> int:
        """Return how much of it could not be read."""
        return len(self.unread)


def take(
    history: History,
    captured: Iterable[Captured],
    *,
    now: Callable[[], datetime],
    progress: Callable[[int], None] = lambda _: None,
    live: bool = False,
) -> Intake:
    """Take in captures in order, a bounded number in each transaction.

    What was taken in before changes nothing, so an interrupted run is mended by running
    it again. `progress` is told how many captures have been dealt with; `live` are
    those that come as they happen.
    """
    intake = Intake()
    done = 0

    @cache
    def quarantine() -> Quarantine:  # read where something cannot be
        return quarantine_at(history.store, until=history.store.position())

    for some in _chunks(captured):
        pieces: list[ReadCapture] = []
        for capture in some:
            piece = read_capture(capture)
            if piece is None:
                intake.not_codats += 1
            else:
                pieces.append(piece)
        _keep(history, pieces, intake, quarantine, now=now, live=live)
        done += len(some)
        progress(done)
    return intake


def _chunks(captured: Iterable[Captured]) -> Iterator[list[Captured]]:
    """Yield captures as many as one transaction takes, by number and by size."""
    chunk: list[Captured] = []
    size = 0
    for capture in captured:
        chunk.append(capture)
        if isinstance(capture, Unreadable):
            size += len(capture.raw)
        elif isinstance(capture, Exchange):
            size += len(capture.request_body or b"") + len(capture.response_body or b"")
        if len(chunk) >= CAPTURES_PER_COMMIT or size >= BYTES_PER_COMMIT:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _keep(
    history: History,
    pieces: list[ReadCapture],
    intake: Intake,
    quarantine: Callable[[], Quarantine],
    *,
    now: Callable[[], datetime],
    live: bool,
) -> None:
    """Keep what is news of some pieces; decide again after another writer."""
    for attempt in range(TRIES_MAX):
        batch = Batch()
        counts = Intake()
        known = history.recall(
            batch, ((piece.evidence.identity, piece.seen) for piece in pieces)
        )
        for piece in pieces:
            _add(history, batch, piece, known, counts, quarantine, live=live)
        try:
            history.commit(batch, now=now())
        except VersionConflictError:
            if attempt == TRIES_MAX - 1:
                raise
            continue
        intake.read += counts.read
        intake.seen_before += counts.seen_before
        intake.set_aside += counts.set_aside
        intake.unread += counts.unread
        return


def _add(
    history: History,
    batch: Batch,
    piece: ReadCapture,
    known: dict[bytes, int | None],
    counts: Intake,
    quarantine: Callable[[], Quarantine],
    *,
    live: bool,
) -> None:
    evidence = piece.evidence
    observed = None if evidence.observed_at is None else micros(evidence.observed_at)
    new = evidence.identity not in known
    if not new and evidence.kind == "delivery" and observed is not None:
        earliest = known[evidence.identity]
        new = earliest is not None and observed < earliest  # an earlier receipt is news
    if piece.unread is not None:
        if quarantine().is_set_aside(piece.unread.digest):
            counts.set_aside += 1
        else:
            counts.unread.append(piece.unread)
        if new:
            batch.evidence.append(evidence)
            event = EvidenceQuarantined(
                digest=piece.unread.digest,
                reason=piece.unread.reason,
                evidence=evidence.identity.hex(),
            )
            history.add_case_event(
                batch, evidence.company_id, piece.unread.digest, event
            )
    elif new:
        history.observe(batch, evidence, piece.seen, live=live)
        counts.read += 1
    else:
        counts.seen_before += 1
    if new:
        known[evidence.identity] = observed
