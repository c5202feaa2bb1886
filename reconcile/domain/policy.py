"""Deadlines and waits, as one value that a host may change."""

import hashlib
from datetime import timedelta

import attrs

# Codat delivers a webhook for about 28 hours (eight attempts: immediately, 5 s, 5 min,
# 30 min, 2 h, 5 h, 10 h, 10 h). Source: Codat docs, "Webhook troubleshooting".
DELIVERY_SCHEDULE = timedelta(hours=28)


@attrs.frozen(kw_only=True)
class Policy:
    """How long we wait before silence means something."""

    undecided_for: timedelta = DELIVERY_SCHEDULE
    """An attempt undecided so long after its request is `STUCK`."""

    silent_for: timedelta = DELIVERY_SCHEDULE
    """A failed sync that reported no row so long after its end has failed its items."""

    take_up_for: timedelta = timedelta(minutes=15)
    """What was named so long ago, and of which no attempt is known, may be sent."""

    settle_for: timedelta = timedelta(minutes=15)
    """A lost answer is open, not a break, for so long."""

    in_doubt_for: timedelta = DELIVERY_SCHEDULE
    """A lost answer that nothing has explained for so long is a person's to settle."""

    @property
    def edition(self) -> str:
        """Return the name of the policy with the start of its digest, for reports."""
        digest = hashlib.sha256(self.label.encode()).hexdigest()
        return f"{'default' if self == DEFAULT else 'custom'}@{digest[:12]}"

    @property
    def label(self) -> str:
        """Return the waits as one text, by which views know what made them."""
        return (
            f"undecided {self.undecided_for.total_seconds()} s,"
            f" silent {self.silent_for.total_seconds()} s,"
            f" taken up {self.take_up_for.total_seconds()} s,"
            f" settled {self.settle_for.total_seconds()} s,"
            f" in doubt {self.in_doubt_for.total_seconds()} s"
        )


DEFAULT = Policy()
