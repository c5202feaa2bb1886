"""The façade: one store, opened, fed, and asked what became of every expense."""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import datetime
from typing import Self

from reconcile.cases.people import Decisions
from reconcile.codat.client.account import utc_now
from reconcile.codat.client.clients import CodatClient
from reconcile.codat.exchange import Captured, Exchange
from reconcile.codat.signatures import Headers
from reconcile.domain.identity import canonical_id
from reconcile.domain.policy import DEFAULT, Policy
from reconcile.domain.request import RequestState
from reconcile.domain.vocabulary import ItemState
from reconcile.endpoint.arrival import arrived
from reconcile.endpoint.trust import NOBODY, Trust
from reconcile.errors import SignatureError, UsageError
from reconcile.history import History
from reconcile.intake.reprocess import reprocess
from reconcile.intake.scrub import Scrubbing, scrub
from reconcile.intake.take import Intake, take
from reconcile.judgement.item import Item
from reconcile.live.follow import Follower
from reconcile.live.pace import Pace
from reconcile.readmodels.keep_up import keep_up
from reconcile.readmodels.projector import Projector
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.readmodels.requests import RequestsInDoubt
from reconcile.report.build import Report, ReportStream
from reconcile.report.gather import Reporting
from reconcile.report.groups import Group, Judged
from reconcile.report.replayer import Replayer
from reconcile.report.selection import Selection
from reconcile.report.story import Story
from reconcile.report.streaming import streamed
from reconcile.retries.policy import RetryPolicy
from reconcile.retries.sender import Sender
from reconcile.rules import BUILT_IN, Ruleset
from reconcile.storage.opening import environment_of, open_store
from reconcile.storage.ports import Store
from reconcile.storage.refused import UntrustedDelivery


