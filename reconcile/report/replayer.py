"""What is folded from events alone: the part of the facade that replays and exports."""

from abc import ABC
from collections.abc import Callable
from concurrent.futures import Executor
from datetime import datetime
from pathlib import Path

from reconcile.audit.evidence import check_evidence
from reconcile.audit.spread import tie_out_by
from reconcile.audit.tie_out import TieOut, tie_out
from reconcile.domain.identity import canonical_id
from reconcile.domain.policy import Policy
from reconcile.errors import UsageError
from reconcile.intake.reprocess import said_by
from reconcile.readmodels.parallel import Here
from reconcile.readmodels.projector import Projector
from reconcile.report.build import Report
from reconcile.report.exported import Export
from reconcile.report.gather import Reporting
from reconcile.report.selection import Selection
from reconcile.report.spread import Spread
from reconcile.rules import Ruleset
from reconcile.storage.exports.manifest import ExportManifest
from reconcile.storage.exports.write import export_to
from reconcile.storage.opening import absolute_url
from reconcile.storage.ports import Store
from reconcile.storage.sources import Address, StoreEvents


class Replayer(ABC):
    """Replays a history in this process or over workers, and exports it."""

    store: Store
    policy: Policy
    rules: Ruleset
    _projector: Projector
    _reporting: Reporting
    _url: str | None

    def replayed_report(
        self,
        *,
        as_of: datetime,
        known_at: datetime | None = None,
        company_id: str | None = None,
        month: str | None = None,
        cause: str | None = None,
        state: str | None = None,
        executor: Executor | None = None,
        settled: bool = True,
    ) -> Report:
        """Return the report folded from events alone, without the live views.

        `executor` are the workers that fold and judge, each some companies; by default
        this process. Without `settled` the items that are open or broken come back
        alone; every figure and the digest are of all.

        Raises:
            UsageError: the month or the state is none, or the store was not opened by
                a URL that a worker can open.
            WorkersLostError: the workers are gone.

        """
        selection = Selection.of(month=month, cause=cause, state=state)
        company_id = None if company_id is None else canonical_id(company_id)
        if executor is None and settled:
            return self._reporting.replayed(
                as_of=as_of,
                known_at=known_at,
                company_id=company_id,
                selection=selection,
            )
        spread = Spread.over(
            StoreEvents(self.store),
            Address(url=self._known_url()),
            executor,
            policy=self.policy,
            rules=self.rules,
        )
        return spread.report(
            as_of=as_of,
            known_at=known_at,
            company_id=company_id,
            selection=selection,
            settled=settled,
        )

    def tie_out(
        self,
        *,
        evidence: bool = False,
        executor: Executor | None = None,
        export: Export | None = None,
    ) -> TieOut:
        """Return how the live views, brought up to date, compare with a replay.

        With `evidence`, how events and bodies compare with the bytes read again, too:
        this process does that. `executor` are the workers that replay; `export` has
        the events to replay in place of the store's own.

        Raises:
            UsageError: the export does not end where the live views stand.
            WorkersLostError: the workers are gone.

        """
        self._projector.catch_up()
        again = said_by if evidence else None
        if executor is None and export is None:
            return tie_out(self.store, again, policy=self.policy, rules=self.rules)
        found = tie_out_by(
            executor or Here(),
            self.store,
            self._known_url(),
            None
            if export is None
            else (export.events, Address.of_export(export.events)),
            policy=self.policy,
            rules=self.rules,
        )
        if again is not None:
            found.evidence = check_evidence(self.store, again)
        return found

    def export(
        self,
        folder: str | Path,
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> ExportManifest:
        """Write every event there is now to a folder, as Parquet; return what it has.

        `Export` reads it, and so does whatever reads Parquet.

        Raises:
            UsageError: the folder holds anything else than an older export, or cannot
                be written; or the extra `parquet` is not installed.

        """
        return export_to(self.store, Path(folder), progress=progress)

    def _known_url(self) -> str:
        """Return the URL at which a worker opens the store."""
        if self._url is None:
            raise UsageError("the store was opened without a URL, expected one")
        return absolute_url(self._url)
