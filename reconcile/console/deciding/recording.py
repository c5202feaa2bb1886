"""Recording a decision: all of what was seen, as it was seen, or nothing of it."""

from collections.abc import Iterator, Sequence
from typing import Final

import attrs

from reconcile.cases.listing import Case, cases
from reconcile.console.deciding.asked import DecisionAsked
from reconcile.console.deciding.kinds import CHOICES
from reconcile.console.deciding.subject import Subject, digest_of, stand_of
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import UsageError
from reconcile.reconciler import Reconciler
from reconcile.report.groups import Judged
from reconcile.report.html import words
from reconcile.report.html.figures import count, plural

BATCH_MAX: Final = 500
"""So many expenses are decided in one transaction."""


@attrs.frozen(kw_only=True)
class Changed:
    """What has changed since it was seen: sentences, and how many are as they were.

    `rows` are those that are known to have changed, as they stand now.
    """

    sentences: Sequence[str]
    left: int
    recorded: int = 0
    rows: Sequence[Judged] = ()


@attrs.frozen(kw_only=True)
class Events:
    """The first and the last event of what was recorded, now or by an earlier form."""

    first: int
    last: int
    is_earlier: bool = False


def recorded(
    books: Reconciler, asked: DecisionAsked, now: Subject, actor: str
) -> Events | Changed:
    """Record a decision about what was seen; or tell what has changed since.

    A form that comes twice is recorded once: the second gives the events of the first.
    """
    earlier = _recorded_before(books, asked, actor)
    if earlier is not None:
        return earlier
    changed = _changed(asked, now)
    if changed is not None:
        return changed
    before = books.store.position()
    done = 0
    for company_id, batch in _batches(asked, now):
        try:
            _decide(books, asked, company_id, batch, actor)
        except UsageError:
            sentence = "One of them was changed while this was being recorded"
            left = len(now.rows) - done
            return Changed(sentences=[sentence], left=left, recorded=done)
        done += len(batch)
    return _events(books, asked, actor, after=before) or Events(
        first=before, last=before
    )


def _decide(
    books: Reconciler,
    asked: DecisionAsked,
    company_id: str,
    rows: Sequence[Judged],
    actor: str,
) -> None:
    names = () if asked.mend else tuple(row.transaction_id for row in rows)
    books.decide(
        CHOICES[asked.kind].decision,
        company_id=company_id,
        transactions=names,
        cause=asked.mend[1] if asked.mend else None,
        to=asked.to if asked.kind == "moved" else None,
        actor=actor,
        reason=asked.recorded_reason,
        seen=digest_of(rows),
    )


def _batches(
    asked: DecisionAsked, now: Subject
) -> Iterator[tuple[str, Sequence[Judged]]]:
    """Yield what is decided in one transaction each: a cause, or some expenses."""
    for company_id, rows in now.companies.items():
        most = len(rows) if asked.mend else BATCH_MAX
        for start in range(0, len(rows), most):
            yield company_id, rows[start : start + most]


def _changed(asked: DecisionAsked, now: Subject) -> Changed | None:
    """Return what has changed since a form was made; None where all is as it was."""
    if asked.stood:
        stood = dict(zip(asked.pairs, asked.stood, strict=False))
        found = {row.key: row for row in now.rows}
        others = [row for row, _ in now.refused]
        moved = [row for row in now.rows if stood.get(row.key) != stand_of(row)]
        moved += others
        gone = len(asked.pairs) - len(found) - len(others)
        if not moved and not gone and len(asked.stood) == len(asked.pairs):
            return None
        return Changed(
            sentences=[*_sentences(moved, gone, len(asked.pairs))],
            left=len(now.rows) - len([row for row in moved if row.key in found]),
            rows=moved,
        )
    if asked.seen is not None and asked.seen == now.digest and now.rows:
        return None
    number = len(now.rows)
    then = f"; {count(asked.number)} were seen" if asked.number is not None else ""
    sentence = f"The set has changed meanwhile: now {_are(number)} in it{then}"
    return Changed(sentences=[sentence], left=number)


def _are(number: int) -> str:
    return f"{plural(number, 'expense')} {'is' if number == 1 else 'are'}"


def _sentences(moved: Sequence[Judged], gone: int, total: int) -> Iterator[str]:
    """Yield what has become of expenses that are not as they were."""
    groups: dict[str, int] = {}
    for row in moved:
        what = _became(row)
        groups[what] = groups.get(what, 0) + 1
    if gone:
        groups["no longer known"] = gone
    for what, number in sorted(groups.items()):
        verb = "was" if number == 1 else "were"
        if total == 1:
            yield f"The expense {verb} {what} meanwhile"
        else:
            some = f"{count(number)} of the {count(total)} expenses"
            yield f"{some} {verb} {what} meanwhile"


def _became(row: Judged) -> str:
    match row.item.state:
        case ItemState.MATCHED | ItemState.CLEARED:
            return "written to the books"
        case ItemState.RESOLVED:
            decision = row.item.decision
            by = words.DECISIONS[decision.kind].name.lower() if decision else "ended"
            return f"ended by a person ({by})"
        case ItemState.OPEN:
            return "sent again, and is being decided," if row.item.waits else "reopened"
        case _:
            return "changed"


def _recorded_before(
    books: Reconciler, asked: DecisionAsked, actor: str
) -> Events | None:
    """Return the events of the same form, where it came before and was recorded."""
    if asked.position is None:
        return None
    found = _events(books, asked, actor, after=asked.position)
    return None if found is None else attrs.evolve(found, is_earlier=True)


def _events(
    books: Reconciler, asked: DecisionAsked, actor: str, *, after: int
) -> Events | None:
    """Return the events that recorded a decision since a position, of all it names."""
    wanted: set[tuple[str | None, str]] = set(asked.pairs)
    if asked.mend:
        wanted = {asked.mend}
    mine = [
        case
        for case in cases(books.store, after=after)
        if case.decision == asked.kind
        and (case.actor, case.reason) == (actor, asked.recorded_reason)
        and (not wanted or (case.company_id, case.about) in wanted)
    ]
    if not mine or not wanted <= {(case.company_id, case.about) for case in mine}:
        return None
    if not wanted and asked.number is not None and len(mine) < asked.number:
        return None
    return Events(first=mine[0].position, last=mine[-1].position)


def latest_of(
    books: Reconciler, decision: str, about: str, *, after: int = 0
) -> Events | None:
    """Return the events of a decision about one thing, of the latest form of it."""
    mine = [
        case
        for case in cases(books.store, after=after)
        if (case.decision, case.about) == (decision, about)
    ]
    if not mine:
        return None
    last = mine[-1]
    alike = [c for c in mine if (c.actor, c.reason) == (last.actor, last.reason)]
    return Events(first=alike[0].position, last=last.position)


def decided_between(books: Reconciler, first: int, last: int) -> list[Case]:
    """Return what was decided from one event to another, as by one form."""
    found = [c for c in cases(books.store, after=first - 1) if c.position <= last]
    if not found:
        return []
    like = found[0]
    return [
        case
        for case in found
        if (case.decision, case.actor, case.reason)
        == (like.decision, like.actor, like.reason)
    ]
