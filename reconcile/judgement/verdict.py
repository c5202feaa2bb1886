"""Put an outline into words: the failure's class, the verdict, the reason.

Rules: `docs/explanation/judgement.md`, section 10.
"""

import re
from datetime import datetime
from typing import Final

import attrs

from reconcile.domain.vocabulary import (
    BreakKind,
    ItemState,
    Verdict,
    WordClass,
    word_class,
)
from reconcile.judgement.item import Failure, Item, Leg, Outline, Rules


def word(outline: Outline, rules: Rules) -> Item:
    """Return the item that an outline and a ruleset make."""
    wording = wording_of(outline, rules, legs=outline.legs)
    return wording.item(outline.legs, outline.broken_since)


@attrs.frozen(kw_only=True)
class Wording:
    """What a ruleset makes of an outline: all of an item but its times and messages.

    It serves every item of the outline whose legs' messages have the same gists.
    """

    outline: Outline
    failure: Failure | None
    fingerprint: str | None
    verdict: Verdict
    advice: str
    message: str | None  # of the failure, where no leg tells it
    told_by: tuple[int, ...]  # the legs that tell it

    def item(self, legs: tuple[Leg, ...], broken_since: datetime | None) -> Item:
        """Return the item that has these legs."""
        outline, failure, message = self.outline, self.failure, self.message
        if self.told_by:
            message = min([legs[index].message or "" for index in self.told_by])
        return Item(
            state=outline.state,
            kind=outline.kind,
            reason=_reason(outline, message),
            failure_class=failure.name if failure else None,
            owner=failure.owner if failure else None,
            fingerprint=self.fingerprint,
            attempts=outline.attempts,
            expected=outline.expected,
            broken_since=broken_since,
            legs=legs,
            verdict=self.verdict,
            advice=self.advice,
            decided_by=outline.decided_by,
            update_unsettled=outline.update_unsettled,
            changes_at=outline.changes_at,
            changes_to=outline.changes_to,
        )


def wording_of(outline: Outline, rules: Rules, *, legs: tuple[Leg, ...]) -> Wording:
    """Return what a ruleset makes of an outline whose legs say this."""
    worst = _worst(outline, legs, rules) if outline.blamed else None
    failure, message, told_by = worst or (None, None, ())
    verdict, advice = _verdict(outline, failure)
    fingerprint = None
    if message:
        fingerprint = rules.fingerprint(
            message=message, code=outline.code, http_status=outline.http_status
        )
    return Wording(
        outline=outline,
        failure=failure,
        fingerprint=fingerprint,
        verdict=verdict,
        advice=advice,
        message=message,
        told_by=told_by,
    )


def _worst(
    outline: Outline, legs: tuple[Leg, ...], rules: Rules
) -> tuple[Failure, str | None, tuple[int, ...]]:
    """Return the worst failure, its message, and the legs that tell of it."""
    failed = [
        (leg.message, leg.status, (index,))
        for index, leg in enumerate(legs)
        if word_class(leg.status) is WordClass.FAILED
    ]
    ranked: dict[tuple[int, str, str], tuple[Failure, str | None, tuple[int, ...]]] = {}
    for message, status, index in failed or ((*outline.words, ()),):
        failure = rules.classify(message=message, word=status, code=outline.code)
        rank = _SEVERITY[failure.verdict], failure.name, rules.gist(message or "")
        others = ranked[rank][2] if rank in ranked else ()
        ranked[rank] = failure, message, (*others, *index)
    return ranked[min(ranked)]


_SEVERITY = {Verdict.NEVER: 0, Verdict.FIX_FIRST: 1, Verdict.WAIT: 2, Verdict.RESEND: 3}


def _verdict(outline: Outline, failure: Failure | None) -> tuple[Verdict, str]:
    """Return whether the item may be sent again, and why, in a sentence."""
    kind = outline.kind
    if outline.state in (ItemState.MATCHED, ItemState.CLEARED):
        return Verdict.NEVER, "It is in the books already."
    if outline.written_stray:
        return Verdict.NEVER, "It is in the books, though nobody expected it."
    if outline.waits:
        return Verdict.WAIT, "An attempt is not decided yet."
    if not outline.taken_up:
        return _of_no_attempt(outline)
    if kind is BreakKind.INDETERMINATE:
        return _of_doubt(outline)
    if kind is BreakKind.CONFLICTING and outline.claimed:
        return Verdict.NEVER, "It can only be refused again: look for it in the books."
    if kind is BreakKind.MISSING:
        return (
            Verdict.RESEND,
            "It was not written; duplicate protection by id makes sending it safe.",
        )
    if kind in (BreakKind.FAILED, BreakKind.UPDATE_FAILED) and failure is not None:
        return failure.verdict, failure.advice
    return Verdict.FIX_FIRST, "Find out what is in the books before sending it again."


def _of_no_attempt(outline: Outline) -> tuple[Verdict, str]:
    """Return the verdict on what no attempt is known of."""
    if outline.state is ItemState.OPEN and not outline.overdue:
        return Verdict.WAIT, "It was handed over a moment ago."
    return Verdict.RESEND, "Nothing has tried to write it: send it, or start its sync."


def _of_doubt(outline: Outline) -> tuple[Verdict, str]:
    """Return the verdict on what a lost answer leaves in doubt."""
    if outline.overdue:
        return Verdict.FIX_FIRST, "Recover the request, or look and abandon it."
    return (
        Verdict.WAIT,
        "It may have arrived: look for its sync in the company's list of syncs.",
    )


def _reason(outline: Outline, message: str | None) -> str:
    """Return one sentence for a person."""
    words = f": {_ENVELOPE.sub('', message, count=1)}" if message else "."
    if not outline.taken_up:
        return "It was handed over, and no sync has taken it up."
    if outline.kind is None:
        if outline.state is not ItemState.OPEN:
            return "Every leg is written."
        return "No source has decided it yet."
    if outline.kind is BreakKind.FAILED and outline.http_status is not None:
        return f"Codat refused it (HTTP {outline.http_status}){words}"
    if outline.kind is BreakKind.CONFLICTING and outline.claimed:
        return "Codat calls it a duplicate, and nothing shows it written."
    return _REASONS[outline.kind].format(words=words)


# Source: Codat's own samples of "Syncing expenses". `explain` shows a message whole.
_ENVELOPE: Final = re.compile(
    r"\A\s*An error occurred in a downstream service\.\s*"
    r"Correlation ID: \S+\s+Message:\s*"
)
_REASONS = {
    BreakKind.FAILED: "Codat reports that it failed{words}",
    BreakKind.UPDATE_FAILED: "The books hold the old values; the update failed{words}",
    BreakKind.REGRESSED: "It was reported written, and failed afterwards{words}",
    BreakKind.MISSING: "The sync ended without it.",
    BreakKind.UNEXPECTED: "A sync reported it, and no dataset or call names it.",
    BreakKind.CONFLICTING: "Sources contradict each other.",
    BreakKind.STUCK: "Nothing has decided it within the time allowed.",
    BreakKind.INDETERMINATE: "The answer to our request was lost; no sync is known.",
    BreakKind.UNRECOGNISED: "Codat used a word or a code we do not know.",
}
