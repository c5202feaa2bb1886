"""The façade: one store, opened, fed, and asked what became of every expense."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Self

from reconcile.codat.exchange import Exchange
from reconcile.codat.har import Captured
from reconcile.domain.events import EvidenceSetAside
from reconcile.domain.identity import canonical_id
from reconcile.domain.judgement import judge
from reconcile.domain.policy import DEFAULT, Policy
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import UsageError
from reconcile.history import Batch, History
from reconcile.intake import Intake, reprocess, take
from reconcile.quarantine import quarantine_at
from reconcile.replay import Replayed, replay
from reconcile.report.build import Judged, Part, Report, build
from reconcile.rules import BUILT_IN, Ruleset
from reconcile.storage.store import Store, environment_of, open_store
from reconcile.views.judging import judged
from reconcile.views.summaries import (
    Finding,
    findings_of_datasets,
    findings_of_deliveries,
    findings_of_sync,
    summarise,
)


def utc_now() -> datetime:
    """Return the present moment, UTC."""
    return datetime.now(UTC)


class Reconciler:
    """One history of syncs, and every question it answers.

    Use it in a `with`, or close it. Safe to use from one thread at a time.
    """

    def __init__(
        self,
        store: Store,
        *,
        now: Callable[[], datetime] = utc_now,
        policy: Policy = DEFAULT,
        rules: Ruleset = BUILT_IN,
    ) -> None:
        self.store = store
        self.policy = policy
        self.rules = rules
        self._now = now
        self._history = History(store)

    @classmethod
    def open(
        cls,
        store: str | Mapping[str, str],
        *,
        create: bool = True,
        now: Callable[[], datetime] = utc_now,
        policy: Policy = DEFAULT,
        rules: Ruleset = BUILT_IN,
    ) -> Self:
        """Return a reconciler on the store that a URL or an environment mapping names.

        Raises:
            UsageError: it names no store we know.
            StoreError: there is none there and `create` is False, or it is unusable.

        """
        url = store if isinstance(store, str) else environment_of(store)
        opened = open_store(url, create=create)
        return cls(opened, now=now, policy=policy, rules=rules)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Release the store."""
        self.store.close()

    # Feeding

    def ingest(
        self,
        captured: Iterable[Captured],
        *,
        progress: Callable[[int], None] = lambda _: None,
    ) -> Intake:
        """Take in captured traffic; what was taken in before changes nothing."""
        return take(self._history, captured, now=self._now, progress=progress)

    def record(self, exchange: Exchange) -> Intake:
        """Take in one exchange we had with Codat, or one delivery of a webhook."""
        return self.ingest((exchange,))

    def reprocess(self, *, progress: Callable[[int], None] = lambda _: None) -> Intake:
        """Read again what could not be read before."""
        return reprocess(self._history, now=self._now, progress=progress)

    def set_aside(self, digest: str, *, actor: str, reason: str) -> None:
        """Decide that quarantined bytes need not be read; kept with actor and reason.

        Raises:
            UsageError: no quarantined evidence has that digest, or a name is missing.

        """
        if not actor.strip() or not reason.strip():
            raise UsageError("setting evidence aside needs an actor and a reason")
        wanted = digest.removeprefix("sha256:").lower()
        quarantine = quarantine_at(self.store, until=self.store.position())
        companies = {
            piece.company_id for name, piece in quarantine.waiting() if name == wanted
        }
        if not companies:
            raise UsageError(f"no evidence in quarantine has the digest {digest}")
        batch = Batch()
        event = EvidenceSetAside(digest=wanted, actor=actor, reason=reason)
        for company_id in sorted(companies, key=lambda one: one or ""):
            self._history.note(batch, company_id, wanted, event)
        self._history.commit(batch, now=self._now())

    # Asking

    def report(
        self,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        company_id: str | None = None,
    ) -> Report:
        """Return the report as of a moment, by what was recorded by another.

        Without moments: as things stand now.
        """
        company_id = None if company_id is None else canonical_id(company_id)
        return self.replayed_report(
            as_of=as_of or self._now(), known_at=known_at, company_id=company_id
        )

    def replayed_report(
        self,
        *,
        as_of: datetime,
        known_at: datetime | None = None,
        company_id: str | None = None,
    ) -> Report:
        """Return the report folded from events alone, without the live views."""
        until = self.store.position(known_at=known_at)
        deliveries: list[tuple[str, str, str, str]] = []
        poisoned: list[int] = []

        def parts() -> Iterator[Part]:
            for replayed in replay(self.store, until=until, company_id=company_id):
                deliveries.extend(replayed.deliveries)
                poisoned.extend(replayed.poisoned)
                yield self._part(replayed, as_of)

        built = list(parts())
        return build(
            built,
            as_of=as_of,
            known_at=known_at,
            position=until,
            ruleset=self.rules.label,
            more_findings=findings_of_deliveries(deliveries),
            unprocessed=quarantine_at(self.store, until=until).unprocessed(company_id),
            poisoned=len(poisoned),
        )

    def items(
        self,
        *,
        state: str | ItemState | None = None,
        company_id: str | None = None,
        as_of: datetime | None = None,
    ) -> Iterator[Judged]:
        """Yield the items of a report, of one state or of all.

        Raises:
            UsageError: no item has such a state.

        """
        try:
            wanted = None if state is None else ItemState(state)
        except ValueError as error:
            raise UsageError(f"no item has the state {state!r}") from error
        for one in self.report(as_of=as_of, company_id=company_id).items:
            if wanted is None or one.item.state is wanted:
                yield one

    def _part(self, replayed: Replayed, as_of: datetime) -> Part:
        company = replayed.company

        def items() -> Iterator[Judged]:
            for transaction_id, item in judged(
                company,
                replayed.contexts,
                company.transactions(),
                judge=lambda dossier: judge(
                    dossier, as_of=as_of, policy=self.policy, rules=self.rules
                ),
            ):
                if item.attempts or item.expected:
                    yield Judged(company.company_id, transaction_id, item)

        def findings() -> Iterator[Finding]:
            yield from findings_of_datasets(company, at=as_of)
            for context in replayed.contexts.values():
                yield from findings_of_sync(company.company_id, context, at=as_of)

        summaries = (
            summarise(company, sync_id, context, at=as_of, rows_at=replayed.rows_at)
            for sync_id, context in replayed.contexts.items()
        )
        return Part(
            items=list(items()),
            syncs=[one for one in summaries if one is not None],
            findings=list(findings()),
        )
