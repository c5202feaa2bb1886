"""Reports from an export: no store is there, only the files of its history."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path
from typing import Self

from reconcile.codat.client.account import utc_now
from reconcile.domain.identity import canonical_id
from reconcile.domain.policy import DEFAULT, Policy
from reconcile.report.build import Report
from reconcile.report.groups import Group
from reconcile.report.selection import Selection
from reconcile.report.spread import Spread
from reconcile.rules import BUILT_IN, Ruleset
from reconcile.storage.exports.read import ExportedEvents
from reconcile.storage.sources import Address


class Export:
    """The history in an export, and the reports that its events alone can answer.

    Use it in a `with`, or close it.
    """

    def __init__(
        self,
        events: ExportedEvents,
        *,
        now: Callable[[], datetime] = utc_now,
        policy: Policy = DEFAULT,
        rules: Ruleset = BUILT_IN,
    ) -> None:
        self.events = events
        self.policy = policy
        self.rules = rules
        self._now = now

    @classmethod
    def open(
        cls,
        folder: str | Path,
        *,
        now: Callable[[], datetime] = utc_now,
        policy: Policy = DEFAULT,
        rules: Ruleset = BUILT_IN,
    ) -> Self:
        """Return the export in a folder.

        Raises:
            UsageError: there is no whole export, a file of it is missing or was
                changed, or the extra `parquet` is not installed.

        """
        events = ExportedEvents.open(folder)
        return cls(events, now=now, policy=policy, rules=rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the files."""
        self.events.close()

    @property
    def position(self) -> int:
        """Return the position of the last event that was exported."""
        return self.events.manifest.position

    def knows(self, company_id: str) -> bool:
        """Return whether anything was ever recorded of a company."""
        return canonical_id(company_id) in self.events.companies()

    def report(
        self,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        company_id: str | None = None,
        month: str | None = None,
        cause: str | None = None,
        state: str | None = None,
        executor: Executor | None = None,
        settled: bool = True,
    ) -> Report:
        """Return the report as of a moment, by what was recorded by another.

        The same as that of the store at the export's position. `executor` are the
        workers, by default this process alone. Without `settled` the items that are
        open or broken come back alone; every figure and the digest are of all.

        Raises:
            UsageError: the month or the state is none, or a file was changed.
            WorkersLostError: the workers are gone.

        """
        spread = Spread.over(
            self.events,
            Address.of_export(self.events),
            executor,
            policy=self.policy,
            rules=self.rules,
        )
        return spread.report(
            as_of=as_of or self._now(),
            known_at=known_at,
            company_id=None if company_id is None else canonical_id(company_id),
            selection=Selection.of(month=month, cause=cause, state=state),
            settled=settled,
        )

    def causes(
        self,
        *,
        company_id: str | None = None,
        as_of: datetime | None = None,
        month: str | None = None,
        executor: Executor | None = None,
    ) -> Sequence[Group]:
        """Return why expenses are broken, those of most items first.

        Raises:
            UsageError: the month is none, or a file was changed.
            WorkersLostError: the workers are gone.

        """
        return self.report(
            company_id=company_id,
            as_of=as_of,
            month=month,
            executor=executor,
            settled=False,
        ).groups
