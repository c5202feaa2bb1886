"""The façade: one store, opened, fed, and asked what became of every expense."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Self

from reconcile.audit.tie_out import TieOut, tie_out
from reconcile.bulk import collecting_later
from reconcile.codat.answers import Answer
from reconcile.codat.client import CodatClient
from reconcile.codat.exchange import Exchange
from reconcile.codat.har import Captured
from reconcile.codat.requests import Request
from reconcile.dispatch import Dispatch
from reconcile.domain.events import EvidenceSetAside
from reconcile.domain.identity import canonical_id
from reconcile.domain.judgement import judge
from reconcile.domain.pace import Pace
from reconcile.domain.policy import DEFAULT, Policy
from reconcile.domain.turns import CODATS, Concurrency
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import UsageError
from reconcile.follow import Follower
from reconcile.history import Batch, History
from reconcile.intake import Intake, take
from reconcile.live import Live, live
from reconcile.quarantine import quarantine_at
from reconcile.recovery import Recovered, Recovery
from reconcile.replay import Replayed, replay
from reconcile.report.build import Judged, Part, Report, build
from reconcile.report.story import Story, tell
from reconcile.reprocess import reprocess
from reconcile.rules import BUILT_IN, Ruleset
from reconcile.storage.projector import Projector
from reconcile.storage.store import Store, environment_of, open_store
from reconcile.storage.views import (
    deliveries_in,
    newest_in,
    poisoned_in,
    position_of,
)
from reconcile.views.judging import judge_as_of, judged
from reconcile.views.summaries import (
    findings_of_datasets,
    findings_of_deliveries,
    findings_of_sync,
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
        self._projector = Projector(store, policy=policy, rules=rules)

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

    # Sending

    def dispatch(
        self,
        ask: Callable[[Request], Answer],
        *,
        actor: str,
        concurrency: Concurrency = CODATS,
    ) -> Dispatch:
        """Return what sends writes and keeps track of each; `ask` is a client's.

        `actor` is who asks, for the record; the client records here what it hears.
        """
        return Dispatch(
            history=self._history,
            ask=ask,
            actor=actor,
            now=self._now,
            concurrency=concurrency,
        )

    def recover(
        self, ask: Callable[[Request], Answer], company_id: str, *, actor: str
    ) -> list[Recovered]:
        """Return a company's requests in doubt, and the syncs found for them.

        Raises:
            CodatUnavailable: the company's syncs could not be read.

        """
        dispatch = self.dispatch(ask, actor=actor)
        recovery = Recovery(dispatch=dispatch, ask=ask, now=self._now)
        return recovery.recover(canonical_id(company_id))

    def follower(
        self, client: CodatClient, *, holder: str, pace: Pace | None = None
    ) -> Follower:
        """Return what reads every sync to its end; `holder` names it among others.

        The client records here what it hears.
        """
        return Follower(
            client=client,
            dispatch=self.dispatch(client.ask, actor=holder),
            projector=self._projector,
            holder=holder,
            now=self._now,
            pace=pace,
        )

    # Asking

    def report(
        self,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        company_id: str | None = None,
    ) -> Report:
        """Return the report as of a moment, by what was recorded by another.

        Without moments: as things stand now, from the live views, brought up to date.
        With one, folded from the events; both give the same for the same moment.
        """
        company_id = None if company_id is None else canonical_id(company_id)
        if as_of is None and known_at is None:
            told = self._live_report(company_id)
            if told is not None:
                return told
        return self.replayed_report(
            as_of=as_of or self._now(), known_at=known_at, company_id=company_id
        )

    def _live_report(self, company_id: str | None) -> Report | None:
        """Return the report by all facts; None where some lie in the future."""
        self._projector.catch_up()
        with self.store.reading() as cursor:
            position = position_of(cursor)
            newest = newest_in(cursor)
            as_of = self._now()
            if newest is not None and newest > as_of:
                return None
            return self._built(
                live(cursor, company_id=company_id),
                as_of=as_of,
                known_at=None,
                position=position,
                company_id=company_id,
                deliveries=deliveries_in(cursor),
                poisoned=len(poisoned_in(cursor)),
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

        def companies() -> Iterator[Replayed]:
            for replayed in replay(self.store, until=until):
                deliveries.extend(
                    named for at, named in replayed.deliveries if at <= as_of
                )
                poisoned.extend(replayed.poisoned)
                if company_id is None or replayed.company.company_id == company_id:
                    yield replayed

        return self._built(
            companies(),
            as_of=as_of,
            known_at=known_at,
            position=until,
            company_id=company_id,
            deliveries=deliveries,
            poisoned=poisoned,
        )

    def _built(
        self,
        companies: Iterable[Replayed | Live],
        *,
        as_of: datetime,
        known_at: datetime | None,
        position: int,
        company_id: str | None,
        deliveries: Sequence[tuple[str, str, str, str]],
        poisoned: int | Sequence[int],
    ) -> Report:
        parts = [self._part(one, as_of) for one in companies]
        several = findings_of_deliveries(deliveries)
        return build(
            parts,
            as_of=as_of,
            known_at=known_at,
            position=position,
            ruleset=self.rules.label,
            more_findings=(f for f in several if company_id in (None, f.company_id)),
            unprocessed=quarantine_at(self.store, until=position).unprocessed(
                company_id
            ),
            poisoned=poisoned if isinstance(poisoned, int) else len(poisoned),
        )

    def explain(
        self,
        transaction_id: str,
        *,
        company_id: str | None = None,
        as_of: datetime | None = None,
    ) -> list[Story]:
        """Return a transaction's story in each company that has one of its id.

        Raises:
            UsageError: no company has such a transaction.

        """
        transaction_id = canonical_id(transaction_id)
        company_id = None if company_id is None else canonical_id(company_id)
        as_of = as_of or self._now()
        until = self.store.position()
        stories: list[Story] = []
        for replayed in replay(self.store, until=until, company_id=company_id):
            company = replayed.company
            if transaction_id not in company.legs.keys() | company.others.keys():
                continue
            dossier = company.dossier(transaction_id, replayed.contexts)
            item = judge(dossier, as_of=as_of, policy=self.policy, rules=self.rules)
            stories.append(
                tell(
                    self.store,
                    dossier,
                    item,
                    as_of=as_of,
                    until=until,
                    policy=self.policy,
                    rules=self.rules,
                )
            )
        if not stories:
            where = "" if company_id is None else f" in company {company_id}"
            raise UsageError(f"no transaction {transaction_id} is known{where}")
        return stories

    def catch_up(self) -> int:
        """Bring the live views up to date; return the position they stand at."""
        return self._projector.catch_up()

    def tie_out(self) -> TieOut:
        """Return how the live views, brought up to date, compare with a replay."""
        self._projector.catch_up()
        with self.store.reading() as cursor:
            return tie_out(self.store, cursor, policy=self.policy, rules=self.rules)

    def knows(self, company_id: str) -> bool:
        """Return whether anything was ever recorded of a company."""
        return canonical_id(company_id) in self.store.companies()

    def unprocessed(self, company_id: str | None = None) -> int:
        """Return how many distinct pieces of evidence nobody could read."""
        company_id = None if company_id is None else canonical_id(company_id)
        until = self.store.position()
        return quarantine_at(self.store, until=until).unprocessed(company_id)

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

    def _part(self, held: Replayed | Live, as_of: datetime) -> Part:
        company = held.company
        judge_them = judge_as_of(as_of, policy=self.policy, rules=self.rules)
        named = company.company_id
        with collecting_later():
            transactions = company.transactions()
            items = [
                Judged(named, transaction_id, item)
                for transaction_id, item in zip(
                    transactions,
                    judged(company, held.contexts, transactions, judge=judge_them),
                    strict=True,
                )
                if item.attempts or item.expected
            ]
        findings = list(findings_of_datasets(company, at=as_of))
        for context in held.contexts.values():
            findings += findings_of_sync(company.company_id, context, at=as_of)
        return Part(items=items, syncs=list(held.summaries(as_of)), findings=findings)
