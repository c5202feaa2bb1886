"""One run of a plan: started and stopped by forms, followed by what the store says."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import attrs
from starlette.responses import RedirectResponse, Response

from reconcile.console.deciding.asked import reason_error, words_of
from reconcile.console.deciding.offer import acting
from reconcile.console.figures import ExpenseLine
from reconcile.console.files import Row
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.retries import (
    BOOKED,
    NOT_SENT,
    REFUSED,
    ItemsOnce,
    plan_of,
)
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.problems import NO_SUCH_PAGE, PageError
from reconcile.console.retrying.lines import figures_of
from reconcile.console.retrying.shelf import digest_of, digits_of, is_digits
from reconcile.retries.outcome import (
    ExpenseOutcome,
    PlanOutcome,
    RetryOutcome,
    outcomes,
)
from reconcile.retries.plan import Plan
from reconcile.retries.progress import plans_begun

SHOWN_MAX: Final = 200
AGAIN_S: Final = 5
"""So often a run's page reads itself again while it is under way."""
OUTCOMES: Final[Mapping[RetryOutcome, tuple[str, str]]] = {
    RetryOutcome.CLEARED: ("cleared", "In the books"),
    RetryOutcome.CLEARED_OTHERWISE: ("cleared", "In the books, by another call"),
    RetryOutcome.FAILED_AGAIN: ("break", "Refused again, for the same cause"),
    RetryOutcome.FAILED_OTHERWISE: ("break", "Refused, for another cause"),
    RetryOutcome.IN_DOUBT: ("break", "In doubt: the answer was lost"),
    RetryOutcome.UNDECIDED: ("open", "Being decided"),
    RetryOutcome.RESOLVED: ("resolved", "Ended by a person"),
    RetryOutcome.DROPPED: ("open", "Left out"),
    RetryOutcome.NOT_SENT: ("open", "Not sent yet"),
}
"""What became of an expense: the state that its sign is of, and words for it."""
_ORDER: Final = [
    RetryOutcome.IN_DOUBT,
    *REFUSED,
    RetryOutcome.DROPPED,
    RetryOutcome.UNDECIDED,
    RetryOutcome.NOT_SENT,
    RetryOutcome.RESOLVED,
    *BOOKED,
]


@attrs.frozen(kw_only=True)
class SentRow:
    """One expense of a run."""

    company_id: str
    found: ExpenseOutcome
    line: ExpenseLine | None


def start(visit: Visit) -> Response:
    """Run a frozen plan in a thread, and lead to its page.

    Raises:
        PageError: nobody may (403), or the plan is not here (404).

    """
    actor = _running(visit)
    plan = plan_of(visit)
    reason = words_of(visit.form, "reason")
    why = reason_error(reason)
    if why is not None:
        return _form_again(visit, plan, reason, why)
    retrying = visit.settings.retrying
    run = retrying.run_of(digits_of(plan.digest))
    if run is not None and run.is_under_way:
        raise PageError(
            409, "This plan is being run already, so nothing more was started."
        )
    if not plan.lines:
        raise PageError(409, "This plan has nothing to send, so nothing was started.")
    if _has_ended(visit, plan):
        raise PageError(
            409, "This plan was run to its end, so nothing was sent; freeze a new one."
        )
    _note(visit, plan, actor, reason)
    if retrying.start(plan, actor) is None:
        raise PageError(
            409, "This plan is being run already, so nothing more was started."
        )
    digits = digits_of(plan.digest)
    return RedirectResponse(visit.links.to("run", run=digits), 303)


def stop(visit: Visit) -> Response:
    """Have a run stop after its line, and lead to its page.

    Raises:
        PageError: nobody may (403), or it does not run here (409).

    """
    actor = _running(visit)
    digits = _digits(visit)
    if not visit.settings.retrying.stop(digits, actor):
        raise PageError(409, "This run is not under way here: nothing was stopped.")
    return RedirectResponse(visit.links.to("run", run=digits), 303)


def view(visit: Visit) -> Response:
    """Show how a run stands, by the events of the store.

    Raises:
        PageError: no such plan was run (404).

    """
    digits = _digits(visit)
    run = visit.settings.retrying.run_of(digits)
    digest = digest_of(digits)
    found = _outcome(visit, digest)
    if found is None and run is None:
        raise PageError(404, "No plan of this digest was run.")
    counts = Counter[RetryOutcome]() if found is None else Counter(found.counts)
    rows = [] if found is None else sorted(_rows(found), key=_place)
    listed = [
        attrs.evolve(row, line=visit.sheet.line(row.company_id, name))
        for row in rows[:SHOWN_MAX]
        for name in (row.found.transaction_id,)
    ]
    is_under_way = run is not None and run.is_under_way
    calls, to_begin = _still_to_begin(visit, digits, found)
    reads_again = is_under_way and visit.asking.first("still") != "yes"
    response = visit.page(
        "run.html",
        digits=digits,
        digest=digest,
        run=run,
        found=found,
        stands=_stands(visit, digits, counts, to_begin),
        planned_calls=calls,
        dropped=counts[RetryOutcome.DROPPED],
        total=sum(counts.values()) + to_begin,
        rows=listed,
        more=len(rows) - len(listed),
        outcome_of=OUTCOMES,
        calls=0 if found is None else sum(len(li.requests) for li in found.lines),
        is_under_way=is_under_way,
        reads_again=reads_again,
        again_s=AGAIN_S,
        may=visit.settings.retrying.may(visit.actor) and not visit.asking.is_past,
    )
    if reads_again:
        response.headers["refresh"] = str(AGAIN_S)  # a page can say it, and stop it
    return response


