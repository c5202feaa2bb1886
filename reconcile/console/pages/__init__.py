"""One module a page: a question in, plain data for a template out."""

from typing import Final

from reconcile.console.pages import event, evidence, expense, health, home, quarantine
from reconcile.console.pages.visit import ConsolePage

PAGES: Final[tuple[ConsolePage, ...]] = (
    home.PAGE,
    expense.PAGE,
    evidence.PAGE,
    event.PAGE,
    quarantine.PAGE,
    health.PAGE,
)
"""Every page there is, in the order in which addresses are looked for."""
