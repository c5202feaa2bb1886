"""What to read next of one sync, and when: decided from what is known of it alone.

So a follower that starts anew goes on where the one before it stopped, and two of them
decide alike.
"""

import enum
from datetime import datetime, timedelta
from typing import NamedTuple

import attrs

from reconcile.domain.instants import END_OF_TIME, later
from reconcile.domain.vocabulary import NOTICE_CLASS, CodeClass
from reconcile.judgement.facts import RowsRead, SyncFacts
from reconcile.judgement.sync_context import SyncContext

_TERMINAL = (CodeClass.ENDED_WELL, CodeClass.FAILED)


class Want(enum.StrEnum):
    """What is wanted of a sync."""

    STATUS = "status"
    LISTING = "listing"


class NextRead(NamedTuple):
    """One read that is due from a moment on."""

    due: datetime
    want: Want
    heard: bool  # a webhook said that there is something to read
    first: int = 1  # the page a listing is read from: those before it were read
    again: bool = False  # what was read whole before may say more by now


@attrs.frozen(kw_only=True)
class Pace:
    """How soon and how often a sync is read, from seconds to hours."""

    first: timedelta = timedelta(seconds=5)
    most: timedelta = timedelta(hours=1)
    undecided: timedelta = timedelta(minutes=5)  # rows that may yet be decided
    give_up: timedelta = timedelta(days=14)  # as long as Codat can replay webhooks
    page_size: int = 1000

    def wait(self, reads: int) -> timedelta:
        """Return the wait after so many reads: twice as long each time."""
        doubled: timedelta = self.first * 2 ** min(max(reads, 0), 30)
        return min(doubled, self.most)


def next_read(
    facts: SyncFacts, context: SyncContext, *, pace: Pace, unsettled: str | None
) -> NextRead | None:
    """Return what is to be read next of a sync; None: nothing, as far as is known.

    `unsettled`: of its rows some are "open" though its listing is complete, or, where
    none is, sources contradict each other about one: "conflicting".
    """
    began = context.requested_at or context.first_seen
    if began is None:
        return None
    wanted = _status(facts, context, began, pace) or _listing(facts, context, pace)
    if wanted is None and unsettled == "open":
        wanted = _again(facts, pace)
    if wanted is None and unsettled == "conflicting":
        wanted = _settling(facts)
    if wanted is None or wanted.due > later(began, pace.give_up):
        return None
    return wanted


def _status(
    facts: SyncFacts, context: SyncContext, began: datetime, pace: Pace
) -> NextRead | None:
    """Return the read of a status, None where it is known how the sync ended."""
    known = {code.code_class for code in context.codes} & {*_TERMINAL}
    reads = [report.at for report in facts.reports if report.notice is None]
    last = max(reads, default=None)
    news = [
        notice.at
        for notice in context.notices
        if NOTICE_CLASS[notice.kind] in {*_TERMINAL} - known
        and (last is None or notice.at > last)
    ]
    if known and not news:
        return None
    if news:
        return NextRead(min(news), Want.STATUS, heard=True)
    due = later(began if last is None else last, pace.wait(len(reads)))
    return NextRead(due, Want.STATUS, heard=False)


def _listing(facts: SyncFacts, context: SyncContext, pace: Pace) -> NextRead | None:
    """Return the read of a listing, None where it was complete once."""
    ended_at = context.ended_at
    if ended_at is None or context.listing.complete_at is not None:
        return None
    since = [r for r in facts.readings if r.origin == "page" and r.at >= ended_at]
    if not since:
        return NextRead(ended_at, Want.LISTING, heard=bool(context.notices))
    rounds = sum(1 for read in since if read.page == 1)
    last = max(read.at for read in since)
    first = _unread(since, pace)
    wait = pace.wait(rounds - 1) if first > 1 else pace.wait(rounds)
    return NextRead(later(last, wait), Want.LISTING, heard=False, first=first)


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


def _again(facts: SyncFacts, pace: Pace) -> NextRead | None:
    """Return the next read of a whole listing whose rows may yet be decided."""
    firsts = [r.at for r in facts.readings if r.page == 1]
    last = max((r.at for r in facts.readings), default=END_OF_TIME)
    wait = max(pace.undecided, pace.wait(len(firsts)))
    return NextRead(later(last, wait), Want.LISTING, heard=False, again=True)
