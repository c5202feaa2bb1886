"""How the store itself stands: a check a line, and what to do about it."""

from typing import Final

from starlette.responses import Response

from reconcile.console.pages.visit import Page, Visit
from reconcile.errors import StoreError
from reconcile.health import check_of_evidence, checks_of

SAMPLE_LASTS_S: Final = 60.0
"""For so long a sample of the evidence is not taken again."""


def view(visit: Visit) -> Response:
    """Show every check of the store as it stands now; nothing in it is changed.

    Raises:
        StillCounting: the sample of the evidence takes longer than a page waits.
        StoreError: the store cannot be read.

    """
    store = visit.books.store
    why = store.lost()
    if why is not None:
        raise StoreError(why)
    evidence = visit.jobs.result("health", check_of_evidence, lasts_s=SAMPLE_LASTS_S)
    checks = [*checks_of(visit.books, visit.settings.now(), evidence=evidence)]
    return visit.page(
        "health.html",
        checks=checks,
        problems=sum(check.state == "problem" for check in checks),
        foot=visit.foot(as_of=visit.settings.now(), position=store.position()),
    )


PAGE = Page(path="/health", name="health", view=view)
