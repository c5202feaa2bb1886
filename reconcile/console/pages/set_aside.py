"""Setting evidence aside: what it is, what changes, and who says so why."""

import re
from collections.abc import Sequence
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.cases.evidence import webhooks_of
from reconcile.console.deciding.asked import reason_error, words_of
from reconcile.console.deciding.offer import acting, why_off
from reconcile.console.deciding.recording import Events, latest_of
from reconcile.console.pages.decisions import led_to
from reconcile.console.pages.visit import SCOPE, Page, Visit
from reconcile.console.problems import PageError
from reconcile.domain.identity import stream_parts
from reconcile.errors import UsageError
from reconcile.readmodels.quarantine import quarantine_at
from reconcile.report.groups import Judged

SHOWN_MAX: Final = 10
_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII).fullmatch


@attrs.frozen(kw_only=True)
class Aside:
    """What would be set aside: bytes that nobody could read, or what a webhook said."""

    digest: str
    reasons: Sequence[str] = ()  # why it could not be read
    companies: Sequence[str] = ()
    pairs: Sequence[tuple[str, str]] = ()  # what webhooks said something of

    @property
    def seen(self) -> str:
        """Return what of it a form has to name, so that nothing else is set aside."""
        return f"{len(self.reasons)}.{len(self.companies)}.{len(self.pairs)}"


def look(visit: Visit) -> Response:
    """Show what would be set aside, and the form for it.

    Raises:
        PageError: nothing of that digest can be (404).

    """
    return _page(visit, _found(visit), reason="", errors={})


def record(visit: Visit) -> Response:
    """Set evidence aside, and lead to the event.

    Raises:
        PageError: nobody may decide (403), or it cannot be set aside (404, 409).

    """
    actor = acting(visit)
    digest = _digits(visit)
    reason = words_of(visit.form, "reason")
    about = f"sha256:{digest}"
    aside = _aside(visit, digest)
    before = latest_of(visit.books, "set aside", about)
    if aside is None and before is not None:
        return led_to(visit, attrs.evolve(before, is_earlier=True))
    aside = aside or _found(visit)
    if (why := reason_error(reason)) is not None:
        return _page(visit, aside, reason=reason, errors={"reason": why}, status=422)
    if words_of(visit.form, "seen") != aside.seen:
        raise PageError(409, _CHANGED)
    position = visit.books.store.position()
    try:
        visit.books.set_aside(digest, actor=actor, reason=reason)
    except UsageError as error:
        raise PageError(409, _CHANGED) from error
    found = latest_of(visit.books, "set aside", about, after=position)
    last = visit.books.store.position()
    return led_to(visit, found or Events(first=last, last=last))


_CHANGED: Final = (
    "What is known of this evidence has changed meanwhile, so nothing was recorded;"
    " look at it again."
)


def _page(
    visit: Visit,
    aside: Aside,
    *,
    reason: str,
    errors: dict[str, str],
    status: int = 200,
) -> Response:
    return visit.page(
        "set_aside.html",
        status=status,
        aside=aside,
        expenses=_expenses(visit, aside),
        reason=reason,
        errors=errors,
        why_off=why_off(visit),
        foot=visit.foot(position=visit.books.store.position()),
    )


def _expenses(visit: Visit, aside: Aside) -> list[Judged]:
    """Return the first of the expenses that a webhook said something of."""
    found = [
        visit.books.item(name, company_id=company_id)
        for company_id, name in aside.pairs[:SHOWN_MAX]
    ]
    return [row for row in found if row is not None]


def _found(visit: Visit) -> Aside:
    aside = _aside(visit, _digits(visit))
    if aside is None:
        raise PageError(
            404,
            "No evidence of this digest can be set aside: it was read, is set aside"
            " already, or was never recorded.",
        )
    return aside


def _aside(visit: Visit, digest: str) -> Aside | None:
    store = visit.books.store
    quarantine = quarantine_at(store, until=store.position())
    waiting = [piece for name, piece in quarantine.waiting() if name == digest]
    pairs: list[tuple[str, str]] = []
    companies = {piece.company_id or "" for piece in waiting}
    for stream, _, what in webhooks_of(store, digest):
        _, company_id, _ = stream_parts(stream)
        companies.add(company_id)
        pairs += [(company_id, name) for name in what.transaction_ids]
    if not waiting and not companies:
        return None
    return Aside(
        digest=digest,
        reasons=[piece.reason for piece in waiting],
        companies=sorted(companies),
        pairs=sorted(pairs),
    )


def _digits(visit: Visit) -> str:
    found = _DIGEST(visit.request.path_params["digest"].lower())
    if found is None:
        raise PageError(404, "This is not the SHA-256 of any evidence.")
    return found[1]


PAGES: Final[Sequence[Page]] = (
    Page(path="/quarantine/{digest}", name="aside", view=look, words=SCOPE),
    Page(
        path="/quarantine/{digest}/set-aside",
        name="set_aside",
        view=record,
        words=(),
        method="POST",
    ),
)
