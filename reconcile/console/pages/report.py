"""The report of a customer and month: one page to print, to mail and to sign."""

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Final

import attrs
from markupsafe import Markup
from starlette.responses import Response

from reconcile.console.cuts import refused
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.safety import HEADERS
from reconcile.console.spools import download
from reconcile.errors import UsageError
from reconcile.reconciler import Reconciler
from reconcile.report.build import Report, ReportStream
from reconcile.report.csv import BYTE_ORDER_MARK, to_csv
from reconcile.report.html.page import to_html
from reconcile.report.selection import Selection
from reconcile.report.wire import to_json

_LASTS_S: Final = 60.0
_STYLE: Final = re.compile(rb"<style>(.*?)</style>", re.DOTALL).search
_MAIN: Final = b"<main>"
_POLICY: Final = "content-security-policy"


def view(visit: Visit) -> Response:
    """Show the report as a page, with links to its files and back.

    Raises:
        PageError: it is asked for several customers or months (400).
        StillCounting: it takes longer than a page waits.

    """
    html = _html(visit)
    found = html.replace(_MAIN, _MAIN + _links(visit).encode(), 1)
    return Response(
        found,
        media_type="text/html; charset=utf-8",
        headers={_POLICY: _policy(html)},
    )


def view_html(visit: Visit) -> Response:
    """Return the report as a page that stands for itself, as a file."""
    return download([_html(visit)], name=f"{_name(visit)}.html", media_type="text/html")


def view_csv(visit: Visit) -> Response:
    """Return the report as CSV: a line for each posting of each expense."""
    with _report(visit.books, _scope(visit)) as report:
        pieces = (text.encode("utf-8", "replace") for text in to_csv(report))
        return download(
            _marked(pieces), name=f"{_name(visit)}.csv", media_type="text/csv"
        )


def view_json(visit: Visit) -> Response:
    """Return the whole report as JSON, with its digest."""
    with _report(visit.books, _scope(visit)) as report:
        return download(
            to_json(report), name=f"{_name(visit)}.json", media_type="application/json"
        )


@attrs.frozen(kw_only=True)
class ReportScope:
    """Which report: of whom, of which month, and of which moments."""

    company_id: str | None
    month: str | None
    as_of: datetime | None
    known_at: datetime | None


def _scope(visit: Visit) -> ReportScope:
    asking = visit.asking
    for word, noun in (("customer", "one customer or of all"), ("month", "one month")):
        number = len(asking.words.get(word, ()))
        if number > 1:
            raise PageError(
                400,
                f"The word {word} is given {number} times, but a report is of {noun}.",
            )
    month = asking.first("month")
    try:
        Selection.of(month=month, cause=None, state=None)
    except UsageError as error:
        raise refused(error) from error
    return ReportScope(
        company_id=asking.first("customer"),
        month=month,
        as_of=asking.as_of or asking.known_at,
        known_at=asking.known_at,
    )


@contextmanager
def _report(books: Reconciler, scope: ReportScope) -> Iterator[Report | ReportStream]:
    """Give the report: as things stand it is streamed, of a past moment made whole."""
    if scope.as_of is not None:
        yield books.report(**attrs.asdict(scope))
        return
    with books.streamed_report(company_id=scope.company_id, month=scope.month) as found:
        yield found


def _html(visit: Visit) -> bytes:
    scope = _scope(visit)
    position = visit.books.store.position(known_at=scope.known_at)
    return visit.jobs.result(
        ("report", scope, position),
        partial(_made, scope, visit),
        lasts_s=_LASTS_S if scope.as_of is None else None,
    )


def _made(scope: ReportScope, visit: Visit, books: Reconciler) -> bytes:
    settings = visit.settings
    names = {name: settings.customer(name) for name in books.store.companies() if name}
    with _report(books, scope) as report:
        return b"".join(to_html(report, customers=names, zone=settings.zone))


def _links(visit: Visit) -> Markup:
    """Return a line of links in the report's own look, which is not printed."""
    to = visit.links.to
    return Markup(
        '\n<nav aria-label="Console"><ul class="toc"><li><a href="{}">Back to the'
        ' console</a></li><li><a href="{}">Download this page</a></li><li><a href="{}">'
        'Every posting (CSV)</a></li><li><a href="{}">The whole report (JSON)</a></li>'
        '</ul><div class="toc"></div></nav>'
    ).format(to("expenses"), to("report_html"), to("report_csv"), to("report_json"))


def _policy(html: bytes) -> str:
    """Return the policy of a page that has its one style sheet inside."""
    style = _STYLE(html)
    if style is None:
        raise RuntimeError("no style sheet in the report, expected one")
    digest = base64.b64encode(hashlib.sha256(style.group(1)).digest()).decode()
    return HEADERS[_POLICY].replace("style-src 'self'", f"style-src 'sha256-{digest}'")


def _name(visit: Visit) -> str:
    scope = _scope(visit)
    as_of = scope.as_of or visit.settings.now()
    month = f"{scope.month}-" if scope.month else ""
    return f"report-{month}as-of-{as_of:%Y-%m-%d}"


def _marked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    yield BYTE_ORDER_MARK.encode()
    yield from pieces


PAGE = Page(path="/report", name="report", view=view)
HTML = Page(path="/report.html", name="report_html", view=view_html)
CSV = Page(path="/report.csv", name="report_csv", view=view_csv)
JSON = Page(path="/report.json", name="report_json", view=view_json)
