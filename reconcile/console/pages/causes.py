"""Every reason why expenses are broken, with its next step; the same as JSON."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self

import attrs
from starlette.responses import Response

from reconcile.console.causes import BY, CauseStanding, cause_rows, new_of
from reconcile.console.files import Row
from reconcile.console.pages.expenses import SortColumn, sort_of
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.scoping import scope_form
from reconcile.console.worths import worths_of
from reconcile.domain.instants import EPOCH
from reconcile.domain.vocabulary import ItemState


def view(visit: Visit) -> Response:
    """Show all causes of what is asked for, those of most breaks first."""
    parts = visit.sheet.parts(visit.scope(ItemState.BREAK), BY)
    worths = worths_of(parts)
    order = CauseOrder.of(visit, "causes")
    return visit.page(
        "causes.html",
        rows=order.sorted(cause_rows(parts, visit.books.rules)),
        columns=order.columns,
        new=new_of(visit.sheet, visit.scope()),
        worths=worths,
        breaks=worths.items,
        **scope_form(visit),
    )


_ORDERS: Final[Mapping[str, tuple[str, Callable[[CauseStanding], Any]]]] = {
    "cause": ("Cause and next step", lambda row: row.title.casefold()),
    "breaks": ("Breaks", lambda row: row.items),
    "seen": ("Seen", lambda row: row.last_at or EPOCH),
}
"""By what causes are in order; money is not among it: currencies have no order."""


@attrs.frozen(kw_only=True)
class CauseOrder:
    """The order of a table of causes, and the heads of its columns."""

    by: str
    descending: bool
    columns: Mapping[str, SortColumn]

    @classmethod
    def of(cls, visit: Visit, page: str) -> Self:
        """Return the order that an address asks for; the most frequent first.

        Raises:
            PageError: there is no such order (400).

        """
        by, descending = sort_of(visit, _ORDERS, "-breaks")
        columns = {}
        for name, (label, _) in _ORDERS.items():
            backwards = not descending if name == by else name != "cause"
            query: dict[str, str | tuple[str, ...]] = {
                **visit.asking.kept_but(),
                "sort": f"-{name}" if backwards else name,
            }
            aria = "descending" if descending else "ascending"
            columns[name] = SortColumn(
                label=label,
                link=visit.links.to(page, query),
                aria=aria if name == by else None,
            )
        return cls(by=by, descending=descending, columns=columns)

    def sorted(self, rows: Sequence[CauseStanding]) -> list[CauseStanding]:
        """Return causes in order; what is alike stays as it is."""
        return sorted(rows, key=_ORDERS[self.by][1], reverse=self.descending)


def _rows(visit: Visit) -> Iterator[Row]:
    parts = visit.sheet.parts(visit.scope(ItemState.BREAK), BY)
    for row in cause_rows(parts, visit.books.rules):
        worths = row.worths
        yield (
            row.name,
            row.title,
            row.step,
            row.items,
            row.released,
            [{"owner": share.owner, "breaks": share.items} for share in row.owners],
            [
                {"type": worth.type, "currency": worth.currency, "amount": worth.text}
                for worth in (*worths.payments, *worths.others)
            ],
            worths.unpriced,
            [{"company_id": name, "breaks": number} for name, number in row.companies],
            [name for name, _ in row.fingerprints],
            row.first_at,
            row.last_at,
        )


FILES: Final = ListFile(
    name="causes",
    path="/causes",
    columns=(
        "cause",
        "title",
        "next_step",
        "breaks",
        "released",
        "owners",
        "money",
        "unpriced",
        "customers",
        "fingerprints",
        "first_broken_at",
        "last_broken_at",
    ),
    rows=_rows,
    reads_sheet=True,
)
PAGE = Page(
    path="/causes",
    name="causes",
    view=view,
    words=(*SCOPE, "sort"),
    reads_sheet=True,
)
