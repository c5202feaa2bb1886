"""Judge one item: from its dossier to state, kind, legs and verdict at one moment.

The only place where a clock enters. Rules: `docs/explanation/judgement.md`. Pure: the
same dossier, moment, policy and rules give the same item.
"""

from collections.abc import Iterator
from datetime import datetime

import attrs

from reconcile.domain.attempt import Attempt
from reconcile.domain.attempts import attempts_of, deadlines_of, moments_of
from reconcile.domain.chain import UPDATE_KNOWN, ItemView, view_item
from reconcile.domain.dossier import Dossier
from reconcile.domain.item import Item, Rules
from reconcile.domain.policy import Policy
from reconcile.domain.verdict import (
    code_of,
    failure_of,
    http_status_of,
    legs_shown,
    reason_for,
    verdict_on,
)
from reconcile.domain.vocabulary import ItemState


def judge(dossier: Dossier, *, as_of: datetime, policy: Policy, rules: Rules) -> Item:
    """Return the item as of one moment: facts up to it, and deadlines by it."""
    attempts = attempts_of(dossier)
    view = view_item(dossier, attempts, at=as_of, clock=as_of, policy=policy)
    moments = moments_of(dossier, attempts, policy=policy, until=as_of)
    return _worded(dossier, attempts, view, moments, policy, rules, timed=True)


def judge_without_clock(
    dossier: Dossier, *, newest: datetime, policy: Policy, rules: Rules
) -> Item:
    """Return the item as if no deadline had passed, and when it turns.

    The live views hold this: it changes with facts alone. `newest` is any moment at or
    after the last fact.
    """
    attempts = attempts_of(dossier)
    view = view_item(dossier, attempts, at=newest, clock=None, policy=policy)
    moments = moments_of(dossier, attempts, policy=None, until=newest)
    item = _worded(dossier, attempts, view, moments, policy, rules, timed=False)
    for deadline in sorted(set(deadlines_of(dossier, attempts, policy))):
        then = view_item(dossier, attempts, at=newest, clock=deadline, policy=policy)
        if (then.state, then.kind, then.waits) != (view.state, view.kind, view.waits):
            return attrs.evolve(item, turns_at=deadline, turns_to=then.kind)
    return item


def history(
    dossier: Dossier, *, as_of: datetime, policy: Policy, rules: Rules
) -> Iterator[tuple[datetime, Item]]:
    """Yield each change of judgement up to `as_of`, oldest first."""
    last: tuple[object, ...] | None = None
    attempts = attempts_of(dossier)
    for moment in moments_of(dossier, attempts, policy=policy, until=as_of):
        item = judge(dossier, as_of=moment, policy=policy, rules=rules)
        told = (
            item.state,
            item.kind,
            item.verdict,
            item.decided_by,
            item.failure_class,
        )
        if told != last:
            yield moment, item
        last = told


def _worded(
    dossier: Dossier,
    attempts: tuple[Attempt, ...],
    view: ItemView,
    moments: list[datetime],
    policy: Policy,
    rules: Rules,
    *,
    timed: bool,
) -> Item:
    """Return the item with its legs, reason, class, verdict and ages."""

    def state_at(moment: datetime, *, timed: bool) -> ItemState:
        clock = moment if timed else None
        return view_item(dossier, attempts, at=moment, clock=clock, policy=policy).state

    state = view.state
    broken_since: datetime | None = None
    if state is ItemState.BREAK:
        for moment in reversed(moments):
            if state_at(moment, timed=timed) is not ItemState.BREAK:
                break
            broken_since = moment
    elif state is ItemState.MATCHED and any(
        state_at(moment, timed=False) is ItemState.BREAK for moment in moments
    ):
        state = ItemState.CLEARED
    legs = legs_shown(view)
    failure, message = failure_of(view, rules)
    verdict, advice = verdict_on(view, failure)
    code = code_of(view.deciding)
    return Item(
        state=state,
        kind=view.kind,
        reason=reason_for(view, message),
        failure_class=failure.name if failure else None,
        owner=failure.owner if failure else None,
        fingerprint=rules.fingerprint(
            message=message, code=code, http_status=http_status_of(view.deciding)
        )
        if failure is not None and message
        else None,
        attempts=len(view.standings),
        expected=view.expected,
        broken_since=broken_since,
        legs=legs,
        verdict=verdict,
        advice=advice,
        decided_by=view.rule,
        update_unsettled=view.state is ItemState.MATCHED
        and bool(view.updates)
        and view.updates[-1].result not in UPDATE_KNOWN,
    )
