"""What a worker does of a report: tasks that carry an address, and their answers."""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

import attrs

from reconcile.domain.vocabulary import ItemState
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import Finding
from reconcile.readmodels.company import CompanyState
from reconcile.readmodels.parallel import judging_in
from reconcile.readmodels.quarantine import QUARANTINE_TOPICS
from reconcile.readmodels.replay import replay_company
from reconcile.report.build import Part, Share, share_of
from reconcile.report.clues import Clues, clue_of_delivery, clue_of_expense, clues_of
from reconcile.report.elsewhere import Copies, Copy, marked
from reconcile.report.groups import Judged
from reconcile.report.packing import packed, unpacked
from reconcile.report.part import CompanyReporting
from reconcile.report.selection import Selection
from reconcile.report.wire import company_digest
from reconcile.storage.ports import StoredEvent
from reconcile.storage.sources import Address, EventSource


@attrs.frozen(kw_only=True)
class Setup:
    """What all tasks of a report have in common.

    `judging` is policy and rules. `run` tells two reports of the same moments apart,
    for an executor may remember answers by their tasks.
    """

    address: Address
    until: int
    as_of: datetime
    selection: Selection
    company_id: str | None
    settled: bool
    judging: bytes
    run: str = attrs.field(factory=lambda: secrets.token_hex(8))

    def reporting(self) -> CompanyReporting:
        """Return what makes the parts."""
        policy, rules = judging_in(self.judging)
        return CompanyReporting(policy=policy, rules=rules)

    def is_reported(self, company_id: str) -> bool:
        """Return whether the report is of a company."""
        return bool(company_id) and self.company_id in (None, company_id)


@attrs.frozen(kw_only=True)
class CompanyAnswer:
    """What a worker answers of one company.

    `share` is None where the report is not of it, and comes without its items, which
    are packed. `breaks` are places among them, each with how many are like it. `cases`
    are its stored events of quarantine.
    """

    company_id: str
    share: Share | None
    items: bytes
    breaks: Sequence[tuple[int, int]]
    clues: Clues
    poisoned: int
    cases: Sequence[StoredEvent]

    def unpacked(self) -> tuple[Share | None, list[tuple[Judged, int]]]:
        """Return the share with its items, and its breaks."""
        if self.share is None:
            return None, []
        items = unpacked(self.items, self.company_id)
        breaks = [(items[place], number) for place, number in self.breaks]
        return attrs.evolve(self.share, items=items), breaks


@attrs.frozen(kw_only=True)
class JudgeCompanies:
    """A task: some companies, judged by their own events."""

    setup: Setup
    companies: tuple[str, ...]


@attrs.frozen(kw_only=True)
class LookAgain:
    """A task: what some companies really say where clues met."""

    setup: Setup
    companies: tuple[str, ...]
    expenses: frozenset[int]
    deliveries: frozenset[int]


@attrs.frozen(kw_only=True)
class JudgeAgain:
    """A task: one company, judged with what others say."""

    setup: Setup
    company_id: str
    copies: tuple[Copy, ...]
    findings: tuple[Finding, ...]


def judge_companies(task: JudgeCompanies) -> list[CompanyAnswer]:
    """Return what is to be told of companies by their own events."""
    with task.setup.address.open() as source:
        return [_answer(source, task.setup, name) for name in task.companies]


def _answer(source: EventSource, setup: Setup, company_id: str) -> CompanyAnswer:
    cases: list[StoredEvent] = []

    def heard(stored: StoredEvent) -> None:
        if stored.topic in QUARANTINE_TOPICS:
            cases.append(stored)

    if not company_id:
        for stored in source.events_of(company_id, until=setup.until):
            heard(stored)
        return CompanyAnswer(
            company_id=company_id,
            share=None,
            items=b"",
            breaks=(),
            clues=clues_of((), ()),
            poisoned=0,
            cases=cases,
        )
    state = replay_company(
        source, company_id, until=setup.until, as_of=setup.as_of, heard=heard
    )
    part = setup.reporting().part(state, setup.as_of)
    clues = clues_of(part.items, _deliveries(state, setup))
    share: Share | None = None
    items = b""
    breaks: list[tuple[int, int]] = []
    if setup.is_reported(company_id):
        share, items, breaks = _share(setup, part, ())
    return CompanyAnswer(
        company_id=company_id,
        share=share,
        items=items,
        breaks=breaks,
        clues=clues,
        poisoned=len(state.poisoned),
        cases=cases,
    )


def look_again(task: LookAgain) -> tuple[list[Copy], list[DeliveryRow]]:
    """Return what companies have in their books, and their deliveries, by clues."""
    copies: list[Copy] = []
    deliveries: list[DeliveryRow] = []
    setup = task.setup
    with setup.address.open() as source:
        for company_id in task.companies:
            state = replay_company(
                source, company_id, until=setup.until, as_of=setup.as_of
            )
            if task.expenses:
                part = setup.reporting().part(state, setup.as_of)
                copies += _copies(part.items, task.expenses)
            deliveries += [
                delivery
                for delivery in _deliveries(state, setup)
                if clue_of_delivery(delivery) in task.deliveries
            ]
    return copies, deliveries


def _copies(rows: Iterable[Judged], wanted: frozenset[int]) -> Iterator[Copy]:
    for row in rows:
        content = row.content
        if (
            content is not None
            and content.digest
            and row.item.state in (ItemState.MATCHED, ItemState.CLEARED)
            and clue_of_expense(row.transaction_id, content) in wanted
        ):
            yield Copy(row.company_id, row.transaction_id, content.digest)


def judge_again(task: JudgeAgain) -> CompanyAnswer:
    """Return a company's share with what others say of it."""
    setup = task.setup
    with setup.address.open() as source:
        state = replay_company(
            source, task.company_id, until=setup.until, as_of=setup.as_of
        )
        part = setup.reporting().part(state, setup.as_of)
    part.items, found = marked(part.items, Copies(task.copies))
    part.findings = [*part.findings, *found]
    share, items, breaks = _share(setup, part, task.findings)
    return CompanyAnswer(
        company_id=task.company_id,
        share=share,
        items=items,
        breaks=breaks,
        clues=clues_of((), ()),
        poisoned=len(state.poisoned),
        cases=(),
    )


def _share(
    setup: Setup, part: Part, more: Iterable[Finding]
) -> tuple[Share, bytes, list[tuple[int, int]]]:
    """Return a company's share without its items, those packed, and its breaks."""
    share, breaks = share_of(part, more, as_of=setup.as_of, selection=setup.selection)
    items = share.items
    if not setup.settled:
        items = [row for row in items if row.item.state in _UNSETTLED]
    places = {id(row): place for place, row in enumerate(items)}
    digest = company_digest(share, as_of=setup.as_of)
    return (
        attrs.evolve(share, items=(), digest=digest),
        packed(items),
        [(places[id(row)], number) for row, number in breaks],
    )


_UNSETTLED = (ItemState.OPEN, ItemState.BREAK)


def _deliveries(state: CompanyState, setup: Setup) -> list[DeliveryRow]:
    """Return the deliveries that named themselves by the moment."""
    return [delivery for at, delivery in state.deliveries if at <= setup.as_of]
