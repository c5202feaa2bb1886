"""One event of the history: when, of what, and the bytes that it rests on."""

from typing import Final

from starlette.responses import Response

from reconcile.cases.evidence import webhooks_of
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.domain.identity import stream_parts
from reconcile.report.html.figures import count
from reconcile.storage.evidence import Receipt
from reconcile.storage.ports import Store

_DIGITS_MAX: Final = 18


def view(visit: Visit) -> Response:
    """Show one event by its position.

    Raises:
        HistoryError: it cannot be decoded.
        PageError: the history has no event there (404).

    """
    store = visit.books.store
    last = store.position()
    text = visit.request.path_params["position"]
    known = text.isascii() and text.isdecimal() and len(text) <= _DIGITS_MAX
    stored = [*store.stored_at([int(text)])] if known else []
    if not stored:
        sentence = (
            f"No event has this number; the last of the history is {count(last)}."
        )
        raise PageError(404, sentence)
    recorded = store.recorded(stored[0])
    kind, company_id, name = stream_parts(recorded.stream)
    identity = getattr(recorded.event, "evidence", "")
    receipts = store.receipts(bytes.fromhex(identity)) if identity else []
    return visit.page(
        "event.html",
        recorded=recorded,
        topic=recorded.event.TOPIC,
        at=getattr(recorded.event, "at", None),
        actor_of=getattr(recorded.event, "actor", None),
        reason=getattr(recorded.event, "reason", None),
        kind=kind,
        company_id=company_id,
        name=name,
        receipts=[_bodies(store, receipt) for receipt in receipts],
        foot=visit.foot(position=last),
    )


def _bodies(store: Store, receipt: Receipt) -> dict[str, object]:
    """Return what came or went, and the digests of its bodies."""
    evidence = receipt.evidence
    return {
        "kind": evidence.kind,
        "method": evidence.method,
        "url": evidence.url,
        "status": evidence.status,
        "observed_at": evidence.observed_at,
        "can_be_set_aside": evidence.kind == "delivery"
        and receipt.request_digest is not None
        and any(True for _ in webhooks_of(store, receipt.request_digest.hex())),
        "bodies": [
            (what, digest.hex())
            for what, digest in (
                ("what was sent", receipt.request_digest),
                ("the answer", receipt.response_digest),
            )
            if digest is not None
        ],
    }


PAGE = Page(path="/events/{position}", name="event", view=view)
