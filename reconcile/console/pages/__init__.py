"""One module a page: a question in, plain data for a template out."""

from typing import Final

from reconcile.console.pages import (
    cause,
    causes,
    event,
    evidence,
    expense,
    health,
    overview,
    quarantine,
)
from reconcile.console.pages.visit import Page

PAGES: Final[tuple[Page, ...]] = (
    overview.PAGE,
    causes.PAGE,
    cause.PAGE,
    expense.PAGE,
    evidence.PAGE,
    event.PAGE,
    quarantine.PAGE,
    health.PAGE,
)
"""Every page there is, in the order in which addresses are looked for."""
