"""Deliveries that nothing shows to be Codat's, as any engine stores them: bounded.

Without them, a secret that was mistyped or has expired would leave no trace.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final, Protocol

import attrs

from reconcile.storage.evidence import digest_of

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

    def forget_bodies(self, *, unless: Callable[[bytes], bool]) -> int:
        """Take out the bodies that a test refuses; return how many."""
        ...
