"""The listing of one sync: when were all its pages read, and what changed since.

Rules: `docs/explanation/judgement.md`, section 6. Pages are known by number.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby, islice

import attrs

from reconcile.judgement.facts import RowsRead

LegKey = tuple[str, str]
"""Transaction id and integration type."""

KeysOf = Callable[[int], frozenset[LegKey]]
"""The distinct legs of the rows that the event at a position holds."""


@attrs.frozen(kw_only=True)
class Listing:
    """What is known of one sync's listing.

    `promised` is Codat's total on the latest page read; `seen` counts the rows on the
    latest reads of all pages. `drifted_at` and `vanished` are about later than
    `complete_at`, the first moment at which the listing was complete.
    """

    complete_at: datetime | None = None
    drifted_at: datetime | None = None
    vanished: tuple[tuple[LegKey, datetime], ...] = ()

    def holds(self, transaction_id: str, *, read_from: datetime) -> bool:
        """Return whether a transaction stood in the listing when it became complete.

        `read_from` is when a leg of it was first read. A listing that lacks it tells
        nothing of the legs it has elsewhere.
        """
        if self.complete_at is None or read_from > self.complete_at:
            return False
        place = bisect_left(self.vanished, transaction_id, key=_transaction)
        for (name, _), moment in islice(self.vanished, place, None):
            if name != transaction_id:
                break
            if moment <= self.complete_at:
                return False
        return True


def _transaction(gone: tuple[LegKey, datetime]) -> str:
    return gone[0][0]


def survey_listing(
    readings: Iterable[RowsRead], *, ended_at: datetime | None, keys_of: KeysOf
) -> Listing:
    """Return what the page reads made at or after the end tell, in order of time."""
    if ended_at is None:
        return Listing()
    survey = _Survey(keys_of)
    reads = sorted(
        (r for r in readings if r.origin != "webhook"), key=lambda read: read.at
    )
    for moment, together in groupby(reads, key=lambda read: read.at):
        survey.advance(moment, list(together), counts=moment >= ended_at)
    return Listing(
        complete_at=survey.complete_at,
        drifted_at=survey.drifted_at,
        vanished=tuple(sorted(survey.vanished.items())),
    )


class _Survey:
    """The walk over one sync's reads, a moment at a time."""

    def __init__(self, keys_of: KeysOf) -> None:
        self.complete_at: datetime | None = None
        self.drifted_at: datetime | None = None
        self.vanished: dict[LegKey, datetime] = {}
        self._keys_of = keys_of
        self._latest: dict[int, RowsRead] = {}
        self._reported: set[LegKey] = set()
        self._unweighed: list[int] = []  # whose legs are not in `_reported` yet
        self._listed: frozenset[LegKey] = frozenset()
        self._total: int | None = None

    def advance(self, moment: datetime, reads: list[RowsRead], *, counts: bool) -> None:
        """Take in the reads of one moment; only those from the end on `counts`."""
        self._unweighed += [read.rows_at for read in reads]
        if not counts:
            return
        news = False
        for read in self._one_a_page(reads):
            earlier = self._latest.get(read.page or 0)
            self._latest[read.page or 0] = read
            news = news or earlier is None or _content(earlier) != _content(read)
            if self.complete_at is not None and self.drifted_at is None:
                unlisted = self._keys_of(read.rows_at) - self._listed
                if unlisted or read.total != self._total:
                    self.drifted_at = moment
        if news:
            self._weigh(moment)

    def _weigh(self, moment: datetime) -> None:
        chain = _chain(self._latest)
        whole = None if chain is None else _distinct(chain, self._keys_of)
        if whole is None:
            return
        listed_at = {read.rows_at for read in chain or ()}
        for position in self._unweighed:
            if position not in listed_at:
                self._reported |= self._keys_of(position)
        self._unweighed.clear()
        if self.complete_at is None:
            self.complete_at, self._listed = moment, whole
            self._total = self._latest[1].total
        else:
            self._reported |= whole  # so a later listing may lack what this one holds
        for key in (self._reported - whole) | (self._listed - whole):
            self.vanished.setdefault(key, moment)

    def _one_a_page(self, reads: list[RowsRead]) -> Iterable[RowsRead]:
        """Yield a moment's page reads; of two of one page, one chosen by content."""
        pages: dict[int, list[RowsRead]] = {}
        for read in reads:
            if read.page is not None:
                pages.setdefault(read.page, []).append(read)
        for number in sorted(pages):
            same = pages[number]
            yield same[0] if len(same) == 1 else min(same, key=self._by_content)

    def _by_content(self, read: RowsRead) -> tuple[int, int, int, int, list[LegKey]]:
        return (
            -1 if read.total is None else read.total,
            -1 if read.page_size is None else read.page_size,
            read.rows,
            read.unread,
            sorted(self._keys_of(read.rows_at)),
        )


def _content(read: RowsRead) -> tuple[int | None, int | None, int, int]:
    return read.total, read.page_size, read.rows, read.rows_at


def shown(
    readings: Iterable[RowsRead], *, at: datetime
) -> tuple[int | None, int | None]:
    """Return the total promised and the rows seen by `at`; None where no page was."""
    pages = sorted(
        (r for r in readings if r.page is not None and r.at <= at),
        key=_newest_last,
    )
    if not pages:
        return None, None
    latest = {read.page: read for read in pages}
    return pages[-1].total, sum(read.rows for read in latest.values())


def _newest_last(read: RowsRead) -> tuple[datetime, int, int, int]:
    return read.at, read.page or 0, -1 if read.total is None else read.total, read.rows


def _chain(latest: dict[int, RowsRead]) -> Sequence[RowsRead] | None:
    """Return pages 1..n whose rows add up to what all of them promise, or None."""
    first = latest.get(1)
    if first is None or first.total is None:
        return None
    chain: list[RowsRead] = []
    rows = 0
    for number in range(1, len(latest) + 1):
        read = latest.get(number)
        if (
            read is None
            or read.unread
            or (read.total, read.page_size) != (first.total, first.page_size)
        ):
            return None
        chain.append(read)
        rows += read.rows
        if rows >= first.total:
            return chain if rows == first.total else None
    return None


def _distinct(chain: Sequence[RowsRead], keys_of: KeysOf) -> frozenset[LegKey] | None:
    """Return the legs of the pages, or None where one stands on two of them."""
    pages = [keys_of(read.rows_at) for read in chain]
    listed = frozenset().union(*pages)
    return listed if len(listed) == sum(map(len, pages)) else None
