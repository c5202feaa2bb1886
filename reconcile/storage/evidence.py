"""Evidence: the bytes that arrived, what identifies them, and how they are packed."""

import hashlib
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import attrs

from reconcile.domain.instants import EPOCH


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
    """Return the body that was packed."""
    return zlib.decompress(packed)


def micros(moment: datetime) -> int:
    """Return a moment as microseconds since 1970, UTC."""
    return (moment - EPOCH) // _MICROSECOND


def moment_of(stored: int) -> datetime:
    """Return the moment stored as microseconds since 1970."""
    return EPOCH + stored * _MICROSECOND


_MICROSECOND = timedelta(microseconds=1)
