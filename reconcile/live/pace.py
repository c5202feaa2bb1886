"""What to read next of one sync, and when: decided from what is known of it alone.

So a follower that starts anew goes on where the one before it stopped, and two of them
decide alike.
"""

import enum
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import attrs

from reconcile.domain.instants import EPOCH, later
from reconcile.domain.vocabulary import NOTICE_CLASS, CodeClass
from reconcile.judgement.facts import RefusedRead, RowsRead, SyncFacts
from reconcile.judgement.sync_context import SyncContext

_TERMINAL = (CodeClass.ENDED_WELL, CodeClass.FAILED)


class Want(enum.StrEnum):
    """What is wanted of a sync."""

    STATUS = "status"
    LISTING = "listing"
    NOTHING = "nothing"  # more: reading it is given up, and that is to be recorded


class NextRead(NamedTuple):
    """One read that is due from a moment on."""

    due: datetime
    want: Want
    heard: bool  # a webhook said that there is something to read
    first: int = 1  # the page a listing is read from: those before it were read
    again: bool = False  # what was read whole before may say more by now


@attrs.frozen(kw_only=True)
class Pace:
    """How soon and how often a sync is read, from seconds to hours, and how long.

    What is read in vain is given up `give_up` after the first time: a status that tells
    no end, a listing that is never whole, a company that Codat does not know. The first
    read is made however late, and what a webhook tells of is always read.
    """

    first: timedelta = timedelta(seconds=5)
    most: timedelta = timedelta(hours=1)
    refused: timedelta = timedelta(hours=6)  # at most, of what Codat refuses to tell
    undecided: timedelta = timedelta(minutes=5)  # rows that may yet be decided
    give_up: timedelta = timedelta(days=14)  # as long as Codat can replay webhooks
    page_size: int = 1000

    def wait(self, reads: int, *, refused: bool = False) -> timedelta:
        """Return the wait after so many reads: twice as long each time."""
        doubled: timedelta = self.first * 2 ** min(max(reads, 0), 30)
        return min(doubled, self.refused if refused else self.most)


class _Tries(NamedTuple):
    """The reads of one kind; those of a clock that had jumped ahead count, undated."""

    number: int
    first: datetime | None
    last: datetime | None
    refused: bool  # the last of them


def next_read(
    facts: SyncFacts,
    context: SyncContext,
    *,
    pace: Pace,
    unsettled: str | None,
    now: datetime,
    refused: Sequence[RefusedRead] = (),
) -> NextRead | None:
    """Return what is to be read next of a sync; None: nothing, as far as is known.

    `unsettled`: of its rows some are "open" though its listing is complete, or, where
    none is, sources contradict each other about one: "conflicting". `refused` are the
    reads that Codat refused; moments after `now` are those of a clock that was ahead.
    """
    began = context.requested_at or context.first_seen
    if began is None:
        return None
    of_rows = [read for read in refused if read.rows]
    of_status = [read for read in refused if not read.rows]
    wanted = _status(facts, context, began, pace, now, of_status) or _listing(
        facts, context, pace, now, of_rows
    )
    if wanted is None and unsettled == "open":
        wanted = _again(facts, pace, now, of_rows)
    if wanted is None and unsettled == "conflicting":
        wanted = _settling(facts)
    if wanted is not None and wanted.want is Want.NOTHING and _given_up(facts, refused):
        return None
    return wanted


def _tries(
    read: Iterable[datetime], refusals: Sequence[RefusedRead], now: datetime
) -> _Tries:
    """Return the reads that were made, refused ones too."""
    refused = [refusal.at for refusal in refusals]
    moments = sorted((*read, *refused))
    dated = [moment for moment in moments if moment <= now]
    return _Tries(
        number=len(moments),
        first=dated[0] if dated else None,
        last=dated[-1] if dated else None,
        refused=bool(dated) and dated[-1] in refused,
    )


def _unless_in_vain(wanted: NextRead, tries: _Tries, pace: Pace) -> NextRead:
    """Return a read, or that reading is given up: it was in vain for too long."""
    if tries.first is None or wanted.due <= (end := later(tries.first, pace.give_up)):
        return wanted
    return NextRead(end, Want.NOTHING, heard=False)


