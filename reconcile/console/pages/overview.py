"""The overview: how much is not booked, why, whose move it is, and does all flow."""

from collections.abc import Sequence
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.console.flow import flow_of
from reconcile.console.overview import (
    CAUSES_MAX,
    CUSTOMERS_MAX,
    EVERY_CUSTOMER_MAX,
    UNDATED,
    CustomerRow,
    overview_of,
)
from reconcile.console.pages.causes import CauseOrder
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.scoping import scope_form
from reconcile.domain.vocabulary import ItemState
from reconcile.report.html import charts

ALL: Final = "all"
"""The word that asks for all rows of a table, `customers`, not the first alone."""


def view(visit: Visit) -> Response:
    """Show the figures of what is asked for; each leads to exactly its expenses."""
    sheet, scope = visit.sheet, visit.scope()
    overview = overview_of(sheet, scope, visit.books.rules)
    store = visit.books.store
    order = CauseOrder.of(visit, "overview")
    every = "customers" in visit.asking.words.get(ALL, ())
    customers_max = EVERY_CUSTOMER_MAX if every else CUSTOMERS_MAX
    return visit.page(
        "overview.html",
        overview=overview,
        breaks=overview.broken,
        meter=charts.meter(overview.states),
        causes=order.sorted(overview.causes)[:CAUSES_MAX],
        columns=order.columns,
        customers=overview.customers[:customers_max],
        more_customers=rest_of(overview.customers[customers_max:]),
        flow=flow_of(
            store,
            sheet,
            until=store.position(known_at=visit.asking.known_at),
            customers=scope.customer,
        ),
        as_of=sheet.as_of,
        undated=UNDATED,
        is_narrowed=bool(scope.customer or scope.month),
        **scope_form(visit),
    )


@attrs.frozen(kw_only=True)
class MoreCustomers:
    """The customers that a table does not list, counted together."""

    number: int
    items: int
    broken: int


def rest_of(rows: Sequence[CustomerRow]) -> MoreCustomers:
    """Return what rows of customers are together."""
    return MoreCustomers(
        number=len(rows),
        items=sum(row.items for row in rows),
        broken=sum(row.states[ItemState.BREAK] for row in rows),
    )


PAGE = Page(
    path="/", name="overview", view=view, words=(*SCOPE, ALL, "sort"), reads_sheet=True
)
