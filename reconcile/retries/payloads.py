"""What a line sends: each expense as it was sent before, or as it was corrected."""

from collections.abc import Collection, Mapping
from datetime import datetime

import attrs

from reconcile.codat.resending import expenses_in
from reconcile.errors import PayloadError, StoreError
from reconcile.retries.calls import Sendings, SentCall, calls_of
from reconcile.retries.plan import Correction, Operation, Plan, PlanLine
from reconcile.retries.planning import expense_of
from reconcile.storage.ports import Store


def _corrected(line: PlanLine, correction: Correction) -> object:
    """Return a corrected expense; of an update, its id stands in the URL alone."""
    expense = expense_of(correction)
    if line.operation in (Operation.UPDATE, Operation.PUT):
        return {name: value for name, value in expense.items() if name != "id"}
    return expense


@attrs.define(kw_only=True)
class Payloads:
    """The expenses of a plan's lines of one company."""

    store: Store
    sendings: Sendings
    corrections: Mapping[str, Correction]
    _read: dict[str, Mapping[str, tuple[object, str]]] = attrs.field(factory=dict)

    @classmethod
    def of(
        cls, store: Store, plan: Plan, company_id: str, *, now: datetime
    ) -> "Payloads":
        """Return what a plan sends of a company, by what is stored now."""
        wanted = {
            name
            for line in plan.lines
            if line.company_id == company_id
            for name in line.transactions
        }
        calls = calls_of(
            store, company_id, wanted=wanted, until=store.position(), as_of=now
        )
        return cls(
            store=store,
            sendings=Sendings.of(calls),
            corrections={
                each.transaction_id: each
                for each in plan.corrections
                if each.company_id == company_id
            },
        )

    def unknown(self, line: PlanLine) -> list[str]:
        """Return the expenses of a line that no call of ours ever named."""
        return [n for n in line.transactions if n not in self.sendings.calls]

    def of_line(self, line: PlanLine, names: Collection[str]) -> dict[str, object]:
        """Return those expenses of a line that can be sent, by their ids.

        What is stored otherwise than the plan has it is left out.
        """
        found = {}
        for name, content in zip(line.transactions, line.contents, strict=True):
            if name in names:
                expense = self._expense(line, name, content)
                if expense is not None:
                    found[name] = expense
        return found

    def _expense(self, line: PlanLine, name: str, content: str) -> object | None:
        if line.payload_from == "correction":
            correction = self.corrections.get(name)
            return None if correction is None else _corrected(line, correction)
        for call in reversed(self.sendings.calls.get(name, ())):
            if call.evidence and call.contents[name] == content:
                expense = self._expenses(call).get(name)
                if expense is not None and expense[1] == content:
                    return expense[0]
        return None

    def _expenses(self, call: SentCall) -> Mapping[str, tuple[object, str]]:
        if call.evidence not in self._read:
            self._read[call.evidence] = self._opened(call.evidence)
        return self._read[call.evidence]

    def _opened(self, identity: str) -> Mapping[str, tuple[object, str]]:
        try:
            stored = self.store.evidence(bytes.fromhex(identity))
        except StoreError:
            self.store.position()  # the bytes are damaged: the store itself is there
            return {}
        if stored is None or not stored.request_body:
            return {}
        try:
            return expenses_in(stored.method, stored.url, stored.request_body)
        except PayloadError:
            return {}
