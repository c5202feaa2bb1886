"""How a store itself stands: what it is, what waits in it, what is in doubt."""

from collections.abc import Iterator
from datetime import datetime
from typing import Final, Literal

import attrs

from reconcile.audit.evidence import sample_evidence
from reconcile.domain.instants import format_instant
from reconcile.domain.request import UNDER_WAY, RequestState
from reconcile.endpoint.receive import ASTRAY
from reconcile.errors import StoreError
from reconcile.foreign import one_line
from reconcile.intake.reprocess import said_by
from reconcile.reconciler import Reconciler

NAMED_MAX: Final = 5
SHOWN_MAX: Final = 300  # characters of a text that others may have written
SAMPLED: Final = 200  # pieces of evidence, evenly spread
FAULTY_FROM: Final = (3, 7, 0)
FAULTY_TO: Final = (3, 51, 2)


@attrs.frozen
class Checked:
    """What one check found, in a sentence; `hint` is what to do about it."""

    state: Literal["ok", "problem", "skipped"]
    name: str
    text: str
    hint: str = ""


def checks_of(
    books: Reconciler, now: datetime, *, evidence: Checked | None = None
) -> Iterator[Checked]:
    """Yield what a store says of itself, a check at a time; nothing in it is changed.

    `evidence` is what `check_of_evidence` has found a short time ago.

    Raises:
        StoreError: the store cannot be read.

    """
    yield _writable(books)
    yield _engine(books)
    yield _views(books)
    yield evidence or check_of_evidence(books)
    yield _quarantine(books)
    yield _refused(books)
    yield _in_doubt(books, now)


def _writable(books: Reconciler) -> Checked:
    path = books.store.path
    try:
        books.store.check_writable()
    except StoreError as error:
        return Checked("problem", "store", str(error))
    text = f"{path} opens and can be written, position {books.store.position()}"
    return Checked("ok", "store", text)


def _engine(books: Reconciler) -> Checked:
    """Say which engine it is, and whether it is one that may corrupt a store.

    Source: the notes of SQLite 3.51.3 (2026-03-13), which mends the WAL-reset bug.
    """
    engine, _, name = books.store.engine().partition(" ")
    if engine != "SQLite":
        return Checked("ok", engine.lower(), f"version {name}")
    version = tuple(map(int, name.split(".")))
    if FAULTY_FROM <= version <= FAULTY_TO:
        first, last = (".".join(map(str, v)) for v in (FAULTY_FROM, FAULTY_TO))
        hint = (
            f"versions {first} to {last} can, rarely, corrupt a store that several"
            " processes write: install a newer SQLite, and keep backups"
        )
        return Checked("ok", "sqlite", f"version {name}", hint)
    return Checked("ok", "sqlite", f"version {name}")


def _views(books: Reconciler) -> Checked:
    with books.store.reading() as views:
        poisoned = [position for position, _ in views.poisoned()]
        lag = books.store.position() - views.position()
    if poisoned:
        some = ", ".join(map(str, poisoned[:NAMED_MAX]))
        text = f"stored events that cannot be read: {len(poisoned)}, at {some}"
        hint = "no figure counts them; `reconcile audit tie-out` lists them"
        return Checked("problem", "views", text, hint)
    text = f"{lag} positions behind; they catch up when they are read"
    return Checked("ok", "views", text if lag else "up to date")


def check_of_evidence(books: Reconciler) -> Checked:
    """Say whether some of the evidence is what came."""
    check = sample_evidence(books.store, said_by, most=SAMPLED)
    if check.differences:
        hint = "`reconcile audit tie-out --evidence` tells all; restore a backup"
        return Checked("problem", "evidence", _shown(check.first[0]), hint)
    text = f"{check.evidence} pieces have the bytes that came"
    return Checked("ok", "evidence", text)


def _quarantine(books: Reconciler) -> Checked:
    number = books.unprocessed()
    if not number:
        return Checked("ok", "quarantine", "all evidence was read")
    hint = "`reconcile reprocess` reads it again, or sets it aside"
    return Checked("problem", "quarantine", f"unread evidence: {number}", hint)


def _refused(books: Reconciler) -> Checked:
    untrusted = books.store.untrusted()
    number = untrusted.counted()
    if not number:
        return Checked("ok", "deliveries", "no delivery was refused")
    last = next(untrusted.newest_first(), None)
    at = (
        f", the last at {format_instant(last.received_at)}: {last.reason}"
        if last
        else ""
    )
    hint = _HINTS.get(last.reason if last else "", _USUALLY)
    return Checked("ok", "deliveries", f"refused: {number}{at}", hint)


_USUALLY: Final = "if they were Codat's, the webhook secret is wrong or has expired"
_HINTS: Final = {ASTRAY: "give Codat the URL of the endpoint, with its whole path"}


def _in_doubt(books: Reconciler, now: datetime) -> Checked:
    doubtful: list[str] = []
    under_way = 0
    for company_id, standings in books.in_doubt().items():
        lost = [state for state in standings if not _under_way(state, now)]
        under_way += len(standings) - len(lost)
        doubtful += [company_id] * len(lost)
    if doubtful:
        some = ", ".join([*dict.fromkeys(doubtful)][:NAMED_MAX])
        text = f"{len(doubtful)} in doubt, of company {some}"
        hint = "`reconcile sync --company ID --recover` finds out"
        return Checked("problem", "requests", _shown(text), hint)
    return Checked("ok", "requests", f"none in doubt, {under_way} under way")


def _under_way(state: RequestState, now: datetime) -> bool:
    intent = state.intent
    return state.unanswered and intent is not None and now - intent.at < UNDER_WAY


def _shown(text: str) -> str:
    line = one_line(text[:SHOWN_MAX])
    return line if len(text) <= SHOWN_MAX else f"{line}…"
