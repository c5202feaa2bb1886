"""From attempts to an item's state and kind: the chain of section 9.

Rules: `docs/explanation/judgement.md`, section 9.
"""

from collections.abc import Iterable
from datetime import datetime

import attrs

from reconcile.domain.instants import later
from reconcile.domain.policy import Policy
from reconcile.domain.vocabulary import BreakKind, ItemState, WordClass
from reconcile.judgement.item import Dossier
from reconcile.judgement.legs import Settled
from reconcile.judgement.outcome import Attempt, Result, Standing, stand
from reconcile.judgement.timeline import named_at, taken_up_by


@attrs.frozen(kw_only=True)
class ItemView:
    """An item at a moment, before words are found for it."""

    state: ItemState
    kind: BreakKind | None
    standings: tuple[Standing, ...]
    updates: tuple[Standing, ...]
    speaking: tuple[Standing, ...]  # those settled that may name kind and cause
    deciding: Standing | None
    expected: bool
    waits: bool  # an attempt is open and not stuck
    overdue: bool  # the wait for a first attempt, or for a lost answer, is over
    rule: str


def view_item(
    dossier: Dossier,
    attempts: Iterable[Attempt],
    *,
    at: datetime,
    clock: datetime | None,
    policy: Policy,
) -> ItemView:
    """Return the item's state and kind, by the chain of section 9."""
    name = dossier.transaction_id
    found = (stand(a, name, at=at, clock=clock, policy=policy) for a in attempts)
    standings = sorted([s for s in found if s is not None], key=_by_order)
    expected = any(moment <= at for moment in named_at(dossier))
    updates = _updates(standings, at)
    written, wrote = _written(standings, updates, dossier.transaction_id, at)
    under_way = [s for s in _unfound(standings, standings) if _is_open(s)]
    settled = [
        s for s in _unfound(_speaking(standings, updates), standings) if not _is_open(s)
    ]
    speaking = _that_speak(settled, under_way)
    latest = _latest(speaking)
    kind, why = _kind(latest, standings)

    def view(
        state: ItemState,
        kind: BreakKind | None,
        deciding: Standing | None,
        rule: str,
    ) -> ItemView:
        return ItemView(
            state=state,
            kind=kind,
            standings=tuple(standings),
            updates=tuple(updates),
            speaking=tuple(speaking),
            deciding=deciding,
            expected=expected,
            waits=bool(under_way),
            overdue=clock is not None
            and _overdue(dossier, deciding, at=at, clock=clock, policy=policy),
            rule=rule,
        )

    stranger = _unexpected(standings, at) if not expected else None
    if stranger is not None:
        return view(ItemState.BREAK, BreakKind.UNEXPECTED, stranger, "section 7")
    failed = _failed_update(updates) if written is not None else None
    if failed is not None:
        rule = f"section 9, an update; {_line(failed)}"
        return view(ItemState.BREAK, BreakKind.UPDATE_FAILED, failed, rule)
    if written is not None:
        return view(ItemState.MATCHED, None, written, wrote)
    if latest is not None:
        return view(ItemState.BREAK, kind, latest, why)
    if under_way:
        last = under_way[-1]
        return view(ItemState.OPEN, None, last, _line(last))
    if _is_stuck_untried(dossier, at=at, clock=clock, policy=policy):
        return view(ItemState.BREAK, BreakKind.STUCK, None, "section 9, never synced")
    return view(ItemState.OPEN, None, None, "section 9, never synced")


def _is_open(standing: Standing) -> bool:
    return standing.result is Result.UNDECIDED


def _is_stuck_untried(
    dossier: Dossier, *, at: datetime, clock: datetime | None, policy: Policy
) -> bool:
    """Return whether an item that no sync took up was named too long ago."""
    named = min((m for m in named_at(dossier) if m <= at), default=None)
    if named is None or clock is None:
        return False
    return clock >= later(named, policy.undecided_for)


