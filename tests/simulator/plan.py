"""How much happens in one run."""

import attrs


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
