"""One cause: what it means, what to do, what to tell the customer, which are hit."""

from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.cases.listing import Case, cases
from reconcile.console.causes import BY, CauseStanding, cause_rows, title_of
from reconcile.console.cuts import refused
from reconcile.console.deciding.offer import MENDS_MAX, DecisionForm, form_of_cause
from reconcile.console.figures import ExpenseLine, LinePage
from reconcile.console.filter import Filter, Sort
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.rows import row_of
from reconcile.domain.vocabulary import BreakKind, DecisionKind, ItemState, Verdict
from reconcile.errors import UsageError
from reconcile.judgement.item import Item
from reconcile.rules.rule import Rule

CASES_MAX: Final = 10
"""So many of the latest decisions are shown."""

LOOKED_AT: Final = 30
"""Of so many of the latest decisions it is asked whether they are of the cause."""

STORIES_MAX: Final = 5
"""So many stories are read to tell, of expenses that stand otherwise by now."""

LISTED_MAX: Final = 1000
"""So many of the latest decisions are looked through for those of the customers."""


def view(visit: Visit) -> Response:
    """Show one cause, or one kind of breaks that have none.

    Raises:
        PageError: nothing is or was broken by it, and no rule knows it (404).

    """
    name = visit.id("cause")
    rule = None if name in _KINDS else visit.books.rules.named(name)
    cut = attrs.evolve(visit.scope(ItemState.BREAK), cause=(name,))
    parts = visit.sheet.parts(cut, BY)
    rows = cause_rows(parts, visit.books.rules)
    if not rows and rule is None and not _is_known(visit, name):
        raise PageError(404, "No rule and no expense has a cause of this name.")
    page = _lines(visit, cut)
    return visit.page(
        "cause.html",
        name=name,
        title_of_cause=rows[0].title if rows else title_of(name, rule),
        rule=rule,
        row=rows[0] if rows else None,
        cut={"state": ItemState.BREAK.value, "cause": name},
        is_known_cause=name not in _KINDS,
        lines=page,
        listed=[row_of(x, as_of=visit.sheet.as_of, title=None) for x in page.rows],
        first=visit.asking.first("after") is None,
        half_booked=visit.sheet.count(attrs.evolve(cut, half_booked=("yes",))),
        customers_in_all=len(visit.sheet.customers()),
        example=_example(visit, page.rows, rule),
        decided=_decided(visit, name, rows[0] if rows else None),
        decisions=_NAMES,
        as_of=visit.sheet.as_of,
        deciding=_form(visit, cut) if rows else None,
        rules=visit.books.rules,
    )


_KINDS: Final = frozenset(BreakKind)
_NAMES: Final = {
    "mended": "Mended",
    DecisionKind.BOOKED.value: "Booked by hand",
    DecisionKind.MOVED.value: "Moved",
    DecisionKind.WAIVED.value: "Waived",
    DecisionKind.REOPENED.value: "Reopened",
    DecisionKind.NOTED.value: "Noted",
}


def _form(visit: Visit, cut: Filter) -> DecisionForm | None:
    """Return the form beside the expenses; a mend is of one cause at one customer."""
    if visit.asking.is_past:
        return None
    mends = _waiting_for_mend(visit, cut)[:MENDS_MAX]
    words = {"state": cut.state, "cause": cut.cause}
    return form_of_cause(
        visit,
        mends=mends,
        total=visit.sheet.count(cut),
        cut={**words, "customer": cut.customer, "month": cut.month},
        seen=visit.sheet.digest_of(cut),
    )


def _waiting_for_mend(visit: Visit, cut: Filter) -> list[tuple[str, str]]:
    """Return where something has to be mended: company and fingerprint; most first."""
    waiting = attrs.evolve(cut, month=(), verdict=(Verdict.FIX_FIRST.value,))
    found: Counter[tuple[str, str]] = Counter()
    for part in visit.sheet.parts(waiting, ["company_id", "fingerprint"]):
        company_id, fingerprint = part.by
        if fingerprint is not None:
            found[company_id, fingerprint] += part.sum.items
    return [pair for pair, _ in sorted(found.items(), key=lambda n: (-n[1], n[0]))]


