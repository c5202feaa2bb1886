"""Put an outline into words: the failure's class, the verdict, the reason.

Rules: `docs/explanation/judgement.md`, section 10.
"""

from datetime import datetime

from reconcile.domain.item import Failure, Item, Leg, Outline, Rules
from reconcile.domain.vocabulary import (
    BreakKind,
    ItemState,
    Verdict,
    WordClass,
    word_class,
)


def word(
    outline: Outline,
    rules: Rules,
    *,
    legs: tuple[Leg, ...] | None = None,
    broken_since: datetime | None = None,
) -> Item:
    """Return the item that an outline and a ruleset make.

    `legs` and `broken_since` take the place of the outline's, where it is shared by
    items that differ in their times and messages.
    """
    if legs is None:
        legs, broken_since = outline.legs, outline.broken_since
    failure, message = _failure(outline, legs, rules)
    verdict, advice = _verdict(outline, failure)
    return Item(
        state=outline.state,
        kind=outline.kind,
        reason=_reason(outline, message),
        failure_class=failure.name if failure else None,
        owner=failure.owner if failure else None,
        fingerprint=rules.fingerprint(
            message=message, code=outline.code, http_status=outline.http_status
        )
        if failure is not None and message
        else None,
        attempts=outline.attempts,
        expected=outline.expected,
        broken_since=broken_since,
        legs=legs,
        verdict=verdict,
        advice=advice,
        decided_by=outline.decided_by,
        update_unsettled=outline.update_unsettled,
        turns_at=outline.turns_at,
        turns_to=outline.turns_to,
    )


def _failure(
    outline: Outline, legs: tuple[Leg, ...], rules: Rules
) -> tuple[Failure | None, str | None]:
    """Return the worst failure of the deciding attempt, with its message."""
    if not outline.blamed:
        return None, None
    told: list[tuple[str | None, str | None]] = [
        (leg.message, leg.status)
        for leg in legs
        if word_class(leg.status) is WordClass.FAILED
    ]
    worst: tuple[tuple[int, str, str], Failure] | None = None
    for message, said in told or (outline.words,):
        failure = rules.classify(message=message, word=said, code=outline.code)
        rank = _SEVERITY[failure.verdict], failure.name, message or ""
        if worst is None or rank < worst[0]:
            worst = rank, failure
    assert worst is not None
    return worst[1], worst[0][2] or None


_SEVERITY = {Verdict.NEVER: 0, Verdict.FIX_FIRST: 1, Verdict.WAIT: 2, Verdict.RESEND: 3}


def _verdict(outline: Outline, failure: Failure | None) -> tuple[Verdict, str]:
    """Return whether the item may be sent again, and why, in a sentence."""
    kind = outline.kind
    if outline.state in (ItemState.MATCHED, ItemState.CLEARED):
        return Verdict.NEVER, "It is in the books already."
    if outline.written_stray:
        return Verdict.NEVER, "It is in the books, though nobody expected it."
    if outline.state is ItemState.OPEN or outline.waits:
        return Verdict.WAIT, "An attempt is not decided yet."
    if kind is BreakKind.INDETERMINATE:
        return (
            Verdict.WAIT,
            "It may have arrived: look for its sync in the company's list of syncs.",
        )
    if kind is BreakKind.MISSING:
        return (
            Verdict.RESEND,
            "It was not written; duplicate protection by id makes sending it safe.",
        )
    if kind in (BreakKind.FAILED, BreakKind.UPDATE_FAILED) and failure is not None:
        return failure.verdict, failure.advice
    return Verdict.FIX_FIRST, "Find out what is in the books before sending it again."


def _reason(outline: Outline, message: str | None) -> str:
    """Return one sentence for a person."""
    said = f": {message}" if message else "."
    if outline.kind is None:
        if outline.state is not ItemState.OPEN:
            return "Every leg is written."
        if not outline.taken_up:
            return "It was handed over, and no sync has taken it up."
        return "No source has decided it yet."
    if outline.kind is BreakKind.FAILED and outline.http_status is not None:
        return f"Codat refused it (HTTP {outline.http_status}){said}"
    if outline.kind is BreakKind.CONFLICTING and outline.claimed:
        return "Codat calls it a duplicate, and nothing shows it written."
    return _REASONS[outline.kind].format(said=said)


_REASONS = {
    BreakKind.FAILED: "Codat reports that it failed{said}",
    BreakKind.UPDATE_FAILED: "The books hold the old values; the update failed{said}",
    BreakKind.REGRESSED: "It was reported written, and failed afterwards{said}",
    BreakKind.MISSING: "The sync ended without it.",
    BreakKind.UNEXPECTED: "A sync reported it, and no dataset or call names it.",
    BreakKind.CONFLICTING: "Sources contradict each other.",
    BreakKind.STUCK: "Nothing has decided it within the time allowed.",
    BreakKind.INDETERMINATE: "The answer to our request was lost; no sync is known.",
    BreakKind.UNRECOGNISED: "Codat used a word or a code we do not know.",
}
