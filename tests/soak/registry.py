"""Deliveries as their senders saw them: what was offered, and what was acknowledged.

An acknowledgement is a promise. The soak holds the store to each, so it must itself
know each one: by the identity that the evidence of a delivery has in the store.
"""

import hashlib
import threading
from collections import Counter
from collections.abc import Iterator
from typing import Final

import attrs

NO_ANSWER: Final = 0
EXPECTED: Final = (NO_ANSWER, 204, 503)


@attrs.define
class Registry:
    """All deliveries of a soak, of any sender's thread."""

    statuses: Counter[int] = attrs.field(factory=Counter)
    _lock: threading.Lock = attrs.field(factory=threading.Lock)
    _offered: set[bytes] = attrs.field(factory=set)
    _acknowledged: dict[bytes, None] = attrs.field(factory=dict)  # in order

    def offer(self, message_id: str, body: bytes) -> bytes:
        """Note that a delivery is about to be made, and return its identity."""
        identity = delivery_identity(message_id, body)
        with self._lock:
            self._offered.add(identity)
        return identity

    def note(self, identity: bytes, status: int) -> None:
        """Note what a delivery was answered; 0 for not at all."""
        with self._lock:
            self.statuses[status] += 1
            if 200 <= status < 300:
                self._acknowledged[identity] = None

    def acknowledged(self, *, after: int = 0) -> list[bytes]:
        """Return what was acknowledged, in order, all but the first so many."""
        with self._lock:
            return [*self._acknowledged][after:]

    def odd(self) -> Iterator[str]:
        """Yield the answers that no true delivery may get."""
        for status, times in sorted(self.statuses.items()):
            if status not in EXPECTED:
                yield f"{times} deliveries were answered {status}"

    def offered(self) -> frozenset[bytes]:
        """Return everything that anybody tried to deliver."""
        with self._lock:
            return frozenset(self._offered)


def delivery_identity(message_id: str, body: bytes) -> bytes:
    """Return what makes a delivery one fact, by section 1 of the judgement page."""
    digest = hashlib.sha256(body).digest()
    return hashlib.sha256(
        b"\n".join((b"delivery", message_id.encode(), digest))
    ).digest()
