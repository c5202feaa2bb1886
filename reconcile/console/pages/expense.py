"""One expense's story: where it stands, whose move it is, and who said so when."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import groupby
from typing import Final, NamedTuple

import attrs
from starlette.responses import Response

from reconcile.console.deciding.offer import form_of_expense
from reconcile.console.files import json_bytes
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.spools import download
from reconcile.domain.vocabulary import (
    BreakKind,
    DecisionKind,
    ItemState,
    WordClass,
    word_class,
)
from reconcile.errors import UsageError
from reconcile.judgement.item import Item, Leg
from reconcile.report.html.figures import count, plural
from reconcile.report.story import SCHEMA as STORY_SCHEMA
from reconcile.report.story import JudgementChanged, Story, StoryEntry, story_data

DECIDED: Final = "decision"
"""The source of what a person decided, among a story's entries."""
COMPANIES_MAX: Final = 200
"""In more companies than these an unknown expense is not looked for."""


def view(visit: Visit) -> Response:
    """Show the story of one expense, as it was known at a moment or now.

    Raises:
        PageError: no such expense is known (404).

    """
    story = _story(visit)
    return visit.page(
        "expense.html",
        story=story,
        item=story.item,
        content=story.content,
        because=_because(story.item, visit),
        answer=in_the_books(story.item),
        days=[*_days(story)],
        parts_of=[_part(leg) for leg in story.item.legs],
        title_of=visit.title_of,
        deciding=form_of_expense(
            visit, story.company_id, story.transaction_id, story.item
        ),
        foot=visit.foot(
            as_of=story.as_of,
            position=story.position,
            rules=visit.books.rules.label,
        ),
    )


def view_json(visit: Visit) -> Response:
    """Give the story of one expense as `reconcile explain` writes it.

    Raises:
        PageError: no such expense is known (404).

    """
    story = _story(visit)
    data = {"schema": STORY_SCHEMA, "stories": [story_data(story)]}
    return download(
        [json_bytes(data)], name="story.json", media_type="application/json"
    )


def _story(visit: Visit) -> Story:
    company_id, transaction_id = visit.id("company"), visit.id("id")
    try:
        (story,) = visit.books.explain(
            transaction_id,
            company_id=company_id,
            as_of=visit.asking.as_of or visit.settings.now(),
            known_at=visit.asking.known_at,
        )
    except UsageError as error:
        raise _unknown(visit, company_id, transaction_id) from error
    return story


def _because(item: Item, visit: Visit) -> str:
    """Return why an item is as it is, without the title that stands above it."""
    title = "" if item.cause is None else f"{visit.title_of(item.cause)}: "
    return item.reason.removeprefix(title)


def _unknown(visit: Visit, company_id: str, transaction_id: str) -> PageError:
    store = visit.books.store
    until = store.position(known_at=visit.asking.known_at)
    companies = [name for name in store.companies() if name]
    elsewhere = [
        name
        for name in (companies if len(companies) <= COMPANIES_MAX else [])
        if name != company_id
        and visit.books.item(transaction_id, company_id=name) is not None
    ]
    if elsewhere:
        names = ", ".join(visit.settings.customer(name) for name in elsewhere[:3])
        return PageError(
            404,
            "This customer has no expense of this id up to event"
            f" {count(until)}; an expense of {names} has it.",
        )
    where = (
        f"any of the {plural(len(companies), 'company', 'companies')}"
        if len(companies) != 1
        else "the one company"
    )
    return PageError(
        404,
        f"No expense has this id. Nothing was recorded of it in {where} up to event"
        f" {count(until)}.",
    )


class Booked(NamedTuple):
    """The answer to whether an expense is in the books; `how` says more."""

    word: str
    how: str


