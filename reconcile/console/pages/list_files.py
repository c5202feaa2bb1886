"""The lists of pages as files: `.csv` and `.json` beside each, with all of its rows."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs
from starlette.responses import Response

from reconcile.console.files import Row, csv_file, json_file
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.spools import download
from reconcile.domain.instants import format_instant


def stood_on(visit: Visit) -> Mapping[str, Any]:
    """Return what the rows stand on."""
    if visit.read is not None:
        return visit.read.footing.data()
    known_at = visit.asking.known_at
    position = visit.books.store.position(known_at=known_at)
    return {
        "as_of": format_instant(visit.asking.as_of or visit.settings.now()),
        "known_at": None if known_at is None else format_instant(known_at),
        "position": position,
    }


@attrs.frozen(kw_only=True)
class ListFile:
    """A list as files: `rows` gives what each row says, in the order of `columns`.

    `name` is that of its pages, of its member in JSON and of its schema; `path` is
    where it lies, without what comes after the dot. `head` gives what JSON says first.
    """

    name: str
    path: str
    columns: Sequence[str]
    rows: Callable[[Visit], Iterable[Row]]
    words: tuple[str, ...] = SCOPE
    reads_sheet: bool = False
    head: Callable[[Visit], Mapping[str, Any]] = stood_on

    def pages(self) -> tuple[Page, Page]:
        """Return the pages that give it: as CSV, and as JSON."""
        return self._page("csv", self._csv), self._page("json", self._json)

    def _page(self, kind: str, view: Callable[[Visit], Response]) -> Page:
        return Page(
            path=f"{self.path}.{kind}",
            name=f"{self.name}_{kind}",
            view=view,
            words=self.words,
            reads_sheet=self.reads_sheet,
        )

    def _csv(self, visit: Visit) -> Response:
        return download(
            csv_file(self.columns, self.rows(visit)),
            name=f"{self.name}.csv",
            media_type="text/csv; charset=utf-8",
        )

    def _json(self, visit: Visit) -> Response:
        head = {"schema": f"reconcile.console.{self.name}/1", **self.head(visit)}
        return download(
            json_file(head, self.name, self.columns, self.rows(visit)),
            name=f"{self.name}.json",
            media_type="application/json",
        )