class Reconciler(Decisions, Replayer, Sender):
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
        trust: Trust = NOBODY,
    ) -> None:
        self.store = store
        self.policy = policy
        self.rules = rules
        self._now = now
        self._history = History(store)
        self._projector = Projector(store, policy=policy, rules=rules)
        self._reporting = Reporting(store=store, policy=policy, rules=rules)
        self._trust = trust
        self._doubts: RequestsInDoubt | None = None
        self._url: str | None = None

    @classmethod
    def open(
        cls,
        store: str | Mapping[str, str],
        *,
        create: bool = True,
        now: Callable[[], datetime] = utc_now,
        policy: Policy = DEFAULT,
        rules: Ruleset = BUILT_IN,
        trust: Trust = NOBODY,
    ) -> Self:
        """Return a reconciler on the store that a URL or an environment mapping names.

        `trust` is what shows a webhook to be Codat's; by default nothing does.

        Raises:
            UsageError: it names no store we know.
            NoStoreError: there is none there and `create` is False.
            StoreError: it cannot be used.

        """
        url = store if isinstance(store, str) else environment_of(store)
        opened = open_store(url, create=create)
        books = cls(opened, now=now, policy=policy, rules=rules, trust=trust)
        books._url = url
        return books

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
        return take(self._history, (exchange,), now=self._now, live=True)

    def receive_webhook(self, headers: Headers, body: bytes) -> Intake:
        """Take in a delivery of a webhook: its headers, and its body's raw bytes.

        What nothing shows to be Codat's is kept apart, as an endpoint keeps it.

        Raises:
            SignatureError: nothing shows that it is Codat's.

        """
        what = arrived(headers, body, trust=self._trust, now=self._now())
        if isinstance(what, UntrustedDelivery):
            self.store.untrusted().keep([what])
            raise SignatureError(what.reason)
        return self.ingest((what,))

    def reprocess(self, *, progress: Callable[[int], None] = lambda _: None) -> Intake:
        """Read again what could not be read before."""
        return reprocess(self._history, now=self._now, progress=progress)

    def scrub(self) -> Scrubbing:
        """Take out what earlier versions kept of others: credentials, bodies, keys.

        The bytes are gone for good; that they were rewritten is in the history.

        Raises:
            StoreError: somebody else uses the store.

        """
        return scrub(self._history, now=self._now)

    def follower(
        self,
        client: CodatClient,
        *,
        holder: str,
        pace: Pace | None = None,
        retry: RetryPolicy | None = None,
    ) -> Follower:
        """Return what reads every sync to its end; `holder` names it among others.

        The client records here what it hears. With a `retry` policy, what failed for a
        cause that passes is sent again, and nothing that needs a person.
        """
        return Follower(
            client=client,
            dispatch=self.dispatch(client.ask, actor=holder),
            projector=self._projector,
            holder=holder,
            now=self._now,
            pace=pace,
            then=None if retry is None else self.passing_retries(client, retry).step,
        )

    # Asking

    def now(self) -> datetime:
        """Return the moment by which answers of what stands now are given."""
        return self._now()

    def report(
        self,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        company_id: str | None = None,
        month: str | None = None,
        cause: str | None = None,
        state: str | None = None,
    ) -> Report:
        """Return the report as of a moment, by what was recorded by another.

        Without moments: as things stand now, from the live views, brought up to date.
        With one, folded from the events; both give the same for the same moment.
        `month` (`2026-02`) keeps the expenses whose issue date is in it, `cause` those
        of a fingerprint or of a cause's name, `state` those of a state: every figure is
        of what is kept.

        Raises:
            UsageError: the month or the state is none.

        """
        selection = Selection.of(month=month, cause=cause, state=state)
        company_id = None if company_id is None else canonical_id(company_id)
        if as_of is None and known_at is None:
            self._projector.catch_up()
            report = self._reporting.live(
                as_of=self._now(), company_id=company_id, selection=selection
            )
            if report is not None:
                return report
        return self._reporting.replayed(
            as_of=as_of or self._now(),
            known_at=known_at,
            company_id=company_id,
            selection=selection,
        )

    @contextmanager
    def streamed_report(
        self,
        *,
        company_id: str | None = None,
        month: str | None = None,
        cause: str | None = None,
        state: str | None = None,
    ) -> Iterator[ReportStream]:
        """Give the report as things stand now, made while it is read.

        `to_json`, `to_csv` and `to_html` take it. Only where some facts lie in the
        future, or others write the views, is it made whole first.

        Raises:
            UsageError: the month or the state is none.

        """
        selection = Selection.of(month=month, cause=cause, state=state)
        company_id = None if company_id is None else canonical_id(company_id)
        self._projector.catch_up()
        now = self._now()
        with streamed(
            self._reporting, as_of=now, company_id=company_id, selection=selection
        ) as stream:
            if stream is not None:
                yield stream
                return
        report = self._reporting.replayed(
            as_of=now, known_at=None, company_id=company_id, selection=selection
        )
        yield ReportStream.of(report)

    def causes(
        self,
        *,
        company_id: str | None = None,
        as_of: datetime | None = None,
        month: str | None = None,
        executor: Executor | None = None,
    ) -> Sequence[Group]:
        """Return why expenses are broken, those of most items first.

        A group without a cause is of breaks that no failure is behind. With workers,
        they are folded from the events.

        Raises:
            UsageError: the month is none.
            WorkersLostError: the workers are gone.

        """
        if executor is None:
            return self.report(company_id=company_id, as_of=as_of, month=month).groups
        return self.replayed_report(
            as_of=as_of or self._now(),
            company_id=company_id,
            month=month,
            executor=executor,
            settled=False,
        ).groups

    def explain(
        self,
        transaction_id: str,
        *,
        company_id: str | None = None,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
    ) -> list[Story]:
        """Return a transaction's story in each company that has one of its id.

        As of a moment, by what was recorded by another; without them, as of now.

        Raises:
            UsageError: no company has such a transaction.

        """
        transaction_id = canonical_id(transaction_id)
        company_id = None if company_id is None else canonical_id(company_id)
        stories = self._reporting.stories(
            transaction_id,
            company_id=company_id,
            as_of=as_of or self._now(),
            known_at=known_at,
        )
        if not stories:
            where = "" if company_id is None else f" in company {company_id}"
            raise UsageError(f"transaction {transaction_id} is not known{where}")
        return stories

    def catch_up(self) -> int:
        """Bring the live views up to date; return the position they stand at."""
        return self._projector.catch_up()

    def keep_up(self, stop: threading.Event) -> None:
        """Bring the live views up to date as soon as something comes, until `stop`."""
        keep_up(self._projector, self.store, stop)

    def knows(self, company_id: str) -> bool:
        """Return whether anything was ever recorded of a company."""
        return canonical_id(company_id) in self.store.companies()

    def _stand(self, company_id: str) -> Mapping[str, Item]:
        return {
            row.transaction_id: row.item for row in self.items(company_id=company_id)
        }

    def unprocessed(self, company_id: str | None = None) -> int:
        """Return how many distinct pieces of evidence nobody could read."""
        company_id = None if company_id is None else canonical_id(company_id)
        until = self.store.position()
        return quarantine_at(self.store, until=until).unprocessed(company_id)

    def in_doubt(self) -> Mapping[str, Sequence[RequestState]]:
        """Return each company's requests to sync whose answer is lost or not yet here.

        It reads the whole history the first time, then what has been recorded since.
        """
        if self._doubts is None:
            self._doubts = RequestsInDoubt(self.store)
        self._doubts.catch_up()
        return {name: self._doubts.of(name) for name in self._doubts.companies()}

    def item(self, transaction_id: str, *, company_id: str) -> Judged | None:
        """Return one item as things stand now; None: no such expense is known."""
        name = canonical_id(transaction_id)
        return self._standing(canonical_id(company_id), [name], {}).get(name)

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
            raise UsageError(
                f"{state!r} is not a state, expected one of {', '.join(ItemState)}"
            ) from error
        for row in self.report(as_of=as_of, company_id=company_id).items:
            if wanted is None or row.item.state is wanted:
                yield row
