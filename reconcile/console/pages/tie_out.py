"""The tie-out: the live figures held against a replay of the whole history."""

from starlette.responses import RedirectResponse, Response

from reconcile.console.pages.visit import Page, Visit
from reconcile.console.tying import KEY, tied_out


def view(visit: Visit) -> Response:
    """Show what the last tie-out found; while one runs, the page reads itself again.

    Raises:
        StillCounting: it takes longer than a page waits.

    """
    jobs = visit.jobs
    return visit.page(
        "tie_out.html", found=jobs.result(KEY, tied_out) if jobs.has(KEY) else None
    )


def run(visit: Visit) -> Response:
    """Begin a tie-out, and lead to its result: it reads only, so anybody may."""
    visit.jobs.again(KEY, tied_out)
    return RedirectResponse(visit.links.to("tie_out"), 303)


PAGE = Page(path="/audit/tie-out", name="tie_out", view=view)
RUN = Page(path="/audit/tie-out", name="tie_out_run", view=run, method="POST")