@attrs.frozen(kw_only=True)
class RunFigure:
    """How many expenses of a run stand so, and the list of them, where it shows all."""

    number: int
    link: str | None


def _stands(
    visit: Visit, digits: str, counts: Mapping[RetryOutcome, int], to_begin: int
) -> Mapping[str, RunFigure]:
    """Return the figures of a run by their names; only what was sent is in a list."""
    undecided = (RetryOutcome.UNDECIDED, RetryOutcome.IN_DOUBT)
    figures = {
        "booked": _figure(visit, digits, counts, BOOKED, {"booked": "yes"}),
        "refused": _figure(visit, digits, counts, REFUSED, {"state": "break"}),
        "undecided": _figure(visit, digits, counts, undecided, {"state": "open"}),
        "resolved": _figure(
            visit, digits, counts, (RetryOutcome.RESOLVED,), {"state": "resolved"}
        ),
    }
    not_sent = sum(counts.get(each, 0) for each in NOT_SENT) + to_begin
    figures["not_sent"] = RunFigure(number=not_sent, link=None)
    sent = [each for each in RetryOutcome if each not in NOT_SENT]
    return {**figures, "sent": _figure(visit, digits, counts, sent, {})}


def _figure(
    visit: Visit,
    digits: str,
    counts: Mapping[RetryOutcome, int],
    outcomes_of: Sequence[RetryOutcome],
    query: Mapping[str, str],
) -> RunFigure:
    """Return a figure; it leads to a list where that has as many."""
    number = sum(counts.get(each, 0) for each in outcomes_of)
    link = visit.list_link({"run": digits, **query}, number) if number else None
    return RunFigure(number=number, link=link)


def _running(visit: Visit) -> str:
    """Return who runs plans.

    Raises:
        PageError: nobody is signed in, or who is may not (403).

    """
    actor = acting(visit)
    if not visit.settings.retrying.may(actor):
        raise PageError(
            403,
            "You may not send plans to Codat from here; nothing was sent. Download the"
            " plan, and have it run by who may.",
        )
    return actor


def _form_again(visit: Visit, plan: Plan, reason: str, why: str) -> Response:
    """Return the page of a plan with what was typed, and what is wrong with it."""
    if visit.read is None:
        raise PageError(422, why)
    return visit.page(
        "retries.html",
        status=422,
        plan=plan,
        figures=figures_of(plan, visit.sheet, visit.title_of),
        frozen=True,
        digits=digits_of(plan.digest),
        run=None,
        was_run=False,
        retrying=visit.settings.retrying,
        form_errors={"reason": why},
        reason=reason,
    )


def _has_ended(visit: Visit, plan: Plan) -> bool:
    found = _outcome(visit, plan.digest)
    return found is not None and found.ended_at is not None


def _note(visit: Visit, plan: Plan, actor: str, reason: str) -> None:
    """Record why expenses are sent again, in the story of each."""
    names: dict[str, list[str]] = {}
    for line in plan.lines:
        names.setdefault(line.company_id, []).extend(line.transactions)
    for company_id, some in names.items():
        visit.books.decide(
            "note",
            company_id=company_id,
            transactions=some,
            actor=actor,
            reason=f"Sent again: {reason}",
        )


def _outcome(visit: Visit, digest: str) -> PlanOutcome | None:
    store = visit.books.store
    if all(name != digest for _, name in plans_begun(store)):
        return None
    return outcomes(store, ItemsOnce(visit.books).of, digest)[0]


def _still_to_begin(
    visit: Visit, digits: str, found: PlanOutcome | None
) -> tuple[int, int]:
    """Return a plan's calls, and its expenses of customers that come later in the run.

    The store knows the lines of a customer once the run has come to that customer.
    """
    lines = () if found is None else found.lines
    plan = visit.settings.retrying.shelf.frozen(digits)
    if plan is None or (found is not None and found.ended_at is not None):
        return len(lines), 0
    begun = {line.company_id for line in lines}
    later = [line for line in plan.lines if line.company_id not in begun]
    return len(lines) + len(later), sum(len(line.transactions) for line in later)


def _rows(found: PlanOutcome) -> Iterator[SentRow]:
    for line in found.lines:
        for expense in line.expenses:
            yield SentRow(company_id=line.company_id, found=expense, line=None)


def _file_rows(visit: Visit) -> Iterator[Row]:
    found = _outcome(visit, digest_of(_digits(visit)))
    if found is None:
        raise PageError(404, "No plan of this digest was run.")
    for row in sorted(_rows(found), key=_place):
        named = visit.settings.customer(row.company_id)
        expense = row.found
        yield (
            *(named, row.company_id, expense.transaction_id),
            *(expense.outcome, expense.reason),
        )


def _place(row: SentRow) -> tuple[int, str, str]:
    place = _ORDER.index(row.found.outcome)
    return place, row.company_id, row.found.transaction_id


def _digits(visit: Visit) -> str:
    digits: str = visit.request.path_params["run"]
    if not is_digits(digits):
        raise PageError(404, NO_SUCH_PAGE)
    return digits


FILES: Final = ListFile(
    name="run",
    path="/retries/runs/{run}/expenses",
    columns=("customer", "company_id", "transaction_id", "outcome", "reason"),
    rows=_file_rows,
)
PAGES: Final[Sequence[Page]] = (
    *FILES.pages(),
    Page(
        path="/retries/runs/{run}",
        name="run",
        view=view,
        words=(*SCOPE, "still"),
        reads_sheet=True,
    ),
    Page(
        path="/retries/{plan}/run",
        name="start",
        view=start,
        words=(),
        method="POST",
        reads_sheet=True,
    ),
    Page(
        path="/retries/runs/{run}/stop",
        name="stop",
        view=stop,
        words=(),
        method="POST",
    ),
)
