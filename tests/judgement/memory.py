"""A history in memory: captured lines in, companies folded and judged, no store."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

import attrs

from reconcile.codat.har import read_lines
from reconcile.domain.events import LegsReported, LegsReread, Recorded
from reconcile.domain.observations import Observation
from reconcile.domain.policy import DEFAULT
from reconcile.domain.rows import Groups
from reconcile.history import DECIDERS, State
from reconcile.intake.captures import ReadCapture, read_capture
from reconcile.judgement.item import Item
from reconcile.judgement.sync_context import SyncContext
from reconcile.projections.changes import changes
from reconcile.projections.folds import CompanyFacts, keys_reader
from reconcile.projections.judging import judge_as_of, judged
from reconcile.projections.summaries import (
    Finding,
    SyncSummary,
    findings_of_datasets,
    findings_of_deliveries,
    findings_of_sync,
    summarise,
)
from reconcile.rules import BUILT_IN
from reconcile.storage.evidence import micros
from tests.builders import NINE


class Told(NamedTuple):
    """What a report tells, as a value to compare."""

    items: dict[tuple[str, str], Item]
    syncs: dict[tuple[str, str], SyncSummary]
    findings: frozenset[Finding]


@attrs.define
class Memory:
    """Everything taken in, as streams of recorded events."""

    _held: dict[bytes, int] = attrs.field(factory=dict)
    _states: dict[str, State] = attrs.field(factory=dict)
    recorded: list[Recorded] = attrs.field(factory=list)

    def take(self, lines: Iterable[bytes]) -> None:
        """Read lines, and record what is news of them, as intake does."""
        for line in lines:
            piece = _read(line)
            if piece is not None and piece.unread is None and self._is_news(piece):
                identity = piece.evidence.identity.hex()
                for one in piece.seen:
                    self._record(one, identity)

    def _is_news(self, piece: ReadCapture) -> bool:
        evidence = piece.evidence
        assert (
            evidence.observed_at is not None
        )  # only bytes that are no entry have none
        observed = micros(evidence.observed_at)
        held = self._held.get(evidence.identity)
        if held is not None and (evidence.kind != "delivery" or observed >= held):
            return False
        self._held[evidence.identity] = observed
        return True

    def _record(self, seen: Observation, evidence: str) -> None:
        decider = DECIDERS[type(seen)]
        stream = decider.stream_of(seen)
        state = self._states.get(stream, decider.initial)
        for event in decider.decide(state, seen, evidence=evidence):
            state = decider.evolve(state, event)
            self.recorded.append(
                Recorded(
                    stream=stream,
                    version=state.version,
                    position=len(self.recorded) + 1,
                    recorded_at=NINE,
                    event=event,
                )
            )
        self._states[stream] = state

    def folded(self) -> "dict[str, Folded]":
        """Return every company, folded from the events in order of position."""
        folded: dict[str, Folded] = {}
        holders: dict[tuple[str, int], Recorded] = {}
        for recorded in self.recorded:
            original = None
            if isinstance(recorded.event, LegsReported):
                holders[recorded.stream, recorded.version] = recorded
            elif isinstance(recorded.event, LegsReread):
                original = holders[recorded.stream, recorded.event.same_as]
            change = changes(recorded, original=original)
            one = folded.get(change.company_id)
            if one is None:
                one = Folded(company=CompanyFacts(company_id=change.company_id))
                folded[change.company_id] = one
            if isinstance(recorded.event, LegsReported):
                one.groups[recorded.position] = recorded.event.groups
            one.company.apply(change)
            if change.delivery is not None:
                named = change.delivery
                told = (named.delivery_id, named.body_digest, "", named.sync_id)
                one.deliveries.append((change.delivery.at, told))
        for one in folded.values():
            one.contexts = one.company.contexts(keys_reader(one.groups.__getitem__))
        return folded


@attrs.define
class Folded:
    """One company with what a report needs of it."""

    company: CompanyFacts
    contexts: Mapping[str, SyncContext] = attrs.field(factory=dict)
    groups: dict[int, Groups] = attrs.field(factory=dict)
    deliveries: list[tuple[datetime, tuple[str, str, str, str]]] = attrs.field(
        factory=list
    )

    def items(self, as_of: datetime) -> dict[str, Item]:
        """Return every item that a report as of a moment lists."""
        names = self.company.transactions()
        judge = judge_as_of(as_of, policy=DEFAULT, rules=BUILT_IN)
        items = judged(self.company, self.contexts, names, judge=judge)
        found = zip(names, items, strict=True)
        return {name: item for name, item in found if item.attempts or item.expected}


@lru_cache(maxsize=4096)
def _read(line: bytes) -> ReadCapture | None:
    return read_capture(next(read_lines([line])))


def tell(folded: Mapping[str, Folded], as_of: datetime) -> Told:
    """Return what a report of these companies tells as of a moment."""
    items: dict[tuple[str, str], Item] = {}
    syncs: dict[tuple[str, str], SyncSummary] = {}
    findings: set[Finding] = set()
    for company_id, one in folded.items():
        for name, item in one.items(as_of).items():
            items[company_id, name] = item
        for name, context in one.contexts.items():
            groups_at = one.groups.__getitem__
            told = summarise(one.company, name, context, at=as_of, groups_at=groups_at)
            if told is not None:
                syncs[company_id, name] = told
            findings.update(findings_of_sync(company_id, context, at=as_of))
        findings.update(findings_of_datasets(one.company, at=as_of))
        named = (told for at, told in one.deliveries if at <= as_of)
        findings.update(findings_of_deliveries(named))
    return Told(items, syncs, frozenset(findings))


def told_of(lines: Iterable[bytes], moments: Iterable[datetime]) -> list[Told]:
    """Return what reports at several moments tell of lines taken in in order."""
    memory = Memory()
    memory.take(lines)
    folded = memory.folded()
    return [tell(folded, moment) for moment in moments]
