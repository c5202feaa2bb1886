"""Every reason why expenses are broken, with its next step; the same as JSON."""

from collections.abc import Iterator
from typing import Final

from starlette.responses import Response

from reconcile.console.causes import BY, cause_rows
from reconcile.console.files import Row
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.scoping import scope_form
from reconcile.console.worths import worths_of
from reconcile.domain.vocabulary import ItemState


def view(visit: Visit) -> Response:
    """Show all causes of what is asked for, those of most breaks first."""
    parts = visit.sheet.parts(visit.scope(ItemState.BREAK), BY)
    worths = worths_of(parts)
    return visit.page(
        "causes.html",
        rows=cause_rows(parts, visit.books.rules),
        worths=worths,
        breaks=worths.items,
        **scope_form(visit),
    )


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
PAGE = Page(path="/causes", name="causes", view=view, reads_sheet=True)
