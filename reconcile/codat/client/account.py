"""What both clients are: one account, its keys, its quota, and where exchanges go."""

import copy
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final, Required, Self, TypedDict, Unpack

import attrs
import httpx

from reconcile.codat.client.answers import Answer
from reconcile.codat.client.attempts import Attempts, Send, Steps, checked_url
from reconcile.codat.client.calls import Endpoints, T
from reconcile.codat.client.deadlines import DEADLINE_S, TimedCall
from reconcile.codat.client.keys import Keys
from reconcile.codat.client.quota import Figures, Priority, Quota
from reconcile.codat.client.rerequests import Rerequests, request_steps
from reconcile.codat.client.responses import TIMEOUT, ResponseReader
from reconcile.codat.exchange import BODY_BYTES_MAX, Exchange
from reconcile.codat.requests import Request

BASE_URL: Final = "https://api.codat.io"
Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


class ClientSettings(TypedDict, total=False):
    """How a client is set up; what has no default here must be given."""

    api_keys: Required[str | Sequence[str]]  # several while they are being changed
    record: Required[Callable[[Exchange], object]]  # keeps every exchange
    base_url: str
    now: Clock
    quota: Quota  # one for all clients of an account
    rerequests: Rerequests
    timeout: httpx.Timeout  # of each step of a request, whatever `http` has
    deadline_s: float  # of a whole request: connecting, sending, the answer's last byte
    answer_bytes_max: int
    chance: Callable[[], float]  # 0 to 1, for the jitter


class Account(Endpoints[T]):
    """What both clients are made of; `repr` shows neither keys nor bodies."""

    def __init__(self, **settings: Unpack[ClientSettings]) -> None:
        self.base_url = checked_url(settings.get("base_url", BASE_URL))
        self.quota = settings.get("quota") or Quota()
        self._now = settings.get("now", utc_now)
        self._record = settings["record"]
        self.rerequests = settings.get("rerequests", Rerequests())
        self._chance = settings.get("chance", random.random)
        self._timeout = settings.get("timeout", TIMEOUT)
        self.deadline_s = settings.get("deadline_s", DEADLINE_S)
        self._bytes_max = settings.get("answer_bytes_max", BODY_BYTES_MAX)
        self._attempts = Attempts(
            base_url=self.base_url,
            keys=Keys(settings["api_keys"]),
            quota=self.quota,
            now=self._now,
        )

    def figures(self) -> Figures:
        """Return the account's quotas as they stand."""
        return self.quota.figures(self._now())

    def trying(
        self, *, attempts_max: int, wait_all_max_s: float, deadline_s: float
    ) -> Self:
        """Return the same client, which tries a request no oftener and no longer."""
        client = copy.copy(self)
        rules = self.rerequests
        client.rerequests = attrs.evolve(
            rules,
            attempts_max=min(rules.attempts_max, attempts_max),
            wait_all_max_s=min(rules.wait_all_max_s, wait_all_max_s),
        )
        client.deadline_s = min(self.deadline_s, deadline_s)
        return client

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r})"

    def _steps(self, request: Request, priority: Priority | None) -> Steps[Answer]:
        usual = Priority.WRITE if request.writes else Priority.FOLLOW
        return request_steps(
            lambda: self._attempts.steps(request, priority or usual),
            rules=self.rerequests,
            now=self._now,
            chance=self._chance,
        )

    def _built(
        self, http: httpx.Client | httpx.AsyncClient, send: Send, call: TimedCall
    ) -> httpx.Request:
        blocking = isinstance(http, httpx.Client)
        return http.build_request(
            send.request.method,
            send.url,
            headers=send.headers,
            content=send.request.body,
            timeout=call.timeout(self._timeout),
            extensions={"trace": call.trace if blocking else call.trace_async},
        )

    def _reading(self, response: httpx.Response, call: TimedCall) -> ResponseReader:
        return ResponseReader(response, call=call, bytes_max=self._bytes_max)
