"""The bytes that came, as text, with what is secret struck out."""

import re
from typing import Final

from starlette.responses import Response

from reconcile.codat.jsons import loads
from reconcile.codat.scrubbing import kept_entry, struck_out
from reconcile.console.pages.visit import Page, Visit
from reconcile.console.problems import PageError
from reconcile.errors import PayloadError
from reconcile.intake.scrub import as_today
from reconcile.readmodels.quarantine import Quarantine, quarantine_at
from reconcile.storage.ports import Store

_DIGEST: Final = re.compile(r"(?:sha256:)?([0-9a-f]{64})", re.ASCII).fullmatch
_SANDBOX: Final = "sandbox; default-src 'none'; frame-ancestors 'none'"


def view(visit: Visit) -> Response:
    """Show bytes by their SHA-256: as text, which no browser runs.

    Raises:
        PageError: no bytes of that digest are stored (404).

    """
    found = _DIGEST(visit.request.path_params["digest"].lower())
    store = visit.books.store
    raw = None
    if found is not None:
        raw = shown_bytes(store, found[1], quarantine_at(store, until=store.position()))
    if raw is None:
        raise PageError(404, _UNKNOWN)
    return Response(
        raw,
        headers={
            "content-type": "text/plain; charset=utf-8",
            "content-disposition": "inline",
            "content-security-policy": _SANDBOX,
        },
    )


_UNKNOWN: Final = (
    "No bytes of this digest are stored: the address is not a whole SHA-256, or they"
    " were never recorded, or were taken out since."
)


def shown_bytes(store: Store, digest: str, quarantine: Quarantine) -> bytes | None:
    """Return bytes with what is secret struck out; None where there are none.

    What waits to be read is given as it is stored today.
    """
    waiting = quarantine.by_digest.get(digest, {})
    for identity, piece in waiting.items():
        evidence = store.evidence(bytes.fromhex(identity))
        if evidence is not None:
            today, _ = as_today(evidence, piece)
            is_answer = evidence.kind == "exchange" and evidence.response_body
            body = today.response_body if is_answer else today.request_body
            return struck_out(body or b"")
    stored = store.body(bytes.fromhex(digest))
    return None if stored is None else struck_out(_without_credentials(stored))


def _without_credentials(body: bytes) -> bytes:
    """Return a captured entry without others' headers; Codat's bodies as they are."""
    try:
        data = loads(body)
    except PayloadError:
        return body
    if isinstance(data, dict) and isinstance(data.get("request"), dict):
        return kept_entry(data) if "response" in data else body
    return body


PAGE = Page(path="/evidence/{digest}", name="evidence", view=view)
