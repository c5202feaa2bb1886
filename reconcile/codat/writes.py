"""Writes: pushes, creates, updates and `POST …/syncs`, and the answers they got."""

from collections.abc import Iterable
from datetime import datetime
from decimal import (
    Context,
    Decimal,
    DecimalException,
    Inexact,
    InvalidOperation,
    Overflow,
)
from hashlib import sha256
from typing import Any, Final, NamedTuple

from reconcile.codat.exchange import TOO_MANY, Exchange
from reconcile.codat.headers import header, moment_told
from reconcile.codat.jsons import (
    bounded,
    clean_text,
    items_digest_source,
    known_text,
    loads,
    text_or_none,
)
from reconcile.codat.routes import Route, route_of
from reconcile.domain.identity import all_canonical, canonical_id
from reconcile.domain.observations import (
    DatasetReceipt,
    ExpectedTransaction,
    Flaw,
    Observation,
    SyncReceipt,
    WriteUnsettled,
)
from reconcile.domain.vocabulary import OF_NO_ANSWER, FindingKind, RequestOutcome
from reconcile.errors import PayloadError, UsageError

_REQUEST_ID: Final = "x-reconcile-request"  # of a request that carries no key
WRITES: Final = ("push", "syncs", "create", "update", "put")


def read_write(
    exchange: Exchange, route: Route, *, request_id: str
) -> tuple[Observation, ...]:
    """Return the receipt of a write, or that it was refused, lost or throttled.

    An answer that cannot be read is as good as lost: the write may have been carried
    out, and its expenses are in doubt.

    Raises:
        PayloadError: the request cannot be read.

    """
    body = exchange.request_body
    if not body:
        raise PayloadError("the capture left the request body out", digest=request_id)
    dataset_ids, transactions, flaws = _named_in(body, route)
    intent, outcome = _intent(exchange), _outcome(exchange)
    moved = outcome is RequestOutcome.UNSENT  # the same intent goes on elsewhere
    named = "" if outcome is not None else _accepted_as(exchange, route)
    if not named:
        unsettled = WriteUnsettled(
            company_id=route.company_id,
            request_id=request_id if moved else intent or request_id,
            outcome=outcome or RequestOutcome.LOST,
            operation=route.name,
            dataset_ids=dataset_ids,
            transactions=transactions,
            http_status=exchange.status,
            words=words_of(exchange.response_body),
            at=exchange.observed_at,
            not_before=_not_before(exchange, outcome),
        )
        return (unsettled,)
    if route.name == "push":
        return (
            DatasetReceipt(
                company_id=route.company_id,
                dataset_id=canonical_id(named),
                transactions=transactions,
                whole=not flaws,
                request_id=intent,
                at=exchange.observed_at,
                flaws=tuple(flaws),
            ),
        )
    return (
        SyncReceipt(
            company_id=route.company_id,
            sync_id=canonical_id(named),
            operation=route.name,
            dataset_ids=dataset_ids,
            transactions=transactions,
            whole=not flaws,
            request_id=intent,
            at=exchange.observed_at,
            flaws=tuple(flaws),
        ),
    )


def _named_in(
    body: bytes, route: Route
) -> tuple[tuple[str, ...], tuple[ExpectedTransaction, ...], list[Flaw]]:
    """Return what a captured request names; an error of it has the body's digest."""
    try:
        return _named(bounded(body), route)
    except PayloadError as error:
        digest = sha256(body).hexdigest()
        raise PayloadError(
            f"the request cannot be read: {error}", digest=digest
        ) from error


def _not_before(exchange: Exchange, outcome: RequestOutcome | None) -> datetime | None:
    """Return when a call that was turned away may be made again, if that is said."""
    if outcome is not RequestOutcome.THROTTLED:
        return None
    names = tuple((name.lower(), value) for name, value in exchange.response_headers)
    return moment_told(header(names, "retry-after"), now=exchange.observed_at)


def _intent(exchange: Exchange) -> str | None:
    """Return the id of our intent, where the request carries one."""
    carried = exchange.header("idempotency-key") or exchange.header(_REQUEST_ID)
    return known_text(clean_text(carried or ""))


