"""Evidence to observation to history: read, seen before, or kept unread."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Final

import attrs
import msgspec

from reconcile.codat.deliveries import delivery_id, is_delivery, read_delivery
from reconcile.codat.exchange import Exchange, Unreadable
from reconcile.codat.har import Captured, read_entry
from reconcile.codat.payloads import DROPPED, read_exchange
from reconcile.codat.routes import Route, route_of
from reconcile.domain.events import EvidenceQuarantined, EvidenceReleased
from reconcile.domain.observations import Observation
from reconcile.errors import PayloadError
from reconcile.history import Batch, History
from reconcile.quarantine import Quarantine, quarantine_at
from reconcile.storage.evidence import Evidence, digest_of, micros
from reconcile.storage.store import VersionConflictError

CAPTURES_PER_COMMIT: Final = 200
BYTES_PER_COMMIT: Final = 8 * 2**20
TRIES_MAX: Final = 50
HEADERS_KEPT: Final = frozenset(
    {
        "content-type",
        "idempotency-key",
        "svix-id",
        "svix-signature",
        "svix-timestamp",
        "webhook-id",
        "webhook-signature",
        "webhook-timestamp",
        "x-codat-clientid",
    }
)


@attrs.frozen(kw_only=True)
class Unread:
    """One piece of evidence that could not be read: where it stood and why."""

    where: str
    digest: str
    reason: str


@attrs.define(kw_only=True)
class Intake:
    """What became of everything that was taken in."""

    read: int = 0
    seen_before: int = 0
    not_codats: int = 0
    set_aside: int = 0
    unread: list[Unread] = attrs.field(factory=list)

    @property
    def quarantined(self) -> int:
        """Return how much of it could not be read."""
        return len(self.unread)


@attrs.frozen(kw_only=True)
class _Piece:
    """A capture on its way in: its evidence, what it says or why that is unknown."""

    evidence: Evidence
    seen: tuple[Observation, ...] = ()
    unread: Unread | None = None


def take(
    history: History,
    captured: Iterable[Captured],
    *,
    now: Callable[[], datetime],
    progress: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Take in captures in order, a bounded number in each transaction.

    What was taken in before changes nothing, so an interrupted run is mended by running
    it again. `progress` is told how many captures have been dealt with.
    """
    intake = Intake()
    quarantine = quarantine_at(history.store, until=history.store.position())
    done = 0
    for some in _chunks(captured):
        pieces: list[_Piece] = []
        for one in some:
            piece = _piece(one)
            if piece is None:
                intake.not_codats += 1
            else:
                pieces.append(piece)
        _keep(history, pieces, intake, quarantine, now=now)
        done += len(some)
        progress(done)
    return intake


def _chunks(captured: Iterable[Captured]) -> Iterator[list[Captured]]:
    """Yield captures as many as one transaction takes, by number and by size."""
    chunk: list[Captured] = []
    size = 0
    for one in captured:
        chunk.append(one)
        if isinstance(one, Unreadable):
            size += len(one.raw)
        else:
            size += len(one.request_body or b"") + len(one.response_body or b"")
        if len(chunk) >= CAPTURES_PER_COMMIT or size >= BYTES_PER_COMMIT:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _keep(
    history: History,
    pieces: list[_Piece],
    intake: Intake,
    quarantine: Quarantine,
    *,
    now: Callable[[], datetime],
) -> None:
    """Keep what is news of some pieces; decide again after another writer."""
    for attempt in range(TRIES_MAX):
        batch = Batch()
        told = Intake()
        held = history.store.known(piece.evidence.identity for piece in pieces)
        for piece in pieces:
            _add(history, batch, piece, held, told, quarantine)
        try:
            history.commit(batch, now=now())
        except VersionConflictError:
            if attempt == TRIES_MAX - 1:
                raise
            continue
        intake.read += told.read
        intake.seen_before += told.seen_before
        intake.set_aside += told.set_aside
        intake.unread += told.unread
        return


def _add(
    history: History,
    batch: Batch,
    piece: _Piece,
    held: dict[bytes, int | None],
    told: Intake,
    quarantine: Quarantine,
) -> None:
    evidence = piece.evidence
    observed = None if evidence.observed_at is None else micros(evidence.observed_at)
    new = evidence.identity not in held
    if not new and evidence.kind == "delivery" and observed is not None:
        earliest = held[evidence.identity]
        new = earliest is not None and observed < earliest  # an earlier receipt is news
    if piece.unread is not None:
        if quarantine.is_set_aside(piece.unread.digest):
            told.set_aside += 1
        else:
            told.unread.append(piece.unread)
        if new:
            batch.evidence.append(evidence)
            event = EvidenceQuarantined(
                digest=piece.unread.digest,
                reason=piece.unread.reason,
                evidence=evidence.identity.hex(),
            )
            history.note(batch, evidence.company_id, piece.unread.digest, event)
    elif new:
        history.observe(batch, evidence, piece.seen)
        told.read += 1
    else:
        told.seen_before += 1
    if new:
        held[evidence.identity] = observed


