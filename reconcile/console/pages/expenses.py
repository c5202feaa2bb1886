"""The list of expenses: which ones exactly, cut by the words of its address."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final
from urllib.parse import urlencode

import attrs
from starlette.responses import Response

from reconcile.console.cuts import (
    CUT_WORDS,
    STANDS,
    Condition,
    conditions_of,
    cut_of,
    heading_of,
    label_of,
    months_of,
    refused,
    scope_of,
    states_of,
)
from reconcile.console.figures import LinePage
from reconcile.console.filter import NONE, UNPRICED, Filter, Sort
from reconcile.console.pages.pack import PACK_MAX
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.rows import ExpenseRow, row_of
from reconcile.console.sheet import LIMIT
from reconcile.console.sums import prices_in
from reconcile.domain.vocabulary import ItemState, Owner, Verdict
from reconcile.errors import UsageError
from reconcile.report.html import words

CHOICES_MAX: Final = 200
"""More customers than these are not listed in a field: their ids are typed."""

COLUMNS: Final = (
    (Sort.MERCHANT, "Merchant"),
    (Sort.AMOUNT, "Amount"),
    (Sort.DATE, "Date"),
    (Sort.CUSTOMER, "Customer"),
    (Sort.AGE, "Age"),
)
_LARGEST_FIRST: Final = (Sort.AMOUNT, Sort.DATE, Sort.AGE)
LIST_WORDS: Final = (*CUT_WORDS, "sort", "after", "as_of", "known_at")


def view(visit: Visit) -> Response:
    """Show a page of the expenses that an address asks for.

    Raises:
        PageError: a word, a value or a cursor is none (400).

    """
    cut, sheet = cut_of(visit.asking), visit.sheet
    named, descending = sort_of(visit, [*Sort], f"-{Sort.AGE}")
    sort = Sort(named)
    page = _page(visit, cut, sort, descending=descending)
    states = sheet.states(cut)
    number = sum(states.values())
    scope = scope_of(visit.asking)
    conditions = conditions_of(
        cut, customer=visit.settings.customer, cause=visit.title_of
    )
    return visit.page(
        "expenses.html",
        heading=heading_of(cut, cause=visit.title_of),
        number=number,
        of=number if cut == scope else sheet.count(scope),
        months=months_of(cut.month) if cut.month else "",
        stands=_stands(visit, cut, states),
        chips=[_chip(visit, condition) for condition in conditions],
        clear=_here(visit, dict.fromkeys(CUT_WORDS, ())),
        rows=_rows(visit, page),
        columns=_columns(visit, sort, descending=descending),
        pager=_Pager.of(visit, page),
        prices=prices_in(sheet.sums(cut)) if number else None,
        drops=[] if number else _drops(visit, cut, conditions),
        fields=_fields(visit, cut, scope),
        more_fields=_more_fields(visit, cut),
        cut=cut,
        bulk=Bulk(cut=urlencode(visit.asking.kept_but("sort"), True), total=number),
        files={
            kind: visit.links.to(f"expenses_{kind}", visit.asking.kept_but("sort"))
            for kind in ("csv", "json")
        },
        pack=visit.links.to("pack", visit.asking.kept_but("sort"))
        if number <= PACK_MAX
        else None,
    )


@attrs.frozen(kw_only=True)
class Bulk:
    """All that match: the words of the list, and how many they are."""

    cut: str
    total: int


def sort_of(visit: Visit, known: Collection[str], usual: str) -> tuple[str, bool]:
    """Return the order of a list, and whether it is backwards, as `-` before it says.

    Raises:
        PageError: there is no such order (400).

    """
    asked = visit.asking.first("sort") or usual
    name = asked.removeprefix("-")
    if name not in known:
        raise PageError(
            400, f"The order {name!r} is not known, expected one of {', '.join(known)}."
        )
    return name, asked.startswith("-")


def _page(visit: Visit, cut: Filter, sort: Sort, *, descending: bool) -> LinePage:
    try:
        return visit.sheet.lines(
            cut,
            sort=sort,
            descending=descending,
            after=visit.asking.first("after"),
            limit=LIMIT,
        )
    except UsageError as error:
        raise refused(error) from error


def _here(visit: Visit, changed: Mapping[str, tuple[str, ...] | str]) -> str:
    """Return the address of this list with some words changed; () drops one."""
    return visit.links.to("expenses", {**visit.asking.kept_but(), **changed})


def _stands(
    visit: Visit, cut: Filter, states: Mapping[ItemState, int]
) -> list[tuple[int, str, str]]:
    """Return how many there are of each state, in words, and where they are listed."""
    if len(states_of(cut)) == 1:
        return []
    return [
        (states[state], words_of, _here(visit, {"state": state.value, "booked": ()}))
        for state, words_of in STANDS.items()
        if states[state]
    ]


@attrs.frozen(kw_only=True)
class Chip:
    """A condition that is on, and the address without it."""

    label: str
    without: str


def _chip(visit: Visit, condition: Condition) -> Chip:
    values = visit.asking.words.get(condition.word, ())
    left = tuple(value for value in values if value != condition.value)
    return Chip(label=condition.label, without=_here(visit, {condition.word: left}))


def _rows(visit: Visit, page: LinePage) -> list[ExpenseRow]:
    titles: dict[str, str] = {}
    as_of = visit.sheet.as_of
    for line in page.rows:
        if line.cause is not None and line.cause not in titles:
            titles[line.cause] = visit.title_of(line.cause)
    return [
        row_of(line, as_of=as_of, title=titles.get(line.cause or ""))
        for line in page.rows
    ]


@attrs.frozen(kw_only=True)
class SortColumn:
    """A column by which the list may be in order."""

    label: str
    link: str
    aria: str | None

    @property
    def arrow(self) -> str:
        """Return the sign of its order."""
        return {"ascending": " ↑", "descending": " ↓"}.get(self.aria or "", "")


def _columns(visit: Visit, sort: Sort, *, descending: bool) -> dict[str, SortColumn]:
    found = {}
    for column, label in COLUMNS:
        is_on = column is sort
        backwards = not descending if is_on else column in _LARGEST_FIRST
        order = f"-{column}" if backwards else column.value
        aria = ("descending" if descending else "ascending") if is_on else None
        link = _here(visit, {"sort": order})
        found[column.value] = SortColumn(label=label, link=link, aria=aria)
    return found


@attrs.frozen(kw_only=True)
class _Pager:
    previous: str | None
    next: str | None
    first: str
    is_first: bool

    @classmethod
    def of(cls, visit: Visit, page: LinePage) -> "_Pager":
        before, after = page.previous, page.next
        return cls(
            previous=None if before is None else _here(visit, {"after": before}),
            next=None if after is None else _here(visit, {"after": after}),
            first=_here(visit, {}),
            is_first=visit.asking.first("after") is None,
        )


@attrs.frozen(kw_only=True)
class Drop:
    """A condition that could go, and how many expenses there would be without it."""

    label: str
    number: int
    link: str


def _drops(visit: Visit, cut: Filter, conditions: Sequence[Condition]) -> list[Drop]:
    """Return what to drop where nothing is found, the least first that helps."""
    found: list[Drop] = []
    for word in dict.fromkeys(condition.word for condition in conditions):
        number = visit.sheet.count(attrs.evolve(cut, **{word: ()}))
        labels = [each.label for each in conditions if each.word == word]
        link = _here(visit, {word: ()})
        if number:
            found.append(Drop(label=" or ".join(labels), number=number, link=link))
    return sorted(found, key=lambda drop: drop.number)


@attrs.frozen(kw_only=True)
class Field:
    """A field of the filter's form: its choices, and which of them are on."""

    word: str
    label: str
    none: str
    choices: Sequence[tuple[str, str]]
    on: tuple[str, ...]

    @property
    def several(self) -> list[tuple[str, str]]:
        """Return the values that are on where there is more than one."""
        if len(self.on) < 2:
            return []
        known = dict(self.choices)
        return [(value, known.get(value, value)) for value in self.on]


