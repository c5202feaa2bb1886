"""Put an outline into words: the cause, the next step, the reason.

Rules: `docs/explanation/judgement.md`, section 10.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Final, NamedTuple

import attrs

from reconcile.domain.vocabulary import (
    Action,
    ItemState,
    Verdict,
    WordClass,
    word_class,
)
from reconcile.judgement.claims import claimed_in
from reconcile.judgement.item import (
    Blame,
    Cause,
    Item,
    Leg,
    Mended,
    Outline,
    Release,
    Rules,
)
from reconcile.judgement.next_step import NextStep, next_step
from reconcile.judgement.reasons import reason_of


def word(outline: Outline, rules: Rules, released: "Releases | None" = None) -> Item:
    """Return the item that an outline and a ruleset make.

    `released` says what may be sent again although it failed for what somebody has to
    mend.
    """
    wording = wording_of(outline, rules, legs=outline.legs, released=released)
    return wording.item(outline.legs, outline.broken_since)


class Failed(NamedTuple):
    """The failure that counts: its cause, its words, and the legs that tell them."""

    cause: Cause
    fingerprint: str
    message: str | None
    at: datetime
    attempt: str
    tried_at: datetime
    ended_at: datetime | None = None
    told_by: tuple[int, ...] = ()
    release: Release | None = None


Releases = Callable[[Failed], Release | None]
TIME_OUT: Final = "time_out"
"""The cause of a write that timed out, as a ruleset names it."""


@attrs.frozen(kw_only=True)
class Wording:
    """What a ruleset makes of an outline: all of an item but its times and messages.

    It serves every item of the outline whose legs' messages have the same gists.
    """

    outline: Outline
    failed: Failed | None
    step: NextStep
    mended: tuple[Mended, ...] = ()
    timed_out_in: str | None = None

    def released(self, rules: Rules, released: "Releases") -> "Wording":
        """Return the wording where something may release the failure.

        With one failure alone, what was made of it still holds.
        """
        outline, failed = self.outline, self.failed
        if (
            failed is None
            or outline.earlier
            or failed.cause.verdict is not Verdict.FIX_FIRST
        ):
            return wording_of(outline, rules, legs=outline.legs, released=released)
        release = released(failed)
        if release is None:
            return self
        return Wording(
            outline=outline,
            failed=failed._replace(release=release),
            step=next_step(outline, failed.cause, release=release),
            mended=self.mended,
            timed_out_in=self.timed_out_in,
        )

    def item(self, legs: tuple[Leg, ...], broken_since: datetime | None) -> Item:
        """Return the item that has these legs."""
        outline, failed, step = self.outline, self.failed, self.step
        cause = failed.cause if failed else None
        message = failed.message if failed else None
        not_before = None
        if failed is not None:
            if failed.told_by:
                message = min([legs[index].message or "" for index in failed.told_by])
            if step.by_cause and step.verdict is Verdict.RESEND:
                at = max(
                    [legs[index].reported_at for index in failed.told_by],
                    default=failed.at,
                )
                if failed.ended_at is not None:  # reading it again changes nothing
                    at = min(at, failed.ended_at)
                not_before = failed.cause.not_before(at, outline.tries)
        return Item(
            state=outline.state,
            kind=outline.kind,
            reason=reason_of(outline, cause, message, legs),
            cause=cause.name if cause else None,
            owner=step.owner,
            fingerprint=failed.fingerprint if failed else None,
            attempts=outline.attempts,
            expected=outline.expected,
            broken_since=broken_since,
            legs=legs,
            verdict=step.verdict,
            action=step.action,
            advice=step.advice,
            not_before=not_before,
            without=claimed_in(message) if step.action is Action.RESEND_WITHOUT else (),
            blocked_by=cause.name
            if cause and step.action is Action.MEND_OURS
            else None,
            customer_reason=cause.customer if cause else None,
            failed_in=failed.attempt if failed else None,
            timed_out_in=self.timed_out_in,
            mended=self.mended,
            written_twice=outline.written_twice,
            decided_by=outline.decided_by,
            sync_id=outline.progress.sync_id if outline.progress else None,
            waits=outline.waits,
            written_by=outline.written_by,
            half_booked=outline.half_booked,
            first_sent_at=outline.first_sent_at,
            last_sent_at=outline.last_sent_at,
            update_unsettled=outline.update_unsettled,
            decision=outline.decision,
            changes_at=outline.changes_at,
            changes_to=outline.changes_to,
        )


def wording_of(
    outline: Outline,
    rules: Rules,
    *,
    legs: tuple[Leg, ...],
    released: Releases | None = None,
) -> Wording:
    """Return what a ruleset makes of an outline whose legs say this."""
    failed = _failed(outline, legs, rules, released or _nothing)
    return Wording(
        outline=outline,
        failed=failed,
        step=next_step(
            outline,
            failed.cause if failed else None,
            release=failed.release if failed else None,
        ),
        mended=_mended(outline, rules),
        timed_out_in=_timed_out_in(outline, legs, rules),
    )


def _nothing(_: Failed) -> Release | None:
    return None


def _failed(
    outline: Outline, legs: tuple[Leg, ...], rules: Rules, released: Releases
) -> Failed | None:
    """Return the failure that counts: the worst, over legs and over time.

    What only a person can mend is not mended by a later try that failed otherwise; but
    it is over once it is released.
    """
    if outline.state is not ItemState.BREAK or outline.blame is None:
        return None
    latest = _worst(*_blames(outline.blame, legs), rules)
    release: Release | None = None
    for failed in chain([latest], _earlier(outline, rules)):
        if failed.cause.verdict is Verdict.RESEND:
            continue  # it passes by itself
        found = released(failed) if failed.cause.verdict is Verdict.FIX_FIRST else None
        if found is None:
            return failed
        release = release or found
    if latest.cause.verdict is Verdict.RESEND and latest.cause.spent(outline.tries):
        release = released(latest)
    return latest._replace(release=release)


def _timed_out_in(outline: Outline, legs: tuple[Leg, ...], rules: Rules) -> str | None:
    """Return the attempt that names the kind, if a write of it timed out."""
    if outline.blame is None:
        return None
    blames, _ = _blames(outline.blame, legs)
    found = any(_class(blame, rules).name == TIME_OUT for blame in blames)
    return outline.blame.attempt if found else None


def _earlier(outline: Outline, rules: Rules) -> Iterator[Failed]:
    for blames in outline.earlier:
        yield _worst(blames, None, rules)


def _mended(outline: Outline, rules: Rules) -> tuple[Mended, ...]:
    """Return what a written item failed with before."""
    if outline.written_in is None or not outline.mended:
        return ()
    found = {
        Mended(
            rules.fingerprint(
                message=blame.message, code=blame.code, http_status=blame.http_status
            ),
            blame.attempt,
            *outline.written_in,
        )
        for blame in outline.mended
    }
    return tuple(sorted(found))


def _blames(
    blame: Blame, legs: Sequence[Leg]
) -> tuple[Sequence[Blame], Sequence[int] | None]:
    """Return the failures of an attempt, and the legs that tell them, if any does."""
    failed = [
        (index, leg)
        for index, leg in enumerate(legs)
        if word_class(leg.status) is WordClass.FAILED
    ]
    if not any(leg.message for _, leg in failed) and (not failed or blame.message):
        return (blame,), None
    blames = [
        Blame(
            leg.message,
            "failed",
            leg.integration_type,
            blame.code,
            None,
            leg.reported_at,
            blame.attempt,
            blame.tried_at,
            blame.ended_at,
        )
        for _, leg in failed
    ]
    return blames, [index for index, _ in failed]


def _worst(
    blames: Sequence[Blame], indexes: Sequence[int] | None, rules: Rules
) -> Failed:
    """Return the worst of an attempt's failures, and the legs that tell of it."""
    ranked: dict[tuple[int, str, str], Failed] = {}
    for place, blame in enumerate(blames):
        cause = _class(blame, rules)
        gist = rules.gist(blame.message) if blame.message else ""
        rank = _SEVERITY[cause.verdict], cause.name, gist
        others = ranked[rank].told_by if rank in ranked else ()
        ranked[rank] = Failed(
            cause,
            rules.fingerprint(
                message=blame.message, code=blame.code, http_status=blame.http_status
            ),
            blame.message,
            blame.at,
            blame.attempt,
            blame.tried_at,
            blame.ended_at,
            () if indexes is None else (*others, indexes[place]),
        )
    return ranked[min(ranked)]


def _class(blame: Blame, rules: Rules) -> Cause:
    return rules.classify(
        message=blame.message,
        code=blame.code,
        http_status=blame.http_status,
        word_class=blame.word_class,
        integration_type=blame.integration_type,
        at=blame.at,
    )


_SEVERITY = {Verdict.NEVER: 0, Verdict.FIX_FIRST: 1, Verdict.WAIT: 2, Verdict.RESEND: 3}
