"""One module a page: a question in, plain data for a template out."""

from typing import Final

from reconcile.console.pages import (
    event,
    evidence,
    expense,
    expense_files,
    expenses,
    health,
    home,
    quarantine,
)
from reconcile.console.pages.visit import Page

PAGES: Final[tuple[Page, ...]] = (
    home.PAGE,
    expenses.PAGE,
    expense_files.CSV,
    expense_files.JSON,
    expense.PAGE,
    evidence.PAGE,
    event.PAGE,
    quarantine.PAGE,
    health.PAGE,
)
"""Every page there is, in the order in which addresses are looked for."""
