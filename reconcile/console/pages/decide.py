"""Deciding: a preview that stores nothing, then the record of what was previewed."""

from collections.abc import Iterator, Mapping
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.console.deciding.asked import DecisionAsked, decision_asked
from reconcile.console.deciding.kinds import CHOICES
from reconcile.console.deciding.offer import acting, form_again
from reconcile.console.deciding.recording import Changed, recorded
from reconcile.console.deciding.subject import (
    CARRIED_BYTES_MAX,
    Subject,
    mends_of,
    stand_of,
    subject_of,
)
from reconcile.console.pages.decisions import led_to
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.console.ticks import tick
from reconcile.report.html.figures import plural

SHOWN_MAX: Final = 10
"""So many expenses of a set are shown in its preview."""


def preview(visit: Visit) -> Response:
    """Show what a decision would change; nothing is stored.

    Raises:
        PageError: nobody may decide (403), or the form is none of ours (400).

    """
    acting(visit)
    asked = _asked(visit)
    subject = subject_of(visit.books, asked, visit.read)
    mends = [*mends_of(subject.rows)] if asked.kind == "mended" else []
    if asked.mend is None and len(mends) == 1:  # then it is of all that failed so
        asked = attrs.evolve(asked, mend=mends[0], pairs=(), cut=None)
        subject = subject_of(visit.books, asked)
    errors = asked.errors()
    if not subject.rows and "kind" not in errors:
        errors["kind"] = _none_can(asked, subject)
    typed = asked.reason is not None and "edit" not in visit.form
    if errors or not typed:
        return _form(visit, asked, subject, errors if typed else {})
    return visit.page(
        "decision.html",
        asked=asked,
        choice=CHOICES[asked.kind],
        subject=subject,
        amounts=subject.amounts,
        carried=[*_carried(visit, asked, subject)],
        form=None,
        shown=SHOWN_MAX,
        stale=_is_stale(visit, asked),
        to_name=visit.settings.customer(asked.to) if asked.to else None,
    )


def record(visit: Visit) -> Response:
    """Record a decision as it was previewed, and lead to its events.

    Raises:
        PageError: nobody may decide (403), or the form is none of ours (400).

    """
    actor = acting(visit)
    asked = _asked(visit)
    subject = subject_of(visit.books, asked, visit.read)
    errors = asked.errors()
    if asked.reason is None:
        errors["reason"] = "Write down why, for the record."
    if errors:
        return _form(visit, asked, subject, errors)
    if not asked.stood and asked.seen is None:
        raise PageError(
            400,
            "The form does not say what was seen, so nothing was recorded; look at the"
            " preview first.",
        )
    result = recorded(visit.books, asked, subject, actor)
    if isinstance(result, Changed):
        return _changed(visit, asked, subject, result)
    return led_to(visit, result)


def _asked(visit: Visit) -> DecisionAsked:
    asked = decision_asked(visit.form)
    if asked.cut is not None and visit.read is None:
        raise PageError(
            503,
            "The list is still being laid out, so nothing was recorded; send the form"
            " again in a minute.",
        )
    return asked


def _form(
    visit: Visit, asked: DecisionAsked, subject: Subject, errors: Mapping[str, str]
) -> Response:
    """Return the form again; with errors, what was typed stays in it."""
    form = form_again(visit, asked, subject, errors)
    return visit.page(
        "decision.html",
        status=422 if errors else 200,
        asked=asked,
        choice=CHOICES.get(asked.kind),
        subject=subject,
        amounts=subject.amounts,
        form=form,
        deciding=form,
        shown=SHOWN_MAX,
        stale=False,
    )


def _changed(
    visit: Visit, asked: DecisionAsked, subject: Subject, changed: Changed
) -> Response:
    return visit.page(
        "decision_changed.html",
        status=409,
        asked=asked,
        choice=CHOICES[asked.kind],
        changed=changed,
        shown=SHOWN_MAX,
        fields=[*_fields(asked)],
        items=[tick(*row.key) for row in subject.rows] if asked.pairs else [],
        left=changed.left if subject.rows else 0,
    )


def _carried(
    visit: Visit, asked: DecisionAsked, subject: Subject
) -> Iterator[tuple[str, str]]:
    """Yield the hidden fields by which the preview is recorded as it was seen."""
    yield from _fields(asked)
    yield "position", str(visit.books.store.position())
    yield "number", str(len(subject.rows))
    rows = [] if asked.mend else [(tick(*r.key), stand_of(r)) for r in subject.rows]
    size = sum(len(name) + len(stand) for name, stand in rows)
    if asked.mend or (asked.cut is not None and size > CARRIED_BYTES_MAX):
        if asked.cut is not None:
            yield "which", "all"
            yield "cut", asked.cut
        yield "seen", subject.digest
        return
    for name, stand in rows:
        yield "item", name
        yield "stood", stand


def _fields(asked: DecisionAsked) -> Iterator[tuple[str, str]]:
    """Yield what was typed, as hidden fields."""
    yield "kind", asked.kind
    if asked.mend:
        yield "mend", tick(*asked.mend)
    if asked.kind == "booked":
        yield "entry", asked.entry
    if asked.kind == "moved":
        yield "to", asked.to
    yield "reason", asked.reason or ""


def _is_stale(visit: Visit, asked: DecisionAsked) -> bool:
    """Return whether "all that match" are others than the list showed."""
    if asked.cut is None or visit.read is None:
        return False
    if asked.seen is None:
        number = visit.read.count(asked.filter())
        return asked.number is not None and asked.number != number
    return visit.read.digest_of(asked.filter()) != asked.seen


def _none_can(asked: DecisionAsked, subject: Subject) -> str:
    """Return why a decision can be taken of nothing that was named."""
    number = len(subject.refused)
    if number:
        why = subject.refused[0][1]
        if number == 1:
            return f"This cannot be recorded: the expense {why}."
        others = f"{plural(number, 'expense')}, none of which it can be said of"
        return f"This cannot be recorded: {others}; the first {why}."
    if subject.unknown:
        return "This cannot be recorded: nothing is known of what was named."
    if asked.cut is not None:
        return "No expense matches any more."
    return "Tick at least one expense in the list first."


PREVIEW: Final = Page(
    path="/decisions/new",
    name="decisions_new",
    view=preview,
    words=(),
    method="POST",
    reads_sheet=True,
)
RECORD: Final = Page(
    path="/decisions",
    name="record",
    view=record,
    words=(),
    method="POST",
    reads_sheet=True,
)
