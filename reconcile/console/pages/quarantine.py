"""What could not be read: why, of which company, and what to do about it."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Final

import attrs
from starlette.responses import Response

from reconcile.console.files import Row
from reconcile.console.pages.list_files import ListFile
from reconcile.console.pages.visit import Page, Visit
from reconcile.readmodels.quarantine import Quarantine, quarantine_at
from reconcile.storage.ports import Store
from reconcile.storage.refused import UntrustedDelivery

LISTED_MAX: Final = 500
"""More rows than these are counted, and not listed."""


@attrs.frozen(kw_only=True)
class UnreadBytes:
    """Bytes that wait to be read, or that a person set aside."""

    digest: str
    company_id: str | None
    reason: str
    came_at: datetime | None


def view(visit: Visit) -> Response:
    """Show what waits to be read, as it was known at a moment or now."""
    store = visit.books.store
    until = store.position(known_at=visit.asking.known_at)
    quarantine = quarantine_at(store, until=until)
    rows = _waiting(visit, quarantine)
    untrusted = store.untrusted()
    return visit.page(
        "quarantine.html",
        waiting=len({digest for digest, *_ in rows}),
        listed=[*_listed(store, rows[:LISTED_MAX])],
        more=max(0, len(rows) - LISTED_MAX),
        aside=_set_aside(quarantine),
        refused=untrusted.counted(),
        refusals=_refusals([*islice(untrusted.newest_first(), LISTED_MAX)]),
        foot=visit.foot(position=until),
    )


_Unread = tuple[str, str | None, str, str]


def _waiting(visit: Visit, quarantine: Quarantine) -> list[_Unread]:
    company_ids = visit.asking.words.get("customer", ())
    return [
        (digest, piece.company_id, piece.reason, piece.evidence)
        for digest, piece in quarantine.waiting()
        if not company_ids or piece.company_id in (None, *company_ids)
    ]


def _file_rows(visit: Visit) -> Iterator[Row]:
    store = visit.books.store
    until = store.position(known_at=visit.asking.known_at)
    waiting = _waiting(visit, quarantine_at(store, until=until))
    for row in _listed(store, waiting):
        named = None
        if row.company_id is not None:
            named = visit.settings.customer(row.company_id)
        yield named, row.company_id, row.digest, row.reason, row.came_at


def _listed(store: Store, rows: list[_Unread]) -> Iterator[UnreadBytes]:
    for digest, company_id, reason, identity in rows:
        evidence = store.evidence(bytes.fromhex(identity))
        yield UnreadBytes(
            digest=digest,
            company_id=company_id,
            reason=reason,
            came_at=None if evidence is None else evidence.observed_at,
        )


def _set_aside(quarantine: Quarantine) -> list[str]:
    return sorted(quarantine.set_aside & quarantine.by_digest.keys())


@attrs.frozen(kw_only=True)
class Refusals:
    """Deliveries refused for one reason: how many of those stored, and the last."""

    reason: str
    number: int
    last_at: datetime


def _refusals(newest_first: list[UntrustedDelivery]) -> list[Refusals]:
    found: Mapping[str, list[UntrustedDelivery]] = {}
    groups = {**found}
    for delivery in newest_first:
        groups.setdefault(delivery.reason, []).append(delivery)
    return [
        Refusals(reason=reason, number=len(group), last_at=group[0].received_at)
        for reason, group in groups.items()
    ]


FILES: Final = ListFile(
    name="quarantine",
    path="/quarantine",
    columns=("customer", "company_id", "digest", "reason", "came_at"),
    rows=_file_rows,
)
PAGE = Page(path="/quarantine", name="quarantine", view=view)
