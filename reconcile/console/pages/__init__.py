"""One module a page: a question in, plain data for a template out."""

from typing import Final

from reconcile.console.pages import (
    decide,
    decisions,
    event,
    evidence,
    expense,
    health,
    home,
    quarantine,
    retries,
    run,
)
from reconcile.console.pages.visit import Page

PAGES: Final[tuple[Page, ...]] = (
    home.PAGE,
    expense.PAGE,
    decisions.PAGE,
    decisions.FORM,
    decide.PREVIEW,
    decide.RECORD,
    retries.PAGE,
    retries.PLAN,
    retries.DOWNLOAD,
    retries.FREEZE,
    *run.PAGES,
    evidence.PAGE,
    event.PAGE,
    quarantine.PAGE,
    health.PAGE,
)
"""Every page there is, in the order in which addresses are looked for."""