def _given_up(facts: SyncFacts, refused: Sequence[RefusedRead]) -> bool:
    """Return whether it is recorded that reading was given up, after the last read."""
    last = max((given_up.at for given_up in facts.given_up), default=None)
    return last is not None and all(
        moment <= last
        for moment in (
            *(report.at for report in facts.reports),
            *(reading.at for reading in facts.readings),
            *(read.at for read in refused),
        )
    )


def _status(
    facts: SyncFacts,
    context: SyncContext,
    began: datetime,
    pace: Pace,
    now: datetime,
    refused: Sequence[RefusedRead],
) -> NextRead | None:
    """Return the read of a status, None where it is known how the sync ended."""
    codes = {code.code_class for code in context.codes if code.at <= now}
    known = codes & {*_TERMINAL}
    reads = [report.at for report in facts.reports if report.notice is None]
    tries = _tries(reads, refused, now)
    news = [
        min(notice.at, now)
        for notice in context.notices
        if NOTICE_CLASS[notice.kind] in {*_TERMINAL} - known
        and (tries.last is None or tries.last < notice.at <= now)
    ]
    if known and not news:
        return None
    if news:
        return NextRead(min(news), Want.STATUS, heard=True)
    begun = min(began, now) if tries.last is None else tries.last
    due = later(begun, pace.wait(tries.number, refused=tries.refused))
    return _unless_in_vain(NextRead(due, Want.STATUS, heard=False), tries, pace)


def _listing(
    facts: SyncFacts,
    context: SyncContext,
    pace: Pace,
    now: datetime,
    refused: Sequence[RefusedRead],
) -> NextRead | None:
    """Return the read of a listing, None where it was complete once."""
    ended_at, complete_at = context.ended_at, context.listing.complete_at
    if ended_at is None or (complete_at is not None and complete_at <= now):
        return None
    ended_at = ended_at if ended_at <= now else EPOCH  # by a clock that was ahead
    since = [r for r in facts.readings if r.origin == "page" and r.at >= ended_at]
    refusals = [read for read in refused if read.at >= ended_at]
    tries = _tries((r.at for r in since), refusals, now)
    if not tries.number:
        due = min(context.ended_at or now, now)
        return NextRead(due, Want.LISTING, heard=bool(context.notices))
    rounds = sum(1 for read in since if read.page == 1) + len(refusals)
    first = _unread([read for read in since if read.at <= now], pace)
    wait = pace.wait(rounds - 1 if first > 1 else rounds, refused=tries.refused)
    due = now if tries.last is None else later(tries.last, wait)
    wanted = NextRead(due, Want.LISTING, heard=False, first=first)
    return _unless_in_vain(wanted, tries, pace)


def _unread(since: list[RowsRead], pace: Pace) -> int:
    """Return the first page that was not read, where those before it agree; else 1."""
    newest: dict[int | None, RowsRead] = {}
    for listed in sorted(since, key=lambda reading: reading.at):
        newest[listed.page] = listed
    page, rows = 1, 0
    total: int | None = None
    while (read := newest.get(page)) is not None:
        if read.page_size != pace.page_size or (page > 1 and read.total != total):
            return 1
        total, rows, page = read.total, rows + read.rows, page + 1
    return page if total is not None and rows < total else 1


def _settling(facts: SyncFacts) -> NextRead | None:
    """Return the read of a listing that a webhook contradicts: one read settles it."""
    pages = [r.at for r in facts.readings if r.origin == "page"]
    hooks = [r.at for r in facts.readings if r.origin != "page"]
    hooks += [report.at for report in facts.reports if report.notice is not None]
    last = max(pages, default=None)
    news = [moment for moment in hooks if last is None or moment > last]
    return NextRead(min(news), Want.LISTING, heard=True) if news else None


def _again(
    facts: SyncFacts, pace: Pace, now: datetime, refused: Sequence[RefusedRead]
) -> NextRead | None:
    """Return the next read of a whole listing whose rows may yet be decided."""
    tries = _tries((reading.at for reading in facts.readings), refused, now)
    if not tries.number:
        return None
    firsts = sum(1 for reading in facts.readings if reading.page == 1)
    wait = max(pace.undecided, pace.wait(firsts, refused=tries.refused))
    due = now if tries.last is None else later(tries.last, wait)
    wanted = NextRead(due, Want.LISTING, heard=False, again=True)
    return _unless_in_vain(wanted, tries, pace)
