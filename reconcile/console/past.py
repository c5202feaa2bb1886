"""Worksheets of past moments: each made once by a replay, a few of them kept."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple

import attrs

from reconcile.console.refreshing import lay_out_whole
from reconcile.console.sheet import Sheet
from reconcile.console.watching import Watch
from reconcile.reconciler import Reconciler
from reconcile.storage.evidence import moment_of
from reconcile.storage.worksheet.file import WorksheetDamagedError, WorksheetFile

PAST_MAX: Final = 4
"""So many past moments are kept; the one that was asked for longest ago goes first."""


@attrs.frozen(kw_only=True)
class PastWork:
    """A past moment on its way: its page says so, and reads itself again."""

    as_of: datetime
    known_at: datetime | None
    since: datetime


class _Moment(NamedTuple):
    """What a past worksheet stands on: the same always has the same digest."""

    as_of: datetime
    known_at: datetime | None
    position: int
    label: str


@attrs.frozen
class _Entry:
    """A past worksheet, made or on its way."""

    file: WorksheetFile
    since: datetime
    work: Future[None]


class PastWorksheets:
    """The worksheets of past moments, by what they stand on. Safe for threads."""

    def __init__(
        self,
        opening: Callable[[], Reconciler],
        watch: Watch,
        *,
        folder: Path,
        check: Callable[[], None],
    ) -> None:
        self._opening = opening
        self._watch = watch
        self._folder = folder
        self._check = check
        self._lock = threading.Lock()
        self._entries: OrderedDict[_Moment, _Entry] = OrderedDict()
        self._number = 0
        self._worker = ThreadPoolExecutor(1, "reconcile-past-worksheet")

    def close(self) -> None:
        """End what runs; whoever gave the folder deletes it."""
        self._worker.shutdown(wait=True, cancel_futures=True)

    @contextmanager
    def reading(
        self, *, as_of: datetime, known_at: datetime | None, budget_s: float
    ) -> Iterator[Sheet | PastWork]:
        """Give a past moment, or what says that it is on its way.

        Raises:
            ReconcileError: it could not be made; told once, and tried again then.

        """
        look = self._watch.look(known_at=known_at)
        moment = _Moment(as_of, known_at, look.position, look.label)
        entry = self._entry(moment, look.now)
        on_its_way = PastWork(as_of=as_of, known_at=known_at, since=entry.since)
        try:
            entry.work.result(budget_s)
        except (NotYet, CancelledError):
            yield on_its_way
            return
        except BaseException:
            self._forget(moment, entry)
            raise
        try:
            with entry.file.reading() as reads:
                head = reads.head()
                if head is not None:
                    as_of = moment_of(head.as_of)
                    yield Sheet(reads, head, as_of=as_of, newest=head.position)
                    return
        except WorksheetDamagedError:
            self._forget(moment, entry)  # the next page makes it anew
            raise
        self._forget(moment, entry)  # its file was deleted meanwhile
        yield on_its_way

    def _entry(self, moment: _Moment, now: datetime) -> _Entry:
        with self._lock:
            entry = self._entries.get(moment)
            if entry is None or entry.work.cancelled():
                self._number += 1
                file = WorksheetFile(self._folder / f"past-{self._number}")
                work = self._worker.submit(self._make, moment, file)
                entry = self._entries[moment] = _Entry(file, now, work)
            self._entries.move_to_end(moment)
            while len(self._entries) > PAST_MAX:
                _, oldest = self._entries.popitem(last=False)
                oldest.work.cancel()
                oldest.work.add_done_callback(partial(_delete, oldest.file))
            return entry

    def _forget(self, moment: _Moment, entry: _Entry) -> None:
        with self._lock:
            if self._entries.get(moment) is entry:
                del self._entries[moment]
        entry.file.delete()

    def _make(self, moment: _Moment, file: WorksheetFile) -> None:
        with self._opening() as books:
            lay_out_whole(
                books,
                file,
                as_of=moment.as_of,
                known_at=moment.known_at,
                check=self._check,
            )


def _delete(file: WorksheetFile, _: Future[None]) -> None:
    file.delete()
