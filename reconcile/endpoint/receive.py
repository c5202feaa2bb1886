"""The endpoint: one delivery in, one answer out, kept before it is answered."""

import asyncio
import logging
import os
from collections.abc import Callable
from concurrent.futures import Future
from datetime import UTC, datetime
from types import TracebackType
from typing import Final, Self

import attrs

from reconcile.codat.signatures import PROOFS, Headers, pairs_of
from reconcile.endpoint.answers import (
    ALIVE,
    BUSY,
    KEPT,
    NO_LENGTH,
    NOT_HERE,
    PATH,
    TOO_LONG,
    TOO_SLOW,
    BodyNotRead,
    Reply,
    lost,
    refused,
)
from reconcile.endpoint.arrival import arrived, unread
from reconcile.endpoint.commit import Committer, NotKept
from reconcile.endpoint.keep import Delivered, Keeper
from reconcile.endpoint.seldom import Seldom
from reconcile.endpoint.trust import Trust
from reconcile.quiet import logger
from reconcile.storage.opening import open_store
from reconcile.storage.refused import UntrustedDelivery

UNTRUSTED_WAITING_MAX: Final = 100
DISCARDED_BYTES_MAX: Final = 64 * 2**20
"""How much of a body is read that nobody wants: its sender may not listen before."""

_log = logger("endpoint")


@attrs.frozen(kw_only=True)
class Limits:
    """How much, and how long. Codat waits 15 s for an answer.

    `read_wait_s` bounds the arrival of a body (behind our own server, of its head too),
    `answer_wait_s` the keeping of it; together they stay below what Codat waits.
    """

    body_bytes_max: int = 5 * 2**20
    read_wait_s: float = 10.0
    answer_wait_s: float = 4.0


@attrs.frozen
class _Offered:
    """A delivery on its way into the store; what it is answered if it gets there."""

    outcome: "Future[None]"
    then: Reply
    otherwise: Reply


_IDS: Final = frozenset(proof[0] for proof in PROOFS)
ASTRAY: Final = f"it came to another path than the endpoint's, such as {PATH}"
FORKED: Final = "the endpoint was made before a fork, expected one in each process"


def _utc_now() -> datetime:
    return datetime.now(UTC)


