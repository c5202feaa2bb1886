"""What one seed makes of a run, before anything happens: how much, and how bad."""

import random
from typing import Final

import attrs

from reconcile.sandbox import Sandbox, Settings
from reconcile.sandbox.scenarios import SCENARIOS, Scenario


@attrs.frozen(kw_only=True)
class Plan:
    """One run's size, and how well its office listens."""

    companies: int
    expenses: int  # of each company, all told
    hours: float
    silence: float  # hours, after all that is planned
    page_size: int
    reads: float  # the share of reads that are made at all
    hooks: float  # the share of deliveries that are answered at first
    crashes: float  # of ingests that the process does not survive


@attrs.frozen(kw_only=True)
class RetriesSize(Plan):
    """One run of an office that plans retries, and how it runs them."""

    slow: float  # the share of judgements between which and the call time passes
    doubled: float  # the share of calls in which another worker runs the same plan
    passing: bool  # its follower sends again by itself what passes


@attrs.frozen(kw_only=True)
class Drawn:
    """One run as it was drawn; `chance` is for what is drawn after it."""

    seed: int
    chance: random.Random
    scenario: Scenario
    settings: Settings
    plan: Plan

    def sandbox(self) -> Sandbox:
        """Return its sandbox, new."""
        return Sandbox(settings=self.settings, scenario=self.scenario, seed=self.seed)


_SCENARIOS: Final = (*SCENARIOS, "storm", "storm", "half-failed", "lost-answers")


def draw(seed: int, *, live: bool = False) -> Drawn:
    """Return what a seed makes of a run; a live one has some more to live with."""
    chance = random.Random(f"run {seed}")
    scenario = SCENARIOS[chance.choice(_SCENARIOS)]
    settings = Settings(
        integration_type=chance.choice(["expenses", "expense"]),
        links=chance.choice(["_links", "links"]),
        second_sync=chance.choice(["queued", "queued", "refused"]),
        duplicates=chance.choice(["sync", "sync", "call"]),
    )
    plan = Plan(
        companies=chance.choice([1, 1, 2, 3]),
        expenses=chance.choice([2, 4, 8, 16]),
        hours=chance.choice([2, 12, 48, 120]),
        silence=chance.choice([0, 0, 1, 60]),
        page_size=chance.choice([1, 3, 7, 100]),
        reads=chance.choice([1.0, 0.8, 0.4]),
        hooks=chance.choice([1.0, 0.8, 0.5]),
        crashes=chance.choice([0.0, 0.3]),
    )
    drawn = Drawn(
        seed=seed, chance=chance, scenario=scenario, settings=settings, plan=plan
    )
    return _live(drawn, random.Random(f"live {seed}")) if live else drawn


def _live(drawn: Drawn, chance: random.Random) -> Drawn:
    """Return the same with quotas that may be met, and perhaps without an endpoint."""
    settings = attrs.evolve(
        drawn.settings,
        calls_per_day=chance.choice([1000, 1000, 24]),
        calls_per_minute=chance.choice([1000, 1000, 2]),
    )
    hooks = chance.choice([drawn.plan.hooks, drawn.plan.hooks, 0.0])
    plan = attrs.evolve(drawn.plan, hooks=hooks)
    return attrs.evolve(drawn, settings=settings, plan=plan)


_TROUBLES: Final = (
    SCENARIOS["month-end"],
    SCENARIOS["half-failed"],
    SCENARIOS["lost-answers"],
    SCENARIOS["flaky-webhooks"],
    attrs.evolve(SCENARIOS["half-failed"], name="resends", portal_resends=0.8),
    Scenario(name="time-outs", timed_out=0.4, timed_out_written=0.5, broken=0.1),
    Scenario(name="breaks", breaks=0.3, broken=0.2, throttled=0.2, unconfigured=0.2),
    attrs.evolve(
        SCENARIOS["storm"],
        name="squall",  # whatever Codat says in it can be read
        codes_unknown=0,
        words_unknown=0,
        pages_shrink=0,
        webhooks_contradict=0,
        clocks_jump=0,
    ),
)


def draw_retries(seed: int) -> tuple[Drawn, RetriesSize]:
    """Return what a seed makes of a run of an office that plans retries."""
    chance = random.Random(f"retries {seed}")
    settings = Settings(
        second_sync=chance.choice(["queued", "queued", "queued", "refused"]),
        duplicates=chance.choice(["sync", "sync", "call"]),
        timed_out=chance.choice(["Unknown", "PushError"]),
        calls_per_day=chance.choice([1000, 1000, 1000, 60]),
        calls_per_minute=chance.choice([1000, 1000, 10]),
    )
    size = RetriesSize(
        companies=chance.choice([1, 1, 2, 3]),
        expenses=chance.choice([1, 2, 4, 8]),
        hours=chance.choice([3, 12, 30]),
        silence=chance.choice([0, 1, 12]),
        page_size=100,
        reads=chance.choice([1.0, 0.5, 0.1]),
        hooks=chance.choice([1.0, 0.5, 0.0]),
        crashes=chance.choice([0.0, 0.2, 0.5]),
        slow=chance.choice([0.0, 0.1]),
        doubled=chance.choice([0.0, 0.2]),
        passing=chance.choice([False, False, True]),
    )
    drawn = Drawn(
        seed=seed,
        chance=chance,
        scenario=chance.choice(_TROUBLES),
        settings=settings,
        plan=size,
    )
    return drawn, size
