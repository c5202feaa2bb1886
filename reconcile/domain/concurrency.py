"""Whether a company may have one more sync: an effective-dated policy, as data."""

from datetime import UTC, datetime
from typing import Final, Literal

import attrs

Mode = Literal["exclusive", "queued"]


@attrs.frozen(kw_only=True)
class Concurrency:
    """How a company's syncs stand to each other, from each moment on.

    `exclusive`: no new sync while one runs. `queued`: Codat puts them in a row.
    """

    steps: tuple[tuple[datetime, Mode], ...]

    def at(self, moment: datetime) -> Mode:
        """Return the mode at a moment; before the first step, the first step's."""
        modes = [mode for since, mode in self.steps if since <= moment]
        return modes[-1] if modes else self.steps[0][1]


# Source: Codat docs, "Syncing expenses": the page of 2023-04-27 refuses a second sync;
# the caution was removed on 2023-09-12, "you can now queue syncs".
CODATS: Final = Concurrency(
    steps=(
        (datetime(2022, 9, 30, tzinfo=UTC), "exclusive"),
        (datetime(2023, 9, 12, tzinfo=UTC), "queued"),
    )
)
