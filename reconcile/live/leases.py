"""By whose clock a lease runs."""

from collections.abc import Callable
from datetime import datetime

from reconcile.codat.client.account import utc_now


def lease_clock(now: Callable[[], datetime]) -> datetime | None:
    """Return the moment for a lease: None for the store's own clock.

    Clocks of machines differ; only who brought a clock, as a test or a sandbox does,
    has leases run by it.
    """
    return None if now is utc_now else now()
