"""The audit: how it stood at two moments, on what, and what changed between them."""

from collections.abc import Iterator
from typing import Any, Final

import attrs
from starlette.responses import Response

from reconcile.console.comparing import (
    UNKNOWN,
    Comparison,
    Move,
    Reason,
    Sheets,
    Wanted,
    compared,
)
from reconcile.console.cuts import months_of, refused, scope_of
from reconcile.console.figures import Footing
from reconcile.console.files import Row
from reconcile.console.filter import Filter
from reconcile.console.moments import (
    MOMENT_WORDS,
    AuditMoment,
    Moments,
    moments_of,
    presets_of,
)
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.pack import PACK_MAX
from reconcile.console.pages.visit import SCOPE, Foot, Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.resting import stored_evidence
from reconcile.console.sheet import Sheet
from reconcile.console.sums import prices_in
from reconcile.console.tying import KEY, TiedOut, tied_out
from reconcile.console.works import StillCounting
from reconcile.domain.case_events import CauseMended, EvidenceSetAside, ExpenseDecided
from reconcile.domain.events import DeliverySetAside, SyncAbandoned
from reconcile.domain.vocabulary import ItemState
from reconcile.errors import UsageError

LISTED_MAX: Final = 50
AUDIT_WORDS: Final = (*SCOPE, *MOMENT_WORDS, "moved", "because")
COLUMNS: Final = (
    "customer",
    "company_id",
    "transaction_id",
    "merchant",
    "amount",
    "currency",
    "issue_date",
    "state_before",
    "state_after",
    "because_of",
    "reason_before",
    "reason_after",
)
REASONS: Final = {
    Reason.LATER_FACTS: ("Later facts", "It happened after the first moment."),
    Reason.LATE_NEWS: (
        "Late news",
        "It was so by the first moment, and was recorded afterwards.",
    ),
    Reason.DECISIONS: ("Decisions", "A person ended it after the first moment."),
    Reason.DEADLINES: ("Deadlines", "Nothing was said of it until its deadline."),
}


_DECISIONS: Final = [
    kind.TOPIC
    for kind in (
        CauseMended,
        DeliverySetAside,
        EvidenceSetAside,
        ExpenseDecided,
        SyncAbandoned,
    )
]


@attrs.frozen(kw_only=True)
class Side:
    """How it stood at one of the two moments."""

    moment: AuditMoment
    footing: Footing
    states: dict[ItemState, int]
    decisions: int
    link: str

    @property
    def items(self) -> int:
        """Return how many expenses there were."""
        return sum(self.states.values())


@attrs.frozen(kw_only=True)
class ChangeGroup:
    """Expenses that went from one state to another because of one thing."""

    move: Move
    because: Reason | None
    number: int
    link: str


def view(visit: Visit) -> Response:
    """Show two moments side by side, and what changed.

    Raises:
        PageError: a moment is none, in the future, or before the other (400).
        StillCounting: a past moment takes longer than a page waits.

    """
    scope, wanted = scope_of(visit.asking), _wanted(visit)
    moments = moments_of(visit.asking, visit.settings.now())
    sheets = _sheets(visit, moments)
    comparison = compared(sheets.changes(scope), wanted, most=LISTED_MAX)
    first = _side(visit, scope, moments.first, sheets.first)
    second = _side(visit, scope, moments.second, sheets.second)
    return visit.page(
        "audit.html",
        heading=_heading(scope),
        moments=moments,
        presets=[
            (name, _here(visit, preset))
            for name, preset in presets_of(
                visit.settings.now(), visit.asking.words.get("month", ())
            ).items()
        ],
        first=first,
        second=second,
        to=lambda side, **cut: visit.links.to(
            "expenses", {**side.moment.query(), **cut}
        ),
        unbooked=_unbooked(scope, sheets),
        comparison=comparison,
        groups=_groups(visit, moments, comparison),
        wanted=wanted,
        all_changes=_here(visit, moments),
        files={**_NO_SCOPE, **moments.query(), **_query(wanted)},
        reasons=REASONS,
        unknown=UNKNOWN,
        tied=_tied(visit),
        evidence=stored_evidence(visit),
        pack_max=PACK_MAX,
        scope=scope,
        foot=_foot(second.footing),
    )


def _file_rows(visit: Visit) -> Iterator[Row]:
    wanted = _wanted(visit)
    moments = moments_of(visit.asking, visit.settings.now())
    for change in _sheets(visit, moments).changes(scope_of(visit.asking)):
        if wanted.has(change):
            line, because = change.line, change.because
            yield (
                visit.settings.customer(line.company_id),
                line.company_id,
                line.transaction_id,
                line.merchant,
                line.amount,
                line.currency,
                line.issue_date,
                change.move.before,
                change.move.after,
                REASONS[because][0] if because else None,
                change.before.reason if change.before else None,
                change.after.reason if change.after else None,
            )


