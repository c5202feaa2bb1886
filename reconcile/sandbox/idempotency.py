"""Idempotency keys: one answer to one key, whatever it was, for ninety minutes."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final, NamedTuple

import attrs

from reconcile.sandbox.clock import Clock
from reconcile.sandbox.messages import Call, Response
from reconcile.sandbox.refusals import RefusedError

KEPT: Final = timedelta(minutes=90)
METHODS: Final = ("POST", "PATCH")


class _Kept(NamedTuple):
    """What was answered to a key; in flight until `arrives_at`."""

    asked: bytes
    answer: Response
    arrives_at: datetime
    until: datetime


@attrs.define(kw_only=True)
class Replays:
    """The answers kept for one account, by their keys.

    The sandbox answers calls one after the other, so a call is in flight only while its
    answer is on the way: for as long as its `delay_s` says. An answer that was lost, or
    that the client did not wait for, is kept all the same.

    Source: Codat docs, Idempotency in Codat's API calls (read 2026-11-22). How many are
    kept is bounded by the quota of a minute, for ninety of them.
    """

    clock: Clock
    strict: bool = False  # a key must be a GUID; what Codat says to others is unknown
    _kept: dict[str, _Kept] = attrs.field(factory=dict, init=False)  # oldest first

    def answer(self, call: Call, make: Callable[[Call], Response]) -> Response:
        """Return what `make` answers, or what was answered to the call's key before.

        A 429 is not kept, which leaves its key to be used again.

        Raises:
            RefusedError: the key belongs to another request (422), to one whose answer
                is on its way (409), or is no GUID where that is asked for (400).

        """
        key = call.headers.get("idempotency-key")
        if not key or call.method not in METHODS:
            return make(call)
        if self.strict and not _is_guid(key):
            raise RefusedError(400, "The Idempotency-Key header must be a unique GUID.")
        self._forget()
        asked = _digest(call)
        earlier = self._kept.get(key)
        if earlier is not None:
            return self._again(earlier, asked)
        response = make(call)
        if response.status != 429:
            now = self.clock.now
            self._kept[key] = _Kept(
                asked,
                attrs.evolve(response, lost=False, delay_s=0.0),
                now + timedelta(seconds=response.delay_s),
                now + KEPT,
            )
        return response

    def _again(self, earlier: _Kept, asked: bytes) -> Response:
        if earlier.asked != asked:
            raise RefusedError(
                422, "The Idempotency-Key was used for a different request."
            )
        if self.clock.now < earlier.arrives_at:
            raise RefusedError(
                409, "A request with this Idempotency-Key is still in progress."
            )
        return earlier.answer

    def _forget(self) -> None:
        while self._kept:
            key = next(iter(self._kept))
            if self.clock.now < self._kept[key].until:
                return
            del self._kept[key]


def _digest(call: Call) -> bytes:
    """Return what tells one request from another: all of it but its headers."""
    head = f"{call.method} {call.path} {sorted(call.query.items())}\n"
    return sha256(head.encode("utf-8", "replace") + call.body).digest()


def _is_guid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
