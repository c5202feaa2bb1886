"""One attempt at a request, as steps that a sync or an async client carries out.

Nothing here does anything: it says what to do next, and is told what came of it. So
what is recorded, and when a slot of the quota is given back, is written once.
"""

from collections.abc import Callable, Generator
from datetime import datetime
from math import ceil
from typing import Any, Final, TypeVar

import attrs
import httpx

from reconcile.codat.bodies import ENCODINGS
from reconcile.codat.client.answers import Arrived, Missing, Outcome, Tried
from reconcile.codat.client.keys import Key, Keys
from reconcile.codat.client.quota import Priority, Quota
from reconcile.codat.exchange import Exchange
from reconcile.codat.headers import wait_told
from reconcile.codat.requests import Request
from reconcile.errors import UsageError
from reconcile.quiet import logger

ADMISSION_WAIT_MAX_S: Final = 60.0  # for room in our own quota: a minute's
_LOG: Final = logger("codat")


@attrs.frozen
class Wait:
    """Let time pass; told None."""

    seconds: float


@attrs.frozen(kw_only=True)
class Send:
    """Send one request, once; told an `Outcome`."""

    request: Request
    url: str
    key: Key
    headers: tuple[tuple[str, str], ...]


@attrs.frozen
class Keep:
    """Record an exchange before anything else is done; told None."""

    exchange: Exchange


Step = Wait | Send | Keep
_T = TypeVar("_T")
Steps = Generator[Step, Any, _T]
"""Steps that end with a result; each is told what came of it."""


@attrs.frozen(kw_only=True)
class Attempts:
    """How one account's requests are tried."""

    base_url: str
    keys: Keys
    quota: Quota
    now: Callable[[], datetime]

    def steps(self, request: Request, priority: Priority) -> Steps[Tried]:
        """Yield the steps of one attempt; return what came of it.

        A 401 is tried again with the next key: it is certain that nothing was done.
        """
        for key in self.keys.ring():
            short_s = yield from self._admitted(request, priority)
            if short_s:
                return _not_admitted(request, short_s)
            try:
                tried = yield from self._sent(request, key)
            finally:
                self.quota.release(request.company_id)
            if tried.status != 401:
                if tried.status:
                    self.keys.works(key)
                return tried
        return tried

    def _admitted(self, request: Request, priority: Priority) -> Steps[float]:
        """Wait for room in the quota; return the seconds that are more than we wait."""
        waited_s = 0.0
        while wait_s := self.quota.admit(priority, request.company_id, self.now()):
            if waited_s + wait_s > ADMISSION_WAIT_MAX_S:
                return wait_s
            yield Wait(wait_s)
            waited_s += wait_s
        return 0.0

    def _sent(self, request: Request, key: Key) -> Steps[Tried]:
        """Send, and record whatever came of it before anybody is told."""
        began = self.now()
        url = f"{self.base_url}{request.target}"
        headers = (
            *request.headers,
            ("Accept", "application/json"),
            ("Accept-Encoding", ENCODINGS),
        )
        try:
            outcome: Outcome = yield Send(
                request=request, url=url, key=key, headers=headers
            )
        except GeneratorExit:
            raise
        except BaseException:  # given up while under way: it may have arrived
            yield Keep(_exchange(request, url, Missing(reason=""), self.now()))
            raise
        now = self.now()
        answer_headers = outcome.headers if isinstance(outcome, Arrived) else ()
        exchange = _exchange(request, url, outcome, now)
        yield Keep(exchange)
        if isinstance(outcome, Arrived):
            self.quota.learn(outcome.status, answer_headers, now)
        tried = Tried(
            request=request,
            outcome=outcome,
            exchange=exchange,
            wait_s=wait_told(answer_headers, now=now),
        )
        _log(tried, (now - began).total_seconds())
        return tried


def _not_admitted(request: Request, wait_s: float) -> Tried:
    reason = f"our own quota has no room for it for {ceil(wait_s)} s"
    outcome = Missing(reason=reason, sent=False, lasting=True)
    return Tried(request=request, outcome=outcome, exchange=None, wait_s=wait_s)


def _exchange(
    request: Request, url: str, outcome: Outcome, observed_at: datetime
) -> Exchange:
    """Return what is recorded: the key is no part of it."""
    arrived = outcome if isinstance(outcome, Arrived) else None
    return Exchange(
        method=request.method,
        url=url,
        request_headers=request.headers,
        request_body=request.body,
        status=arrived.status if arrived else 0,
        response_headers=arrived.headers if arrived and arrived.status == 429 else (),
        response_body=arrived.body if arrived else None,
        observed_at=observed_at,
    )


def _log(tried: Tried, seconds: float) -> None:
    """Tell of an attempt: no body, no key."""
    fields = {
        "codat_method": tried.request.method,
        "codat_path": tried.request.path,
        "codat_status": tried.status,
        "codat_seconds": seconds,
    }
    _LOG.debug("codat exchange", extra=fields)


def checked_url(base_url: str) -> str:
    """Return a base URL that names a host and nothing more.

    A path before Codat's would hide from the library whose call an exchange is.

    Raises:
        UsageError: it is anything else.

    """
    try:
        url = httpx.URL(base_url)
        good = url.scheme in ("http", "https") and url.host != ""
    except (httpx.InvalidURL, ValueError, TypeError) as error:
        raise UsageError(
            "the base URL cannot be read, expected one such as https://api.codat.io"
        ) from error
    if not good or url.userinfo or url.path != "/" or url.query or url.fragment:
        raise UsageError(
            "the base URL has more or less than a host, expected one such as https://api.codat.io"
        )
    return str(url).rstrip("/")
