"""Judge one item: from its dossier to state, kind, legs and verdict at one moment.

The only place where a clock enters. Rules: `docs/explanation/judgement.md`. Pure: the
same dossier, moment, policy and rules give the same item.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from itertools import takewhile

import attrs

from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import (
    BreakKind,
    ItemState,
)
from reconcile.judgement.attempts import attempts_of
from reconcile.judgement.blame import (
    blame_of,
    earlier_blames,
    failures,
    is_failed,
    later_try_of,
    mended_blames,
    progress_of,
)
from reconcile.judgement.decisions import standing_decision
from reconcile.judgement.item import (
    Dossier,
    Item,
    Leg,
    Outline,
    Rules,
)
from reconcile.judgement.item_state import (
    UPDATE_KNOWN,
    ItemView,
    is_half_written,
    is_written,
    is_written_twice,
    view_item,
)
from reconcile.judgement.legs import Settled
from reconcile.judgement.outcome import Attempt, Result, Standing
from reconcile.judgement.sync_context import SyncContext
from reconcile.judgement.timeline import (
    deadlines_of,
    moments_of,
    sent_at,
    sync_deadlines,
)
from reconcile.judgement.verdict import word


def judge(dossier: Dossier, *, as_of: datetime, policy: Policy, rules: Rules) -> Item:
    """Return the item as of one moment: facts up to it, and deadlines by it."""
    return word(outline(dossier, as_of=as_of, policy=policy), rules)


def outline(dossier: Dossier, *, as_of: datetime, policy: Policy) -> Outline:
    """Return the item's outline as of one moment."""
    attempts = attempts_of(dossier)
    view = view_item(dossier, attempts, at=as_of, clock=as_of, policy=policy)
    moments = moments_of(dossier, attempts, until=as_of)
    # What stands and cannot turn was told at some moment: no later deadline matters.
    until = as_of if _may_turn(view) else moments[-1]
    passed = [d for d in deadlines_of(dossier, attempts, policy) if d <= until]
    if passed:
        moments = sorted({*moments, *passed})
    result = _outline(dossier, attempts, view, moments, policy, timed=True)
    result = _as_decided(result, dossier, attempts, policy, at=as_of)
    if result.state is not ItemState.OPEN:
        return result
    for deadline in sorted(set(deadlines_of(dossier, attempts, policy))):
        if deadline > as_of:
            then = view_item(dossier, attempts, at=as_of, clock=deadline, policy=policy)
            if _stands(then) != _stands(view):
                return attrs.evolve(result, changes_at=deadline, changes_to=then.kind)
    return result


def outline_without_clock(
    dossier: Dossier, *, newest: datetime, policy: Policy
) -> Outline:
    """Return the item's outline as if no deadline had passed, and when it turns.

    The live views hold this: it changes with facts alone. `newest` is any moment at or
    after the last fact.
    """
    attempts = attempts_of(dossier)
    view = view_item(dossier, attempts, at=newest, clock=None, policy=policy)
    moments = moments_of(dossier, attempts, until=newest)
    by_facts = _outline(dossier, attempts, view, moments, policy, timed=False)
    by_facts = _as_decided(by_facts, dossier, attempts, policy, at=newest)
    if by_facts.state is ItemState.RESOLVED or not _may_turn(view):
        return by_facts
    for deadline in sorted(set(deadlines_of(dossier, attempts, policy))):
        then = view_item(dossier, attempts, at=newest, clock=deadline, policy=policy)
        if (then.state, then.kind, then.waits) != (view.state, view.kind, view.waits):
            return attrs.evolve(by_facts, changes_at=deadline, changes_to=then.kind)
    return by_facts