def _fields(visit: Visit, cut: Filter, scope: Filter) -> list[Field]:
    sheet = visit.sheet
    customers = sorted(
        ((name, visit.settings.customer(name)) for name in sheet.customers()),
        key=lambda pair: pair[1].casefold(),
    )
    currencies = [(code, code) for code in sheet.currencies()]
    return [
        _field(
            visit,
            cut,
            "state",
            "State",
            "Any",
            [(s.value, words.STATES[s].name) for s in words.STATES],
        ),
        _field(
            visit, cut, "booked", "In the books", "Any", [("no", "No"), ("yes", "Yes")]
        ),
        _field(
            visit,
            cut,
            "cause",
            "Cause",
            "Any cause",
            [
                (name, _label(visit, "cause", name))
                for name in sheet.breaks_by_name(scope)
            ],
        ),
        _field(
            visit,
            cut,
            "owner",
            "Whose move",
            "Anyone",
            [(o.value, words.OWNERS[o].name) for o in Owner],
        ),
        _field(
            visit,
            cut,
            "customer",
            "Customer",
            "All",
            customers if len(customers) <= CHOICES_MAX else [],
        ),
        _field(
            visit,
            cut,
            "currency",
            "Currency",
            "Any",
            [*currencies, (NONE, "No currency"), (UNPRICED, "No amount")],
        ),
        _field(visit, cut, "age", "Age of break", "Any age", [*words.AGES.items()]),
    ]


def _more_fields(visit: Visit, cut: Filter) -> list[Field]:
    types = [(kind, kind) for kind in visit.sheet.types()]
    return [
        _field(visit, cut, "type", "Type", "Any", [*types, (NONE, "No type")]),
        _field(
            visit,
            cut,
            "verdict",
            "May be sent again",
            "Any",
            [(v.value, words.VERDICTS[v].name) for v in Verdict],
        ),
        _field(
            visit,
            cut,
            "half_booked",
            "Half booked",
            "Either",
            [("yes", "Yes"), ("no", "No")],
        ),
    ]


def _field(
    visit: Visit,
    cut: Filter,
    word: str,
    label: str,
    none: str,
    choices: Sequence[tuple[str, str]],
) -> Field:
    """Return a field; what is on and not among its choices is one of them."""
    on: tuple[str, ...] = getattr(cut, word)
    known = {value for value, _ in choices}
    others = [(value, _label(visit, word, value)) for value in on if value not in known]
    return Field(word=word, label=label, none=none, choices=[*choices, *others], on=on)


def _label(visit: Visit, word: str, value: str) -> str:
    named = {"customer": visit.settings.customer, "cause": visit.title_of}
    return label_of(word, value, named)


PAGE = Page(
    path="/expenses",
    name="expenses",
    view=view,
    words=LIST_WORDS,
    reads_sheet=True,
)
