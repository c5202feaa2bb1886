"""Webhook bodies of every generation: bytes in, notices out. Pure.

Source: Codat docs, the page "Syncing expenses", "Core rules types" (legacy), "Migrating
to new event types", and the webhook schemas of its OpenAPI files; read 2026-11-22.
"""

import re
from datetime import datetime
from typing import Any, Final

from reconcile.codat.exchange import BODY_BYTES_MAX, Exchange
from reconcile.codat.jsons import (
    as_far_as_it_reads,
    bounded,
    known_text,
    loads,
    text_or_none,
    whole_number,
)
from reconcile.codat.pages import read_rows, rows_digest
from reconcile.domain.identity import canonical_id
from reconcile.domain.instants import clock_moment
from reconcile.domain.observations import Flaw, LegRow, WebhookNotice
from reconcile.domain.vocabulary import CodeClass, FindingKind, NoticeKind, code_class
from reconcile.errors import PayloadError

ID_HEADERS: Final = ("webhook-id", "svix-id")
CLIENT_HEADER: Final = "x-codat-clientid"


def delivery_id(exchange: Exchange) -> str | None:
    """Return the id by which a delivery names itself in its headers."""
    for name in ID_HEADERS:
        value = exchange.header(name)
        if value:
            return value
    return None


def is_delivery(exchange: Exchange) -> bool:
    """Return whether a request that is no call to Codat is a webhook of Codat's.

    Others sign their webhooks in the same way, and post them to the same host: what is
    signed and speaks of nothing that Codat speaks of is theirs.
    """
    if exchange.method not in ("POST", "PUT"):
        return False
    signed, body = _is_signed(exchange), exchange.request_body
    if not body or len(body) > BODY_BYTES_MAX:
        return signed
    if not may_be_delivery(exchange):
        return False
    data = _data_of(body)
    if not data and not isinstance(data, list):
        form = _FORM(exchange.header("content-type") or "") or _FORM_BODY(body)
        return signed and not form
    if not isinstance(data, dict):
        return False
    return _is_codats(data) or (signed and _speaks_of_codats(data))


def may_be_delivery(exchange: Exchange) -> bool:
    """Return whether a request is to be looked at: one glance leaves most out."""
    return _is_signed(exchange) or bool(_MARKS.search(exchange.request_body or b""))


def _is_signed(exchange: Exchange) -> bool:
    """Return whether a request has the headers of a webhook of Codat's."""
    return delivery_id(exchange) is not None or bool(exchange.header(CLIENT_HEADER))


def company_named(body: bytes | None) -> str | None:
    """Return the company that a webhook's body names, as far as it reads."""
    data = _data_of(body or b"")
    if not isinstance(data, dict):
        return None
    inner = data.get("payload", data.get("Data"))
    return _company(data, inner if isinstance(inner, dict) else {})


def _data_of(body: bytes) -> Any:
    try:
        return loads(body)
    except PayloadError:
        return as_far_as_it_reads(body[:BROKEN_BYTES_MAX])


def _speaks_of_codats(data: dict[str, Any]) -> bool:
    """Return whether a signed body has a name that only Codat gives."""
    event_type = known_text(data.get("eventType")) or known_text(data.get("type")) or ""
    if event_type.lower().startswith("expenses.") or _letters(event_type) in _KINDS:
        return True
    inner = data.get("payload", data.get("Data"))
    holders = (data, inner) if isinstance(inner, dict) else (data,)
    return any(not _NAMES.isdisjoint(name.lower() for name in it) for it in holders)


_NAMES: Final = frozenset(
    (
        *("ruletype", "alertid", "generateddate", "companyid", "referencecompany"),
        *("syncid", "syncstatuscode", "clientid", "clientname", "datasetid"),
    )
)
BROKEN_BYTES_MAX: Final = 2**20  # of a broken body, so much is looked at


def _is_codats(data: Any) -> bool:
    """Return whether a body without telling headers is Codat's.

    Many a service posts an event with a payload, or an alert of a rule. Codat's are
    known by their own names, by the company they refer to, by the moment they say they
    were made, or by the company and the sync they name.
    """
    generation = _generation(data)
    if generation is None or generation is _status_shaped:
        return generation is not None
    kind, event_type, payload = generation(data)
    company, sync_id = _company(data, payload), _sync(payload)
    if event_type.lower().startswith("expenses."):
        return True
    if kind is not None and company is not None:
        return sync_id is not None or generation is _legacy
    if generation is _legacy:
        return all(name in data for name in ("AlertId", "RuleType", "CompanyId"))
    return isinstance(payload.get("referenceCompany"), dict) or (
        known_text(data.get("generatedDate")) is not None and "eventType" in data
    )


_FORM: Final = re.compile("application/x-www-form|multipart/", re.IGNORECASE).match
_FORM_BODY: Final = re.compile(rb"[\w.%+\[\]-]+=[^\s{}]*").fullmatch
_MARKS: Final = re.compile(rb"eventType|RuleType|AlertId|syncStatusCode|payload")