def _overdue(
    dossier: Dossier,
    deciding: Standing | None,
    *,
    at: datetime,
    clock: datetime,
    policy: Policy,
) -> bool:
    """Return whether a wait is over: for a first attempt, or for a lost answer."""
    if deciding is not None:
        since = deciding.attempt.asked_at or deciding.order[0]
        return deciding.result is Result.INDETERMINATE and clock >= later(
            since, policy.in_doubt_for
        )
    due = taken_up_by(dossier, until=at, policy=policy)
    return due is not None and clock >= due


def _by_order(standing: Standing) -> tuple[datetime, str]:
    return standing.order


def _updates(standings: list[Standing], at: datetime) -> list[Standing]:
    """Return the attempts that change what is written: PUTs, in order.

    A PUT that creates or updates (a transfer) is an update once an earlier attempt
    wrote the transaction. One that is known to precede every writing changed nothing.
    """
    updates: list[Standing] = []
    written = False
    for standing in standings:
        operation = standing.attempt.operation_at(at)
        if operation == "update" or (operation == "put" and written):
            updates.append(standing)
        written = written or standing.result is Result.WRITTEN
    if not (updates and written):
        return updates
    writers = [s for s in standings if s.result is Result.WRITTEN]
    return [
        update
        for update in updates
        if any(w.order <= update.order or not w.requested for w in writers)
    ]


def _written(
    standings: list[Standing],
    updates: list[Standing],
    transaction_id: str,
    at: datetime,
) -> tuple[Standing | None, str]:
    """Return the attempt by which the item is in the books, None if none shows it."""
    written = [s for s in standings if s.result is Result.WRITTEN]
    if written:
        return written[-1], f"section 9; {_line(written[-1])}"
    creates = [s for s in standings if s not in updates]
    read, proven = _leg_types(creates)
    if read and read == proven and any(_listed(s, transaction_id, at) for s in creates):
        last = [s for s in creates if _proves(s)][-1]
        return last, "section 9, every leg written in some attempt"
    claims = [s for s in standings if s.result is Result.DUPLICATE]
    if claims:
        read, proven = _leg_types(
            s for s in standings if s.result is not Result.DUPLICATE
        )
        if read and read == proven:
            why = "section 9, a duplicate claim whose earlier legs are written"
            return claims[-1], why
    return None, ""


def _listed(standing: Standing, transaction_id: str, at: datetime) -> bool:
    """Return whether all its legs are known: it stands in a complete listing."""
    sync, legs = standing.attempt.sync, standing.attempt.legs
    return (
        bool(standing.legs)
        and sync is not None
        and sync.listing.complete_at is not None
        and sync.listing.complete_at <= at
        and sync.listing.holds(transaction_id, read_from=min(leg.at for leg in legs))
    )


def _leg_types(standings: Iterable[Standing]) -> tuple[set[str], set[str]]:
    """Return the leg types ever read, and those written in some attempt."""
    read: set[str] = set()
    proven: set[str] = set()
    for standing in standings:
        read |= standing.legs.keys()
        proven |= _proves(standing)
    return read, proven


def _proves(standing: Standing) -> set[str]:
    """Return the leg types that the attempt shows written.

    None where its legs agree, and something else contradicts all of them: a webhook's
    word (line 2), or 2040 (line 6).
    """
    contradicted = standing.result is Result.CONFLICTING and not any(
        leg.conflicting for leg in standing.legs.values()
    )
    if contradicted:
        return set()
    return {name for name, leg in standing.legs.items() if is_written(leg)}


def is_written(leg: Settled) -> bool:
    """Return whether a leg is written and nothing contradicts it."""
    return leg.word_class is WordClass.WRITTEN and not leg.conflicting


def is_half_written(view: ItemView) -> bool:
    """Return whether some legs of an item are written, and others are not."""
    read, proven = _leg_types(view.standings)
    return bool(proven) and read != proven


def is_written_twice(view: ItemView) -> bool:
    """Return whether two syncs that are no updates are written on the same leg."""
    if len(view.standings) < 2:
        return False
    seen: set[str] = set()
    for standing in view.standings:
        proven = set() if standing in view.updates else _proves(standing)
        if seen & proven:
            return True
        seen |= proven
    return False


