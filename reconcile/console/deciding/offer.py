"""The form of a decision: which kinds can work here, and what was typed so far.

`decide.html` shows it, on whichever page it is about something.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Final
from urllib.parse import urlencode

import attrs

from reconcile.console.deciding.asked import DecisionAsked
from reconcile.console.deciding.kinds import CHOICES, Choice, why_not
from reconcile.console.deciding.subject import Subject, mends_of
from reconcile.console.pages.visit import Visit
from reconcile.console.problems import PageError
from reconcile.console.ticks import tick
from reconcile.domain.vocabulary import ItemState
from reconcile.judgement.item import Item
from reconcile.report.html.figures import clean

CARRIED_MAX: Final = 300
COMPANIES_MAX: Final = 200
"""More companies than these are not listed to choose from: an id is typed."""
MENDS_MAX: Final = 100
"""So many causes at customers can be chosen from to be mended."""
NO_RIGHT: Final = (
    "You may look and download. Decisions need the right to act, which your"
    " administrator gives."
)
ENDED: Final = ("booked", "moved", "waived")


@attrs.frozen(kw_only=True)
class Mendable:
    """A cause of one company that can be mended: the value of its field, and a name."""

    value: str
    label: str


@attrs.frozen(kw_only=True)
class DecisionForm:
    """A form of a decision: what it offers, what it is about, what was typed.

    `items` are the expenses that it is about, where the page's list has no ticks.
    `total` is how many "all that match" are, `seen` the digest of these. `why_off` says
    why nobody can use it here.
    """

    choices: Sequence[Choice]
    chosen: str
    mends: Sequence[Mendable] = ()
    mend: str | None = None
    items: Sequence[str] = ()
    cut: str | None = None
    total: int = 0
    seen: str | None = None
    which: str = "ticked"
    companies: Sequence[tuple[str, str]] = ()
    entry: str = ""
    to: str = ""
    reason: str = ""
    errors: Mapping[str, str] = attrs.field(factory=dict)
    why_off: str | None = None

    def offers(self, kind: str) -> bool:
        """Return whether a kind can be chosen."""
        return any(choice.kind == kind for choice in self.choices)


def form_of_cause(
    visit: Visit,
    *,
    mends: Iterable[tuple[str, str]],
    total: int,
    cut: Mapping[str, Sequence[str]],
    seen: str,
) -> DecisionForm | None:
    """Return the form beside the breaks of a cause; None at a past moment.

    `mends` are the companies and fingerprints that can be mended, `cut` the words of
    the filter that the list shows, `seen` the digest of it.
    """
    if visit.asking.is_past:
        return None
    some = [*mends]
    kinds = (*(("mended",) if some else ()), *ENDED, "noted")
    return DecisionForm(
        choices=[CHOICES[kind] for kind in kinds],
        chosen=kinds[0] if some else "",
        mends=[_mendable(visit, *each) for each in some],
        cut=urlencode({word: [*values] for word, values in cut.items()}, True),
        total=total,
        seen=seen,
        companies=companies_of(visit),
        why_off=why_off(visit),
    )


def form_of_expense(
    visit: Visit, company_id: str, transaction_id: str, item: Item
) -> DecisionForm | None:
    """Return the form beside one expense's story; None at a past moment."""
    if visit.asking.is_past:
        return None
    kinds = [kind for kind in CHOICES if why_not(kind, item) is None]
    mends = (
        [_mendable(visit, company_id, item.fingerprint)]
        if "mended" in kinds and item.fingerprint
        else []
    )
    return DecisionForm(
        choices=[CHOICES[kind] for kind in kinds],
        chosen=kinds[0] if item.state is ItemState.BREAK else "",
        mends=mends,
        items=[tick(company_id, transaction_id)],
        companies=companies_of(visit, but=company_id),
        why_off=why_off(visit),
    )


def form_again(
    visit: Visit, asked: DecisionAsked, subject: Subject, errors: Mapping[str, str]
) -> DecisionForm:
    """Return the form of what was asked for, with what was typed and what is wrong."""
    rows = [*subject.rows, *(row for row, _ in subject.refused)]
    items = [row.item for row in rows]
    kinds = [kind for kind in CHOICES if any(why_not(kind, i) is None for i in items)]
    causes = {asked.mend: None} if asked.mend else mends_of(rows)
    mends = [
        _mendable(visit, *pair, cause=cause)
        for pair, cause in islice(causes.items(), MENDS_MAX)
    ]
    pairs = asked.pairs
    if asked.mend and len(subject.rows) <= CARRIED_MAX:
        pairs = tuple(row.key for row in subject.rows)
    but = subject.rows[0].company_id if len(subject.companies) == 1 else None
    return DecisionForm(
        choices=[CHOICES[kind] for kind in kinds],
        chosen=asked.kind,
        mends=mends,
        mend=mends[0].value if asked.mend else None,
        items=[tick(*pair) for pair in pairs],
        cut=asked.cut,
        total=len(items),
        seen=asked.seen,
        which="ticked" if asked.cut is None else "all",
        companies=companies_of(visit, but=but),
        entry=asked.entry,
        to=asked.to,
        reason=asked.reason or "",
        errors=errors,
        why_off=why_off(visit),
    )


def why_off(visit: Visit) -> str | None:
    """Return why nobody can decide anything here; None where somebody can."""
    return NO_RIGHT if visit.actor is None else None


def companies_of(visit: Visit, but: str | None = None) -> Sequence[tuple[str, str]]:
    """Return ids and names of the companies to choose from; () where too many."""
    ids = [name for name in visit.books.store.companies() if name and name != but]
    if len(ids) > COMPANIES_MAX:
        return ()
    named = [(company_id, visit.settings.customer(company_id)) for company_id in ids]
    return sorted(named, key=lambda each: (each[1].lower(), each[0]))


def acting(visit: Visit) -> str:
    """Return who acts.

    Raises:
        PageError: nobody is signed in, or who is may only read (403).

    """
    if visit.actor is None or not visit.actor.strip():
        raise PageError(
            403,
            "Only who is signed in with the right to act can decide; nothing was"
            " recorded.",
        )
    return visit.actor


def _mendable(
    visit: Visit, company_id: str, fingerprint: str, *, cause: str | None = None
) -> Mendable:
    name = clean(visit.settings.customer(company_id), 80)
    title = "" if cause is None else f"{clean(visit.title_of(cause), 80)}, "
    return Mendable(
        value=tick(company_id, fingerprint),
        label=f"{name}: {title}{clean(fingerprint, 40)}",
    )
