"""Deciding about expenses: mended, booked by hand, moved, let go, reopened, noted.

A decision is of one company, about some of its expenses or about a cause. All of it is
stored in one transaction, or none.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Final

import attrs
import msgspec

from reconcile.cases.deciding import check_person
from reconcile.domain.case_events import CauseMended, ExpenseDecided
from reconcile.domain.identity import canonical_id, case_of_cause, case_of_expense
from reconcile.domain.vocabulary import DecisionKind, ItemState
from reconcile.errors import UsageError
from reconcile.history import Batch, History
from reconcile.judgement.item import Item
from reconcile.storage.ports import VersionConflictError

MENDED: Final = "mended"
DECISIONS: Final[Mapping[str, DecisionKind | None]] = {
    MENDED: None,  # of a cause, not of an expense
    "booked": DecisionKind.BOOKED,
    "moved": DecisionKind.MOVED,
    "waive": DecisionKind.WAIVED,
    "reopen": DecisionKind.REOPENED,
    "note": DecisionKind.NOTED,
}
"""What may be decided, by the word of the command line."""
NAMED_MAX: Final = 5


@attrs.frozen(kw_only=True)
class Decided:
    """What was decided: about which expenses, or which fingerprints."""

    decision: str
    company_id: str
    transactions: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()


def seen_digest(items: Mapping[str, Item]) -> str:
    """Return the SHA-256 of how some expenses stand: it changes when one of them does.

    Nothing in it depends on the clock alone, but for deadlines that have passed.
    """
    stands = [
        (
            name,
            item.state,
            item.kind,
            item.cause,
            item.fingerprint,
            item.attempts,
            item.verdict,
            [leg[:4] for leg in item.legs],  # not when they were read last
            item.decision,
        )
        for name, item in sorted(items.items())
    ]
    return f"sha256:{hashlib.sha256(msgspec.json.encode(stands)).hexdigest()}"


def decide(
    history: History,
    decision: str,
    *,
    company_id: str,
    items: Mapping[str, Item],
    transactions: Sequence[str] = (),
    cause: str | None = None,
    to: str | None = None,
    actor: str,
    reason: str,
    seen: str | None = None,
    now: Callable[[], datetime],
) -> Decided:
    """Store a decision about some of a company's `items`, as they stand now.

    `cause` is a fingerprint, or the name of a cause: all breaks of it are meant. `seen`
    is the digest of what the person saw of them.

    Raises:
        UsageError: the decision, an expense or the cause is not known; the decision
            makes no sense for one of them; what was seen has changed; a name is blank.

    """
    if decision not in DECISIONS:
        words = ", ".join(DECISIONS)
        raise UsageError(f"{decision!r} is not a decision, expected one of {words}")
    check_person(decision, actor=actor, reason=reason)
    to = _checked_to(decision, company_id, to)
    chosen = _chosen(decision, company_id, items, transactions, cause)
    if seen is not None and seen != (stands := seen_digest(chosen)):
        raise UsageError(
            f"what was seen ({seen}) has changed: now {_stand(chosen)}"
            f" ({stands}); look again"
        )
    kind = DECISIONS[decision]
    if kind is not None:
        for name, item in chosen.items():
            _check(kind, name, item)
    decided = Decided(
        decision=decision,
        company_id=company_id,
        transactions=tuple(chosen),
        fingerprints=_fingerprints(chosen) if kind is None else (),
    )
    person = _Person(actor=actor, reason=reason, to=to, at=now())
    _store(history, decided, person)
    return decided


def _store(history: History, decided: Decided, person: "_Person") -> None:
    """Store all of a decision, or nothing."""
    batch = Batch()
    company_id = decided.company_id
    kind = DECISIONS[decided.decision]
    for fingerprint in decided.fingerprints:
        stream = case_of_cause(company_id, fingerprint)
        history.add(batch, stream, person.mended(fingerprint))
    if kind is not None:
        for name in decided.transactions:
            stream = case_of_expense(company_id, name)
            history.add(batch, stream, person.decided(name, kind))
    try:
        history.commit(batch, now=person.at)
    except VersionConflictError as error:
        raise UsageError(
            "somebody else decided about this meanwhile: look again"
        ) from error


@attrs.frozen(kw_only=True)
class _Person:
    """Who decides, why, and when; `to` is the company of what was moved."""

    actor: str
    reason: str
    to: str
    at: datetime

    def mended(self, fingerprint: str) -> CauseMended:
        return CauseMended(
            fingerprint=fingerprint, actor=self.actor, reason=self.reason, at=self.at
        )

    def decided(self, name: str, kind: DecisionKind) -> ExpenseDecided:
        return ExpenseDecided(
            transaction_id=name,
            decision=kind,
            to=self.to,
            actor=self.actor,
            reason=self.reason,
            at=self.at,
        )


def _checked_to(decision: str, company_id: str, to: str | None) -> str:
    """Return the company an expense was moved to, "" where it was not moved."""
    if decision != "moved":
        if to is not None:
            raise UsageError(f"a company to move to was given with {decision}")
        return ""
    if to is None or not to.strip():
        raise UsageError("moved: no company was given, expected where it was moved to")
    target = canonical_id(to)
    if target == company_id:
        raise UsageError(f"moved: it is in company {to} already, expected another one")
    return target


def _chosen(
    decision: str,
    company_id: str,
    items: Mapping[str, Item],
    transactions: Sequence[str],
    cause: str | None,
) -> dict[str, Item]:
    """Return the expenses that are meant."""
    if bool(transactions) == (cause is not None):
        given = "both" if transactions else "neither"
        raise UsageError(
            f"{decision}: {given} of expenses and a cause were given, expected one"
        )
    if cause is None:
        chosen = list(dict.fromkeys(map(canonical_id, transactions)))
        unknown = [name for name in chosen if name not in items]
        if unknown:
            some = ", ".join(unknown[:NAMED_MAX])
            raise UsageError(f"transaction {some} is not known in company {company_id}")
        return {name: items[name] for name in chosen}
    if decision == "reopen":
        raise UsageError("reopen: a cause was given, expected expenses")
    found = {
        name: item
        for name, item in items.items()
        if item.state is ItemState.BREAK and cause in (item.fingerprint, item.cause)
    }
    if not found:
        raise UsageError(f"no break of company {company_id} has the cause {cause}")
    return found


def _fingerprints(chosen: Mapping[str, Item]) -> tuple[str, ...]:
    found: set[str] = set()
    for name, item in chosen.items():
        if item.fingerprint is None:
            raise UsageError(
                f"mended: transaction {name} {_is(item)}, expected a failure"
                " that can be mended"
            )
        found.add(item.fingerprint)
    return tuple(sorted(found))


def _check(kind: DecisionKind, name: str, item: Item) -> None:
    """Refuse what would say nothing of an expense as it stands, or something false."""
    if kind is DecisionKind.NOTED:
        return
    if kind is DecisionKind.REOPENED:
        if item.state is not ItemState.RESOLVED:
            raise UsageError(
                f"reopen: transaction {name} {_is(item)}, expected a resolved one"
            )
        return
    if item.state not in (ItemState.BREAK, ItemState.OPEN):
        raise UsageError(
            f"{kind.value}: transaction {name} {_is(item)}, expected a break"
        )
    if item.waits:
        raise UsageError(
            f"{kind.value}: transaction {name} is under way, expected one that Codat"
            " may not write any more"
        )


def _is(item: Item) -> str:
    if item.state in (ItemState.MATCHED, ItemState.CLEARED):
        return "is in the books"
    kind = f" {item.kind.value}" if item.kind else ""
    return f"is {item.state.value}{kind}"


def _stand(chosen: Mapping[str, Item]) -> str:
    named = islice(chosen.items(), NAMED_MAX)
    some = [f"{name} {_is(item)}" for name, item in named]
    more = len(chosen) - len(some)
    return ", ".join(some) + (f" and {more} more" if more else "")
