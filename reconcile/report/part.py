"""One company's part of a report: judged by its own events, whoever gathers it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Final

import attrs

from reconcile.domain.policy import Policy
from reconcile.judgement.item import Item
from reconcile.projections.folds import gc_paused
from reconcile.projections.judging import Judge, judge_as_of, judged
from reconcile.projections.releases import Corrected, may_be_released, released
from reconcile.projections.summaries import (
    findings_of_company,
    findings_of_datasets,
    findings_of_reading,
    findings_of_sync,
)
from reconcile.readmodels.company import CompanyState
from reconcile.report.build import Part
from reconcile.report.elsewhere import Copy, copies_in
from reconcile.report.groups import Judged
from reconcile.rules import Ruleset

AS_SENT: Final[Mapping[str, Corrected]] = MappingProxyType({})
AS_SENT_HERE: Final[Corrected] = MappingProxyType({})


@attrs.frozen(kw_only=True)
class CompanyReporting:
    """What makes the parts of a report, by one policy and ruleset."""

    policy: Policy
    rules: Ruleset
    _judges: dict[datetime, Judge] = attrs.field(init=False, factory=dict, repr=False)

    def _judge(self, as_of: datetime) -> Judge:
        """Return how items are judged as of a moment; the last one is remembered."""
        if as_of not in self._judges:
            self._judges.clear()
            self._judges[as_of] = judge_as_of(
                as_of, policy=self.policy, rules=self.rules
            )
        return self._judges[as_of]

    def part(
        self,
        state: CompanyState,
        as_of: datetime,
        corrected: Mapping[str, Corrected] = AS_SENT,
    ) -> Part:
        """Return a company's part, without what is found by looking at others."""
        company = state.company
        items = self.items(state, as_of, corrected.get(company.company_id, {}))
        findings = list(findings_of_datasets(company, at=as_of))
        findings += findings_of_company(company, state.contexts, at=as_of)
        findings += findings_of_reading(company, at=as_of)
        for context in state.contexts.values():
            findings += findings_of_sync(company.company_id, context, at=as_of)
        return Part(
            company_id=company.company_id,
            items=items,
            syncs=list(state.summaries(as_of)),
            findings=findings,
        )

    def items(
        self, state: CompanyState, as_of: datetime, corrected: Corrected = AS_SENT_HERE
    ) -> list[Judged]:
        """Return a company's items that are known by a moment."""
        judge_them = self._judge(as_of)
        with gc_paused():
            names = state.company.transactions()
            items = released(
                state.company,
                state.contexts,
                names,
                judged(state.company, state.contexts, names, judge=judge_them),
                judge=judge_them,
                sent_of=state.sent,
                at=as_of,
                corrected=corrected,
            )
            rows = _rows(state, names, items, as_of)
            return [row for row in rows if row.item.attempts or row.item.expected]

    def item(self, state: CompanyState, transaction_id: str, as_of: datetime) -> Judged:
        """Return one of a company's items."""
        judge_them = self._judge(as_of)
        names = [transaction_id]
        items = judged(state.company, state.contexts, names, judge=judge_them)
        if may_be_released(items[0]):
            rows = self.items(state, as_of)
            return next(row for row in rows if row.transaction_id == transaction_id)
        return _rows(state, names, items, as_of)[0]

    def copies(
        self, states: Iterable[CompanyState], names: set[str], as_of: datetime
    ) -> list[Copy]:
        """Return those of some expenses that are in the books of companies."""
        judge_them = self._judge(as_of)
        found: list[Copy] = []
        for state in states:
            company = state.company
            known = names & (company.legs.keys() | company.others.keys())
            here = sorted(known)
            items = judged(company, state.contexts, here, judge=judge_them)
            found += copies_in(_rows(state, here, items, as_of), names)
        return found


def _rows(
    state: CompanyState,
    transactions: Sequence[str],
    items: Sequence[Item],
    as_of: datetime,
) -> list[Judged]:
    """Return items with what stands for each."""
    company_id = state.company.company_id
    return [
        Judged(company_id, name, item)
        if shown is None
        else Judged(company_id, name, item, *shown)
        for name, item, shown in zip(
            transactions, items, state.shown(transactions, items, as_of), strict=True
        )
    ]