def history(
    dossier: Dossier, *, as_of: datetime, policy: Policy, rules: Rules
) -> Iterator[tuple[datetime, Item]]:
    """Yield each change of judgement up to `as_of`, oldest first."""
    last: tuple[object, ...] | None = None
    attempts = attempts_of(dossier)
    deadlines = deadlines_of(dossier, attempts, policy)
    moments = {*moments_of(dossier, attempts, until=as_of), *deadlines}
    for moment in sorted(m for m in moments if m <= as_of):
        item = judge(dossier, as_of=moment, policy=policy, rules=rules)
        judgement = (
            item.state,
            item.kind,
            item.verdict,
            item.decided_by,
            item.cause,
        )
        if judgement != last:
            yield moment, item
        last = judgement


def moments_of_sync(
    context: SyncContext, *, as_of: datetime, policy: Policy
) -> Iterator[datetime]:
    """Yield every moment of a sync with which judgement compares an item's own."""
    yield as_of
    yield from context.moments()
    yield from (notice.at for notice in context.notices)
    yield from sync_deadlines(context, policy)


def _may_turn(view: ItemView) -> bool:
    """Return whether a deadline can matter once all facts are in.

    Only what is undecided has one, or was until its deadline passed.
    """
    return not view.standings or any(
        s.result in _TURNING or s.outcome.line == 14 for s in view.standings
    )


_TURNING = (Result.UNDECIDED, Result.STUCK, Result.INDETERMINATE)


def _stands(view: ItemView) -> tuple[object, ...]:
    return view.state, view.kind, view.waits, view.overdue


def _outline(
    dossier: Dossier,
    attempts: tuple[Attempt, ...],
    view: ItemView,
    moments: list[datetime],
    policy: Policy,
    *,
    timed: bool,
) -> Outline:
    """Return the outline of a view, with what its past adds: since when, cleared."""

    def view_at(moment: datetime, clock: datetime | None) -> ItemView:
        return view_item(dossier, attempts, at=moment, clock=clock, policy=policy)

    state, broken_since = _with_past(view, moments, view_at, timed=timed)
    deciding = view.deciding
    failed = state is ItemState.BREAK and is_failed(deciding)
    writer = deciding if view.state is ItemState.MATCHED else None
    newest = moments[-1] if moments else None
    sent = sorted(m for m in sent_at(dossier) if newest is not None and m <= newest)
    return Outline(
        state=state,
        kind=view.kind,
        attempts=len(view.standings),
        expected=view.expected,
        broken_since=broken_since,
        legs=_legs(view),
        blame=blame_of(deciding) if deciding is not None and failed else None,
        earlier=earlier_blames(view) if failed else (),
        tries=len(failures(view)) if failed else 0,
        mended=mended_blames(view) if writer is not None else (),
        written_in=(writer.attempt.name, writer.order[0]) if writer else None,
        written_twice=is_written_twice(view),
        progress=progress_of(deciding, newest),
        later=later_try_of(view),
        pushed=any(
            e.dataset_id is not None and newest is not None and e.at <= newest
            for e in dossier.facts.expected
        ),
        claimed=deciding is not None and deciding.result is Result.DUPLICATE,
        taken_up=deciding is not None,
        waits=view.waits,
        overdue=view.overdue,
        written_stray=view.kind is BreakKind.UNEXPECTED
        and any(s.result is Result.WRITTEN for s in view.standings),
        written_by=tuple(
            s.attempt.sync.sync_id
            for s in reversed(view.standings)
            if s.attempt.sync is not None and _wrote(s)
        ),
        half_booked=state is ItemState.BREAK and is_half_written(view),
        first_sent_at=sent[0] if sent else None,
        last_sent_at=sent[-1] if sent else None,
        decided_by=view.rule,
        update_unsettled=view.state is ItemState.MATCHED
        and bool(view.updates)
        and view.updates[-1].result not in UPDATE_KNOWN,
    )