def _unfound(some: list[Standing], standings: list[Standing]) -> list[Standing]:
    """Return those of some attempts that are no lost answer whose sync was found."""
    return [s for s in some if not (s.lost and _found(s, standings))]


def _found(lost: Standing, standings: Iterable[Standing]) -> bool:
    """Return whether a lost answer's sync was found by a later reading.

    It is the sync whose request we never saw accepted, first seen at or after it.
    """
    return any(not s.requested and s.order[0] >= lost.order[0] for s in standings)


def _speaking(standings: list[Standing], updates: list[Standing]) -> list[Standing]:
    """Return the attempts that may name the kind of an item not proven written.

    An update is sent for what is in the books. Where some create may have put it there,
    an update that failed says nothing of the item but that its old values stand.
    """
    if not updates or all(
        s.result in _NOT_IN_BOOKS for s in standings if s not in updates
    ):
        return standings
    return [s for s in standings if s not in updates or s.result not in _OLD_VALUES]


_NOT_IN_BOOKS = (Result.FAILED, Result.MISSING, Result.REGRESSED)
_OLD_VALUES = (Result.FAILED, Result.MISSING)


def _that_speak(settled: list[Standing], under_way: list[Standing]) -> list[Standing]:
    """Return the settled attempts that may name the kind: those that reached it.

    One that did not says nothing of what an earlier attempt wrote. Where only such are
    settled, one that is under way may have reached it, and none of them speaks.
    """
    reached = [s for s in settled if s.reached]
    if reached or under_way:
        return reached
    return settled


def _kind(
    latest: Standing | None, standings: list[Standing]
) -> tuple[BreakKind | None, str]:
    """Return the kind that the latest settled attempt names, of an item not written."""
    if latest is None or latest.result is Result.WRITTEN:
        return None, ""
    if latest.result is not Result.DUPLICATE:
        return BreakKind(latest.result.value), _line(latest)
    before = [
        s
        for s in standings
        if s.order < latest.order
        and s.reached
        and s.result not in (Result.DUPLICATE, Result.UNDECIDED)
    ]
    if before and before[-1].result is Result.REGRESSED:
        return BreakKind.REGRESSED, "section 9, a duplicate claim after REGRESSED"
    return BreakKind.CONFLICTING, "section 9, a duplicate claim without proof"


def _unexpected(standings: Iterable[Standing], at: datetime) -> Standing | None:
    """Return the latest declared sync that reported the item."""
    strangers = [
        s
        for s in standings
        if (s.legs or s.hook)
        and s.attempt.sync is not None
        and s.attempt.sync.declared_at(at)
    ]
    return strangers[-1] if strangers else None


def _failed_update(updates: list[Standing]) -> Standing | None:
    """Return the latest settled update where it left the books with old values.

    One that did not reach the expense says nothing of an earlier one whose outcome
    nobody knows.
    """
    failed: Standing | None = None
    for update in reversed(updates):
        if update.result is Result.WRITTEN:
            return failed
        if update.result in _OLD_VALUES:
            failed = failed or update
            if update.reached:
                return failed
        elif failed is not None:
            return None
    return failed


def _latest(settled: list[Standing]) -> Standing | None:
    """Return the settled attempt that speaks for an item not proven written: the last.

    But a sync whose request nobody saw may be older than it looks. Where it has only
    bad news, an attempt that is not known to have failed may be later, and have
    written it.
    """
    if not settled:
        return None
    last = settled[-1]
    if last.requested or last.result not in _NOT_IN_BOOKS:
        return last
    unknown = [s for s in settled if s.result not in _NOT_IN_BOOKS]
    return unknown[-1] if unknown else last


UPDATE_KNOWN = (Result.WRITTEN, Result.UNDECIDED)


def _line(standing: Standing) -> str:
    if standing.outcome.line:
        return f"section 8, line {standing.outcome.line}"
    return "section 1, an unsettled write"
