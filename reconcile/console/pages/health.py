"""How the store itself stands: a check a line, and what to do about it."""

from starlette.responses import Response

from reconcile.console.pages.visit import ConsolePage, Visit
from reconcile.errors import StoreError
from reconcile.health import checks_of


def view(visit: Visit) -> Response:
    """Show every check of the store as it stands now; nothing in it is changed.

    Raises:
        StoreError: the store cannot be read.

    """
    store = visit.books.store
    why = store.lost()
    if why is not None:
        raise StoreError(why)
    checks = [*checks_of(visit.books, visit.settings.now())]
    return visit.page(
        "health.html",
        checks=checks,
        problems=sum(check.state == "problem" for check in checks),
        foot=visit.foot(position=store.position()),
    )


PAGE = ConsolePage(path="/health", name="health", view=view)
