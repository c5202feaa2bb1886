"""When a request may be sent again, and after how long. Pure, but for `tenacity`.

Reads: after a 408, a 429, a 5xx, or no answer. Writes: only where it is certain that
Codat carried nothing out. Under an idempotency key, also where no answer arrived: Codat
replays the answer it made, or carries the request out now. Never after a 5xx, which
would be replayed for 90 minutes.

Source: Codat docs, Idempotency in Codat's API calls (read 2026-11-22).
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

import attrs

from reconcile.codat.client.answers import Answer, Arrived, Missing, Tried
from reconcile.codat.requests import Request
from reconcile.errors import UsageError

if TYPE_CHECKING:
    import tenacity

_BACKOFF_FACTOR: Final = 2.0


@attrs.frozen(kw_only=True)
class Rerequests:
    """How often and how long one request is tried."""

    attempts_max: int = 5
    wait_all_max_s: float = 120.0  # from the first attempt to the last
    backoff_s: float = 0.5  # after the first; doubled each time
    backoff_max_s: float = 30.0

    def wait_s(self, attempt: int, chance: float) -> float:
        """Return the wait after an attempt, counted from 1; `chance` is 0 to 1.

        Half of it is left to chance, so that clients that failed together part.
        """
        grown = self.backoff_s * _BACKOFF_FACTOR ** min(attempt - 1, 60)
        return min(grown, self.backoff_max_s) * (0.5 + chance / 2)


@attrs.define(kw_only=True)
class Asking:
    """One request, for as long as it is tried; in what `tenacity` asks for."""

    request: Request
    rules: Rerequests
    now: Callable[[], datetime]
    chance: Callable[[], float]
    _began: datetime = attrs.field(init=False)
    _in_doubt: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._began = self.now()

    @property
    def options(self) -> dict[str, Any]:
        """Return how tenacity is to go about it."""
        return {
            "retry": self._again,
            "wait": self._wait_s,
            "stop": self._stop,
            "retry_error_callback": _last,
        }

    def answer(self, tried: Tried) -> Answer:
        """Return the answer to the last attempt.

        Raises:
            CodatUnavailable: it says nothing.

        """
        return tried.answer(in_doubt=self._in_doubt)

    def _again(self, state: "tenacity.RetryCallState") -> bool:
        if state.outcome is None or state.outcome.failed:
            return False  # an error of ours, or of whoever records
        tried = _last(state)
        again = may_ask_again(tried, in_doubt=self._in_doubt)
        arrived = isinstance(tried.outcome, Arrived)
        doubtful = self.request.writes and not tried.not_carried_out
        if again and doubtful and not (arrived and tried.refused):
            self._in_doubt = True
        return again

    def _wait_s(self, state: "tenacity.RetryCallState") -> float:
        backoff_s = self.rules.wait_s(state.attempt_number, self.chance())
        return max(backoff_s, _last(state).wait_s or 0.0)

    def _stop(self, state: "tenacity.RetryCallState") -> bool:
        """Stop where the next attempt would be one too many, or too late.

        Where Codat says to wait longer than that, nothing is sent before its time.
        """
        if state.attempt_number >= self.rules.attempts_max:
            return True
        spent_s = (self.now() - self._began).total_seconds()
        return spent_s + state.upcoming_sleep > self.rules.wait_all_max_s


def may_ask_again(tried: Tried, *, in_doubt: bool = False) -> bool:
    """Return whether the same request may be sent once more after this attempt.

    `in_doubt`: an attempt under the same idempotency key got no answer. Then a 409 may
    only say that the first is still being carried out.
    """
    request, outcome = tried.request, tried.outcome
    if isinstance(outcome, Missing) and outcome.lasting:
        return False
    arrived = isinstance(outcome, Arrived)
    if tried.not_carried_out:
        return True
    if not request.writes:
        return not arrived or tried.status == 408 or tried.status >= 500
    if request.key is None or not request.keyable:
        return False
    return not arrived or tried.status == 408 or (in_doubt and tried.status == 409)


def _last(state: "tenacity.RetryCallState") -> Tried:
    if state.outcome is None:
        raise RuntimeError("tenacity asks before there was an attempt")
    tried: Tried = state.outcome.result()
    return tried


def retrying(asking: Asking, sleep: Callable[[float], None]) -> "tenacity.Retrying":
    """Return what tries one request, with threads."""
    tries: tenacity.Retrying = _tenacity().Retrying(sleep=sleep, **asking.options)
    return tries


def async_retrying(
    asking: Asking, sleep: Callable[[float], Awaitable[None]]
) -> "tenacity.AsyncRetrying":
    """Return what tries one request, as a task."""
    kind = _tenacity().AsyncRetrying
    tries: tenacity.AsyncRetrying = kind(sleep=sleep, **asking.options)
    return tries


def needs_tenacity() -> None:
    """Say so where the package that re-requests is missing.

    Raises:
        UsageError: it is.

    """
    _tenacity()


def _tenacity() -> ModuleType:
    try:
        return import_module("tenacity")
    except ImportError as error:
        raise UsageError(
            "the client needs the package tenacity: install codat-reconcile[client]"
        ) from error
