"""What a plan is made of, gathered from the facts and the calls of each company."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from reconcile.codat.resending import EXPENSES, noun_of
from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    FindingKind,
    ItemState,
    Owner,
    Verdict,
)
from reconcile.errors import StoreError
from reconcile.judgement.facts import MendedBy
from reconcile.judgement.item import Item
from reconcile.judgement.releases import Proofs, latest_mends
from reconcile.judgement.time_outs import read_again_at
from reconcile.projections.folds import NO_FACTS, CompanyFacts
from reconcile.projections.releases import proofs_in
from reconcile.readmodels.company import CompanyState
from reconcile.report.build import Part
from reconcile.report.groups import Judged
from reconcile.retries.calls import Sendings, SentCall, calls_of
from reconcile.retries.candidates import Alike, CompanyCandidates, Payload
from reconcile.retries.claims import Claims
from reconcile.retries.plan import Correction, Operation
from reconcile.rules import Ruleset
from reconcile.rules.rule import Rule
from reconcile.storage.ports import Store

_CREATES: Final = ("push", "create", "put")
_UPDATES: Final = ("update", "put")
_OPERATION: Final = {
    "push": Operation.PUSH,
    "create": Operation.CREATE,
    "update": Operation.UPDATE,
    "put": Operation.PUT,
}


@attrs.frozen(kw_only=True)
class Gathering:
    """Gathers the candidates of a plan, as of a moment and up to a position.

    `cause` keeps those of a fingerprint or of a cause's name. `passing_only`: nothing
    but causes that pass with time is in scope.
    """

    store: Store
    rules: Ruleset
    as_of: datetime
    until: int
    cause: str | None = None
    passing_only: bool = False
    corrections: Mapping[tuple[str, str], Correction] = attrs.field(factory=dict)

    def company(self, state: CompanyState, part: Part) -> CompanyCandidates:
        """Return what a plan looks at of one company."""
        rows = [row for row in part.items if _is_unwritten(row.item)]
        if not rows:
            return CompanyCandidates(company_id=part.company_id)
        facts = state.company
        names = [row.transaction_id for row in part.items]
        items = [row.item for row in part.items]
        mends = latest_mends(facts.mended, at=self.as_of)
        found = _OfCompany(
            gathering=self,
            facts=facts,
            mends=mends,
            proofs=proofs_in(facts, names, items, sent_of=state.sent, at=self.as_of),
            claims=Claims.of(state),
            elsewhere=frozenset(
                finding.transaction_id or ""
                for finding in part.findings
                if finding.kind is FindingKind.ELSEWHERE
            ),
            sendings=Sendings.of(
                calls_of(
                    self.store,
                    part.company_id,
                    wanted=_wanted(rows, part.items),
                    until=self.until,
                    as_of=self.as_of,
                )
            ),
        )
        different = {id(row.item): row.item for row in rows}.values()
        broken = [item for item in different if item.state is ItemState.BREAK]
        return CompanyCandidates(
            company_id=part.company_id,
            candidates=tuple(found.candidates(filter(self._is_asked_for, rows))),
            sent_today=found.sent_on_the_day(part.items),
            disproved=frozenset(
                item.fingerprint
                for item in broken
                if item.fingerprint in mends and item.verdict is Verdict.FIX_FIRST
            ),
            probed=frozenset(
                item.fingerprint
                for item in broken
                if item.fingerprint is not None and item.waits
            ),
            pushed={
                dataset_id: frozenset(dataset.pushes[-1].transaction_ids)
                for dataset_id, dataset in facts.datasets.items()
                if dataset.pushes and not dataset.syncs and dataset.pushes[-1].whole
            },
        )

    def _is_asked_for(self, row: Judged) -> bool:
        if self.cause is None:
            return True
        return self.cause in (row.item.fingerprint, row.item.cause)


def _is_unwritten(item: Item) -> bool:
    return item.state is not ItemState.MATCHED and item.state is not ItemState.CLEARED


def _wanted(unwritten: Iterable[Judged], rows: Iterable[Judged]) -> set[str]:
    """Return the expenses whose calls count: candidates, and what budgets look at."""
    names = {row.transaction_id for row in unwritten}
    return names.union(row.transaction_id for row in rows if row.item.mended)


@attrs.frozen(kw_only=True)
class _OfCompany:
    """One company's facts, as its candidates are made of them."""

    gathering: Gathering
    facts: CompanyFacts
    mends: Mapping[str, MendedBy]
    proofs: Proofs
    claims: Claims
    elsewhere: frozenset[str]
    sendings: Sendings
    _nouns: dict[str, str | None] = attrs.field(factory=dict, init=False)
    _causes: dict[str, Rule | None] = attrs.field(factory=dict, init=False)

    def candidates(self, rows: Iterable[Judged]) -> Iterator[Alike]:
        """Yield expenses with all that counts for a plan, those together that share it.

        Each is looked at for what it shares with others, and one of them for the rest.
        """
        alike: dict[object, list[Judged]] = {}
        for row in rows:
            alike.setdefault(self._shape(row), []).append(row)
        for some in alike.values():
            yield self._alike(some[0], [row.transaction_id for row in some])

    def _shape(self, row: Judged) -> object:
        """Return what is the same only of expenses that a plan treats alike.

        Those of one item have the same facts, and calls that name the same expenses are
        one object. Claims and corrections are of an id.
        """
        name = row.transaction_id
        is_alone = name in self.claims.named or self._correction(name) is not None
        return (
            id(row.item),
            id(self.sendings.calls.get(name)),
            self.sendings.repeats(name),
            name if is_alone else None,
        )

    def _correction(self, name: str) -> Correction | None:
        return self.gathering.corrections.get((self.facts.company_id, name))

    def _alike(self, row: Judged, names: Iterable[str]) -> Alike:
        """Return expenses with all that counts for a plan, by one of them."""
        item, name = row.item, row.transaction_id
        cause = self._cause(item.cause)
        payload, contents, readable = self._payload(name, item)
        content = contents.get(name)
        proven, released_by, changed = self._released(name, item, cause, content)
        passes = (
            cause is not None
            and cause.verdict is Verdict.RESEND
            and cause.action is Action.RESEND
        )
        facts = self.facts.others.get(name, NO_FACTS)
        return Alike(
            contents={each: contents.get(each, "") for each in names},
            item=item,
            payload=payload,
            readable=readable,
            cause_owner=None if cause is None else cause.owner,
            passes=passes,
            sent=sum(digest == content for _, digest in self.sendings.tries(name)),
            last_sent_at=item.last_sent_at,
            poisoned=self.claims.poisoned(name, self.facts)
            if self.claims.any_of(name, self.facts)
            else 0,
            is_elsewhere=name in self.elsewhere,
            is_claimed=name in self.claims.named,
            proven=proven,
            released_by=released_by,
            changed=changed,
            dataset_id=self._unsynced(name) if facts.expected else None,
            in_scope=passes or not self.gathering.passing_only,
            read_again_at=read_again_at(
                item,
                (leg for leg in self.facts.legs.get(name, ()) if leg.at <= self._at),
            ),
        )

    def _released(
        self, name: str, item: Item, cause: Rule | None, content: str | None
    ) -> tuple[bool, str | None, bool]:
        """Return what releases an expense: a proof, a person by name, its own change.

        Rules: `docs/explanation/judgement.md`, section 10, "Releases".
        """
        fingerprint = item.fingerprint or ""
        failing = self.sendings.of_attempt(name, item.failed_in)
        failed_at = item.last_sent_at if failing is None else failing[0]
        proof, mended = self.proofs.get(fingerprint), self.mends.get(fingerprint)
        may_go = item.verdict is Verdict.RESEND

        def after(moment: datetime) -> bool:
            return failed_at is None or moment > failed_at

        proven = proof is not None and after(proof.tried_at)
        mended_by = None
        if mended is not None and may_go and after(mended.at):
            mended_by = mended.actor
        if cause is None or cause.verdict is not Verdict.FIX_FIRST or not may_go:
            return proven, mended_by, False
        is_other = (
            cause.owner is Owner.US
            and failing is not None
            and content not in (None, "", failing[1])
        )
        return proven, mended_by, is_other or not (proven or mended_by)

    @property
    def _at(self) -> datetime:
        return self.gathering.as_of

    def sent_on_the_day(self, rows: Iterable[Judged]) -> Counter[str]:
        """Return by fingerprint how many expenses were sent again on the day."""
        day = self.gathering.as_of.astimezone(UTC).date()
        calls = self.sendings.calls
        alike: dict[tuple[int, int], list[Judged]] = {}
        for row in rows:
            key = id(row.item), id(calls.get(row.transaction_id))
            alike.setdefault(key, []).append(row)
        found: Counter[str] = Counter()
        for some in alike.values():
            item, name = some[0].item, some[0].transaction_id
            fingerprints = {mended.fingerprint for mended in item.mended}
            if item.fingerprint is not None:
                fingerprints.add(item.fingerprint)
            moments = sorted(at for at, _ in self.sendings.tries(name))
            again = sum(1 for at in moments[1:] if at.astimezone(UTC).date() == day)
            if again:
                found.update(dict.fromkeys(fingerprints, again * len(some)))
        return found

    def _cause(self, name: str | None) -> Rule | None:
        if name is None:
            return None
        if name not in self._causes:
            self._causes[name] = self.gathering.rules.named(name)
        return self._causes[name]

    def _unsynced(self, name: str) -> str | None:
        """Return the dataset an expense was pushed in last, if it was never synced."""
        calls = self.sendings.calls.get(name, ())
        pushed = [c.dataset_id for c in calls if c.operation == "push" and c.dataset_id]
        if not pushed or self.sendings.syncs.get(pushed[-1]):
            return None
        return pushed[-1]

    def _payload(
        self, name: str, item: Item
    ) -> tuple[Payload | None, Mapping[str, str], bool]:
        """Return how an expense would be sent, the digests of what is, by expense.

        With them comes whether what is stored of it can be read.
        """
        is_update = item.kind is BreakKind.UPDATE_FAILED
        operations = _UPDATES if is_update else _CREATES
        if item.verdict is not Verdict.RESEND:
            return None, {}, True
        dialect = "v1" if self.sendings.was_pushed(name) else "current"
        call = self.sendings.with_bytes(name, operations)
        correction = self._correction(name)
        if correction is not None:
            operation = self._operation_of_correction(name, operations)
            payload = Payload(
                dialect=dialect, operation=operation, noun=EXPENSES, evidence=""
            )
            return payload, {name: correction.digest}, True
        if call is None:
            return None, {}, True
        try:
            noun = self._noun(call)
        except StoreError:
            self.gathering.store.position()  # it is not the store that is lost
            return None, {}, False
        if noun is None:
            return None, {}, False
        operation = _OPERATION[call.operation]
        payload = Payload(
            dialect="current" if operation is Operation.CREATE else dialect,
            operation=operation,
            noun=noun,
            evidence=call.evidence,
        )
        return payload, call.contents, True

    def _operation_of_correction(
        self, name: str, operations: Sequence[str]
    ) -> Operation:
        calls = self.sendings.by(name, operations)
        return _OPERATION[calls[-1].operation] if calls else Operation.CREATE

    def _noun(self, call: SentCall) -> str | None:
        """Return what a call's path names; None where its body was not kept."""
        if call.evidence not in self._nouns:
            stored = self.gathering.store.evidence(bytes.fromhex(call.evidence))
            self._nouns[call.evidence] = (
                None
                if stored is None or not stored.request_body
                else noun_of(stored.method, stored.url)
            )
        return self._nouns[call.evidence]