def _is_known(visit: Visit, name: str) -> bool:
    """Return whether an expense ever had that cause, or there is that kind."""
    return name in _KINDS or visit.sheet.count(Filter(cause=(name,))) > 0


def _lines(visit: Visit, cut: Filter) -> LinePage:
    """Return the expenses from the asked place on, the oldest break first.

    Raises:
        PageError: the place is none of this list's (400).

    """
    after = visit.asking.first("after")
    try:
        return visit.sheet.lines(cut, sort=Sort.AGE, descending=True, after=after)
    except UsageError as error:
        raise refused(error) from error


@attrs.frozen(kw_only=True)
class Example:
    """One of the expenses: why it is so, what Codat said of it, what is to be done."""

    line: ExpenseLine
    reason: str
    message: str | None
    advice: str


def _example(
    visit: Visit, lines: Sequence[ExpenseLine], rule: Rule | None
) -> Example | None:
    """Return what is known of the first expense of a list; a rule has its own steps."""
    for line in lines[:1]:
        return Example(
            line=line,
            reason=line.reason,
            message=line.message,
            advice=_advice_of(visit, line) if rule is None else "",
        )
    return None


def _advice_of(visit: Visit, line: ExpenseLine) -> str:
    item = _item_of(visit, line)
    if item is None:
        return ""
    if item.sync_id is None:
        return item.advice
    return item.advice.replace(f"sync {item.sync_id}", "its sync")


def _item_of(visit: Visit, line: ExpenseLine) -> Item | None:
    """Return how an expense stands: now as it is stored, at a past moment replayed."""
    if not visit.asking.is_past:
        found = visit.books.item(line.transaction_id, company_id=line.company_id)
        return None if found is None else found.item
    (story,) = visit.books.explain(
        line.transaction_id,
        company_id=line.company_id,
        as_of=visit.sheet.as_of,
        known_at=visit.asking.known_at,
    )
    return story.item


def _decided(visit: Visit, name: str, row: CauseStanding | None) -> list[Case]:
    """Return the latest decisions about a cause and its expenses, the last first."""
    prints = {fingerprint for fingerprint, _ in row.fingerprints} if row else set()
    customers = visit.asking.words.get("customer", ())
    latest: deque[Case] = deque(maxlen=LOOKED_AT)
    for case in cases(visit.books.store, latest=LISTED_MAX):
        if case.at > visit.sheet.as_of or (
            customers and case.company_id not in customers
        ):
            continue
        if case.about in prints or case.decision in _OF_EXPENSES:
            latest.append(case)
    was_hit = _Hits(visit, name)
    found = (
        case
        for case in reversed(latest)
        if case.about in prints or was_hit.by_cause(case)
    )
    return [*islice(found, CASES_MAX)]


_OF_EXPENSES: Final = frozenset(kind.value for kind in DecisionKind)


class _Hits:
    """Tells whether expenses were ever broken by a cause; of a few by their story."""

    def __init__(self, visit: Visit, name: str) -> None:
        self._visit = visit
        self._name = name
        self._left = STORIES_MAX

    def by_cause(self, case: Case) -> bool:
        """Return whether the expense of a decision was ever broken by the cause."""
        line = self._visit.sheet.line(case.company_id or "", case.about)
        if line is None:
            return False
        if self._name in (line.cause, line.cause or line.kind):
            return True
        self._left -= 1
        return self._left >= 0 and self._by_story(line)

    def _by_story(self, line: ExpenseLine) -> bool:
        (story,) = self._visit.books.explain(
            line.transaction_id,
            company_id=line.company_id,
            as_of=self._visit.sheet.as_of,
            known_at=self._visit.asking.known_at,
        )
        items = (turn.item for turn in story.judgements)
        return any(self._name in (x.cause, x.cause or x.kind) for x in items)


PAGE = Page(
    path="/causes/{cause}",
    name="cause",
    view=view,
    words=(*SCOPE, "after"),
    reads_sheet=True,
)