def read_delivery(
    body: bytes,
    *,
    delivery: str,
    header_id: str | None,
    body_digest: str,
    observed_at: datetime,
) -> tuple[WebhookNotice, ...]:
    """Return what a delivery says of a sync; () where it is about something else.

    Raises:
        PayloadError: it cannot be read, or speaks of a sync without naming it.

    """
    data = loads(bounded(body))
    if not isinstance(data, dict):
        raise PayloadError("the webhook is not an object")
    generation = _generation(data)
    if generation is None:
        raise PayloadError("the webhook has none of the shapes that Codat documents")
    kind, event_type, payload = generation(data)
    if kind is None:
        return ()
    company_id = _company(data, payload)
    sync_id = _sync(payload)
    if company_id is None or sync_id is None:
        if kind is NoticeKind.UNRECOGNISED:
            return ()
        missing = "company" if company_id is None else "sync"
        raise PayloadError(f"the webhook does not name its {missing}")
    rows, unread, flaws = _rows(payload)
    dated = clock_moment(known_text(data.get("generatedDate")) or "")
    return (
        WebhookNotice(
            company_id=company_id,
            sync_id=sync_id,
            kind=kind,
            event_type=event_type,
            message=text_or_none(data.get("Message")),
            delivery=delivery,
            delivery_id=header_id,
            body_digest=body_digest,
            rows=rows,
            rows_digest=rows_digest(rows, unread),
            unread=unread,
            at=observed_at if dated is None else min(dated, observed_at),
            dated=dated is not None,
            flaws=tuple(flaws),
        ),
    )


_Read = tuple[NoticeKind | None, str, dict[str, Any]]


def _generation(data: Any) -> Any:
    """Return the reader of the webhook's generation, None where it is of none."""
    if not isinstance(data, dict):
        return None
    if isinstance(data.get("payload"), dict) and (
        known_text(data.get("eventType")) or known_text(data.get("type"))
    ):
        return _current
    if "RuleType" in data or "AlertId" in data:
        return _legacy
    if known_text(data.get("eventType")) and ("Data" in data or "CompanyId" in data):
        return _legacy
    if "syncStatusCode" in data and known_text(data.get("syncId")):
        return _status_shaped
    return None


def _current(data: dict[str, Any]) -> _Read:
    event_type = known_text(data.get("eventType")) or str(data["type"])
    payload: dict[str, Any] = data["payload"]
    if _of_another_product(payload):
        return None, event_type, payload
    kind = _KINDS.get(_letters(event_type))
    if kind is None:
        ours = event_type.lower().startswith("expenses.") or _sync(payload) is not None
        kind = NoticeKind.UNRECOGNISED if ours else None
    return kind, event_type, payload


def _legacy(data: dict[str, Any]) -> _Read:
    """Return a body of the rules service, or of the interim one that kept them."""
    rule = known_text(data.get("RuleType")) or known_text(data.get("eventType")) or ""
    inner = data.get("Data")
    payload: dict[str, Any] = inner if isinstance(inner, dict) else {}
    if _of_another_product(payload):
        return None, rule, payload
    kind = _KINDS.get(_letters(rule))
    if kind is None:
        kind = NoticeKind.UNRECOGNISED if _sync(payload) else None
    return kind, rule, payload


def _of_another_product(payload: dict[str, Any]) -> bool:
    """Return whether it is a sync, but none of expenses: other products have rules."""
    inner = payload.get("Data")
    for holder in (payload, inner if isinstance(inner, dict) else {}):
        sync_type = holder.get("syncType")
        if isinstance(sync_type, str):
            return sync_type.lower() not in ("expense", "expenses")
    return False


def _status_shaped(data: dict[str, Any]) -> _Read:
    """Return a body of the shape that the page showed on 2023-05-03."""
    number = whole_number(data.get("syncStatusCode"))
    kind = _OF_CODE[CodeClass.UNRECOGNISED if number is None else code_class(number)]
    return kind, text_or_none(data.get("syncStatus")) or "", data


_OF_CODE: Final = {
    CodeClass.IN_PROGRESS: NoticeKind.STARTED,
    CodeClass.ENDED_WELL: NoticeKind.COMPLETED,
    CodeClass.FAILED: NoticeKind.FAILED,
    CodeClass.UNRECOGNISED: NoticeKind.UNRECOGNISED,
}
_KINDS: Final = {
    "syncstarted": NoticeKind.STARTED,
    "syncfailed": NoticeKind.FAILED,
    "synccompleted": NoticeKind.COMPLETED,
    "synccomplete": NoticeKind.COMPLETED,
    "expensessyncsuccessful": NoticeKind.SUCCESSFUL,
    "expensessyncunsuccessful": NoticeKind.UNSUCCESSFUL,
}


def _letters(name: str) -> str:
    """Return an event's name without what its spellings differ in."""
    return re.sub(r"[^a-z]", "", name.lower())


def _company(data: dict[str, Any], payload: dict[str, Any]) -> str | None:
    company = payload.get("referenceCompany")
    named = known_text(company.get("id")) if isinstance(company, dict) else None
    for holder in (payload, data):
        for name in ("companyId", "CompanyId"):
            named = named or known_text(holder.get(name))
    return None if named is None else canonical_id(named)


def _sync(payload: dict[str, Any]) -> str | None:
    inner = payload.get("Data")
    holders = (payload, inner) if isinstance(inner, dict) else (payload,)
    for holder in holders:
        for name in ("syncId", "SyncId"):
            named = known_text(holder.get(name))
            if named is not None:
                return canonical_id(named)
    return None


def _rows(payload: dict[str, Any]) -> tuple[tuple[LegRow, ...], int, list[Flaw]]:
    """Return the rows that can be read, how many cannot, and why."""
    listed = payload.get("transactions")
    if listed is None:
        return (), 0, []
    if not isinstance(listed, list):
        reason = "the webhook's transactions are not a list"
        return (), 0, [Flaw(kind=FindingKind.UNREADABLE, reason=reason)]
    rows, flaws = read_rows(listed, names=("id", "status", "", "errorMessage"))
    legless = tuple((t, word, None, message) for t, word, _, message in rows)
    return legless, len(listed) - len(rows), flaws
