"""Rows of a worksheet as the values that pages are given."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from reconcile.console.figures import (
    CauseFigure,
    DayFigure,
    ExpenseLine,
    PartFigure,
)
from reconcile.domain.vocabulary import Action, BreakKind, ItemState, Owner, Verdict
from reconcile.report.money import Sum
from reconcile.storage.evidence import moment_of
from reconcile.storage.worksheet.amounts import joined
from reconcile.storage.worksheet.read import Figure
from reconcile.storage.worksheet.rows import SheetLine

Key = TypeVar("Key")
Word = TypeVar("Word", Action, BreakKind, Owner, Verdict)


def sum_of_figure(figure: Figure) -> Sum:
    """Return how many lines there are, and the sum of their amounts."""
    return Sum(figure.items, figure.unpriced, joined(figure.parts, figure.odd))


def added(sums: dict[Key, Sum], key: Key, figure: Figure) -> None:
    """Add lines to a sum."""
    sums.setdefault(key, Sum()).include(sum_of_figure(figure))


def part_of(figure: Figure) -> PartFigure:
    """Return lines that may be added up; type and currency end their key."""
    *by, kind, currency = figure.key
    return PartFigure(
        by=tuple(by),
        type=kind,
        currency=currency,
        sum=sum_of_figure(figure),
        first_at=_moment(figure.first_at),
        last_at=_moment(figure.last_at),
    )


def expense_line(row: SheetLine) -> ExpenseLine:
    """Return a line with the words and moments of the house."""
    verdict = Verdict(row.verdict)
    return ExpenseLine(
        company_id=row.company_id,
        transaction_id=row.transaction_id,
        state=ItemState(row.state),
        kind=_word(BreakKind, row.kind),
        cause=row.cause,
        fingerprint=row.fingerprint,
        owner=_word(Owner, row.owner),
        verdict=verdict,
        action=Action(row.action),
        attempts=row.attempts,
        expected=bool(row.expected),
        half_booked=bool(row.half_booked),
        waits=bool(row.waits),
        differs=bool(row.differs),
        broken_since=_moment(row.broken_since),
        changes_at=_moment(row.changes_at),
        changes_to=_word(BreakKind, row.changes_to),
        not_before=_moment(row.not_before),
        first_sent_at=_moment(row.first_sent_at),
        last_sent_at=_moment(row.last_sent_at),
        sync_id=row.sync_id,
        blocked_by=row.blocked_by,
        decision=row.decision,
        decided_by=row.decided_by,
        decided_at=_moment(row.decided_at),
        reason=row.reason,
        message=row.message,
        type=row.type,
        currency=row.currency,
        amount=row.amount,
        priced=not row.unpriced,
        issue_date=row.issued or None,
        merchant=row.merchant,
        reference=row.reference,
    )


def cause_figures(figures: Iterable[Figure]) -> list[CauseFigure]:
    """Return breaks by cause and fingerprint, or by kind and step; most first."""
    groups: dict[tuple[Any, ...], list[Figure]] = {}
    for figure in figures:
        cause, fingerprint, kind, action, verdict = figure.key[:5]
        key = cause, fingerprint, None, None, None
        if cause is None:
            key = None, None, kind, action, verdict
        groups.setdefault(key, []).append(figure)
    found = [_cause_figure(key, some) for key, some in groups.items()]
    return sorted(found, key=_place)


def _cause_figure(key: tuple[Any, ...], some: list[Figure]) -> CauseFigure:
    cause, fingerprint, kind, action, verdict = key
    owners: dict[Owner | None, int] = {}
    verdicts: dict[Verdict, int] = {}
    money: dict[str | None, Sum] = {}
    companies: set[str] = set()
    for figure in some:
        its_verdict, owner, currency, company_id = figure.key[4:]
        owned = _word(Owner, owner)
        owners[owned] = owners.get(owned, 0) + figure.items
        word = Verdict(its_verdict)
        verdicts[word] = verdicts.get(word, 0) + figure.items
        added(money, currency, figure)
        companies.add(str(company_id))
    return CauseFigure(
        cause=cause,
        fingerprint=fingerprint,
        kind=_word(BreakKind, kind),
        action=_word(Action, action),
        verdict=_word(Verdict, verdict),
        items=sum(figure.items for figure in some),
        companies=sorted(companies),
        owners=owners,
        verdicts=verdicts,
        money=money,
        first_at=_moment(_least(figure.first_at for figure in some)),
        last_at=_moment(max((f.last_at for f in some if f.last_at), default=None)),
    )


def _place(figure: CauseFigure) -> tuple[object, ...]:
    """Return a group's place, as in the report."""
    kind = figure.kind.value if figure.kind else ""
    action = figure.action.value if figure.action else ""
    return -figure.items, figure.fingerprint or "", figure.cause or "", kind, action


def by_day_of(figures: Iterable[Figure]) -> list[DayFigure]:
    """Return lines by day of issue and state, in order."""
    days: dict[str, dict[ItemState, int]] = {}
    for figure in figures:
        day, state = figure.key
        states = days.setdefault(str(day), dict.fromkeys(ItemState, 0))
        states[ItemState(state)] += figure.items
    return [DayFigure(day=day, states=days[day]) for day in sorted(days)]


def _least(moments: Iterable[int | None]) -> int | None:
    return min((moment for moment in moments if moment is not None), default=None)


def _moment(stored: int | None) -> datetime | None:
    return None if stored is None else moment_of(stored)


def _word(words: type[Word], value: str | None) -> Word | None:
    return None if value is None else words(value)
