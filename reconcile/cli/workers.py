"""Who folds a history for a command, and where its events come from.

`--from` names an export in place of the store, `--workers` and `--executor` who works.
"""

import functools
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol, TypeVar

import attrs
import click

from reconcile.cli.dask import dask_executor
from reconcile.cli.opening import reading, rules_in_use
from reconcile.codat.client.account import utc_now
from reconcile.errors import UsageError
from reconcile.readmodels.parallel import Processes
from reconcile.reconciler import Reconciler
from reconcile.report.build import Report
from reconcile.report.exported import Export

_Command = TypeVar("_Command", bound=Callable[..., Any])


class Reports(Protocol):
    """What answers a command that reports."""

    def knows(self, company_id: str) -> bool:
        """Return whether anything was ever recorded of a company."""
        ...

    def report(
        self,
        *,
        as_of: datetime | None = None,
        known_at: datetime | None = None,
        company_id: str | None = None,
        month: str | None = None,
        cause: str | None = None,
        state: str | None = None,
    ) -> Report:
        """Return the report as of a moment, by what was recorded by another."""
        ...


@attrs.frozen(kw_only=True)
class Spreading:
    """What a command line says of workers and of the events' source."""

    workers: int | None = None
    executor: str | None = None
    folder: str | None = None

    @property
    def files(self) -> list[str]:
        """Return the files that are read in place of the store's."""
        if self.folder is None or not Path(self.folder).is_dir():
            return []
        return [str(path) for path in Path(self.folder).iterdir()]

    @contextmanager
    def working(self) -> Iterator[Executor | None]:
        """Give the executor, None for this process alone.

        Raises:
            UsageError: it is named twice, or cannot be reached.

        """
        if self.executor is not None:
            if self.workers is not None:
                raise UsageError("--workers was given with --executor, expected one")
            with dask_executor(self.executor) as executor:
                yield executor
        elif self.workers is not None and self.workers > 1:
            os.environ.setdefault("PYTHONWARNINGS", _OF_THE_TRACKER)
            with Processes(self.workers) as executor:
                yield executor
        else:
            yield None

    @contextmanager
    def export(self) -> Iterator[Export | None]:
        """Give the export that is read in place of the store's events, if any."""
        if self.folder is None:
            yield None
            return
        with Export.open(self.folder, rules=rules_in_use()) as opened:
            yield opened

    @contextmanager
    def reports(self, store: str, *, settled: bool) -> Iterator[Reports]:
        """Give what reports; without `settled`, of items those alone that are not."""
        with ExitStack() as stack:
            export = stack.enter_context(self.export())
            if export is None:
                books = stack.enter_context(reading(store))
                books.store.check()
                executor = stack.enter_context(self.working())
                if executor is None:
                    yield books
                else:
                    yield _OfStore(books, executor, settled)
            else:
                executor = stack.enter_context(self.working())
                yield _OfExport(export, executor, settled)


# An interrupted command lets go of its workers' queues as it dies; the process of
# Python's that tidies up after it would tell the user of that.
_OF_THE_TRACKER: Final = "ignore::UserWarning:multiprocessing.resource_tracker"


def position_at(books: Reports, moment: datetime) -> int:
    """Return the last position of what was recorded by a moment."""
    match books:
        case Reconciler() as store_books:
            return store_books.store.position(known_at=moment)
        case _OfStore():
            return books.books.store.position(known_at=moment)
        case _OfExport():
            return books.export.events.position(known_at=moment)
        case _:
            return 0


@attrs.frozen
class _OfStore:
    books: Reconciler
    executor: Executor
    settled: bool

    def knows(self, company_id: str) -> bool:
        return self.books.knows(company_id)

    def report(self, *, as_of: datetime | None = None, **narrowed: Any) -> Report:
        return self.books.replayed_report(
            as_of=as_of or utc_now(),
            executor=self.executor,
            settled=self.settled,
            **narrowed,
        )


@attrs.frozen
class _OfExport:
    export: Export
    executor: Executor | None
    settled: bool

    def knows(self, company_id: str) -> bool:
        return self.export.knows(company_id)

    def report(self, **asked: Any) -> Report:
        return self.export.report(executor=self.executor, settled=self.settled, **asked)


def spreading_options(command: _Command) -> Callable[..., Any]:
    """Give a command the options of workers and source, as `spreading`."""

    @click.option(
        "--from",
        "folder",
        metavar="DIR",
        help="Replay the events of this export, not the store's.",
    )
    @click.option(
        "--workers",
        type=click.IntRange(min=1),
        metavar="N",
        help="Replay with this many processes.",
    )
    @click.option(
        "--executor",
        metavar="URL",
        help="Replay on a cluster: dask://HOST:PORT.",
    )
    @functools.wraps(command)
    def spread(
        *args: Any,
        folder: str | None,
        workers: int | None,
        executor: str | None,
        **options: Any,
    ) -> Any:
        spreading = Spreading(folder=folder, workers=workers, executor=executor)
        return command(*args, spreading=spreading, **options)

    return spread