class WebhookEndpoint:
    """Takes deliveries into the store that a URL names; creates it when absent.

    Use it in a `with`, or close it. It may be called by any number of threads and
    tasks; a thread of its own writes. Make one in each process, after any fork.

    Raises:
        UsageError: the URL names no store we know.
        StoreError: the store cannot be used.

    """

    def __init__(
        self,
        store: str,
        *,
        trust: Trust,
        limits: Limits | None = None,
        now: Callable[[], datetime] = _utc_now,
    ) -> None:
        self.limits = limits or Limits()
        self._trust = trust
        self._now = now
        self.seldom: Final = Seldom(_log)
        self._process = os.getpid()
        self._fork_logged = False
        self._store = opened = open_store(store, create=True)
        self._committer: Committer[Delivered] = Committer(
            Keeper(opened, now=now).write, ended=opened.close
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Keep what waits, release the store; later deliveries are answered 503."""
        self._committer.close()
        self.seldom.close()

    def receive(self, headers: Headers, body: bytes) -> Reply:
        """Return what a delivery is answered, when it has been kept."""
        return self._outcome(self._offer(headers, body))

    async def receive_async(self, headers: Headers, body: bytes) -> Reply:
        """Return the same as `receive`, while the event loop goes on."""
        return await self._outcome_async(self._offer(headers, body))

    def refuse(self, headers: Headers, what: BodyNotRead) -> Reply:
        """Return what is answered where a body was not read to its end.

        Such a delivery is kept apart, like one that nothing shows to be Codat's.
        """
        return self._outcome(self._set_apart(headers, what))

    async def refuse_async(self, headers: Headers, what: BodyNotRead) -> Reply:
        """Return the same as `refuse`, while the event loop goes on."""
        return await self._outcome_async(self._set_apart(headers, what))

    def astray(self, headers: Headers, *, body_bytes: int = 0) -> Reply:
        """Return what a request to another path is answered: 404.

        One with a webhook's id is kept apart, like one that nothing shows to be
        Codat's, and logged: a slip in the URL that Codat was given is seen.
        """
        offered = self._gone_astray(headers, body_bytes)
        return NOT_HERE if offered is None else self._outcome(offered)

    async def astray_async(self, headers: Headers, *, body_bytes: int = 0) -> Reply:
        """Return the same as `astray`, while the event loop goes on."""
        offered = self._gone_astray(headers, body_bytes)
        return NOT_HERE if offered is None else await self._outcome_async(offered)

    def _gone_astray(
        self, headers: Headers, body_bytes: int
    ) -> _Offered | Reply | None:
        if not any(name.lower() in _IDS for name, _ in pairs_of(headers)):
            return None
        return self._set_apart(headers, BodyNotRead(NOT_HERE, body_bytes))

    def health(self) -> Reply:
        """Return what a health check is answered: 503 while the store is lost."""
        if self._is_forked():
            return lost(FORKED)
        why = self._store.lost()
        return ALIVE if why is None else lost(f"the store is lost; {why}")

    def _outcome(self, offered: _Offered | Reply) -> Reply:
        if isinstance(offered, Reply):
            return offered
        try:
            offered.outcome.result(self.limits.answer_wait_s)
        except (NotKept, TimeoutError):
            offered.outcome.cancel()
            return offered.otherwise
        return offered.then

    async def _outcome_async(self, offered: _Offered | Reply) -> Reply:
        if isinstance(offered, Reply):
            return offered
        try:
            async with asyncio.timeout(self.limits.answer_wait_s):
                await asyncio.wrap_future(offered.outcome)
        except (NotKept, TimeoutError):
            return offered.otherwise
        return offered.then

    def _offer(self, headers: Headers, body: bytes) -> _Offered | Reply:
        """Hand a delivery to whoever writes, or answer it at once."""
        if self._is_forked():
            return BUSY
        if len(body) > self.limits.body_bytes_max:
            return self._set_apart(headers, BodyNotRead(TOO_LONG, len(body)))
        what = arrived(headers, body, trust=self._trust, now=self._now())
        if isinstance(what, UntrustedDelivery):
            return self._refuse(what, refused(what.reason))
        try:
            future = self._committer.submit(what, size=len(body))
        except NotKept as error:
            message = f"delivery not kept: {error}"
            self.seldom(logging.WARNING, message)
            return BUSY
        return _Offered(future, then=KEPT, otherwise=BUSY)

    def _set_apart(self, headers: Headers, what: BodyNotRead) -> _Offered | Reply:
        delivery = unread(
            headers,
            body_bytes=what.body_bytes,
            reason=self._hindrance(what.answer),
            now=self._now(),
        )
        return self._refuse(delivery, what.answer)

    def _is_forked(self) -> bool:
        """Return whether this is a copy in another process, in which nobody writes."""
        if self._process == os.getpid():
            return False
        if not self._fork_logged:
            self._fork_logged = True
            _log.error("deliveries are not kept: %s", FORKED)
        return True

    def _hindrance(self, answer: Reply) -> str:
        """Return why a body was not read to its end."""
        if answer is NOT_HERE:
            return ASTRAY
        if answer is NO_LENGTH:
            return "the body has no length, and the server does not end it"
        if answer is TOO_LONG:
            return f"the body is over the limit of {self.limits.body_bytes_max} bytes"
        if answer is TOO_SLOW:
            return f"the body took over {self.limits.read_wait_s:g} s to arrive"
        return "the body ended before its length"

    def _refuse(self, delivery: UntrustedDelivery, answer: Reply) -> _Offered | Reply:
        """Keep a delivery apart; under a flood of them the answer alone is given."""
        if self._is_forked():
            return answer
        level = logging.WARNING if answer is NOT_HERE else logging.INFO
        message = f"delivery refused: {delivery.reason}"
        self.seldom(level, message, {"codat_bytes": delivery.body_bytes})
        try:
            future = self._committer.submit(
                delivery,
                size=len(delivery.body or b""),
                waiting_max=UNTRUSTED_WAITING_MAX,
            )
        except NotKept:
            return answer
        return _Offered(future, then=answer, otherwise=answer)
