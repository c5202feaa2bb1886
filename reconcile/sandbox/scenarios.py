"""Scenarios by name: how often what goes wrong. A seed makes a run of one."""

from collections.abc import Mapping
from typing import Final

import attrs

from reconcile.errors import UsageError


@attrs.frozen(kw_only=True)
class Scenario:
    """Rates from 0 to 1; of companies, syncs, legs, calls, deliveries or reads."""

    name: str
    # of companies, from the day they are created
    feeds_taken: float = 0  # the bank feed is connected elsewhere: the page's 409
    periods_closed: float = 0
    accounts_deleted: float = 0
    single_currency: float = 0
    billing_expired: float = 0
    deauthorised: float = 0
    unconfigured: float = 0
    # of legs pushed
    broken: float = 0  # the accounting software answers 5xx
    timed_out: float = 0
    timed_out_written: float = 0.5  # of those: written all the same
    # of syncs
    breaks: float = 0  # they end 5000
    codes_unknown: float = 0
    portal_resends: float = 0  # of failed syncs: a person sends the failed items again
    # of rows
    words_unknown: float = 0
    # of calls
    answers_lost: float = 0  # after the call was carried out
    calls_cut: float = 0  # before it arrived
    throttled: float = 0
    unavailable: float = 0  # 5xx; half of them after it was carried out
    slow: float = 0
    # of deliveries
    webhooks_lost: float = 0
    webhooks_doubled: float = 0
    webhooks_late: float = 0  # by minutes or days, so out of order
    webhooks_contradict: float = 0  # the status: a warning, or any completion
    # of reads of pages
    pages_drift: float = 0  # in another order than the read before
    rows_repeat: float = 0
    pages_shrink: float = 0
    # of our own observations; for who drives the sandbox
    clocks_jump: float = 0


_ALL: Final = (
    Scenario(name="happy"),
    Scenario(
        name="month-end",
        feeds_taken=0.15,
        periods_closed=0.15,
        accounts_deleted=0.1,
        single_currency=0.1,
        broken=0.01,
        timed_out=0.01,
        webhooks_lost=0.05,
        webhooks_doubled=0.05,
        webhooks_late=0.2,
        throttled=0.02,
        answers_lost=0.02,
        portal_resends=0.1,
    ),
    Scenario(
        name="flaky-webhooks",
        webhooks_lost=0.4,
        webhooks_doubled=0.3,
        webhooks_late=0.5,
        webhooks_contradict=0.1,
        broken=0.05,
    ),
    Scenario(
        name="half-failed",
        feeds_taken=0.4,
        periods_closed=0.3,
        broken=0.2,
        timed_out=0.1,
        portal_resends=0.3,
    ),
    Scenario(
        name="lost-answers",
        answers_lost=0.2,
        calls_cut=0.1,
        unavailable=0.1,
        throttled=0.1,
        slow=0.1,
        broken=0.05,
    ),
    Scenario(
        name="drifting-pages",
        pages_drift=0.4,
        rows_repeat=0.1,
        pages_shrink=0.1,
        words_unknown=0.03,
        codes_unknown=0.05,
        broken=0.1,
    ),
    Scenario(
        name="storm",
        feeds_taken=0.2,
        periods_closed=0.1,
        accounts_deleted=0.1,
        single_currency=0.1,
        billing_expired=0.05,
        deauthorised=0.05,
        unconfigured=0.05,
        broken=0.1,
        timed_out=0.1,
        breaks=0.05,
        codes_unknown=0.03,
        portal_resends=0.2,
        words_unknown=0.02,
        answers_lost=0.1,
        calls_cut=0.05,
        throttled=0.05,
        unavailable=0.05,
        slow=0.05,
        webhooks_lost=0.3,
        webhooks_doubled=0.2,
        webhooks_late=0.3,
        webhooks_contradict=0.1,
        pages_drift=0.15,
        rows_repeat=0.05,
        pages_shrink=0.05,
        clocks_jump=0.05,
    ),
)
SCENARIOS: Final[Mapping[str, Scenario]] = {
    scenario.name: scenario for scenario in _ALL
}


def scenario(name: str) -> Scenario:
    """Return a scenario by its name.

    Raises:
        UsageError: there is none of that name.

    """
    found = SCENARIOS.get(name)
    if found is None:
        known = ", ".join(SCENARIOS)
        raise UsageError(f"{name!r} is not a scenario, expected one of {known}")
    return found
