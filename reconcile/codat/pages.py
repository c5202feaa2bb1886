"""Rows of transactions: a page of a sync's, one expense's, a webhook's. Pure.

The fast strict way first; what it refuses is read again slowly, row by row: what is
readable stands, what is not becomes a flaw beside it.
"""

import hashlib
from datetime import datetime
from typing import Any, Final

import msgspec

from reconcile.codat.jsons import (
    count,
    known_text,
    loads,
    may_hold_nul,
    text_or_none,
    whole_number,
)
from reconcile.codat.routes import Route
from reconcile.domain.identity import all_canonical, canonical_id
from reconcile.domain.observations import Flaw, LegRow, Observation, TransactionPage
from reconcile.domain.vocabulary import FindingKind
from reconcile.errors import PayloadError


class _Row(msgspec.Struct, gc=False):
    transactionId: str  # noqa: N815 - Codat's name
    status: str
    integrationType: str | None = None  # noqa: N815
    message: str | None = None


class _Page(msgspec.Struct, gc=False):
    results: list[_Row]
    pageNumber: int | None = None  # noqa: N815
    pageSize: int | None = None  # noqa: N815
    totalResults: int | None = None  # noqa: N815


_decode_page = msgspec.json.Decoder(_Page).decode
_encode_rows = msgspec.msgpack.Encoder().encode


def rows_digest(rows: tuple[LegRow, ...], unread: int = 0) -> str:
    """Return the digest by which the same rows are known again."""
    return hashlib.sha256(_encode_rows((rows, unread))).hexdigest()


