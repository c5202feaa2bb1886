"""One judgement for all items of a likeness: each with its own times, ids and messages.

`likeness.py` says when two items are alike; nothing is judged here.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from reconcile.domain.vocabulary import Verdict
from reconcile.judgement.item import Blame, Leg, Mended, Outline
from reconcile.judgement.next_step import next_step
from reconcile.judgement.verdict import Failed, Wording
from reconcile.projections.likeness import Likeness

_Times = Mapping[datetime, datetime]


class Renaming(NamedTuple):
    """What each time, id and message of one item is for another one that is like it."""

    times: _Times
    names: Mapping[str, str]
    messages: Mapping[str | None, str | None]


def renaming(from_: Likeness, to: Likeness) -> Renaming:
    """Return what leads from one item to another of the same likeness."""
    times = dict(zip(from_.times, to.times, strict=True))
    messages: dict[str | None, str | None] = {None: None, "": ""}
    messages.update(zip(from_.messages, to.messages, strict=True))
    names = dict(zip(from_.names, to.names, strict=True))
    return Renaming(times, names, messages)


def reworded(
    wording: Wording, from_: Sequence[str], to: Sequence[str]
) -> tuple[Wording, tuple[Leg, ...]]:
    """Return the wording, and the legs, of an item that differs in its messages alone.

    The outline stays where nobody will look at the messages in it.
    """
    messages: dict[str | None, str | None] = {None: None, "": ""}
    messages.update(zip(from_, to, strict=True))
    failed, outline = wording.failed, wording.outline
    is_last = failed is None or failed.cause.verdict is Verdict.FIX_FIRST
    if outline.earlier or not is_last:
        whole = renamed_wording(wording, Renaming(_Same(), _Same(), messages))
        return whole, whole.outline.legs
    legs = [
        Leg(leg[0], leg[1], leg[2], messages[leg[3]], leg[4]) for leg in outline.legs
    ]
    if failed is None:
        return wording, tuple(legs)
    own = Wording(
        outline=outline,
        failed=failed._replace(message=messages[failed.message]),
        step=wording.step,
        mended=wording.mended,
        timed_out_in=wording.timed_out_in,
    )
    return own, tuple(legs)


class _Same(dict[Any, Any]):
    """What is called as before."""

    def __missing__(self, name: Any) -> Any:
        return name


def renamed_wording(wording: Wording, new: Renaming) -> Wording:
    """Return the wording of another item whose messages have the same gists."""
    outline = renamed(wording.outline, new)
    failed = None if wording.failed is None else _failed(wording.failed, new)
    attempt = wording.timed_out_in
    return Wording(
        outline=outline,
        failed=failed,
        step=next_step(outline, failed.cause if failed else None),
        mended=_mended(wording.mended, new) if wording.mended else (),
        timed_out_in=None if attempt is None else new.names[attempt],
    )


def renamed(outline: Outline, new: Renaming) -> Outline:
    """Return the outline of another item; neither has ever been decided by a person."""
    times, names = new.times, new.names
    written, progress, later = outline.written_in, outline.progress, outline.later
    return Outline(
        state=outline.state,
        kind=outline.kind,
        attempts=outline.attempts,
        expected=outline.expected,
        broken_since=_maybe(outline.broken_since, times),
        legs=tuple([_leg(leg, new) for leg in outline.legs]),
        blame=None if outline.blame is None else _blame(outline.blame, new),
        earlier=tuple(
            [tuple([_blame(each, new) for each in some]) for some in outline.earlier]
        ),
        tries=outline.tries,
        mended=tuple([_blame(each, new) for each in outline.mended]),
        written_in=None
        if written is None
        else (names[written[0]], new.times[written[1]]),
        written_twice=outline.written_twice,
        progress=None
        if progress is None
        else progress._replace(
            sync_id=names[progress.sync_id], since=_maybe(progress.since, times)
        ),
        later=None if later is None else later._replace(at=new.times[later.at]),
        pushed=outline.pushed,
        claimed=outline.claimed,
        taken_up=outline.taken_up,
        waits=outline.waits,
        overdue=outline.overdue,
        written_stray=outline.written_stray,
        written_by=tuple([names[sync_id] for sync_id in outline.written_by]),
        half_booked=outline.half_booked,
        first_sent_at=_maybe(outline.first_sent_at, times),
        last_sent_at=_maybe(outline.last_sent_at, times),
        decided_by=outline.decided_by,
        update_unsettled=outline.update_unsettled,
        changes_at=_maybe(outline.changes_at, times),
        changes_to=outline.changes_to,
    )


def _maybe(moment: datetime | None, times: _Times) -> datetime | None:
    """Return what a moment that may be none is for the other item."""
    return None if moment is None else times[moment]


def _leg(leg: Leg, new: Renaming) -> Leg:
    return Leg(
        leg.integration_type,
        leg.status,
        new.names[leg.sync_id],
        new.messages[leg.message],
        new.times[leg.reported_at],
    )


def _blame(blame: Blame, new: Renaming) -> Blame:
    return Blame(
        new.messages[blame.message],
        blame.word_class,
        blame.integration_type,
        blame.code,
        blame.http_status,
        new.times[blame.at],
        new.names[blame.attempt],
        new.times[blame.tried_at],
        _maybe(blame.ended_at, new.times),
    )


def _failed(failed: Failed, new: Renaming) -> Failed:
    return Failed(
        failed.cause,
        failed.fingerprint,
        new.messages[failed.message],
        new.times[failed.at],
        new.names[failed.attempt],
        new.times[failed.tried_at],
        _maybe(failed.ended_at, new.times),
        failed.told_by,
    )


def _mended(mended: tuple[Mended, ...], new: Renaming) -> tuple[Mended, ...]:
    found = [
        Mended(
            each.fingerprint,
            new.names[each.failed_in],
            new.names[each.written_in],
            new.times[each.tried_at],
        )
        for each in mended
    ]
    return tuple(sorted(found))
