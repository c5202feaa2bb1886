"""Requests in doubt: listed, looked at, and given up by a person, with a reason."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.console.deciding.asked import reason_error, words_of
from reconcile.console.deciding.offer import acting, why_off
from reconcile.console.deciding.recording import Events, latest_of
from reconcile.console.files import Row
from reconcile.console.pages.decisions import led_to
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.domain.request import UNDER_WAY, RequestState
from reconcile.errors import UsageError
from reconcile.readmodels.requests import request_ledger
from reconcile.report.html.figures import minute

LISTED_MAX: Final = 200
SHOWN_MAX: Final = 10
OPERATIONS: Final = {
    "create": "Send expenses",
    "push": "Hand over a dataset",
    "start_sync": "Start a sync",
    "update": "Update an expense",
    "put": "Put a transfer",
}


@attrs.frozen(kw_only=True)
class DoubtRow:
    """A request in doubt as a page shows it: what it asked for, and when it is old."""

    company_id: str
    request_id: str
    operation: str
    at: datetime
    names: Sequence[str]
    version: int

    @property
    def may_be_given_up_at(self) -> datetime:
        """Return from when on it cannot be under way any more."""
        return self.at + UNDER_WAY


def view(visit: Visit) -> Response:
    """Show every request whose answer was lost and that nothing has decided since."""
    found = _found_in_doubt(visit)
    return visit.page(
        "requests.html",
        rows=[_row(visit, name, state) for name, state in found[:LISTED_MAX]],
        number=len(found),
        operations=OPERATIONS,
        foot=visit.foot(
            as_of=visit.settings.now(), position=visit.books.store.position()
        ),
    )


def _found_in_doubt(visit: Visit) -> list[tuple[str, RequestState]]:
    """Return company and request of each that is in doubt, the oldest first."""
    wanted = visit.asking.words.get("customer", ())
    found = [
        (state.asked.at, company_id, state)
        for company_id, states in visit.books.in_doubt().items()
        for state in states
        if state.asked is not None and (not wanted or company_id in wanted)
    ]
    found.sort(key=lambda doubt: doubt[:2])
    return [(company_id, state) for _, company_id, state in found]


def _file_rows(visit: Visit) -> Iterator[Row]:
    for company_id, state in _found_in_doubt(visit):
        row = _row(visit, company_id, state)
        yield (
            visit.settings.customer(company_id),
            company_id,
            row.request_id,
            row.operation,
            row.at,
            row.may_be_given_up_at,
            row.names,
        )


def look(visit: Visit) -> Response:
    """Show one request in doubt, and what giving it up would change.

    Raises:
        PageError: it is not known, or not in doubt (404).

    """
    return _page(visit, _found(visit), reason="", errors={})


def abandon(visit: Visit) -> Response:
    """Record that nothing came of a request, and lead to the event.

    Raises:
        PageError: nobody may decide (403), or it is not in doubt (404, 409).

    """
    actor = acting(visit)
    company_id, request_id = visit.id("company"), visit.id("request")
    reason = words_of(visit.form, "reason")
    before = latest_of(visit.books, "abandoned", f"request {request_id}")
    row = _row_of(visit, company_id, request_id)
    if row is None and before is not None:
        return led_to(visit, attrs.evolve(before, is_earlier=True))
    row = row or _found(visit)
    if (why := reason_error(reason)) is not None:
        return _page(visit, row, reason=reason, errors={"reason": why}, status=422)
    if words_of(visit.form, "seen") != str(row.version):
        raise PageError(409, _MOVED_ON)
    position = visit.books.store.position()
    try:
        visit.books.abandon(company_id, request_id, actor=actor, reason=reason)
    except UsageError as error:
        raise PageError(409, _why(visit, row)) from error
    found = latest_of(
        visit.books, "abandoned", f"request {row.request_id}", after=position
    )
    last = visit.books.store.position()
    return led_to(visit, found or Events(first=last, last=last))


_MOVED_ON: Final = (
    "Something was heard of this request meanwhile, so nothing was recorded; look at it"
    " again."
)


def _why(visit: Visit, row: DoubtRow) -> str:
    """Return why a request could not be given up, in a sentence."""
    if visit.settings.now() < row.may_be_given_up_at:
        return (
            "The request may be under way still, so nothing was recorded; it can be"
            f" given up from {minute(row.may_be_given_up_at)} on."
        )
    return _MOVED_ON


def _page(
    visit: Visit,
    row: DoubtRow,
    *,
    reason: str,
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    found = [visit.books.item(n, company_id=row.company_id) for n in row.names]
    return visit.page(
        "request.html",
        status=status,
        row=row,
        operation=OPERATIONS.get(row.operation, row.operation),
        expenses=[item for item in found if item is not None][:SHOWN_MAX],
        is_too_early=visit.settings.now() < row.may_be_given_up_at,
        reason=reason,
        errors=errors,
        why_off=why_off(visit),
        foot=visit.foot(position=visit.books.store.position()),
    )


def _found(visit: Visit) -> DoubtRow:
    row = _row_of(visit, visit.id("company"), visit.id("request"))
    if row is None:
        raise PageError(
            404, "No request of this id is in doubt: it is decided, or was never made."
        )
    return row


def _row_of(visit: Visit, company_id: str, request_id: str) -> DoubtRow | None:
    for state in request_ledger(visit.books.store, company_id).states:
        if state.request_id == request_id and state.asked and state.in_doubt:
            return _row(visit, company_id, state)
    return None


def _row(visit: Visit, company_id: str, state: RequestState) -> DoubtRow:
    asked = state.asked
    if asked is None:
        raise PageError(404, "Nothing is known of what this request asked for.")
    names = {expected.transaction_id for expected in asked.transactions}
    if asked.dataset_ids:
        names |= request_ledger(visit.books.store, company_id).names(asked)
    return DoubtRow(
        company_id=company_id,
        request_id=state.request_id,
        operation=asked.operation,
        at=asked.at,
        names=sorted(names),
        version=state.version,
    )


FILES: Final = ListFile(
    name="requests",
    path="/requests",
    columns=(
        "customer",
        "company_id",
        "request_id",
        "operation",
        "asked_at",
        "may_be_given_up_at",
        "transaction_ids",
    ),
    rows=_file_rows,
)
PAGES: Final[Sequence[Page]] = (
    Page(path="/requests", name="requests", view=view),
    *FILES.pages(),
    Page(path="/requests/{company}/{request}", name="request", view=look),
    Page(
        path="/requests/{company}/{request}/abandon",
        name="abandon",
        view=abandon,
        words=(),
        method="POST",
    ),
)
