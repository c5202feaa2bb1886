"""A report made by many workers: each judges companies, and nobody holds them all.

A worker answers with a company's share, its digest, and clues for what is found across
companies alone. Where clues meet, the companies are looked at again: once for what they
really say, and once more to judge what is found by it.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Self

import attrs

from reconcile.domain.policy import Policy
from reconcile.projections.folds import gc_paused
from reconcile.projections.rows import DeliveryRow
from reconcile.projections.summaries import Finding, findings_of_deliveries
from reconcile.readmodels.parallel import (
    Here,
    answers,
    divided,
    judging_of,
)
from reconcile.readmodels.quarantine import quarantine_of
from reconcile.report.build import Report, report_of
from reconcile.report.clues import (
    clue_of_copy,
    meeting,
)
from reconcile.report.elsewhere import Copy
from reconcile.report.selection import ALL, Selection
from reconcile.report.tasks import (
    CompanyAnswer,
    JudgeAgain,
    JudgeCompanies,
    LookAgain,
    Setup,
    judge_again,
    judge_companies,
    look_again,
)
from reconcile.rules import Ruleset
from reconcile.storage.sources import Address, EventSource


@attrs.frozen(kw_only=True)
class Spread:
    """The reports of one history, made by the workers of an executor.

    `source` is the open history, at `address` for whoever opens it anew.
    """

    source: EventSource
    address: Address
    policy: Policy
    rules: Ruleset
    executor: Executor

    @classmethod
    def over(
        cls,
        source: EventSource,
        address: Address,
        executor: Executor | None,
        *,
        policy: Policy,
        rules: Ruleset,
    ) -> Self:
        """Return the reports as an executor makes them, None for this process alone."""
        return cls(
            source=source,
            address=address,
            policy=policy,
            rules=rules,
            executor=executor or Here(),
        )

    def report(
        self,
        *,
        as_of: datetime,
        known_at: datetime | None,
        company_id: str | None,
        selection: Selection = ALL,
        settled: bool = True,
    ) -> Report:
        """Return the report folded from events alone, as one process makes it.

        Without `settled` the items that are open or broken come back alone; every
        figure and the digest are of all.

        Raises:
            WorkersLostError: the workers are gone.
            StoreError: a worker cannot read the history.

        """
        setup = Setup(
            address=self.address,
            until=self.source.position(known_at=known_at),
            as_of=as_of,
            selection=selection,
            company_id=company_id,
            settled=settled,
            judging=judging_of(self.policy, self.rules),
        )
        found = self._judged(setup, self.source.companies())
        with gc_paused():  # what came back holds no cycles, and may be millions
            return self._report(setup, known_at, found)

    def _report(
        self,
        setup: Setup,
        known_at: datetime | None,
        found: Mapping[str, CompanyAnswer],
    ) -> Report:
        answered = [answer.unpacked() for answer in found.values()]
        shares = [s for s, _ in answered if s is not None and s.says_something]
        cases = [event for answer in found.values() for event in answer.cases]
        cases.sort(key=lambda event: event.position)
        quarantine = quarantine_of(cases, decode=self.source.recorded)
        return report_of(
            shares,
            [pair for _, breaks in answered for pair in breaks],
            as_of=setup.as_of,
            known_at=known_at,
            selection=setup.selection,
            position=setup.until,
            ruleset=self.rules.label,
            policy=self.policy.edition,
            causes=self.rules,
            unprocessed=quarantine.unprocessed(setup.company_id),
            poisoned=sum(answer.poisoned for answer in found.values()),
            settled=setup.settled,
            company_id=setup.company_id,
        )

    def _judged(
        self, setup: Setup, companies: Sequence[str]
    ) -> dict[str, CompanyAnswer]:
        """Return every company's answer, with what others say of it."""
        tasks = [
            JudgeCompanies(setup=setup, companies=some)
            for some in divided(companies, events=setup.until)
        ]
        found = {
            answer.company_id: answer
            for some in answers(self.executor, judge_companies, tasks)
            for answer in some
        }
        for answer in self._again(setup, found):
            found[answer.company_id] = attrs.evolve(
                found[answer.company_id],
                share=answer.share,
                items=answer.items,
                breaks=answer.breaks,
            )
        return found

    def _again(
        self, setup: Setup, found: Mapping[str, CompanyAnswer]
    ) -> Iterator[CompanyAnswer]:
        """Yield the companies that are answered differently by what others say."""
        reported = [name for name in found if setup.is_reported(name)]
        clues = {name: answer.clues for name, answer in found.items()}
        met = meeting(clues, reported=reported)
        looked = [
            LookAgain(
                setup=setup,
                companies=some,
                expenses=met.expenses,
                deliveries=met.deliveries,
            )
            for some in divided(met.companies, events=setup.until)
        ]
        copies: dict[int, list[Copy]] = {}
        deliveries: list[DeliveryRow] = []
        for written, named in answers(self.executor, look_again, looked):
            for copy in written:
                copies.setdefault(clue_of_copy(copy), []).append(copy)
            deliveries += named
        findings: dict[str | None, list[Finding]] = {}
        for finding in findings_of_deliveries(deliveries):
            findings.setdefault(finding.company_id, []).append(finding)
        tasks = []
        for name in reported:
            ours = [
                copy
                for clue in sorted(copies.keys() & set(clues[name].unwritten))
                for copy in copies[clue]
            ]
            if ours or name in findings:
                tasks.append(
                    JudgeAgain(
                        setup=setup,
                        company_id=name,
                        copies=tuple(ours),
                        findings=tuple(findings.get(name, ())),
                    )
                )
        yield from answers(self.executor, judge_again, tasks)