def _file_head(visit: Visit) -> dict[str, Any]:
    """Return what the two moments stand on."""
    moments = moments_of(visit.asking, visit.settings.now())
    sheets = _sheets(visit, moments)
    return {
        "first": sheets.first.footing.data("digest"),
        "second": sheets.second.footing.data("digest"),
    }


def _wanted(visit: Visit) -> Wanted:
    words = visit.asking.words
    states = (*ItemState, UNKNOWN)
    known = {Move(a, b).word for a in states for b in states}
    for move in words.get("moved", ()):
        if move not in known:
            raise PageError(
                400,
                f"The change {move[:60]!r} is not known, expected one like open-break.",
            )
    reasons = (*Reason, UNKNOWN)
    for because in words.get("because", ()):
        if because not in reasons:
            raise PageError(
                400,
                f"The reason {because[:60]!r} is not known, expected one of"
                f" {', '.join(reasons)}.",
            )
    return Wanted(moves=words.get("moved", ()), because=words.get("because", ()))


def _sheets(visit: Visit, moments: Moments) -> Sheets:
    """Return the worksheets of both moments, and of what lies between them."""
    first = _sheet(visit, moments.first)
    second = _sheet(visit, moments.second)
    if moments.first.known_at == moments.second.known_at:
        between = first
    elif moments.first.as_of == moments.second.as_of:
        between = second
    else:
        between = _sheet(visit, moments.between)
    return Sheets(first=first, between=between, second=second)


def _sheet(visit: Visit, moment: AuditMoment) -> Sheet:
    try:
        return visit.sheet_at(moment.as_of, moment.known_at)
    except UsageError as error:
        raise refused(error) from error


def _side(visit: Visit, scope: Filter, moment: AuditMoment, sheet: Sheet) -> Side:
    footing = sheet.footing
    decided = visit.books.store.positions_after(
        0, until=footing.position, topics=_DECISIONS
    )
    return Side(
        moment=moment,
        footing=footing,
        decisions=len(decided),
        states=dict(sheet.states(scope)),
        link=visit.links.to("expenses", moment.query()),
    )


def _unbooked(scope: Filter, sheets: Sheets) -> list[tuple[str | None, object, object]]:
    """Return payments not in the books by currency: at the first moment, the second."""
    cut = attrs.evolve(scope, booked=("no",), type=("payment",))
    sums = [
        {price.currency: price.amount for price in prices_in(sheet.sums(cut)).payments}
        for sheet in (sheets.first, sheets.second)
    ]
    names = sorted(
        {name for some in sums for name in some}, key=lambda name: name or ""
    )
    return [(name, sums[0].get(name), sums[1].get(name)) for name in names]


def _groups(
    visit: Visit, moments: Moments, comparison: Comparison
) -> list[ChangeGroup]:
    order = [*ItemState, UNKNOWN]
    found = sorted(
        comparison.moves.items(),
        key=lambda pair: (
            order.index(pair[0][0].before),
            order.index(pair[0][0].after),
            -pair[1],
        ),
    )
    return [
        ChangeGroup(
            move=move,
            because=because,
            number=number,
            link=_here(
                visit,
                moments,
                Wanted(moves=(move.word,), because=(because or UNKNOWN,)),
            )
            + "#changed",
        )
        for (move, because), number in found
    ]


def _query(wanted: Wanted) -> dict[str, tuple[str, ...]]:
    return {"moved": wanted.moves, "because": wanted.because}


def _here(visit: Visit, moments: Moments, wanted: Wanted | None = None) -> str:
    query = _query(wanted or Wanted())
    return visit.links.to("audit", {**_NO_SCOPE, **moments.query(), **query})


_NO_SCOPE: Final[dict[str, tuple[str, ...]]] = {"as_of": (), "known_at": ()}


def _heading(scope: Filter) -> str:
    if not scope.month:
        return "All expenses"
    return f"Expenses issued in {months_of(scope.month)}"


def _tied(visit: Visit) -> TiedOut | str | None:
    """Return the last tie-out; "running" while it runs, None where there was none."""
    jobs = visit.jobs
    if not jobs.has(KEY):
        return None
    try:
        return jobs.result(KEY, tied_out, wait_s=0)
    except StillCounting:
        return "running"


def _foot(footing: Footing) -> Foot:
    return Foot(
        as_of=footing.as_of,
        known_at=footing.known_at,
        position=footing.position,
        rules=footing.ruleset,
        digest=footing.digest,
        unread=footing.unprocessed + footing.poisoned,
        lag=footing.lag,
    )


PAGE = Page(path="/audit", name="audit", view=view, words=AUDIT_WORDS)
FILES: Final = ListFile(
    name="changes",
    path="/audit",
    columns=COLUMNS,
    rows=_file_rows,
    words=AUDIT_WORDS,
    head=_file_head,
)
