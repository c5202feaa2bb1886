"""What pages read of a worksheet: lines, counts and sums, all of one event number."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Final, Self

import attrs

from reconcile.console.figures import (
    DayFigure,
    ExpenseLine,
    Footing,
    LinePage,
    PartFigure,
)
from reconcile.console.filter import EVERYTHING, Filter, SentBy, Sort
from reconcile.console.gathering import (
    by_day_of,
    expense_line,
    part_of,
    sum_of_figure,
)
from reconcile.console.places import LinePlace, place_of, place_text
from reconcile.domain.vocabulary import FindingKind, ItemState
from reconcile.errors import UsageError
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.digests import digest_of_companies
from reconcile.report.money import BUCKETS, StateKey, Sum
from reconcile.storage.evidence import micros, moment_of
from reconcile.storage.worksheet.read import Cut, From, SheetReads
from reconcile.storage.worksheet.rows import SheetHead, SheetLine
from reconcile.storage.worksheet.schema import ORDERS
from reconcile.storage.worksheet.where import Where

LIMIT: Final = 50
LIMIT_MAX: Final = 200


class Sheet:
    """One consistent read of a worksheet; every figure is of the same moment."""

    def __init__(
        self, reads: SheetReads, head: SheetHead, *, as_of: datetime, newest: int
    ) -> None:
        self._reads = reads
        self._head = head
        self._newest = newest
        self._as_of = as_of
        self._sent_by: SentBy = _no_run

    def knowing(self, sent_by: SentBy) -> Self:
        """Have it know which expenses a run handed over; return it."""
        self._sent_by = cache(sent_by)
        return self

    @property
    def position(self) -> int:
        """Return the last event that it stands on."""
        return self._head.position

    @property
    def as_of(self) -> datetime:
        """Return the moment of which it is, and by which ages are reckoned."""
        return self._as_of

    @property
    def footing(self) -> Footing:
        """Return what all of this stands on."""
        head = self._head
        return Footing(
            as_of=self._as_of,
            known_at=None if head.known_at is None else moment_of(head.known_at),
            position=head.position,
            lag=max(0, self._newest - head.position),
            ruleset=head.ruleset,
            policy=head.policy,
            digest=self._digest(),
            unprocessed=head.unprocessed,
            poisoned=head.poisoned,
        )

    def _digest(self) -> str | None:
        """Return the digest of the report as of now, where it needs no report."""
        head = self._head
        if micros(self._as_of) == head.as_of:
            return head.digest
        companies = self._reads.share_digests()
        if any(ages for _, _, ages in companies):
            return None
        return digest_of_companies(
            ((name, digest) for name, digest, _ in companies),
            as_of=self._as_of,
            ruleset=head.ruleset,
            policy=head.policy,
            unprocessed=head.unprocessed,
        )

    # Lines

    def lines(
        self,
        cut: Filter = EVERYTHING,
        *,
        sort: Sort = Sort.DATE,
        descending: bool = False,
        after: str | None = None,
        limit: int = LIMIT,
    ) -> LinePage:
        """Return some lines in order, from a cursor on: a page's `next` or `previous`.

        Raises:
            UsageError: the cursor is damaged, or the limit is beyond `LIMIT_MAX`.

        """
        if not 1 <= limit <= LIMIT_MAX:
            raise UsageError(f"limit: {limit} lines, expected 1 to {LIMIT_MAX}")
        begin = None
        if after is not None:
            begin = place_of(after, sort=sort, descending=descending)
        backwards = begin is not None and begin.backwards
        found = self._reads.lines(
            self._where(cut),
            order=sort.value,
            descending=descending != backwards,
            after=None if begin is None else self._from(begin),
            limit=limit + 1,
        )
        more = len(found) > limit
        found = found[:limit]
        if backwards:
            found.reverse()
        ends = [
            self._place(*found[place], sort, descending, backwards=back)
            if found and there
            else None
            for place, there, back in (
                (0, more if backwards else begin is not None, True),
                (-1, True if backwards else more, False),
            )
        ]
        return LinePage(
            rows=[expense_line(line) for _, line in found],
            previous=ends[0],
            next=ends[1],
        )

    def _place(
        self,
        number: int,
        line: SheetLine,
        sort: Sort,
        descending: bool,
        *,
        backwards: bool,
    ) -> str:
        return place_text(
            LinePlace(
                sort=sort.value,
                descending=descending,
                backwards=backwards,
                value=getattr(line, ORDERS[sort.value][0]),
                company_id=line.company_id,
                transaction_id=line.transaction_id,
                line=number,
                generation=self._head.generation,
            )
        )

    def _from(self, begin: LinePlace) -> From:
        """Return the place of a cursor here, where lines may have other numbers."""
        if begin.sort == Sort.CUSTOMER:
            return From(begin.value, begin.transaction_id)
        number: int | None = begin.line
        if begin.generation != self._head.generation:
            number = self._reads.numbered(begin.company_id, begin.transaction_id)
        if number is None:  # nothing is left out; what has the same value comes again
            number = 2**62 if begin.descending != begin.backwards else 0
        return From(begin.value, number)

    def every_line(self, cut: Filter = EVERYTHING) -> Iterator[ExpenseLine]:
        """Yield every line by company and id, for downloads."""
        for line in self._reads.every_line(self._where(cut)):
            yield expense_line(line)

    def line(self, company_id: str, transaction_id: str) -> ExpenseLine | None:
        """Return one line, None where there is none."""
        found = self._reads.line(company_id, transaction_id)
        return None if found is None else expense_line(found)

    def digest_of(self, cut: Filter = EVERYTHING) -> str:
        """Return the SHA-256 of which lines there are and how they stand.

        What only the clock moves is not in it, but for deadlines that have passed.
        """
        hashed = hashlib.sha256()
        for company_id, transaction_id, seen in self._reads.seen(self._where(cut)):
            hashed.update(f"{company_id}\0{transaction_id}\0".encode())
            hashed.update(seen)
        return f"sha256:{hashed.hexdigest()}"

    def stands(self, cut: Filter = EVERYTHING) -> Iterator[tuple[str, str, bytes]]:
        """Yield company, id and a digest of how each line stands, in their order."""
        return self._reads.seen(self._where(cut))

    def marks(self) -> Mapping[str, str]:
        """Return a digest of each company's rows: another whenever a row is."""
        return dict(self._reads.company_digests())

    # Figures

    def count(self, cut: Filter = EVERYTHING) -> int:
        """Return how many lines there are."""
        return self._reads.count(self._where(cut))

    def states(self, cut: Filter = EVERYTHING) -> Mapping[ItemState, int]:
        """Return how many lines are in each state, 0 included."""
        states = dict.fromkeys(ItemState, 0)
        for figure in self._reads.figures(self._where(cut), ["state"]):
            states[ItemState(figure.key[0])] += figure.items
        return states

    def sums(self, cut: Filter = EVERYTHING) -> Mapping[StateKey, Sum]:
        """Return items and money by state, type and currency, as `Totals.money` has."""
        figures = self._reads.figures(self._where(cut), ["state", "type", "currency"])
        return {StateKey(*figure.key): sum_of_figure(figure) for figure in figures}

    def breaks_by_name(self, cut: Filter = EVERYTHING) -> Mapping[str, int]:
        """Return how many breaks each cause has, or each kind of those without one.

        Those of most breaks come first.
        """
        names: Counter[str] = Counter()
        for figure in self._reads.figures(self._breaks(cut), ["cause", "kind"]):
            names[figure.key[0] or figure.key[1]] += figure.items
        return dict(sorted(names.items(), key=lambda n: (-n[1], n[0])))

    def parts(self, cut: Filter, by: Sequence[Cut]) -> Sequence[PartFigure]:
        """Return lines by some columns, and in each by type and currency."""
        found = self._reads.figures(self._where(cut), [*by, "type", "currency"])
        return [part_of(figure) for figure in found]

    def parts_by_age(self, cut: Filter = EVERYTHING) -> Sequence[PartFigure]:
        """Return the breaks by age, and in each by type and currency."""
        names = [*BUCKETS]
        ends = [micros(self._as_of - BUCKETS[name]) for name in names[:-1]]
        found = [part_of(f) for f in self._reads.by_span(self._breaks(cut), ends)]
        return [attrs.evolve(part, by=(names[part.by[0]],)) for part in found]

    def by_day(self, cut: Filter = EVERYTHING) -> Sequence[DayFigure]:
        """Return each day of issue that has a line, in order; "" first."""
        return by_day_of(self._reads.figures(self._where(cut), ["issued", "state"]))

    def due_at(self, cut: Filter = EVERYTHING) -> datetime | None:
        """Return when the first of the open lines becomes a break by the clock."""
        found = self._reads.next_change(self._only(ItemState.OPEN, cut))
        return None if found is None else moment_of(found)

    # What there is to choose from

    def customers(self) -> Sequence[str]:
        """Return every company that something is told of, sorted."""
        return [name for name in self._reads.companies() if name]

    def currencies(self) -> Sequence[str]:
        """Return every currency, sorted."""
        return self._reads.values("currency")

    def types(self) -> Sequence[str]:
        """Return every type of expense, sorted."""
        return self._reads.values("type")

    # Beside the lines

    def findings(self, *, customers: Sequence[str] = ()) -> Sequence[Finding]:
        """Return what is found beside the lines, of some companies or of all."""
        return [
            Finding(
                kind=FindingKind(row.kind),
                company_id=row.finding_company,
                sync_id=row.sync_id,
                transaction_id=row.transaction_id,
                reason=row.reason,
            )
            for row in self._reads.findings(customers)
        ]

    def findings_by_kind(
        self, *, customers: Sequence[str] = ()
    ) -> Mapping[FindingKind, int]:
        """Return how many findings there are of each kind, those of most first."""
        found = self._reads.findings_by_kind(customers)
        ordered = sorted(found.items(), key=lambda entry: (-entry[1], entry[0]))
        return {FindingKind(kind): number for kind, number in ordered}

    def syncs_by_listing(self, *, customers: Sequence[str] = ()) -> Mapping[str, int]:
        """Return how many syncs are read "complete", "incomplete" or "unread"."""
        return self._reads.syncs_by_listing(customers)

    def syncs(
        self,
        *,
        customers: Sequence[str] = (),
        after: tuple[str, str] | None = None,
        limit: int = LIMIT,
    ) -> Sequence[SyncSummary]:
        """Return some syncs by company and id, after one."""
        found = self._reads.syncs(customers, after=after, limit=limit)
        return [SyncSummary(**row._asdict()) for row in found]

    def _where(self, cut: Filter) -> Where:
        return cut.where(self._as_of, self._sent_by)

    def _breaks(self, cut: Filter) -> Where:
        """Return the conditions of a cut's breaks alone."""
        return self._only(ItemState.BREAK, cut)

    def _only(self, state: ItemState, cut: Filter) -> Where:
        where = self._where(cut)
        there = where.state is None or state.value in where.state
        return attrs.evolve(where, state=(state.value,) if there else ())


def _no_run(run: str) -> Sequence[tuple[str, str]]:
    raise RuntimeError(f"the sheet knows no runs, expected {run} to be looked up")