def _piece(captured: Captured) -> _Piece | None:
    """Return what a capture brings; None where it is no traffic of Codat's."""
    if isinstance(captured, Unreadable):
        digest = _entry_digest(captured.raw)
        unread = Unread(where=captured.where, digest=digest, reason=captured.reason)
        evidence = Evidence(
            identity=bytes.fromhex(digest),
            kind="bytes",
            observed_at=None,
            company_id=None,
            request_body=captured.raw,
        )
        return _Piece(evidence=evidence, unread=unread)
    route = route_of(captured.method, captured.url)
    if route is not None:
        return _of_exchange(captured, route)
    return _of_delivery(captured) if is_delivery(captured) else None


def _of_exchange(exchange: Exchange, route: Route) -> _Piece:
    request_digest = digest_of(exchange.request_body or b"")
    response_digest = (
        b"dropped"  # not the same fact as an answer that had no body
        if exchange.body_dropped
        else digest_of(exchange.response_body or b"")
    )
    identity = hashlib.sha256(
        b"\n".join(
            (
                b"exchange",
                exchange.method.encode(),
                route.target.encode("utf-8", "surrogatepass"),
                request_digest,
                str(exchange.status).encode(),
                response_digest,
                str(micros(exchange.observed_at)).encode(),
            )
        )
    ).digest()
    evidence = _evidence("exchange", identity, exchange, route.company_id)
    try:
        seen = read_exchange(exchange, route, request_id=identity.hex())
    except PayloadError as error:
        bodiless = not exchange.response_body
        digest = error.digest or (identity if bodiless else response_digest).hex()
        return _Piece(
            evidence=evidence,
            unread=Unread(
                where=f"{exchange.method} {exchange.url}",
                digest=digest,
                reason=str(error),
            ),
        )
    return _Piece(evidence=evidence, seen=seen)


def _of_delivery(exchange: Exchange) -> _Piece:
    body = exchange.request_body or b""
    body_digest = digest_of(body)
    header_id = delivery_id(exchange)
    named = b"" if header_id is None else header_id.encode("utf-8", "surrogatepass")
    identity = hashlib.sha256(b"\n".join((b"delivery", named, body_digest))).digest()
    evidence = _evidence("delivery", identity, exchange, None)
    try:
        seen = read_delivery(
            body,
            delivery=identity.hex(),
            header_id=header_id,
            body_digest=body_digest.hex(),
            observed_at=exchange.observed_at,
        )
    except PayloadError as error:
        return _Piece(
            evidence=evidence,
            unread=Unread(
                where=f"delivery to {exchange.url}",
                digest=(body_digest if body else identity).hex(),
                reason=str(error),
            ),
        )
    company_id = seen[0].company_id if seen else None
    return _Piece(evidence=attrs.evolve(evidence, company_id=company_id), seen=seen)


def _evidence(
    kind: str, identity: bytes, exchange: Exchange, company_id: str | None
) -> Evidence:
    return Evidence(
        identity=identity,
        kind=kind,
        observed_at=exchange.observed_at,
        company_id=company_id,
        method=exchange.method,
        url=exchange.url,
        status=exchange.status,
        headers=tuple(
            (name.lower(), value)
            for name, value in exchange.request_headers
            if name.lower() in HEADERS_KEPT
        ),
        request_body=exchange.request_body,
        response_body=exchange.response_body,
    )


def _entry_digest(raw: bytes) -> str:
    """Return the digest of bytes that are no entry: of their JSON, where they are JSON.

    So one broken entry is one piece of evidence, however the capture was indented.
    """
    try:
        data = msgspec.json.decode(raw)
        raw = msgspec.json.encode(data, order="sorted")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        pass
    return hashlib.sha256(raw).hexdigest()


def reprocess(
    history: History,
    *,
    now: Callable[[], datetime],
    progress: Callable[[int], None] = lambda _: None,
) -> Intake:
    """Read again what is in quarantine and not set aside."""
    intake = Intake()
    quarantine = quarantine_at(history.store, until=history.store.position())
    waiting = list(quarantine.waiting())
    for done, (digest, held) in enumerate(waiting, start=1):
        evidence = history.store.evidence(bytes.fromhex(held.evidence))
        if evidence is None:
            continue
        piece = _again(evidence, dropped=held.reason == DROPPED)
        if piece is None or piece.unread is not None:
            reason = (
                held.reason
                if piece is None or piece.unread is None
                else piece.unread.reason
            )
            where = piece.unread.where if piece is not None and piece.unread else ""
            intake.unread.append(Unread(where=where, digest=digest, reason=reason))
        else:
            batch = Batch()
            history.observe(batch, piece.evidence, piece.seen)
            if piece.evidence.identity == evidence.identity:
                batch.evidence.clear()  # it is held already
            event = EvidenceReleased(digest=digest, evidence=held.evidence)
            history.note(batch, held.company_id, digest, event)
            history.commit(batch, now=now())
            intake.read += 1
        progress(done)
    return intake


def _again(evidence: Evidence, *, dropped: bool) -> _Piece | None:
    if evidence.kind == "bytes":
        return _piece(read_entry(evidence.request_body or b""))
    assert evidence.observed_at is not None
    return _piece(
        Exchange(
            method=evidence.method,
            url=evidence.url,
            request_headers=evidence.headers,
            request_body=evidence.request_body,
            status=evidence.status,
            response_body=evidence.response_body,
            body_dropped=dropped,
            observed_at=evidence.observed_at,
        )
    )
