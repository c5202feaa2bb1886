"""Rows of a worksheet as the values that pages are given."""

from collections.abc import Iterable
from datetime import datetime
from typing import TypeVar

from reconcile.console.figures import (
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

Word = TypeVar("Word", BreakKind, Owner)


def sum_of_figure(figure: Figure) -> Sum:
    """Return how many lines there are, and the sum of their amounts."""
    return Sum(figure.items, figure.unpriced, joined(figure.parts, figure.odd))


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


def by_day_of(figures: Iterable[Figure]) -> list[DayFigure]:
    """Return lines by day of issue and state, in order."""
    days: dict[str, dict[ItemState, int]] = {}
    for figure in figures:
        day, state = figure.key
        states = days.setdefault(str(day), dict.fromkeys(ItemState, 0))
        states[ItemState(state)] += figure.items
    return [DayFigure(day=day, states=days[day]) for day in sorted(days)]


def _moment(stored: int | None) -> datetime | None:
    return None if stored is None else moment_of(stored)


def _word(words: type[Word], value: str | None) -> Word | None:
    return None if value is None else words(value)
