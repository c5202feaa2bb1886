"""What a host says of its console, and what all pages are made with."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import attrs
from jinja2 import Environment

from reconcile.console import static_files
from reconcile.console.links import Links
from reconcile.console.problems import PageError
from reconcile.console.retrying.runs import Retrying
from reconcile.console.ticks import tick
from reconcile.report.html.environment import environment

Customers = Mapping[str, str] | Callable[[str], str | None]


@attrs.frozen
class Templates:
    """The templates of the console, with what every one of them may name."""

    environment: Environment

    @classmethod
    def of(cls, zone: ZoneInfo | None) -> "Templates":
        """Return the templates, with moments in a zone beside UTC."""
        return cls(environment("reconcile.console", zone=zone))

    def render(self, template: str, **data: Any) -> str:
        """Return a page as HTML."""
        found = self.environment.get_template(template)
        return found.render(static=static_files.address, tick=tick, **data)

    def problem(
        self,
        problem: PageError,
        *,
        headline: str,
        title: str,
        links: Links,
        bare: bool,
    ) -> str:
        """Return the page of an error: a status and one sentence, no figures at all."""
        return self.render(
            "error.html",
            status=problem.status,
            headline=headline,
            sentence=problem.sentence,
            title=title,
            links=links,
            bare=bare,
            **NOTHING,
        )


NOTHING: Final[Mapping[str, Any]] = {
    "asking": None,
    "actor": None,
    "breaks": None,
    "foot": None,
}
"""What every template may name, of a page that is asked nothing and says nothing."""


@attrs.frozen(kw_only=True)
class ConsoleSettings:
    """What all pages of one console share."""

    title: str
    templates: Templates
    customers: Customers
    now: Callable[[], datetime]
    retrying: Retrying
    zone: ZoneInfo | None = None

    def customer(self, company_id: str) -> str:
        """Return the name of a company, its id where nobody gave it a name."""
        if isinstance(self.customers, Mapping):
            name = self.customers.get(company_id)
        else:
            name = self.customers(company_id)
        return name or company_id
