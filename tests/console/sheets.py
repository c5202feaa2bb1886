"""What a worksheet must say: the report of the same moment, line by line."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from reconcile import Reconciler, read_lines
from reconcile.console.causes import BY, BreakKey
from reconcile.console.figures import ExpenseLine, PartFigure
from reconcile.console.filter import EVERYTHING, Filter
from reconcile.console.laying import text_of
from reconcile.console.sheet import Sheet
from reconcile.console.worksheet import LiveWorksheet
from reconcile.domain.vocabulary import ItemState
from reconcile.report.build import Report
from reconcile.report.groups import Judged
from reconcile.report.money import AgeKey, Sum, is_priced
from tests.builders import at, create_of, expense_of, page, row, status, uuid_of


class Clock:
    """A clock that a test sets, in minutes."""

    def __init__(self, minutes: int = 0) -> None:
        self.minutes = minutes

    def __call__(self) -> datetime:
        return at(self.minutes)


class Office:
    """A store, its clock, and the worksheet of it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.clock = Clock(60 * 24 * 60)
        self.worksheet = LiveWorksheet(self.books)

    def books(self) -> Reconciler:
        """Return a reconciler of its own on the store."""
        return Reconciler.open(self.url, now=self.clock)

    def ingest(self, *lines: bytes) -> None:
        """Take in captured traffic."""
        with self.books() as books:
            books.ingest(read_lines(lines))

    @contextmanager
    def sheet(self) -> Iterator[Sheet]:
        """Give what stands now, however long it takes."""
        with self.worksheet.reading(budget_s=60) as sheet:
            assert sheet is not None
            yield sheet

    def report(self, as_of: datetime) -> Report:
        """Return the report of a moment, folded from the events."""
        with self.books() as books:
            return books.replayed_report(as_of=as_of)


@contextmanager
def office_at(url: str) -> Iterator[Office]:
    """Give an office on a store."""
    office = Office(url)
    with office.worksheet:
        yield office


def expense_line_of(row: Judged) -> ExpenseLine:
    """Return the line that an item of a report must give."""
    item, content = row.item, row.content
    decision = item.decision
    amount = content.amount if content else None
    legs = item.legs if item.state is ItemState.BREAK else ()
    return ExpenseLine(
        company_id=row.company_id,
        transaction_id=row.transaction_id,
        state=item.state,
        kind=item.kind,
        cause=item.cause,
        fingerprint=item.fingerprint,
        owner=item.owner,
        verdict=item.verdict,
        action=item.action,
        attempts=item.attempts,
        expected=item.expected,
        half_booked=item.half_booked,
        waits=item.waits,
        differs=row.differs,
        broken_since=item.broken_since,
        changes_at=item.changes_at,
        changes_to=item.changes_to,
        not_before=item.not_before,
        first_sent_at=item.first_sent_at,
        last_sent_at=item.last_sent_at,
        sync_id=item.sync_id,
        blocked_by=item.blocked_by,
        decision=decision.kind.value if decision else None,
        decided_by=decision.actor if decision else None,
        decided_at=decision.at if decision else None,
        reason=text_of(item.reason) or "",
        message=text_of(next((leg.message for leg in legs if leg.message), None)),
        type=content.type if content else None,
        currency=content.currency if content else None,
        amount=amount,
        priced=content is not None
        and amount is not None
        and is_priced(content.type, content.currency),
        issue_date=content.issue_date if content else None,
        merchant=text_of(content.merchant) if content else None,
        reference=text_of(content.reference) if content else None,
    )


def ageing_of(sheet: Sheet, cut: Filter = EVERYTHING) -> dict[AgeKey, Sum]:
    """Return the breaks by age and currency, of whatever type."""
    found: dict[AgeKey, Sum] = {}
    for part in sheet.parts_by_age(cut):
        key = AgeKey(part.by[0], part.currency)
        found.setdefault(key, Sum()).include(part.sum)
    return found


def groups_of(sheet: Sheet) -> list[tuple[Any, ...]]:
    """Return the breaks by cause and fingerprint, or by kind and step, as reports do.

    Each with its items, companies, money by currency, and since when the first and the
    last of them are broken.
    """
    groups: dict[tuple[str, ...], list[tuple[BreakKey, PartFigure]]] = {}
    for part in sheet.parts(Filter(state=("break",)), BY):
        key = BreakKey(*part.by)
        if key.cause:
            group = (key.fingerprint or "", key.cause, "", "", "")
        else:
            group = ("", "", key.kind or "", key.action, key.verdict)
        groups.setdefault(group, []).append((key, part))
    found = []
    for (fingerprint, cause, kind, *_), some in sorted(
        groups.items(), key=lambda each: (-sum(p.sum.items for _, p in each[1]), each)
    ):
        money: dict[str | None, Sum] = {}
        for _, part in some:
            money.setdefault(part.currency, Sum()).include(part.sum)
        found.append(
            (
                *(cause or None, fingerprint if cause else None, kind or None),
                sum(part.sum.items for _, part in some),
                len({key.company_id for key, _ in some}),
                money,
                min((p.first_at for _, p in some if p.first_at), default=None),
                max((p.last_at for _, p in some if p.last_at), default=None),
            )
        )
    return found


def assert_is_the_report(sheet: Sheet, report: Report) -> None:
    """Check every line and every figure against the report of the same moment."""
    totals = report.totals
    lines = [*sheet.every_line()]
    assert lines == [expense_line_of(row) for row in report.items]
    assert sheet.count() == totals.items
    states = {state.value: items for state, items in sheet.states().items()}
    assert states == {
        "open": totals.open,
        "matched": totals.matched,
        "break": totals.broken,
        "cleared": totals.cleared,
        "resolved": totals.resolved,
    }
    assert sheet.sums() == totals.money
    assert ageing_of(sheet) == totals.ageing
    assert groups_of(sheet) == [
        (
            *(g.cause, g.fingerprint, g.kind, g.items, g.companies, dict(g.money)),
            *(g.first_at, g.last_at),
        )
        for g in report.groups
    ]
    assert list(sheet.findings()) == list(report.findings)
    assert sheet.findings_by_kind() == Counter(f.kind for f in report.findings)
    assert list(sheet.syncs(limit=1000)) == list(report.syncs)
    footing = sheet.footing
    assert (footing.unprocessed, footing.poisoned) == (
        report.unprocessed,
        report.poisoned,
    )


def ended_call(
    company: str, *names: int, word: str, minutes: int = 0, amount: int = 10
) -> list[bytes]:
    """Return a company's call that ends with one word for all of its expenses."""
    sync = f"{company}-{minutes}"
    return [
        create_of(
            *(expense_of(uuid_of(n), amount) for n in names),
            company=company,
            sync=sync,
            minutes=minutes,
        ),
        status(5130, company=company, sync=sync, minutes=minutes + 1),
        page(
            *(row(uuid_of(n), word, message="No account.") for n in names),
            company=company,
            sync=sync,
            minutes=minutes + 2,
        ),
    ]
