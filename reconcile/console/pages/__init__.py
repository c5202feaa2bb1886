"""One module a page: a question in, plain data for a template out."""

from typing import Final

from reconcile.console.pages import (
    audit,
    cause,
    causes,
    decide,
    decisions,
    event,
    evidence,
    expense,
    expense_files,
    expenses,
    health,
    overview,
    quarantine,
    requests,
    retries,
    run,
    set_aside,
    syncs,
    tie_out,
)
from reconcile.console.pages.visit import Page

PAGES: Final[tuple[Page, ...]] = (
    overview.PAGE,
    causes.PAGE,
    cause.PAGE,
    expenses.PAGE,
    expense_files.CSV,
    expense_files.JSON,
    syncs.PAGE,
    audit.PAGE,
    audit.CSV,
    tie_out.PAGE,
    tie_out.RUN,
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
    *requests.PAGES,
    evidence.PAGE,
    event.PAGE,
    quarantine.PAGE,
    *set_aside.PAGES,
    health.PAGE,
)
"""Every page there is, in the order in which addresses are looked for."""