def _accepted_as(exchange: Exchange, route: Route) -> str:
    """Return the id of what an accepted write made, "" where its answer has none."""
    body = exchange.response_body or b""
    try:
        answer = loads(bounded(body))
    except PayloadError:
        return ""
    name = "datasetId" if route.name == "push" else "syncId"
    return known_text(answer.get(name)) or "" if isinstance(answer, dict) else ""


def named_by(
    method: str, path: str, body: bytes | None
) -> tuple[str, tuple[str, ...], tuple[ExpectedTransaction, ...]]:
    """Return what a write of ours does, with the datasets or expenses it names.

    Raises:
        UsageError: it is no write we know, or names something that cannot be read.

    """
    route = route_of(method, path)
    if route is None or route.name not in WRITES:
        raise UsageError(f"{method} {path} is not a write of Sync for Expenses")
    try:
        dataset_ids, transactions, flaws = _named(body or b"", route)
    except PayloadError as error:
        raise UsageError(f"the request cannot be read: {error}") from error
    if flaws:
        raise UsageError(f"the request cannot be read: {flaws[0].reason}")
    return route.name, dataset_ids, transactions


def _named(
    body: bytes, route: Route
) -> tuple[tuple[str, ...], tuple[ExpectedTransaction, ...], list[Flaw]]:
    """Return the datasets or expenses a request names, and what is unreadable."""
    request = loads(body)
    if route.name == "syncs":
        dataset_ids, flaws = _dataset_ids(request)
        return dataset_ids, (), flaws
    transactions, flaws = _transactions(request, route)
    return (), transactions, flaws


def _outcome(exchange: Exchange) -> RequestOutcome | None:
    """Return what became of the write, None where it was accepted.

    Whatever is neither an acceptance, a refusal nor a rate limit leaves the write in
    doubt: it counts as a lost answer. So does a refusal whose words the capture left
    out: they may have said that it was taken before.
    """
    status = exchange.status
    if status == TOO_MANY:
        return RequestOutcome.THROTTLED
    if exchange.answer_header("location"):
        return RequestOutcome.UNSENT  # it did nothing, and went on elsewhere
    if exchange.body_dropped or status in OF_NO_ANSWER:
        return RequestOutcome.LOST
    if 200 <= status < 300:
        return None
    packed = exchange.answer_header("content-encoding")  # its words are not known
    if 400 <= status < 500 and not packed:
        return RequestOutcome.REFUSED
    return RequestOutcome.LOST


def words_of(body: bytes | None) -> str | None:
    """Return Codat's words of an error body, None where it has none we can read."""
    try:
        data = loads(body or b"")
    except PayloadError:
        return None
    if not isinstance(data, dict):
        return None
    validation = data.get("validation")
    errors = validation.get("errors") if isinstance(validation, dict) else None
    words = [known_text(data.get("error"))]
    for problem in errors if isinstance(errors, list) else ():
        if isinstance(problem, dict):
            parts = (
                known_text(problem.get("itemId")),
                known_text(problem.get("message")),
            )
            words.append(": ".join(part for part in parts if part))
    return "; ".join(dict.fromkeys(word for word in words if word)) or None


def _dataset_ids(request: Any) -> tuple[tuple[str, ...], list[Flaw]]:
    named = request.get("datasetIds") if isinstance(request, dict) else None
    if not isinstance(named, list):
        raise PayloadError(
            "the datasets of a sync request are not a list", path="datasetIds"
        )
    known = [canonical_id(dataset_id) for dataset_id in named if known_text(dataset_id)]
    flaws = []
    if len(known) < len(named) or not named:
        flaws.append(_flaw("a dataset of the sync request is not named by an id"))
    return tuple(dict.fromkeys(known)), flaws


