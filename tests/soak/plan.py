"""What a soak puts on the library: how much, how long, and what goes wrong."""

from typing import Final

import attrs

from reconcile.sandbox import Scenario, Settings

FAULTS: Final = Scenario(
    name="soak",
    feeds_taken=0.15,
    periods_closed=0.15,
    broken=0.02,
    breaks=0.02,
    answers_lost=0.03,
    calls_cut=0.02,
    throttled=0.003,
    unavailable=0.02,
    webhooks_lost=0.1,
    webhooks_doubled=0.2,
    webhooks_late=0.3,
    webhooks_contradict=0.05,
)
"""All but what only time settles: a push that timed out is read again for minutes."""

SETTINGS: Final = Settings(
    calls_per_day=1_000_000, queue_s=0.5, prepare_s=0.5, push_s=0.1
)
"""A day's calls are made in minutes here; the quota of a minute is Codat's."""


@attrs.frozen(kw_only=True)
class Plan:
    """One soak. Spans are seconds, each pair the least and the most of a wait."""

    load_s: float
    seed: int = 0
    rate: float = 10.0  # deliveries a second of the sender's own, at most
    companies: int = 12
    scenario: Scenario = FAULTS
    settings: Settings = SETTINGS
    kills_share: float = 0.6  # of the load; what is left shows memory over one run
    kill_every_s: tuple[float, float] = (4.0, 20.0)
    down_s: tuple[float, float] = (0.2, 2.0)  # until what was ended is started again
    kills_follow: bool = True  # what it was reading waits for its lease, a minute
    second_every_s: tuple[float, float] = (5.0, 40.0)
    second_s: tuple[float, float] = (5.0, 30.0)  # a second follower lives so long
    push_every_s: tuple[float, float] = (0.5, 3.0)
    expenses_max: int = 6  # of one push
    rest_max_s: float = 300.0  # until followers that are let alone have read all
    tell_every_s: float = 10.0
