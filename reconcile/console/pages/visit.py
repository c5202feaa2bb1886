"""One request for a page, and what a page is: an address, its words, its view."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

import attrs
from starlette.requests import Request
from starlette.responses import Response

from reconcile.console.asking import Asking
from reconcile.console.cuts import scope_of
from reconcile.console.filter import Filter
from reconcile.console.links import Links, id_from_path
from reconcile.console.problems import NO_SUCH_PAGE, PageError
from reconcile.console.settings import ConsoleSettings
from reconcile.console.sheet import Sheet
from reconcile.console.works import Works
from reconcile.domain.vocabulary import ItemState
from reconcile.reconciler import Reconciler

SCOPE: Final = ("customer", "month", "as_of", "known_at")


@attrs.frozen(kw_only=True)
class Foot:
    """What all figures of a page stand on."""

    as_of: datetime
    known_at: datetime | None
    position: int
    rules: str | None
    digest: str | None
    unread: int = 0
    lag: int = 0


@attrs.frozen(kw_only=True)
class Visit:
    """Who asks for what, and the books it is answered from; a page is a pure view."""

    settings: ConsoleSettings
    request: Request
    asking: Asking
    links: Links
    actor: str | None
    token: str
    form: Mapping[str, list[str]]
    lent: Reconciler | None = None
    read: Sheet | None = None
    sheets: Callable[[datetime | None, datetime | None], Sheet] | None = None
    works: Works | None = None
    glance: Callable[[Filter], int | None] | None = None

    def id(self, name: str) -> str:
        """Return an id of the path.

        Raises:
            PageError: it is none that could be (404).

        """
        found = id_from_path(self.request.path_params[name])
        if found is None:
            raise PageError(404, NO_SUCH_PAGE)
        return found

    @property
    def books(self) -> Reconciler:
        """Return the books that are lent to this page."""
        if self.lent is None:
            raise RuntimeError("the page has no books, expected one that is viewed")
        return self.lent

    @property
    def sheet(self) -> Sheet:
        """Return the worksheet of a page that says it reads one."""
        if self.read is None:
            raise RuntimeError("the page reads no worksheet, expected `reads_sheet`")
        return self.read

    def sheet_at(self, as_of: datetime | None, known_at: datetime | None) -> Sheet:
        """Return the worksheet of another moment; it is open until the page is made.

        Raises:
            StillCounting: it takes longer than a page waits.

        """
        if self.sheets is None:
            raise RuntimeError(
                "the page has no worksheets, expected one that is viewed"
            )
        return self.sheets(as_of, known_at)

    @property
    def jobs(self) -> Works:
        """Return what runs behind pages, and outlives a request."""
        if self.works is None:
            raise RuntimeError("the page has no works, expected one that is viewed")
        return self.works

    def foot(
        self,
        *,
        position: int,
        as_of: datetime | None = None,
        rules: str | None = None,
        digest: str | None = None,
    ) -> Foot:
        """Return what a page stands on, for its last line."""
        return Foot(
            as_of=as_of or self.asking.as_of or self.settings.now(),
            known_at=self.asking.known_at,
            position=position,
            rules=rules,
            digest=digest,
        )

    def title_of(self, cause: str) -> str:
        """Return a cause in plain words; its name where no rule knows it."""
        rules = self.books.rules
        known = (*rules.rules, rules.unclassified)
        return next((rule.title for rule in known if rule.name == cause), cause)

    def page(self, template: str, *, status: int = 200, **data: Any) -> Response:
        """Return a page of a template; every template extends `base.html`."""
        foot, breaks = self._of_sheet(counted="breaks" in data)
        html = self.settings.templates.render(
            template,
            title=self.settings.title,
            links=self.links,
            asking=self.asking,
            actor=self.actor,
            token=self.token,
            customer_of=self.settings.customer,
            **{"breaks": breaks, "foot": foot, "bare": False, **data},
        )
        return Response(html, status, media_type="text/html")

    def _of_sheet(self, *, counted: bool) -> tuple[Foot | None, int | None]:
        """Return what the worksheet stands on, and how many breaks there are.

        A page that has counted them itself says so.
        """
        if self.read is None:
            live = self.glance is not None and not (counted or self.asking.is_past)
            return None, self.glance(self.scope()) if live and self.glance else None
        footing = self.read.footing
        foot = Foot(
            as_of=footing.as_of,
            known_at=footing.known_at,
            position=footing.position,
            rules=footing.ruleset,
            digest=footing.digest,
            unread=footing.unprocessed + footing.poisoned,
            lag=footing.lag,
        )
        if counted:
            return foot, None
        return foot, self.read.count(self.scope(ItemState.BREAK))

    def list_link(self, query: Mapping[str, str], number: int) -> str | None:
        """Return the list of the expenses of some words, where it has so many."""
        words = {word: (value,) for word, value in query.items()}
        is_all = self.sheet.count(attrs.evolve(self.scope(), **words)) == number
        return self.links.to("expenses", query) if is_all else None

    def scope(self, *states: ItemState) -> Filter:
        """Return the customers and months that are asked for, of some states or all."""
        named = tuple(state.value for state in states)
        return attrs.evolve(scope_of(self.asking), state=named)


@attrs.frozen(kw_only=True)
class Page:
    """A page of the console: `words` are those that its address may have."""

    path: str
    name: str
    view: Callable[[Visit], Response]
    words: tuple[str, ...] = SCOPE
    method: str = "GET"
    reads_sheet: bool = False