def _transactions(
    request: Any, route: Route
) -> tuple[tuple[ExpectedTransaction, ...], list[Flaw]]:
    """Return the expenses of a request: an array, `items`, or one by its URL."""
    if route.transaction_id:
        body = (
            request[0] if isinstance(request, list) and len(request) == 1 else request
        )
        if not isinstance(body, dict):
            raise PayloadError("the expense is not an object")
        layout = _layout(tuple(body))
        return (_expected(body, route.transaction_id, layout),), []
    items = request.get("items", [request]) if isinstance(request, dict) else request
    if not isinstance(items, list):
        raise PayloadError("the expenses of a push are not a list", path="items")
    ids = [
        known_text(item.get("id")) if isinstance(item, dict) else None for item in items
    ]
    flaws = [
        _flaw(f"expense {number} of the request has no id")
        for number, name in enumerate(ids, start=1)
        if name is None
    ]
    if flaws or not all_canonical([name or "" for name in ids]):
        ids = [name and canonical_id(name) for name in ids]
    expected: list[ExpectedTransaction] = []
    names: tuple[str, ...] = ()
    layout = _layout(names)
    for item, transaction_id in zip(items, ids, strict=True):
        if transaction_id is None:
            continue
        if names != (own := tuple(item)):  # those of one call mostly share them
            names, layout = own, _layout(own)
        expected.append(_expected(item, transaction_id, layout))
    return tuple(expected), flaws


class _Layout(NamedTuple):
    """What the fields of an expense are called, whatever their case; None for none."""

    texts: tuple[str | None, ...]  # type, currency, date, merchant, reference
    lines: str | None
    source: str | None
    ids: tuple[str, ...]


def _layout(names: tuple[str, ...]) -> _Layout:
    named = {name.lower(): name for name in names}  # PascalCase too
    texts = (
        named.get("type"),
        named.get("currency"),
        named.get("issuedate", named.get("date")),
        named.get("merchantname"),
        named.get("reference"),
    )
    ids = tuple([name for name in names if name.lower() == "id"])
    return _Layout(texts, named.get("lines"), named.get("from"), ids)


def _expected(
    item: dict[str | None, Any], transaction_id: str, layout: _Layout
) -> ExpectedTransaction:
    """Return an expense as it was sent; no field is called None."""
    texts, lines_name, source_name, ids = layout
    given = [*map(item.get, texts)]
    if not {*map(type, given)} <= _TEXTS:
        given = [text_or_none(value) for value in given]
    source, lines = item.get(source_name), item.get(lines_name)
    content = item.copy()
    for name in ids:  # it may stand in the URL alone
        del content[name]
    return ExpectedTransaction(
        transaction_id=transaction_id,
        kind=given[0],
        amount=_sum([source.get("amount", source.get("Amount"))])
        if isinstance(source, dict)
        else _amount(lines),
        currency=given[1],
        issue_date=given[2],
        merchant=given[3],
        reference=given[4],
        digest=sha256(items_digest_source(content)).hexdigest(),
    )


_TEXTS: Final = frozenset((str, type(None)))


def _amount(lines: Any) -> str | None:
    """Return the exact total of an expense's lines."""
    if not (isinstance(lines, list) and lines):
        return None
    parts: list[Any] = []
    for line in lines:
        if not isinstance(line, dict):
            return None
        get = line.get
        named = get("netAmount"), get("taxAmount"), get("amount")
        given = [amount for amount in named if amount is not None]
        if not given:
            return None  # a line without an amount leaves no exact total
        parts += given
    return _sum(parts)


def _sum(parts: Iterable[Any]) -> str | None:
    """Return the exact sum, None where a part is no amount or the sum not exact."""
    total = _ZERO
    for part in parts:
        if type(part) not in _NUMBERS:
            return None
        try:  # a float's shortest text is what was sent
            total = _add(total, Decimal(str(part)))
        except DecimalException:
            return None
    return str(total) if total.is_finite() else None


_NUMBERS: Final = frozenset((int, float, str))  # and no bool
_ZERO: Final = Decimal(0)
_EXACT: Final = Context(prec=50, traps=[Inexact, InvalidOperation, Overflow])
_add: Final = _EXACT.add


def _flaw(reason: str) -> Flaw:
    return Flaw(kind=FindingKind.UNREADABLE, reason=reason)
