"""The report as a page, from the command line: whose names it shows, in which zone."""

import functools
import io
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

import attrs
import click
import msgspec

from reconcile.cli.workers import Reports, position_at
from reconcile.errors import UsageError
from reconcile.report.build import Report, ReportStream
from reconcile.report.html.figures import known_zone
from reconcile.report.html.page import to_html

_Command = TypeVar("_Command", bound=Callable[..., Any])


@attrs.frozen(kw_only=True)
class PageOptions:
    """What a command line says of a page: a file of customers' names, and a zone."""

    customers: str | None = None
    zone: str | None = None

    @property
    def files(self) -> list[str]:
        """Return the files that are read for it."""
        return [] if self.customers is None else [self.customers]

    def check(self, face: str, *, items: bool) -> None:
        """Find what is wrong with the options before any work is done.

        Raises:
            UsageError: they do not fit the format, or the file or zone is none.

        """
        given = {"--customers": self.customers, "--zone": self.zone}
        for name, value in given.items():
            if value is not None and face != "html":
                raise UsageError(
                    f"{name} was given with --format {face}, expected --format html"
                )
        if face != "html":
            return
        if items:
            raise UsageError(
                "--items was given with --format html, which lists what is broken, open"
                " or resolved: expected --format json or csv for every expense"
            )
        self.names()
        if self.zone is not None:
            known_zone(self.zone)

    def names(self) -> Mapping[str, str] | None:
        """Return the customers' names by company id, None where no file was named."""
        return None if self.customers is None else customers_in(self.customers)

    def write(self, report: Report | ReportStream, stream: TextIO) -> None:
        """Write the page, whose encoding is UTF-8 whatever the terminal's is."""
        if stream is sys.stdout and isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding="utf-8")
        for piece in to_html(report, customers=self.names(), zone=self.zone):
            stream.write(piece.decode())


def pinned(stream: ReportStream, books: Reports) -> ReportStream:
    """Return a live report that names the moment by which its facts were known."""

    def rest() -> Report:
        report = stream.rest()
        return pinned_report(report, books, at=report.as_of)

    return attrs.evolve(stream, rest=rest)


def pinned_report(report: Report, books: Reports, *, at: datetime) -> Report:
    """Return a report of all that is recorded as that of what was known by a moment.

    A page names both of its moments, so that the same can be asked for years later.
    Unchanged where the history's clock is ahead, or something has come since.
    """
    if report.known_at is not None or position_at(books, at) != report.position:
        return report
    return attrs.evolve(report, known_at=at)


def customers_in(path: str) -> Mapping[str, str]:
    """Return the customers' names by company id, of a file of JSON.

    Raises:
        UsageError: it cannot be read, or is not such an object.

    """
    try:
        return msgspec.json.decode(Path(path).read_bytes(), type=dict[str, str])
    except OSError as error:
        raise UsageError(
            f"--customers: {path} cannot be read: {error.strerror}"
        ) from error
    except msgspec.ValidationError as error:
        raise UsageError(
            f"--customers: {path} is not an object of company ids and names: {error}"
        ) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            f"--customers: {path} is not JSON: {error}, expected an object of company"
            " ids and names"
        ) from error


def page_options(command: _Command) -> Callable[..., Any]:
    """Give a command the options of a page, as `page`."""

    @click.option(
        "--customers",
        metavar="FILE",
        help="With html: customers' names by company id, as JSON.",
    )
    @click.option(
        "--zone",
        metavar="NAME",
        help="With html: show moments in this zone too.",
    )
    @functools.wraps(command)
    def paged(*args: Any, customers: str | None, zone: str | None, **rest: Any) -> Any:
        return command(*args, page=PageOptions(customers=customers, zone=zone), **rest)

    return paged
