"""What a plan is made of, gathered from the facts and the calls of each company."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import attrs

from reconcile.codat.resending import EXPENSES, noun_of
from reconcile.domain.identity import canonical_id
from reconcile.domain.vocabulary import (
    Action,
    BreakKind,
    FindingKind,
    ItemState,
    Owner,
    Verdict,
)
from reconcile.errors import StoreError
from reconcile.judgement.claims import claimed_in
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
from reconcile.retries.candidates import Candidate, CompanyCandidates, Payload
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
        rows = [row for row in part.items if _may_be_sent(row)]
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
            claims=_Claims.of(state),
            elsewhere=frozenset(
                finding.transaction_id or ""
                for finding in part.findings
                if finding.kind is FindingKind.ELSEWHERE
            ),
            sendings=Sendings.of(
                calls_of(
                    self.store,
                    part.company_id,
                    wanted=_wanted(part.items),
                    until=self.until,
                    as_of=self.as_of,
                )
            ),
        )
        broken = [row for row in rows if row.item.state is ItemState.BREAK]
        return CompanyCandidates(
            company_id=part.company_id,
            candidates=tuple(
                found.candidate(row) for row in rows if self._is_asked_for(row)
            ),
            sent_today=found.sent_on_the_day(part.items),
            disproved=frozenset(
                row.item.fingerprint
                for row in broken
                if row.item.fingerprint in mends
                and row.item.verdict is Verdict.FIX_FIRST
            ),
            probed=frozenset(
                row.item.fingerprint
                for row in broken
                if row.item.fingerprint is not None and row.item.waits
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


def _may_be_sent(row: Judged) -> bool:
    return row.item.state not in (ItemState.MATCHED, ItemState.CLEARED)


def _wanted(rows: Iterable[Judged]) -> frozenset[str]:
    """Return the expenses whose calls count: candidates, and what budgets look at."""
    return frozenset(
        row.transaction_id for row in rows if _may_be_sent(row) or row.item.mended
    )


@attrs.frozen(kw_only=True)
class _OfCompany:
    """One company's facts, as its candidates are made of them."""

    gathering: Gathering
    facts: CompanyFacts
    mends: Mapping[str, MendedBy]
    proofs: Proofs
    claims: "_Claims"
    elsewhere: frozenset[str]
    sendings: Sendings
    _nouns: dict[str, str | None] = attrs.field(factory=dict, init=False)
    _causes: dict[str, Rule | None] = attrs.field(factory=dict, init=False)

    def candidate(self, row: Judged) -> Candidate:
        """Return an expense with all that counts for a plan."""
        item, name = row.item, row.transaction_id
        cause = self._cause(item.cause)
        correction = self.gathering.corrections.get((row.company_id, name))
        payload, readable = self._payload(row, correction)
        content = None if payload is None else payload.content
        proven, released_by, changed = self._released(name, item, cause, content)
        passes = (
            cause is not None
            and cause.verdict is Verdict.RESEND
            and cause.action is Action.RESEND
        )
        facts = self.facts.others.get(name, NO_FACTS)
        return Candidate(
            transaction_id=name,
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
        found: Counter[str] = Counter()
        for row in rows:
            item = row.item
            fingerprints = {mended.fingerprint for mended in item.mended}
            if item.fingerprint is not None:
                fingerprints.add(item.fingerprint)
            if not fingerprints or not self.sendings.are_several(row.transaction_id):
                continue
            moments = sorted(at for at, _ in self.sendings.tries(row.transaction_id))
            again = sum(1 for at in moments[1:] if at.astimezone(UTC).date() == day)
            if again:
                found.update(dict.fromkeys(fingerprints, again))
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
        self, row: Judged, correction: Correction | None
    ) -> tuple[Payload | None, bool]:
        """Return what would be sent, and whether what is stored of it can be read."""
        name = row.transaction_id
        is_update = row.item.kind is BreakKind.UPDATE_FAILED
        operations = _UPDATES if is_update else _CREATES
        if row.item.verdict is not Verdict.RESEND:
            return None, True
        dialect = "v1" if self.sendings.was_pushed(name) else "current"
        call = self.sendings.with_bytes(name, operations)
        if correction is not None:
            operation = self._operation_of_correction(name, operations)
            return Payload(
                dialect=dialect,
                operation=operation,
                noun=EXPENSES,
                content=correction.digest,
                evidence="",
            ), True
        if call is None:
            return None, True
        try:
            noun = self._noun(call)
        except StoreError:
            self.gathering.store.position()  # it is not the store that is lost
            return None, False
        if noun is None:
            return None, False
        operation = _OPERATION[call.operation]
        return Payload(
            dialect="current" if operation is Operation.CREATE else dialect,
            operation=operation,
            noun=noun,
            content=call.contents[name],
            evidence=call.evidence,
        ), True

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


@attrs.frozen(kw_only=True)
class _Claims:
    """What a company's duplicate claims name, and which attempts they spoilt."""

    named: frozenset[str]
    syncs: frozenset[str]  # whose own words make a claim
    spoken: bool

    @classmethod
    def of(cls, state: CompanyState) -> "_Claims":
        """Return the claims in everything that Codat said of a company."""
        facts = state.company
        named: set[str] = set()
        syncs = set()
        for sync_id, context in state.contexts.items():
            words = [word for code in context.codes for word in code.words]
            ids = [name for word in words for name in claimed_in(word)]
            if ids:
                syncs.add(sync_id)
                named.update(ids)
        for message in _messages(facts):
            named.update(claimed_in(message))
        return cls(
            named=frozenset(map(canonical_id, named)),
            syncs=frozenset(syncs),
            spoken=bool(named),
        )

    def any_of(self, name: str, facts: CompanyFacts) -> bool:
        """Return whether any claim may be about an expense's attempts."""
        return self.spoken and bool(
            facts.legs.get(name, ()) or facts.others.get(name, NO_FACTS).unsettled
        )

    def poisoned(self, name: str, facts: CompanyFacts) -> int:
        """Return how many attempts of an expense a claim about another one spoilt."""
        others = facts.others.get(name, NO_FACTS)
        messages = [(leg.sync_id, leg.message) for leg in facts.legs.get(name, ())]
        messages += [(hook.sync_id, hook.message) for hook in others.hooks]
        messages += [(write.request_id, write.words) for write in others.unsettled]
        attempts = {
            attempt
            for attempt, message in messages
            if (ids := claimed_in(message)) and name not in ids
        }
        reported = {leg.sync_id for leg in facts.legs.get(name, ())}
        return len(attempts | (reported & self.syncs))


def _messages(facts: CompanyFacts) -> set[str]:
    """Return every message of a company."""
    found = {leg.message for legs in facts.legs.values() for leg in legs}
    for others in facts.others.values():
        found.update(hook.message for hook in others.hooks)
        found.update(write.words for write in others.unsettled)
    for dataset in facts.datasets.values():
        found.update(write.words for write in dataset.unsettled)
    return {message for message in found if message is not None}
