"""What a company's duplicate claims say of its expenses, for plans."""

import attrs

from reconcile.domain.identity import canonical_id
from reconcile.judgement.claims import claimed_in
from reconcile.projections.folds import NO_FACTS, CompanyFacts
from reconcile.readmodels.company import CompanyState


@attrs.frozen(kw_only=True)
class Claims:
    """What a company's duplicate claims name, and which attempts they spoilt."""

    named: frozenset[str]
    syncs: frozenset[str]  # whose own words make a claim
    spoken: bool

    @classmethod
    def of(cls, state: CompanyState) -> "Claims":
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
    legs_of = {id(legs): legs for legs in facts.legs.values()}
    found = {leg.message for legs in legs_of.values() for leg in legs}
    for others in {id(others): others for others in facts.others.values()}.values():
        found.update(hook.message for hook in others.hooks)
        found.update(write.words for write in others.unsettled)
    for dataset in facts.datasets.values():
        found.update(write.words for write in dataset.unsettled)
    return {message for message in found if message is not None}
