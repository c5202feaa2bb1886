"""The start: what needs somebody comes first."""

from starlette.responses import RedirectResponse, Response

from reconcile.console.pages.visit import ConsolePage, Visit


def view(visit: Visit) -> Response:
    """Lead to how the store stands."""
    return RedirectResponse(visit.links.to("health"), 303)


PAGE = ConsolePage(path="/", name="overview", view=view)
