"""Evidence: the bytes that arrived, what identifies them, and how they are packed."""

import hashlib
import json
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import attrs

from reconcile.domain.instants import EPOCH
from reconcile.errors import StoreError


@attrs.frozen(kw_only=True)
class Evidence:
    """One exchange, one receipt of a delivery, or bytes that are neither.

    `identity` is the SHA-256 of what makes it one fact (section 1 of
    `docs/explanation/judgement.md`); a delivery received again, but earlier, is
    one identity at two times. Bodies are shared by digest, and None where the message
    had no body; `body_dropped` says that the capture left the response body out.
    A caller that knows a body's digest gives it, so that it is not computed twice.
    """

    identity: bytes
    kind: str  # "exchange", "delivery" or "bytes"
    observed_at: datetime | None
    company_id: str | None
    method: str = ""
    url: str = ""
    status: int = 0
    headers: tuple[tuple[str, str], ...] = ()
    request_body: bytes | None = None
    response_body: bytes | None = None
    request_digest: bytes | None = None
    response_digest: bytes | None = None
    body_dropped: bool = False


class Receipt(NamedTuple):
    """Evidence as it came once, with the digests under which its bodies are stored."""

    evidence: Evidence
    request_digest: bytes | None
    response_digest: bytes | None

    def check(self) -> None:
        """Hold the bodies against their digests.

        Raises:
            StoreError: the bytes of a body are others than those that came, or the time
                of an exchange is missing.

        """
        if self.evidence.observed_at is None and self.evidence.kind != "bytes":
            raise StoreError(
                "the time at which it came is missing, expected it in the store"
            )
        bodies = (self.evidence.request_body, self.evidence.response_body)
        digests = (self.request_digest, self.response_digest)
        for body, digest in zip(bodies, digests, strict=True):
            if body is not None and digest is not None and digest_of(body) != digest:
                raise StoreError(
                    f"the bytes stored as sha256:{digest.hex()} are others: theirs is"
                    f" sha256:{digest_of(body).hex()}"
                )


class EvidenceKey(NamedTuple):
    """What evidence is known by, without its bodies."""

    identity: bytes
    kind: str
    method: str
    url: str


def receipt_of(
    identity: bytes,
    row: Sequence[Any],
    *,
    dropped: bool,
    body: Callable[[bytes | None], bytes | None],
) -> Receipt:
    """Return what a row of `RECEIPT_COLUMNS` tells; `body` gives bodies by digest.

    Raises:
        StoreError: a body is missing, or a column is damaged.

    """
    kind, observed_at, company_id, method, url, status, headers, *digests = row
    request_body, response_body = map(body, digests)
    evidence = Evidence(
        identity=identity,
        kind=kind,
        observed_at=None if observed_at is None else moment_of(observed_at),
        company_id=company_id,
        method=method,
        url=url,
        status=status,
        headers=headers_of(headers),
        request_body=request_body,
        response_body=response_body,
        body_dropped=dropped,
    )
    return Receipt(evidence, *digests)


RECEIPT_COLUMNS: Final = (
    "kind, observed_at, company_id, method, url, status, headers, request_body,"
    " response_body"
)


def evidence_row(
    evidence: Evidence, bodies: dict[bytes, bytes], recorded_at: int
) -> tuple[Any, ...]:
    """Return what a table holds of evidence; its bodies are added to `bodies`."""
    observed_at = evidence.observed_at
    return (
        evidence.identity,
        None if observed_at is None else micros(observed_at),
        evidence.kind,
        evidence.company_id,
        evidence.method,
        evidence.url,
        evidence.status,
        json.dumps(evidence.headers),
        _add_body(bodies, evidence.request_body, evidence.request_digest),
        _add_body(bodies, evidence.response_body, evidence.response_digest),
        recorded_at,
        evidence.body_dropped,
    )


def _add_body(
    bodies: dict[bytes, bytes], body: bytes | None, digest: bytes | None
) -> bytes | None:
    if body is None:
        return None
    digest = digest or digest_of(body)
    bodies[digest] = body
    return digest


def digest_of(body: bytes) -> bytes:
    """Return the SHA-256 of a body."""
    return hashlib.sha256(body).digest()


def pack(body: bytes) -> bytes:
    """Return the body compressed; the fastest level is within a tenth of the best."""
    return zlib.compress(body, 1)


def pack_all(bodies: Sequence[bytes]) -> list[bytes]:
    """Return bodies compressed, on several threads where there is much to do."""
    if sum(map(len, bodies)) < _MUCH:
        return _pack_each(bodies)
    shares = [bodies[number::_THREADS] for number in range(_THREADS)]
    packed: list[bytes] = [b""] * len(bodies)
    with ThreadPoolExecutor(_THREADS) as pool:
        for number, share in enumerate(pool.map(_pack_each, shares)):
            packed[number::_THREADS] = share
    return packed


_MUCH = 2**20
_THREADS = 2  # compressing lets go of the interpreter; the rest of a batch does not


def _pack_each(bodies: Sequence[bytes]) -> list[bytes]:
    return [pack(body) for body in bodies]


def unpack(packed: bytes) -> bytes:
    """Return the body that was packed.

    Raises:
        StoreError: the bytes are damaged.

    """
    try:
        return zlib.decompress(packed)
    except (zlib.error, TypeError) as error:
        raise StoreError(f"a stored body is damaged: {error}") from error


def headers_of(stored: str) -> tuple[tuple[str, str], ...]:
    """Return the headers that were stored with evidence.

    Raises:
        StoreError: they are damaged.

    """
    try:
        return tuple((name, value) for name, value in json.loads(stored))
    except (ValueError, TypeError) as error:
        raise StoreError(f"stored headers are damaged: {error}") from error


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970, UTC."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(stored: int) -> datetime:
    """Return the moment stored as microseconds since 1970.

    Raises:
        StoreError: no clock means such a number.

    """
    try:
        return EPOCH + stored * _MICROSECOND
    except (OverflowError, TypeError) as error:
        raise StoreError(f"a stored time is damaged: {stored!r}") from error


_MICROSECOND = timedelta(microseconds=1)