def read_page(body: bytes, route: Route, at: datetime) -> tuple[Observation, ...]:
    """Return one page of a sync's transactions.

    Raises:
        PayloadError: it is no page.

    """
    if may_hold_nul(body):
        return _page_slowly(loads(body), route, at)
    try:
        page = _decode_page(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return _page_slowly(loads(body), route, at)
    number = page.pageNumber if page.pageNumber is not None else route.page
    if not (
        _plausible(number)
        and _plausible(page.pageSize)
        and _plausible(page.totalResults)
    ):
        return _page_slowly(loads(body), route, at)
    rows = _rows(page.results)
    if rows is None:
        return _page_slowly(loads(body), route, at)
    return (
        TransactionPage(
            company_id=route.company_id,
            sync_id=route.sync_id,
            page=number,
            page_size=page.pageSize,
            total=page.totalResults,
            rows=rows,
            rows_digest=rows_digest(rows),
            at=at,
        ),
    )


def _plausible(number: int | None) -> bool:
    return number is None or count(number) is not None


def _rows(results: list[_Row]) -> tuple[LegRow, ...] | None:
    """Return the rows, ids canonical, or None where one has an id that is empty."""
    given_ids = [row.transactionId for row in results]
    if all_canonical(given_ids):
        return tuple(
            [
                (row.transactionId, row.status, row.integrationType, row.message)
                for row in results
            ]
        )
    ids: dict[str, str] = {}
    rows: list[LegRow] = []
    for row in results:
        given = row.transactionId
        known = ids.get(given)
        if known is None:
            if not given.strip():
                return None
            known = ids[given] = canonical_id(given)
        rows.append((known, row.status, row.integrationType, row.message))
    return tuple(rows)


def _page_slowly(data: Any, route: Route, at: datetime) -> tuple[Observation, ...]:
    if not isinstance(data, dict) or not isinstance(data.get("results"), list):
        raise PayloadError("results is not a list")
    rows, flaws = read_rows(data["results"])
    number = whole_number(data.get("pageNumber"))
    figures: dict[str, int | None] = {}
    for name in ("pageNumber", "pageSize", "totalResults"):
        figures[name] = count(data.get(name))
        if figures[name] is None and data.get(name) is not None:
            flaws.append(unreadable(f"{name} is {short(data[name])}, expected a count"))
    page = figures["pageNumber"]
    if page is None:
        page = route.page if number is None else 0
    unread = len(data["results"]) - len(rows)
    return (
        TransactionPage(
            company_id=route.company_id,
            sync_id=route.sync_id,
            page=page,
            page_size=figures["pageSize"],
            total=figures["totalResults"],
            rows=rows,
            rows_digest=rows_digest(rows, unread),
            unread=unread,
            at=at,
            flaws=tuple(flaws),
        ),
    )


def read_transaction(
    body: bytes, route: Route, at: datetime
) -> tuple[Observation, ...]:
    """Return one expense's rows, which speak of no page.

    Raises:
        PayloadError: they are no list.

    """
    data = loads(body)
    if not isinstance(data, list):
        raise PayloadError("the transaction's rows are not a list")
    rows, flaws = read_rows(data, default_id=route.transaction_id)
    flaws += [
        Flaw(
            kind=FindingKind.IDENTITY_MISMATCH,
            reason=f"the body names {other}, the URL {route.transaction_id}",
            transaction_id=other,
        )
        for other in sorted({row[0] for row in rows} - {route.transaction_id})
    ]
    unread = len(data) - len(rows)
    return (
        TransactionPage(
            company_id=route.company_id,
            sync_id=route.sync_id,
            page=None,
            rows=rows,
            rows_digest=rows_digest(rows, unread),
            unread=unread,
            at=at,
            flaws=tuple(flaws),
        ),
    )


def read_rows(
    results: list[Any],
    *,
    names: tuple[str, str, str, str] = (
        "transactionId",
        "status",
        "integrationType",
        "message",
    ),
    default_id: str | None = None,
) -> tuple[tuple[LegRow, ...], list[Flaw]]:
    """Return the rows that can be read, and a flaw for each that cannot."""
    plain = _plain_rows(results, names)
    if plain is not None:
        return plain, []
    rows: list[LegRow] = []
    flaws: list[Flaw] = []
    id_name, status_name, type_name, message_name = names
    for number, row in enumerate(results, start=1):
        if not isinstance(row, dict):
            flaws.append(unreadable(f"row {number} is not an object"))
            continue
        given = row.get(id_name)
        given = default_id if given is None else given
        known = known_text(given)
        if known is None:
            flaws.append(unreadable(f"row {number} does not name its transaction"))
            continue
        transaction_id = canonical_id(known)
        status, kind = row.get(status_name), row.get(type_name)
        if not isinstance(status, str | None) or not isinstance(kind, str | None):
            reason = (
                f"row {number} has a status or an integration type that is not text"
            )
            flaws.append(unreadable(reason, transaction_id))
            continue
        message = text_or_none(row.get(message_name))
        rows.append((transaction_id, status or "", kind, message))
    return tuple(rows), flaws


def _plain_rows(
    results: list[Any], names: tuple[str, str, str, str]
) -> tuple[LegRow, ...] | None:
    """Return rows that are text throughout, their ids canonical; None where odd."""
    try:
        rows = [(*map(row.get, names),) for row in results]
    except AttributeError:  # not each is an object
        return None
    ids, words, kinds, messages = zip(*rows, strict=True) if rows else ((),) * 4
    if (
        {*map(type, ids), *map(type, words)} <= _TEXT
        and {*map(type, kinds), *map(type, messages)} <= _TEXT_OR_NONE
        and all_canonical(ids)
    ):
        return tuple(rows)
    return None


_TEXT: Final = frozenset({str})
_TEXT_OR_NONE: Final = frozenset({str, type(None)})


def unreadable(reason: str, transaction_id: str | None = None) -> Flaw:
    """Return a flaw for what could not be read."""
    return Flaw(
        kind=FindingKind.UNREADABLE, reason=reason, transaction_id=transaction_id
    )


def short(value: Any) -> str:
    """Return a value as a sentence can show it."""
    text = text_or_none(value) or "null"
    return text if len(text) <= 60 else f"{text[:57]}…"
