"""Codat's bodies of every generation: bytes in, observations out. Pure.

Unknown fields are ignored, unknown words carried verbatim. What is readable stands;
what is not becomes a flaw beside it, or, where nothing can be made of a body, an error.
Source of every shape: Codat's OpenAPI files and docs, as cited in
`docs/explanation/codat.md`; read 2026-11-22.
"""

from datetime import datetime
from typing import Any, Final

import attrs

from reconcile.codat import writes
from reconcile.codat.exchange import Exchange
from reconcile.codat.jsons import (
    COUNT_MAX,
    bounded,
    known_text,
    loads,
    text_or_none,
    whole_number,
)
from reconcile.codat.pages import read_page, read_transaction, short, unreadable
from reconcile.codat.routes import Route
from reconcile.domain.identity import canonical_id
from reconcile.domain.observations import (
    Flaw,
    ListAnswer,
    Observation,
    RefusedAnswer,
    StatusReport,
)
from reconcile.domain.vocabulary import OF_NO_ANSWER, FindingKind
from reconcile.errors import PayloadError

DROPPED: Final = "the capture holds no response body"


def read_exchange(
    exchange: Exchange, route: Route, *, request_id: str
) -> tuple[Observation, ...]:
    """Return what an exchange with Codat says; () where it says nothing of a sync.

    `request_id` is the exchange's identity: it names a write that got no accepting
    answer, and stands for the bytes of a body that the capture left out.

    Raises:
        PayloadError: it should say something, and cannot be read.

    """
    if route.name in writes.WRITES:
        return writes.read_write(exchange, route, request_id=request_id)
    if route.name in _TELLING and _is_refusal(exchange.status):
        return (
            RefusedAnswer(
                company_id=route.company_id,
                sync_id=route.sync_id,
                rows=route.name == "page",
                http_status=exchange.status,
                words=writes.words_of(exchange.response_body),
                at=exchange.observed_at,
            ),
        )
    if route.name == "other" or not 200 <= exchange.status < 300:
        return ()
    body = exchange.response_body
    if exchange.body_dropped or not body:
        raise PayloadError(exchange.dropped_why or DROPPED, digest=request_id)
    bounded(body)
    if packing := exchange.answer_header("content-encoding"):
        raise PayloadError(
            f"the body is packed with {packing}, expected gzip, deflate or neither"
        )
    return _READERS[route.name](body, route, exchange.observed_at)


_TELLING: Final = ("list", "status", "page")
_OF_THE_CALLER: Final = (401, 402, 403, 407, 408, 425, 429, *OF_NO_ANSWER)


def _is_refusal(status: int) -> bool:
    """Return whether Codat refused to tell of what was asked for, whoever asks."""
    return 400 <= status < 500 and status not in _OF_THE_CALLER


def _read_status(body: bytes, route: Route, at: datetime) -> tuple[Observation, ...]:
    return (_status(loads(body), route, route.sync_id, at),)


def _read_latest(body: bytes, route: Route, at: datetime) -> tuple[Observation, ...]:
    return (_status(loads(body), route, None, at),)


def _read_list(body: bytes, route: Route, at: datetime) -> tuple[Observation, ...]:
    """Return the syncs that can be read; the first tells of those that cannot."""
    data = loads(body)
    if not isinstance(data, list):
        raise PayloadError("the list of syncs is not a list")
    reports: list[StatusReport] = []
    flaws: list[Flaw] = []
    for number, entry in enumerate(data, start=1):
        try:
            reports.append(_status(entry, route, None, at))
        except PayloadError as error:
            if len(data) == 1:
                raise
            flaws.append(unreadable(f"sync {number} of the list: {error}"))
    if data and not reports:
        raise PayloadError("none of the listed syncs can be read")
    if flaws:
        reports[0] = attrs.evolve(reports[0], flaws=(*reports[0].flaws, *flaws))
    return (ListAnswer(company_id=route.company_id, at=at), *reports)


def _status(data: Any, route: Route, sync_id: str | None, at: datetime) -> StatusReport:
    if not isinstance(data, dict) or not (
        "syncStatusCode" in data or "syncStatus" in data
    ):
        raise PayloadError("the sync status is not an object with a status")
    named = known_text(data.get("syncId"))
    if sync_id is None:
        if named is None:
            raise PayloadError("the sync status does not name its sync", path="syncId")
        sync_id = canonical_id(named)
    code = data.get("syncStatusCode")
    number = whole_number(code)
    if number is not None and abs(number) > COUNT_MAX:
        number = None
    pushed = data.get("dataPushed")
    return StatusReport(
        company_id=route.company_id,
        sync_id=sync_id,
        code=text_or_none(code) if number is None else number,
        status=text_or_none(data.get("syncStatus")),
        error_message=text_or_none(data.get("errorMessage")) or None,
        exception_message=text_or_none(data.get("syncExceptionMessage")) or None,
        sync_utc=text_or_none(data.get("syncUtc")),
        data_pushed=pushed if isinstance(pushed, bool) else None,
        at=at,
        flaws=_mismatches(data, route.company_id, sync_id),
    )


def _mismatches(
    data: dict[str, Any], company_id: str, sync_id: str
) -> tuple[Flaw, ...]:
    """Return a flaw for each id in the body that is not the request's."""
    flaws: list[Flaw] = []
    for name, decided in (("companyId", company_id), ("syncId", sync_id)):
        named = known_text(data.get(name))
        if named is not None and canonical_id(named) != decided:
            reason = f"the body's {name} is {short(named)}; the URL names {decided}"
            flaws.append(Flaw(kind=FindingKind.IDENTITY_MISMATCH, reason=reason))
    return tuple(flaws)


_READERS: Final = {
    "page": read_page,
    "transaction": read_transaction,
    "status": _read_status,
    "latest": _read_latest,
    "list": _read_list,
}
