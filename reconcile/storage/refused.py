"""Deliveries that nothing shows to be Codat's, as any engine stores them: bounded.

Without them, a secret that was mistyped or has expired would leave no trace.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import attrs

from reconcile.storage.evidence import (
    digest_of,
    headers_of,
    micros,
    moment_of,
    pack,
    unpack,
)

ROWS_MAX: Final = 1000
BYTES_MAX: Final = 16 * 2**20
BODY_KEPT_BYTES_MAX: Final = 256 * 2**10


@attrs.frozen(kw_only=True)
class UntrustedDelivery:
    """A delivery that was refused: why, and as much of it as is stored.

    `headers` are those that evidence would keep; `body` is None where it was too long.
    `body_digest` is empty where the body was not read to its end: `body_bytes` is then
    its declared length, or else how much of it came.
    """

    received_at: datetime
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    body_bytes: int
    body_digest: bytes

    @classmethod
    def of(
        cls,
        body: bytes,
        *,
        received_at: datetime,
        reason: str,
        headers: tuple[tuple[str, str], ...],
        keep_body: bool,
    ) -> "UntrustedDelivery":
        """Return a delivery as it is stored.

        Of a long body, and of one that is not to be kept, the digest alone is.
        """
        return cls(
            received_at=received_at,
            reason=reason,
            headers=headers,
            body=body if keep_body and len(body) <= BODY_KEPT_BYTES_MAX else None,
            body_bytes=len(body),
            body_digest=digest_of(body),
        )

    @classmethod
    def unread(
        cls,
        body_bytes: int,
        *,
        received_at: datetime,
        reason: str,
        headers: tuple[tuple[str, str], ...],
    ) -> "UntrustedDelivery":
        """Return a delivery whose body was not read to its end."""
        return cls(
            received_at=received_at,
            reason=reason,
            headers=headers,
            body=None,
            body_bytes=body_bytes,
            body_digest=b"",
        )


COLUMNS: Final = "received_at, reason, headers, body_bytes, body_digest, body"
"""What a table holds of a delivery, beside its number."""


def row_of(delivery: UntrustedDelivery) -> tuple[Any, ...]:
    """Return the columns of a delivery."""
    return (
        micros(delivery.received_at),
        delivery.reason,
        json.dumps(delivery.headers),
        delivery.body_bytes,
        delivery.body_digest,
        None if delivery.body is None else pack(delivery.body),
    )


def delivery_of(row: Sequence[Any]) -> UntrustedDelivery:
    """Return the delivery that columns tell of.

    Raises:
        StoreError: they are damaged.

    """
    received_at, reason, headers, body_bytes, body_digest, packed = row
    return UntrustedDelivery(
        received_at=moment_of(received_at),
        reason=reason,
        headers=headers_of(headers),
        body=None if packed is None else unpack(packed),
        body_bytes=body_bytes,
        body_digest=body_digest,
    )


class Untrusted(Protocol):
    """The refused deliveries of one store; the oldest make room for the newest."""

    def keep(self, deliveries: Sequence[UntrustedDelivery]) -> None:
        """Store refused deliveries in one transaction, within the bounds."""
        ...

    def counted(self) -> int:
        """Return how many were ever stored, including those deleted since."""
        ...

    def newest_first(self) -> Iterator[UntrustedDelivery]:
        """Yield the stored ones."""
        ...

    def numbered(self) -> list[tuple[int, UntrustedDelivery]]:
        """Return the stored ones with their numbers, the oldest first."""
        ...

    def keep_numbered(self, rows: Sequence[tuple[int, UntrustedDelivery]]) -> None:
        """Store deliveries under the numbers they had elsewhere, unless they are."""
        ...

    def forget_bodies(self, *, unless: Callable[[bytes], bool]) -> int:
        """Take out the bodies that a test refuses; return how many."""
        ...
