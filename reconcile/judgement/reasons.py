"""The reason of a judgement: one sentence or two for somebody in finance."""

import re
from datetime import UTC, datetime
from typing import Final

from reconcile.domain.vocabulary import (
    BreakKind,
    CodeClass,
    DecisionKind,
    ItemState,
    WordClass,
    code_class,
    word_class,
)
from reconcile.judgement.facts import Decision
from reconcile.judgement.item import Cause, LaterTry, Leg, Outline, Progress


def reason_of(
    outline: Outline, cause: Cause | None, message: str | None, legs: tuple[Leg, ...]
) -> str:
    """Return why an item is judged so: the cause first, then Codat's words."""
    if outline.state is ItemState.RESOLVED and outline.decision is not None:
        return _of_decision(outline.decision)
    parts = [_reason(outline, cause, message, legs)]
    if outline.later:
        parts.append(_of_later(outline.later))
    if outline.decision is not None:
        parts.append(_of_reopened(outline.decision))
    return " ".join(parts)


def _of_decision(decision: Decision) -> str:
    to = f" {decision.to}" if decision.to else ""
    what = _DECIDED[decision.kind].format(to=to)
    return f"{what} ({decision.actor}, {_clock(decision.at)}): {decision.reason}"


_DECIDED: Final = {
    DecisionKind.BOOKED: "It was entered by hand in the accounting software",
    DecisionKind.MOVED: "It was moved to company{to}",
    DecisionKind.WAIVED: "It is let go",
}


def _of_reopened(decision: Decision) -> str:
    """Return that a decision no longer ends an expense."""
    return (
        f"{decision.actor} had ended it as {decision.kind.value} on"
        f" {_clock(decision.at)}; what is known of it has changed since."
    )


def _reason(
    outline: Outline, cause: Cause | None, message: str | None, legs: tuple[Leg, ...]
) -> str:
    if not outline.taken_up:
        return "It was handed over, and no sync has taken it up."
    if outline.kind is None:
        if outline.state is not ItemState.OPEN:
            return "Every leg is written."
        return _of_open(outline, legs)
    if outline.kind is BreakKind.CONFLICTING and outline.claimed:
        return "Codat calls it a duplicate, and nothing shows it written."
    if outline.kind is BreakKind.UNRECOGNISED:
        return _of_unknown_word(outline, legs)
    if outline.kind is BreakKind.STUCK:
        return f"Nothing has decided it in time. {_of_open(outline, legs)}"
    return _REASONS[outline.kind].format(why=_why(outline, cause, message)).rstrip()


_REASONS: Final = {
    BreakKind.FAILED: "{why}",
    BreakKind.UPDATE_FAILED: "The books hold the old values; the update failed. {why}",
    BreakKind.REGRESSED: "It was reported written, and failed afterwards. {why}",
    BreakKind.MISSING: "The sync ended without it.",
    BreakKind.UNEXPECTED: "A sync reported it, and no dataset or call names it.",
    BreakKind.CONFLICTING: "Sources contradict each other.",
    BreakKind.INDETERMINATE: "The answer to our request was lost; its sync is not"
    " known.",
}


def _of_later(later: LaterTry) -> str:
    """Return what came of a try that says nothing of the item itself."""
    again = f"Sent again on {_clock(later.at)}"
    if later.waits:
        return f"{again}, and that is not decided yet."
    if later.http_status:
        return f"{again}, and refused (HTTP {later.http_status}) before it was tried."
    code = "" if later.code is None else f" ({later.code})"
    return f"{again}, and that sync ended{code} before it was tried."


def _why(outline: Outline, cause: Cause | None, message: str | None) -> str:
    if cause is None:
        if outline.kind is BreakKind.UPDATE_FAILED:
            return "Its sync ended without it."
        return ""
    words = plain(message) if message else None
    http_status = outline.blame.http_status if outline.blame else None
    status = f" (HTTP {http_status})" if http_status is not None else ""
    if words is None:
        return f"{cause.title}{status}."
    end = "" if words[-1:] in ".!?" else "."
    return f"{cause.title}{status}: {words}{end}"


def plain(message: str) -> str:
    """Return Codat's message without its envelope, which tells nothing of a cause.

    `explain` shows messages whole.
    """
    return " ".join(_ENVELOPE.sub("", message, count=1).split())[:_WORDS_MAX]


_WORDS_MAX: Final = 1_000
# Source: Codat's own samples of "Syncing expenses".
_ENVELOPE: Final = re.compile(
    r"\A\s{0,9}An error occurred in a downstream service\.\s{0,9}"
    r"Correlation ID: \S{1,80}\s{1,9}Message:\s{0,9}"
)


def _of_open(outline: Outline, legs: tuple[Leg, ...]) -> str:
    """Return how far an item is that is not decided."""
    progress = outline.progress
    if progress is None:
        return "The answer to our request is not known yet."
    if progress.failed:
        code = "" if progress.code is None else f" ({progress.code})"
        if progress.read:
            return f"The sync failed{code}; its list of transactions is not complete."
        return f"The sync failed{code}; its pages were never read."
    if legs:
        known = code_class(progress.code) if progress.code is not None else None
        written = all(word_class(leg.status) is WordClass.WRITTEN for leg in legs)
        if written and known in (None, CodeClass.IN_PROGRESS):
            words = _words_of(legs)
            return f"Codat says {words}, and the end of its sync is not known yet."
        return f"Codat says {_words_of(legs)}, and that is not decided yet."
    return _of_sync(progress)


def _of_sync(progress: Progress) -> str:
    """Return how far a sync is that has said nothing of the item."""
    if progress.code is None:
        return "Codat has said nothing of its sync yet."
    known = code_class(progress.code)
    if known is CodeClass.IN_PROGRESS and progress.since is not None:
        since = _clock(progress.since)
        if progress.code == _LONG_RUNNING:
            return f"Codat is still working on it (long running since {since})."
        return f"Codat is still working on it (in progress since {since})."
    return f"The sync ended ({progress.code}), and its pages do not name it yet."


_LONG_RUNNING: Final = 1010


def _clock(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _words_of(legs: tuple[Leg, ...]) -> str:
    return " and ".join(sorted({leg.status for leg in legs}))


def _of_unknown_word(outline: Outline, legs: tuple[Leg, ...]) -> str:
    """Return which word or code of Codat's nobody has classed."""
    words = sorted(
        {leg.status for leg in legs if word_class(leg.status) is WordClass.UNRECOGNISED}
    )
    if words:
        named = " and ".join(repr(word) for word in words)
        return f"Codat used the word {named}, which nobody has classed."
    code = outline.progress.code if outline.progress else None
    return f"Codat gave the status code {code}, which nobody has classed."
