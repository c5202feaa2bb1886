"""The next step for an expense: verdict, action, whose move it is, and how.

Rules: `docs/explanation/judgement.md`, section 10.
"""

from typing import NamedTuple

from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Owner, Verdict
from reconcile.judgement.item import Cause, Outline, Release


class NextStep(NamedTuple):
    """What comes next; `by_cause` where the cause of a failure decided it."""

    verdict: Verdict
    action: Action
    owner: Owner | None
    advice: str
    by_cause: bool = False


def next_step(
    outline: Outline, cause: Cause | None, *, release: Release | None = None
) -> NextStep:
    """Return the next step: of the rows of section 10, the first that applies."""
    kind = outline.kind
    if outline.state in (ItemState.MATCHED, ItemState.CLEARED):
        return NextStep(
            Verdict.NEVER, Action.NONE, None, "It is in the books: nothing is to do."
        )
    if outline.state is ItemState.RESOLVED:
        advice = "A person ended it: nothing is to do."
        return NextStep(Verdict.NEVER, Action.NONE, None, advice)
    if outline.written_stray:
        return NextStep(
            Verdict.NEVER,
            Action.LOOK_IN_BOOKS,
            Owner.US,
            "It is in the books, though no dataset or call names it: find out who sent"
            " it.",
        )
    if outline.waits:
        return _of_open(outline)
    if not outline.taken_up:
        return _of_no_attempt(outline)
    if kind is BreakKind.INDETERMINATE:
        return _of_doubt(outline)
    if kind is BreakKind.CONFLICTING and outline.claimed:
        return NextStep(
            Verdict.NEVER,
            Action.LOOK_IN_BOOKS,
            Owner.US,
            "Look for it in the books: sent again, it can only be refused again.",
        )
    if kind is BreakKind.MISSING:
        return NextStep(
            Verdict.RESEND,
            Action.RESEND,
            Owner.US,
            "Send it again: it was not written, and duplicate protection by id makes"
            " sending it safe.",
        )
    if kind is BreakKind.UPDATE_FAILED:
        return _of_update(outline, cause, release)
    if kind is BreakKind.FAILED and cause is not None:
        return _of_cause(outline, cause, release)
    if kind is BreakKind.STUCK:
        return _of_stuck(outline)
    if kind is BreakKind.UNRECOGNISED:
        return NextStep(
            Verdict.FIX_FIRST,
            Action.ASK_CODAT,
            Owner.US,
            "Ask Codat what it means, and look in the books before sending it again.",
        )
    return NextStep(
        Verdict.FIX_FIRST,
        Action.LOOK_IN_BOOKS,
        Owner.US,
        "Find out what is in the books before sending it again.",
    )


def _of_open(outline: Outline) -> NextStep:
    """Return the next step while an attempt is not decided."""
    progress = outline.progress
    if progress is not None and progress.failed and not progress.read:
        advice = f"Read the pages of sync {progress.sync_id}: it failed."
    elif outline.state is ItemState.BREAK:
        advice = "It was sent again, and that is not decided yet: read its sync again."
    else:
        advice = "Its sync is not decided yet: read it again."
    return NextStep(Verdict.WAIT, Action.READ_AGAIN, Owner.NOBODY, advice)


def _of_no_attempt(outline: Outline) -> NextStep:
    """Return the next step for what no attempt is known of."""
    if outline.pushed:
        action, how = Action.START_SYNC, "start the sync of its dataset"
    else:
        action, how = Action.RESEND, "send it, or start its sync"
    if outline.state is ItemState.OPEN and not outline.overdue:
        advice = f"It was handed over a moment ago: {how} if nothing does."
        return NextStep(Verdict.WAIT, action, Owner.US, advice)
    advice = f"Nothing has tried to write it: {how}."
    return NextStep(Verdict.RESEND, action, Owner.US, advice)


def _of_doubt(outline: Outline) -> NextStep:
    """Return the next step for what a lost answer leaves in doubt."""
    if outline.overdue:
        return NextStep(
            Verdict.FIX_FIRST,
            Action.RECOVER_OR_ABANDON,
            Owner.US,
            "Look for its sync: recover the request, or abandon it. `explain` shows its"
            " id.",
        )
    return NextStep(
        Verdict.WAIT,
        Action.READ_AGAIN,
        Owner.NOBODY,
        "It may have arrived: look for its sync in the company's list of syncs.",
    )


def _of_stuck(outline: Outline) -> NextStep:
    """Return the next step for what nothing has decided in time."""
    progress = outline.progress
    sync = "its sync" if progress is None else f"sync {progress.sync_id}"
    return NextStep(
        Verdict.FIX_FIRST,
        Action.READ_AGAIN,
        Owner.US,
        f"Read the status of {sync} again, then its pages; then ask Codat, naming"
        " company and sync.",
    )


def _of_cause(outline: Outline, cause: Cause, release: Release | None) -> NextStep:
    """Return the next step for what failed, by its cause."""
    if release is not None:
        passes = cause.verdict is Verdict.RESEND and not cause.spent(outline.tries)
        return NextStep(
            Verdict.RESEND, release.action, Owner.US, release.advice, passes
        )
    if cause.verdict is Verdict.RESEND and cause.spent(outline.tries):
        return NextStep(
            Verdict.FIX_FIRST,
            Action.ASK_CODAT,
            Owner.CODAT,
            f"It failed {outline.tries} times: ask Codat, naming company and sync.",
        )
    return NextStep(cause.verdict, cause.action, cause.owner, cause.advice, True)


def _of_update(
    outline: Outline, cause: Cause | None, release: Release | None
) -> NextStep:
    """Return the next step where the books hold old values."""
    again = "Send the update (PUT) again, never a create."
    if cause is None:
        return NextStep(
            Verdict.FIX_FIRST,
            Action.UPDATE_AGAIN,
            Owner.US,
            f"Look why nothing had to be written. {again}",
        )
    step = _of_cause(outline, cause, release)
    advice = again if step.verdict is Verdict.RESEND else f"{step.advice} {again}"
    return step._replace(action=Action.UPDATE_AGAIN, advice=advice)
