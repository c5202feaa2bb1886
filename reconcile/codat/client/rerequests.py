"""When a request may be sent again, and after how long. Pure.

Reads: after a 408, a 429, a 5xx, or no answer. Writes: only where it is certain that
Codat carried nothing out. Under an idempotency key, also where no answer arrived: Codat
replays the answer it made, or carries the request out now. Never after a 5xx, which
would be replayed for 90 minutes.

Source: Codat docs, Idempotency in Codat's API calls (read 2026-11-22).
"""

from collections.abc import Callable
from datetime import datetime
from itertools import count
from typing import Final

import attrs

from reconcile.codat.client.answers import Answer, Arrived, Missing, Tried
from reconcile.codat.client.attempts import Steps, Wait
from reconcile.domain.request import SAME_CALL_RUNS

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


def request_steps(
    attempt: Callable[[], Steps[Tried]],
    *,
    rules: Rerequests,
    now: Callable[[], datetime],
    chance: Callable[[], float],
) -> Steps[Answer]:
    """Yield the steps of one request, attempt after attempt; return its answer.

    Raises:
        CodatUnavailable: the last attempt does not say what became of it.

    """
    began = now()
    in_doubt = False
    for number in count(1):
        tried = yield from attempt()
        if not may_ask_again(tried, in_doubt=in_doubt):
            break
        in_doubt = in_doubt or _may_be_carried_out(tried)
        wait_s = max(rules.wait_s(number, chance()), tried.wait_s or 0.0)
        spent_s = (now() - began).total_seconds()
        # Where Codat says to wait longer, nothing is sent before its time.
        if number >= rules.attempts_max or spent_s + wait_s > rules.wait_all_max_s:
            break
        yield Wait(wait_s)
    return tried.answer(in_doubt=in_doubt)


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
    same_call_runs = in_doubt and tried.status == SAME_CALL_RUNS
    return not arrived or tried.status == 408 or same_call_runs


def _may_be_carried_out(tried: Tried) -> bool:
    """Return whether Codat may yet have written what an attempt asked for."""
    return tried.request.writes and not (tried.not_carried_out or tried.refused)
