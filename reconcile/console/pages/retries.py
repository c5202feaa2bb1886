"""What may be sent again now, what is left out and why, and what was sent before."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

import attrs
from starlette.responses import RedirectResponse, Response

from reconcile.console.deciding.offer import acting
from reconcile.console.files import Row
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.retrying.lines import REASONS, figures_of
from reconcile.console.retrying.shelf import digits_of
from reconcile.console.works import WAIT_S
from reconcile.domain.identity import canonical_id
from reconcile.foreign import one_line_json
from reconcile.judgement.item import Item
from reconcile.reconciler import Reconciler
from reconcile.retries.outcome import PlanOutcome, RetryOutcome, outcomes
from reconcile.retries.plan import Plan
from reconcile.retries.progress import plans_begun

EARLIER_MAX: Final = 10
"""So many of the latest runs are judged for their list."""
FRESH_FOR_S: Final = 60
"""So long is a plan shown again, where nothing was recorded since."""
FREEZE_WAIT_S: Final = 60.0
"""So long may a form wait for the plan that it freezes."""
BOOKED: Final = (RetryOutcome.CLEARED, RetryOutcome.CLEARED_OTHERWISE)
REFUSED: Final = (RetryOutcome.FAILED_AGAIN, RetryOutcome.FAILED_OTHERWISE)
NOT_SENT: Final = (RetryOutcome.NOT_SENT, RetryOutcome.DROPPED)


@attrs.frozen(kw_only=True)
class EarlierRun:
    """A plan that was run, as its line in the list has it."""

    digits: str
    began_at: datetime
    ended_at: datetime | None
    actor: str
    expenses: int
    booked: int
    refused: int
    not_sent: int
    resolved: int
    others: int


def view(visit: Visit) -> Response:
    """Show the plan of what stands now, or stood at a moment; nothing is stored."""
    company_id = _company(visit)
    plan = _plan(visit, company_id)
    figures = None if plan is None else figures_of(plan, visit.sheet, visit.title_of)
    return visit.page(
        "retries.html",
        plan=plan,
        figures=figures,
        unbooked_link=None
        if figures is None
        else visit.list_link({"booked": "no"}, figures.unbooked),
        frozen=False,
        customer=company_id,
        under_way=[] if visit.asking.is_past else visit.settings.retrying.under_way(),
        earlier=[*reversed(_earlier(visit))],
        retrying=visit.settings.retrying,
        in_doubt=None,
    )


def frozen(visit: Visit) -> Response:
    """Show a frozen plan, and the form that runs it.

    Raises:
        PageError: it is not here (404).

    """
    plan = plan_of(visit)
    digits = digits_of(plan.digest)
    was_run = any(name == plan.digest for _, name in plans_begun(visit.books.store))
    return visit.page(
        "retries.html",
        plan=plan,
        figures=figures_of(plan, visit.sheet, visit.title_of),
        frozen=True,
        digits=digits,
        run=visit.settings.retrying.run_of(digits),
        was_run=was_run,
        retrying=visit.settings.retrying,
        form_errors={},
        reason="",
    )


def download(visit: Visit) -> Response:
    """Give a frozen plan as `reconcile retries plan` writes it.

    Raises:
        PageError: it is not here (404).

    """
    plan = plan_of(visit)
    name = f"plan-{digits_of(plan.digest)[:12]}.json"
    text = one_line_json(plan.to_json().decode().rstrip("\n")) + "\n"
    return Response(
        text,
        headers={
            "content-type": "application/json",
            "content-disposition": f'attachment; filename="{name}"',
        },
    )


def freeze(visit: Visit) -> Response:
    """Freeze the plan of what stands now, and lead to it; nothing is stored.

    Raises:
        PageError: nobody may act (403).

    """
    acting(visit)
    text = next(iter(visit.form.get("customer", ())), "").strip()
    company_id = canonical_id(text) if text else None
    if company_id is not None and not visit.books.knows(company_id):
        raise PageError(400, "Nothing is recorded of this customer.")
    plan = _fresh(visit, company_id, wait_s=FREEZE_WAIT_S)
    digits = visit.settings.retrying.shelf.freeze(plan)
    return RedirectResponse(visit.links.to("plan", plan=digits), 303)


def plan_of(visit: Visit) -> Plan:
    """Return the frozen plan that an address names.

    Raises:
        PageError: it is not here (404).

    """
    digits = visit.request.path_params["plan"]
    plan = visit.settings.retrying.shelf.frozen(digits)
    if plan is None:
        raise PageError(
            404,
            "The console does not have this plan, or not any more: it holds the latest"
            " ones. Freeze a new one, or run its file by `reconcile retries run`.",
        )
    return plan


def _company(visit: Visit) -> str | None:
    """Return the customer that is asked for, None for all."""
    some = visit.asking.words.get("customer", ())
    return some[0] if len(some) == 1 and visit.books.knows(some[0]) else None


def _plan(visit: Visit, company_id: str | None) -> Plan | None:
    if visit.asking.known_at is not None:
        return None  # a plan is of everything recorded
    return _fresh(visit, company_id, as_of=visit.asking.as_of)


def _fresh(
    visit: Visit,
    company_id: str | None,
    *,
    as_of: datetime | None = None,
    wait_s: float = WAIT_S,
) -> Plan:
    """Return a plan of what stands now, or stood: made once a minute, behind pages."""
    position = visit.books.store.position()
    moment = as_of or int(visit.settings.now().timestamp() // FRESH_FOR_S)
    return visit.jobs.result(
        ("plan", company_id, position, moment),
        lambda books: books.plan(company_id=company_id, as_of=as_of),
        wait_s=wait_s,
    )


def _earlier(visit: Visit) -> Sequence[EarlierRun]:
    """Return the latest plans that were run, with what became of them by now."""
    position = visit.books.store.position()
    moment = int(visit.settings.now().timestamp() // FRESH_FOR_S)
    return visit.jobs.result(("runs", position, moment), _runs)


def _runs(books: Reconciler) -> Sequence[EarlierRun]:
    store = books.store
    digests = [*dict.fromkeys(name for _, name in plans_begun(store))][-EARLIER_MAX:]
    items = ItemsOnce(books)
    found = [outcomes(store, items.of, digest)[0] for digest in digests]
    found.sort(key=lambda each: each.began_at)
    return [_run(each) for each in found]


def _run(found: PlanOutcome) -> EarlierRun:
    total = sum(found.counts.values())
    booked = sum(found.counts.get(each, 0) for each in BOOKED)
    refused = sum(found.counts.get(each, 0) for each in REFUSED)
    not_sent = sum(found.counts.get(each, 0) for each in NOT_SENT)
    resolved = found.counts.get(RetryOutcome.RESOLVED, 0)
    return EarlierRun(
        digits=digits_of(found.digest),
        began_at=found.began_at,
        ended_at=found.ended_at,
        actor=found.actor,
        expenses=total,
        booked=booked,
        refused=refused,
        not_sent=not_sent,
        resolved=resolved,
        others=total - booked - refused - not_sent - resolved,
    )


def _file_rows(visit: Visit) -> Iterator[Row]:
    """Yield what the plan sends again, and then what it leaves out."""
    plan = _plan(visit, _company(visit))
    if plan is None:
        raise PageError(
            400,
            "A plan is made of everything that is recorded, expected no known_at.",
        )
    named = visit.settings.customer
    for line in plan.lines:
        for name in line.transactions:
            yield (
                *(named(line.company_id), line.company_id, name),
                *(True, line.n, line.operation, line.why, line.not_before),
                *(None, None),
            )
    for row in plan.left_out:
        why = REASONS.get(row.reason, (None, None))[0]
        yield (
            *(named(row.company_id), row.company_id, row.transaction_id),
            *(False, None, None, why, row.until),
            *(row.reason, row.owner),
        )


class ItemsOnce:
    """How the expenses of companies stand, each company read once."""

    def __init__(self, books: Reconciler) -> None:
        self._books = books
        self._found: dict[str, Mapping[str, Item]] = {}

    def of(self, company_id: str) -> Mapping[str, Item]:
        """Return how each expense of a company stands now."""
        if company_id not in self._found:
            rows = self._books.items(company_id=company_id)
            self._found[company_id] = {row.transaction_id: row.item for row in rows}
        return self._found[company_id]


PAGE: Final = Page(
    path="/retries", name="retries", view=view, words=SCOPE, reads_sheet=True
)
FILES: Final = ListFile(
    name="retries",
    path="/retries",
    columns=(
        "customer",
        "company_id",
        "transaction_id",
        "is_planned",
        "line",
        "operation",
        "why",
        "not_before",
        "left_out",
        "owner",
    ),
    rows=_file_rows,
)
PLAN: Final = Page(
    path="/retries/{plan}", name="plan", view=frozen, words=SCOPE, reads_sheet=True
)
DOWNLOAD: Final = Page(
    path="/retries/{plan}/plan.json", name="plan-file", view=download, words=SCOPE
)
FREEZE: Final = Page(
    path="/retries/plan", name="freeze", view=freeze, words=(), method="POST"
)
