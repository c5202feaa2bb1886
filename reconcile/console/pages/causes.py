"""Every reason why expenses are broken, with its next step; the same as JSON."""

from starlette.responses import Response

from reconcile.console.causes import BY, cause_rows
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.scoping import scope_form
from reconcile.console.worths import worths_of
from reconcile.domain.vocabulary import ItemState


def view(visit: Visit) -> Response:
    """Show all causes of what is asked for, those of most breaks first."""
    parts = visit.sheet.parts(visit.scope(ItemState.BREAK), BY)
    worths = worths_of(parts)
    return visit.page(
        "causes.html",
        rows=cause_rows(parts, visit.books.rules),
        worths=worths,
        breaks=worths.items,
        **scope_form(visit),
    )


PAGE = Page(path="/causes", name="causes", view=view, reads_sheet=True)