def _as_decided(
    result: Outline,
    dossier: Dossier,
    attempts: tuple[Attempt, ...],
    policy: Policy,
    *,
    at: datetime,
) -> Outline:
    """Return an outline as a person's decision leaves it.

    The decision ends the item while the facts are those that it was made on. A deadline
    that passed is no fact; an item in the books needs no decision.
    """
    decisions = dossier.facts.decisions
    decision = standing_decision(decisions, at) if decisions else None
    if decision is None:
        return result

    def facts_at(moment: datetime) -> tuple[object, ...]:
        view = view_item(dossier, attempts, at=moment, clock=None, policy=policy)
        return _decided_by(view)

    is_undone = result.state not in (ItemState.BREAK, ItemState.OPEN)
    if is_undone or facts_at(decision.at) != facts_at(at):
        return attrs.evolve(result, decision=decision)
    return attrs.evolve(
        result,
        state=ItemState.RESOLVED,
        kind=None,
        broken_since=None,
        blame=None,
        earlier=(),
        tries=0,
        later=None,
        half_booked=False,
        written_stray=False,
        decided_by="section 11",
        decision=decision,
    )


def _decided_by(view: ItemView) -> tuple[object, ...]:
    deciding = view.deciding
    if deciding is None:
        return view.kind, None, None
    return view.kind, deciding.attempt.name, deciding.result


def _with_past(
    view: ItemView,
    moments: list[datetime],
    view_at: Callable[[datetime, datetime | None], ItemView],
    *,
    timed: bool,
) -> tuple[ItemState, datetime | None]:
    """Return the state by what was before, and since when it is broken."""

    def was_broken(moment: datetime) -> bool:
        return view_at(moment, moment if timed else None).state is ItemState.BREAK

    if view.state is ItemState.BREAK and moments:
        before = takewhile(was_broken, reversed(moments[:-1]))
        return view.state, [moments[-1], *before][-1]  # nothing turned since the last
    if view.state is ItemState.MATCHED and any(
        _was_mended(view_at(moment, None)) for moment in moments[:-1]
    ):
        return ItemState.CLEARED, None
    return view.state, None


def _wrote(standing: Standing) -> bool:
    """Return whether an attempt wrote all of an item, or some of its legs."""
    if standing.result is Result.WRITTEN:
        return True
    return any(is_written(leg) for leg in standing.legs.values())


def _was_mended(view: ItemView) -> bool:
    """Return whether a break of the past needed mending before it could be matched.

    It did where an attempt reached the expense and went wrong, or where a call was
    refused for its own data: not where we waited, or sent it wrongly.
    """
    if view.state is not ItemState.BREAK or view.deciding is None:
        return False
    if view.deciding.result in (Result.DUPLICATE, Result.STUCK, Result.INDETERMINATE):
        return False
    write = view.deciding.attempt.write
    if write is None:
        return view.deciding.reached
    return write.http_status in _OF_ITS_DATA and write.operation != "syncs"


_OF_ITS_DATA = (400, 422)


def _legs(view: ItemView) -> tuple[Leg, ...]:
    """Return a row for each leg of the attempt that decided."""
    deciding = view.deciding
    if deciding is None:
        return ()
    if view.state is ItemState.MATCHED and deciding.result is not Result.WRITTEN:
        return _legs_written(view.standings)
    if deciding.attempt.sync is None:
        return ()
    sync_id = deciding.attempt.sync.sync_id
    if not deciding.legs:
        return (_leg(None, deciding.hook, sync_id),) if deciding.hook else ()
    return tuple(_leg(name, leg, sync_id) for name, leg in deciding.legs.items())


def _legs_written(standings: Iterable[Standing]) -> tuple[Leg, ...]:
    """Return each leg from the latest attempt in which it was written."""
    legs: dict[str, Leg] = {}
    for standing in standings:
        sync = standing.attempt.sync
        for name, leg in standing.legs.items():
            if sync is not None and is_written(leg):
                legs[name] = _leg(name, leg, sync.sync_id)
    by_sync = sorted(legs.values(), key=lambda leg: (leg.sync_id, leg.integration_type))
    return tuple(by_sync)


def _leg(name: str | None, leg: Settled, sync_id: str) -> Leg:
    return Leg(
        integration_type=name,
        status=leg.word,
        sync_id=sync_id,
        message=leg.message,
        reported_at=leg.at,
    )