def in_the_books(item: Item) -> Booked:
    """Return whether an expense is in the books, as far as anybody can say."""
    match item.state:
        case ItemState.MATCHED:
            return Booked("Yes.", "It was written at the first try.")
        case ItemState.CLEARED:
            return Booked("Yes.", "It was written after a mend.")
        case ItemState.OPEN:
            return Booked("Not yet.", "It is being decided.")
        case ItemState.RESOLVED:
            return _RESOLVED.get(
                item.decision.kind if item.decision else None, _ENDED_BY_A_PERSON
            )
        case ItemState.BREAK if item.half_booked:
            return Booked("In part.", "Some of its lines are written, others are not.")
        case ItemState.BREAK if item.kind is BreakKind.STUCK and not item.attempts:
            return Booked("No.", "Nothing has tried to write it.")
        case ItemState.BREAK:
            return _BROKEN.get(item.kind, Booked("No.", "It was not written."))


_ENDED_BY_A_PERSON: Final = Booked("No.", "A person ended it.")
_RESOLVED: Final[Mapping[DecisionKind | None, Booked]] = {
    DecisionKind.BOOKED: Booked("Yes, by hand.", "A person entered it."),
    DecisionKind.MOVED: Booked("Not here.", "A person moved it to another company."),
    DecisionKind.WAIVED: Booked("No.", "A person decided that it is not to be booked."),
}
_NOT_KNOWN: Final = "Not known."
_BROKEN: Final[Mapping[BreakKind | None, Booked]] = {
    BreakKind.CONFLICTING: Booked(_NOT_KNOWN, "Codat's answers contradict each other."),
    BreakKind.INDETERMINATE: Booked(
        _NOT_KNOWN, "The answer to our request was lost, so it may be."
    ),
    BreakKind.STUCK: Booked(_NOT_KNOWN, "Nothing has decided it in time."),
    BreakKind.UNEXPECTED: Booked(
        "Perhaps.", "A sync reported it, and nothing of ours sent it."
    ),
    BreakKind.UNRECOGNISED: Booked(
        _NOT_KNOWN, "Codat used a word that is not classed."
    ),
    BreakKind.UPDATE_FAILED: Booked("With old values.", "The update was not written."),
    BreakKind.REGRESSED: Booked(
        _NOT_KNOWN, "It was reported written, and failed afterwards."
    ),
}


class PostedPart(NamedTuple):
    """One posting, and whether it is written: True, False, or None where undecided."""

    leg: Leg
    written: bool | None


def _part(leg: Leg) -> PostedPart:
    match word_class(leg.status):
        case WordClass.WRITTEN:
            return PostedPart(leg, True)
        case WordClass.FAILED:
            return PostedPart(leg, False)
        case _:
            return PostedPart(leg, None)


@attrs.frozen(kw_only=True)
class StoryLine:
    """One line of a story: something said, decided, or judged."""

    at: datetime
    entry: StoryEntry | None = None
    judged: JudgementChanged | None = None
    before: Item | None = None  # the judgement that this one took the place of
    lasted_since: datetime | None = None

    @property
    def is_decided(self) -> bool:
        """Return whether a person decided it."""
        return self.entry is not None and self.entry.source == DECIDED


def _days(story: Story) -> Iterator[tuple[date, Sequence[StoryLine]]]:
    """Yield the lines of a story by day, oldest first; what was said comes first."""
    lines = [StoryLine(at=entry.at, entry=entry) for entry in story.entries]
    before: JudgementChanged | None = None
    for judged in story.judgements:
        lines.append(
            StoryLine(
                at=judged.at,
                judged=judged,
                before=before.item if before else None,
                lasted_since=before.at if before else None,
            )
        )
        before = judged
    lines.sort(key=lambda line: (line.at, line.judged is not None))
    for day, found in groupby(lines, key=lambda line: line.at.date()):
        yield day, [*found]


PAGE = Page(path="/expenses/{company}/{id}", name="expense", view=view)
STORY = Page(path="/expenses/{company}/{id}/story.json", name="story", view=view_json)
