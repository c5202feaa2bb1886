"""The worksheet of what stands now, and those of past moments."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Final, Self

import attrs

from reconcile.console.sheet import Sheet
from reconcile.reconciler import Reconciler

BUDGET_S: Final = 1.5


@attrs.frozen(kw_only=True)
class PastWork:
    """A past moment on its way: its page says so, and reads itself again."""

    as_of: datetime | None
    known_at: datetime | None
    since: datetime


class LiveWorksheet:
    """A worksheet that stands where the store stands; close it. Safe for threads.

    `path` is a scratch file of ours that may outlive us; without one it is temporary.
    """

    def __init__(
        self,
        open: Callable[[], Reconciler],  # noqa: A002 - as the console has it
        *,
        path: Path | None = None,
    ) -> None:
        raise NotImplementedError

    def reading(
        self, *, budget_s: float = BUDGET_S
    ) -> AbstractContextManager[Sheet | None]:
        """Give what stands now, brought up to date within the time there is.

        What takes longer goes on behind, and `footing.lag` says so. None: it is being
        made for the first time, and there is nothing to read yet.

        Raises:
            StoreError: the store cannot be read; told once, then tried again.

        """
        raise NotImplementedError

    def past(
        self,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        budget_s: float = BUDGET_S,
    ) -> AbstractContextManager[Sheet | PastWork]:
        """Give a past moment, made by a replay, or what says that it is on its way."""
        raise NotImplementedError

    def close(self) -> None:
        """End what runs, and delete what was temporary."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
