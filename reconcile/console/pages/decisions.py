"""What people decided: the latest first, or what one form recorded."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from starlette.responses import RedirectResponse, Response

from reconcile.cases.listing import Case, cases
from reconcile.console.deciding.kinds import CHOICES
from reconcile.console.deciding.recording import Events, decided_between
from reconcile.console.figures import ExpenseLine
from reconcile.console.files import Row
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.ticks import tick
from reconcile.console.works import StillCounting
from reconcile.domain.vocabulary import DecisionKind
from reconcile.errors import StoreError
from reconcile.report.html import words

LISTED_MAX: Final = 200
_DIGITS_MAX: Final = 18
_ENDS: Final = ("booked", "moved", "waived")


def view(visit: Visit) -> Response:
    """Show what was decided, with who decided it and why."""
    one_form = _of_one_form(visit) is not None
    found = _found(visit, latest=LISTED_MAX + 1)
    ended = [case for case in found if case.decision in _ENDS]
    return visit.page(
        "decisions.html",
        cases=found[:LISTED_MAX],
        lines=_lines(visit, found[:LISTED_MAX]),
        number=len(found),
        one_form=one_form and bool(found),
        again=visit.asking.first("again") == "yes",
        name_of=name_of,
        may_reopen=one_form and bool(ended) and not visit.asking.is_past,
        ended=[tick(case.company_id or "", case.about) for case in ended],
        files=visit.asking.kept_but("again"),
        foot=visit.foot(position=_until(visit)),
    )


def _lines(visit: Visit, found: Sequence[Case]) -> Mapping[int, ExpenseLine]:
    """Return the expenses that decisions are about, by event; as far as they are known.

    What was decided is shown also while the figures are being counted.
    """
    try:
        sheet = visit.sheet_at(visit.asking.as_of, visit.asking.known_at)
    except (StillCounting, StoreError):
        return {}
    lines = {
        case.position: sheet.line(case.company_id or "", case.about) for case in found
    }
    return {position: line for position, line in lines.items() if line is not None}


def _found(visit: Visit, *, latest: int | None = None) -> list[Case]:
    """Return what was decided, the latest first; or what one form recorded."""
    books, one_form = visit.books, _of_one_form(visit)
    if one_form is not None:
        found = decided_between(books, *one_form)
    else:
        companies = visit.asking.words.get("customer", ())
        found = [
            case
            for case in cases(books.store, latest=latest)
            if not companies or case.company_id in companies
        ]
        found.reverse()
    until = _until(visit)
    return [case for case in found if case.position <= until]


def _until(visit: Visit) -> int:
    return visit.books.store.position(known_at=visit.asking.known_at)


def _of_one_form(visit: Visit) -> tuple[int, int] | None:
    """Return between which events one form recorded, where that is asked for."""
    first, last = _position(visit, "from"), _position(visit, "to")
    return None if first is None or last is None else (first, last)


def _file_rows(visit: Visit) -> Iterator[Row]:
    for case in _found(visit):
        named = case.company_id
        yield (
            case.position,
            case.at,
            named if named is None else visit.settings.customer(named),
            named,
            case.decision,
            case.about,
            case.to,
            case.actor,
            case.reason,
        )


def led_to(visit: Visit, events: Events) -> Response:
    """Lead from a form to the events of what it records, or has recorded before."""
    query = {"from": str(events.first), "to": str(events.last)}
    if events.is_earlier:
        query["again"] = "yes"
    return RedirectResponse(visit.links.to("decisions", query), 303)


def moved_on(visit: Visit) -> Response:
    """Lead from the address of a form to what was decided: a form is only posted."""
    return RedirectResponse(visit.links.to("decisions"), 303)


def name_of(case: Case) -> str:
    """Return what was decided, in words."""
    choice = CHOICES.get(case.decision)
    if case.decision in {*DecisionKind}:
        return words.DECISIONS[DecisionKind(case.decision)].name
    return choice.name if choice else case.decision.capitalize()


def _position(visit: Visit, word: str) -> int | None:
    text = visit.asking.first(word) or ""
    known = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    return int(text) if known else None


PAGE: Final = Page(
    path="/decisions",
    name="decisions",
    view=view,
    words=(*SCOPE, "from", "to", "again"),
)
FILES: Final = ListFile(
    name="decisions",
    path="/decisions",
    columns=(
        "position",
        "at",
        "customer",
        "company_id",
        "decision",
        "about",
        "to",
        "actor",
        "reason",
    ),
    rows=_file_rows,
    words=(*SCOPE, "from", "to"),
)
FORM: Final = Page(path="/decisions/new", name="decisions_form", view=moved_on)
