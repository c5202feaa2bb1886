"""The syncs: how each ended, what was promised and seen of it, what is odd about it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.console.files import Row
from reconcile.console.links import id_from_path, id_in_path
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.sheet import LIMIT, LIMIT_MAX
from reconcile.projections.summaries import Finding, SyncSummary
from reconcile.report.html.words import Word

FINDINGS_MAX: Final = 200
"""So many findings beside the syncs are listed; the rest are counted."""

STATES: Final[Mapping[str, tuple[str, Word]]] = {
    "ended_well": ("matched", Word("Ended", "Codat has done with it")),
    "failed": ("break", Word("Failed", "some or all of it was not written")),
    "in_progress": ("open", Word("Running", "Codat is still working on it")),
    "unrecognised": ("break", Word("Not recognised", "its status is a new word")),
    "unknown": ("open", Word("No word yet", "nothing was said of how it stands")),
}
LISTINGS: Final[Mapping[str, Word]] = {
    "complete": Word("To its end", "every row that was promised was read"),
    "incomplete": Word("In part", "rows are missing that were promised"),
    "unread": Word("Not yet", "no page of it was read"),
}


@attrs.frozen(kw_only=True)
class ListedSync:
    """A sync with its state and its listing in words, and what is odd about it."""

    sync: SyncSummary
    sign: str
    state: Word
    listing: Word
    findings: Sequence[Finding]


def view(visit: Visit) -> Response:
    """Show a page of syncs by customer, each with its findings.

    Raises:
        PageError: the place in the list is damaged (400).

    """
    customers = visit.asking.words.get("customer", ())
    after = _place(visit.asking.first("after"))
    found = [*visit.sheet.syncs(customers=customers, after=after, limit=LIMIT + 1)]
    beside = _beside(visit)
    shown = found[:LIMIT]
    others = [f for key, some in beside.items() if key is None for f in some]
    return visit.page(
        "syncs.html",
        rows=[_row(sync, beside.get(sync.sync_id, ())) for sync in shown],
        next=_next(visit, shown[-1]) if found[LIMIT:] else None,
        first=visit.links.to("syncs") if after else None,
        others=others[:FINDINGS_MAX],
        more=max(0, len(others) - FINDINGS_MAX),
    )


def _beside(visit: Visit) -> dict[str | None, list[Finding]]:
    """Return what is found, by sync; that of none too."""
    beside: dict[str | None, list[Finding]] = {}
    customers = visit.asking.words.get("customer", ())
    for finding in visit.sheet.findings(customers=customers):
        beside.setdefault(finding.sync_id, []).append(finding)
    return beside


def _file_rows(visit: Visit) -> Iterator[Row]:
    beside = _beside(visit)
    for sync in _every(visit):
        row = _row(sync, beside.get(sync.sync_id, ()))
        yield (
            visit.settings.customer(sync.company_id),
            sync.company_id,
            sync.sync_id,
            sync.state,
            sync.status_code,
            sync.status,
            sync.listing,
            sync.expected,
            sync.reported,
            sync.promised,
            sync.seen,
            [{"kind": each.kind, "reason": each.reason} for each in row.findings],
        )


def _every(visit: Visit) -> Iterator[SyncSummary]:
    customers = visit.asking.words.get("customer", ())
    after: tuple[str, str] | None = None
    while found := visit.sheet.syncs(customers=customers, after=after, limit=LIMIT_MAX):
        yield from found
        after = found[-1].company_id, found[-1].sync_id


def _row(sync: SyncSummary, beside: Sequence[Finding]) -> ListedSync:
    sign, state = STATES.get(sync.state, STATES["unknown"])
    return ListedSync(
        sync=sync,
        sign=sign,
        state=state,
        listing=LISTINGS[sync.listing],
        findings=[f for f in beside if f.company_id in (None, sync.company_id)],
    )


def _next(visit: Visit, last: SyncSummary) -> str:
    place = f"{id_in_path(last.company_id)}/{id_in_path(last.sync_id)}"
    return visit.links.to("syncs", {"after": place})


def _place(after: str | None) -> tuple[str, str] | None:
    if after is None:
        return None
    head, slash, tail = after.partition("/")
    company_id, sync_id = id_from_path(head), id_from_path(tail)
    if not slash or not company_id or not sync_id:
        raise PageError(
            400, "The place in the list is damaged, expected that of a link of ours."
        )
    return company_id, sync_id


FILES: Final = ListFile(
    name="syncs",
    path="/syncs",
    columns=(
        "customer",
        "company_id",
        "sync_id",
        "state",
        "status_code",
        "status",
        "listing",
        "expected",
        "reported",
        "promised",
        "seen",
        "findings",
    ),
    rows=_file_rows,
    reads_sheet=True,
)
PAGE = Page(
    path="/syncs", name="syncs", view=view, words=(*SCOPE, "after"), reads_sheet=True
)
