"""What is shown: customers, months and moments, as a heading and as a form."""

from typing import Any, Final

from reconcile.console.pages.visit import Visit
from reconcile.report.html import figures

CHOICES_MAX: Final = 500
"""Among more customers than these nobody chooses from a list."""


def heading_of(visit: Visit) -> str:
    """Return which months are shown, in a few words, or that all are."""
    months = visit.asking.words.get("month", ())
    return ", ".join(figures.month(month) for month in months) or "All expenses"


def scope_form(visit: Visit) -> dict[str, Any]:
    """Return what the form of the scope shows: choices, and what is chosen."""
    names = visit.sheet.customers()
    choices = [(visit.settings.customer(name), name) for name in names[:CHOICES_MAX]]
    as_of = visit.asking.as_of
    return {
        "heading": heading_of(visit),
        "choices": sorted(choices, key=lambda choice: choice[0].casefold()),
        "customers_in_all": len(names),
        "chosen": visit.asking.words.get("customer", ()),
        "months": visit.asking.words.get("month", ()),
        "as_of_field": "" if as_of is None else as_of.strftime("%Y-%m-%dT%H:%M:%S"),
    }
