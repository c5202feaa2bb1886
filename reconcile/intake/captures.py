"""Captures to pieces: the evidence of each, and what it says or why it is unread."""

import hashlib
from typing import Final

import attrs
import msgspec

from reconcile.codat.exchange import (
    TOO_MANY,
    Captured,
    Exchange,
    OtherTraffic,
    Unreadable,
)
from reconcile.codat.headers import Headers
from reconcile.codat.read import Read, read
from reconcile.codat.scrubbing import HEADERS_KEPT, kept_of_pairs, kept_url
from reconcile.domain.observations import Observation
from reconcile.errors import PayloadError
from reconcile.storage.evidence import Evidence, digest_of, micros

UNRECOGNISED_DELIVERY: Final = "the delivery cannot be recognised as a Codat webhook"
"""Of one that was signed with Codat's secret. It is stored: never reword it."""


@attrs.frozen(kw_only=True)
class UnreadCapture:
    """One piece of evidence that could not be read: where it stood and why."""

    where: str
    digest: str
    reason: str


@attrs.frozen(kw_only=True)
class ReadCapture:
    """A capture on its way in: its evidence, what it says or why that is unknown."""

    evidence: Evidence
    seen: tuple[Observation, ...] = ()
    unread: UnreadCapture | None = None


def read_capture(captured: Captured) -> ReadCapture | None:
    """Return what a capture brings; None where it is no traffic of Codat's."""
    if isinstance(captured, OtherTraffic):
        return None
    if isinstance(captured, Unreadable):
        digest = entry_digest(captured.raw)
        unread = UnreadCapture(
            where=captured.where, digest=digest, reason=captured.reason
        )
        evidence = Evidence(
            identity=bytes.fromhex(digest),
            kind="bytes",
            observed_at=None,
            company_id=captured.company_id,
            request_body=captured.raw,
        )
        return ReadCapture(evidence=evidence, unread=unread)
    found = read(captured)
    if found is None:
        return None
    return _of_exchange(found) if found.kind == "exchange" else _of_delivery(found)


def _of_exchange(found: Read) -> ReadCapture:
    exchange = found.exchange
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
                found.target.encode("utf-8", "surrogatepass"),
                request_digest,
                str(exchange.status).encode(),
                response_digest,
                str(micros(exchange.observed_at)).encode(),
                *(value.encode() for value in _of_identity(exchange)),
            )
        )
    ).digest()
    evidence = _evidence(
        "exchange",
        identity,
        exchange,
        company_id=found.company_id,
        digests=(request_digest, response_digest),
    )
    try:
        seen = found.observations(identity=identity.hex())
    except PayloadError as error:
        bodiless = not exchange.response_body
        digest = error.digest or (identity if bodiless else response_digest).hex()
        return ReadCapture(
            evidence=evidence,
            unread=UnreadCapture(
                where=_where(exchange, exchange.method),
                digest=digest,
                reason=str(error),
            ),
        )
    return ReadCapture(evidence=evidence, seen=seen)


def _of_delivery(found: Read) -> ReadCapture:
    exchange = found.exchange
    body = exchange.request_body or b""
    body_digest = digest_of(body)
    named = (found.delivery_id or "").encode("utf-8", "surrogatepass")
    identity = hashlib.sha256(b"\n".join((b"delivery", named, body_digest))).digest()
    evidence = _evidence(
        "delivery", identity, exchange, company_id=None, digests=(body_digest, None)
    )
    try:
        seen = found.observations(
            identity=identity.hex(), body_digest=body_digest.hex()
        )
    except PayloadError as error:
        return ReadCapture(
            evidence=attrs.evolve(evidence, company_id=found.company_named()),
            unread=UnreadCapture(
                where=_where(exchange, "delivery to"),
                digest=(body_digest if body else identity).hex(),
                reason=str(error),
            ),
        )
    company_id = seen[0].company_id if seen else None
    return ReadCapture(
        evidence=attrs.evolve(evidence, company_id=company_id), seen=seen
    )


def _where(exchange: Exchange, verb: str) -> str:
    """Return an exchange's place in its capture, and what it was."""
    what = f"{verb} {kept_url(exchange.method, exchange.url)}"
    return f"{exchange.where}: {what}" if exchange.where else what


def _evidence(
    kind: str,
    identity: bytes,
    exchange: Exchange,
    *,
    company_id: str | None,
    digests: tuple[bytes, bytes | None],
) -> Evidence:
    return Evidence(
        identity=identity,
        kind=kind,
        observed_at=exchange.observed_at,
        company_id=company_id,
        method=exchange.method,
        url=kept_url(exchange.method, exchange.url),
        status=exchange.status,
        headers=tuple(
            (name.lower(), value)
            for name, value in kept_of_pairs(exchange.request_headers, HEADERS_KEPT)
        )
        + _of_answer(exchange),
        request_body=exchange.request_body,
        response_body=None if kind == "delivery" else exchange.response_body,
        request_digest=digests[0],
        response_digest=digests[1],
        body_dropped=exchange.body_dropped,
    )


def _of_answer(exchange: Exchange) -> Headers:
    """Return the answer's headers that say what became of the request."""
    names = {"location", "content-encoding"}
    if exchange.status == TOO_MANY:
        names.add("retry-after")
    pairs = ((name.lower(), value) for name, value in exchange.response_headers)
    return tuple((name, value) for name, value in pairs if name in names)


def _of_identity(exchange: Exchange) -> tuple[str, ...]:
    """Return what of an answer's headers makes it another fact than without them."""
    return tuple(
        value for name, value in _of_answer(exchange) if name != "content-encoding"
    )


def entry_digest(raw: bytes) -> str:
    """Return the digest of bytes that are no entry: of their JSON, where they are JSON.

    So one broken entry is one piece of evidence, however the capture was indented.
    """
    try:
        data = msgspec.json.decode(raw)
        raw = msgspec.json.encode(data, order="sorted")
    except (msgspec.MsgspecError, RecursionError, ValueError):
        pass
    return hashlib.sha256(raw).hexdigest()
