"""Whether an expense of a plan may still be sent, just before its call. Pure."""

from datetime import datetime
from typing import NamedTuple

from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Verdict
from reconcile.judgement.item import Item
from reconcile.retries.plan import Operation, PlanLine

_IN_BOOKS = (ItemState.MATCHED, ItemState.CLEARED)


class Ruling(NamedTuple):
    """What is to be done with one expense: to send it, to drop it, or to wait."""

    drop: str | None = None
    until: datetime | None = None


SEND = Ruling()


def ruling(
    line: PlanLine,
    item: Item | None,
    *,
    planned_at: datetime,
    tried: bool,
    is_sent: bool,
    now: datetime,
) -> Ruling:
    """Return what is to be done with an expense of a line, as it stands now.

    `tried`: the line has made a call already that did nothing. `is_sent`: another call
    has sent it since the plan was made.
    """
    if item is None:
        return Ruling("it is not known any more")
    ended = why_over(item)
    if ended is not None:
        return Ruling(ended)
    if item.verdict is Verdict.WAIT:
        until = item.not_before or item.changes_at
        if item.action is Action.READ_AGAIN or until is None:
            return Ruling("it is in doubt")
        return Ruling(until=until)
    if item.verdict is Verdict.FIX_FIRST:
        return Ruling(f"it has to be mended first: {item.reason}")
    if item.fingerprint != line.fingerprint:
        return Ruling("it failed otherwise after the plan was made")
    if (item.kind is BreakKind.UPDATE_FAILED) and line.operation not in _UPDATES:
        return Ruling("it is in the books, and changes by an update alone")
    if line.operation is Operation.UPDATE and item.kind is not BreakKind.UPDATE_FAILED:
        return Ruling("its update did not fail any more")
    last = item.last_sent_at
    if is_sent or (not tried and last is not None and last > planned_at):
        return Ruling("it was sent after the plan was made")
    if item.not_before is not None and item.not_before > now:
        return Ruling(until=item.not_before)
    return SEND


_UPDATES = (Operation.UPDATE, Operation.PUT)


def why_over(item: Item) -> str | None:
    """Return why an expense is not to be sent whatever the plan; None: it may be."""
    if item.state in _IN_BOOKS:
        return "it is in the books"
    if item.state is ItemState.RESOLVED:
        return "a person ended it"
    if item.waits:
        return "it was sent meanwhile, and that is not decided yet"
    if item.kind is BreakKind.INDETERMINATE:
        return "it is in doubt"
    if item.verdict is Verdict.NEVER:
        return f"it is never to be sent: {item.reason}"
    return None


class Probed(NamedTuple):
    """What the lines held for a probe are to do: follow, be dropped, or wait."""

    follows: bool = False
    drop: str | None = None


def probed(name: str, item: Item | None, *, is_closed: bool) -> Probed:
    """Return what an expense that was sent as a probe says.

    `is_closed`: its line has made its call, or was dropped.
    """
    if item is None:
        return Probed(drop=f"its probe, {name}, is not known any more")
    if item.state in _IN_BOOKS:
        return Probed(follows=True)
    if item.state is ItemState.RESOLVED:
        return Probed(drop=f"a person ended its probe, {name}")
    if not is_closed or item.waits or item.verdict is Verdict.WAIT:
        return Probed()
    return Probed(drop=f"its probe, {name}, is not in the books: {item.reason}")
