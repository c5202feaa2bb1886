"""Every call we make to Codat, as a value: nothing here is sent, nothing is awaited.

Both dialects: v1 pushes a dataset and starts a sync of it, the current API syncs what
it is given at once. Source: Codat's OpenAPI files for Sync for Expenses, v1 and current
(read 2026-11-22).
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

import attrs
import msgspec

from reconcile.codat.attachments import form_of_file
from reconcile.domain.identity import canonical_id
from reconcile.errors import UsageError

ITEMS_MAX: Final = 50  # of a dataset, and of a create call
PAGE_SIZE_MAX: Final = 5000
PAGE_MAX: Final = 2**31 - 1
ID_LENGTH_MAX: Final = 512
REQUEST_ID: Final = "X-Reconcile-Request"
"""Names a request that can carry no idempotency key; Codat knows nothing of it."""
_JSON: Final = ("Content-Type", "application/json")


@attrs.frozen(kw_only=True)
class Request:
    """One request, without its host and its key.

    `path` is quoted and has no query. `writes` says that Codat carries something out;
    `keyable`, that an `Idempotency-Key` means something to it. A body is shown by its
    digest alone.
    """

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = attrs.field(
        default=None, repr=lambda body: "None" if body is None else _named(body)
    )
    company_id: str = ""

    @property
    def writes(self) -> bool:
        """Return whether Codat carries something out, rather than tell."""
        return self.method != "GET"

    @property
    def keyable(self) -> bool:
        """Return whether it may carry an idempotency key: PUT may not.

        Source: Codat docs, Idempotency in Codat's API calls (read 2026-11-22).
        """
        return self.method in ("POST", "PATCH")

    @property
    def key(self) -> str | None:
        """Return the idempotency key it carries."""
        return next((v for k, v in self.headers if k == "Idempotency-Key"), None)

    @property
    def target(self) -> str:
        """Return the path with the query, as it is sent."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    def under(self, key: str | None) -> "Request":
        """Return the request with an idempotency key; None leaves it without.

        One key belongs to one body, for 90 minutes: Codat answers 422 to another.

        Raises:
            UsageError: the key is no GUID, or the request can carry none.

        """
        if key is None:
            return self
        if not self.keyable:
            raise UsageError(f"a {self.method} cannot carry an idempotency key")
        try:
            canonical = str(uuid.UUID(key))
        except ValueError as error:
            raise UsageError(f"the idempotency key {key!r} is not a GUID") from error
        return attrs.evolve(
            self, headers=(*self.headers, ("Idempotency-Key", canonical))
        )

    def called(self, request_id: str) -> "Request":
        """Return the request with the GUID by which we know it again in its exchange.

        It is the idempotency key, where the request may carry one.
        """
        if self.keyable:
            return self.under(request_id)
        return attrs.evolve(self, headers=(*self.headers, (REQUEST_ID, request_id)))


# Writes of v1


def push_dataset(company_id: str, items: Sequence[object]) -> Request:
    """Return the push of 1 to 50 expenses as a dataset (v1)."""
    path = _path(company_id, "data", "expense-transactions")
    return _write("POST", path, company_id, {"items": _counted(items)})


def start_sync(company_id: str, dataset_ids: Iterable[str]) -> Request:
    """Return the start of a sync of datasets (v1)."""
    named = list(dataset_ids)
    if not named or not all(dataset_id.strip() for dataset_id in named):
        raise UsageError("no dataset was named, expected at least one id")
    return _write("POST", _path(company_id, "syncs"), company_id, {"datasetIds": named})


# Writes of the current API


def create_expenses(company_id: str, items: Sequence[object]) -> Request:
    """Return the creation of 1 to 50 expenses, synced at once."""
    return _create("expense-transactions", company_id, items)


def create_adjustments(company_id: str, items: Sequence[object]) -> Request:
    """Return the creation of 1 to 50 adjustments, synced at once."""
    return _create("adjustment-transactions", company_id, items)


def create_reimbursables(company_id: str, items: Sequence[object]) -> Request:
    """Return the creation of 1 to 50 reimbursable expenses, synced at once."""
    return _create("reimbursable-expense-transactions", company_id, items)


def update_expense(company_id: str, transaction_id: str, expense: object) -> Request:
    """Return the update of an expense, which has a sync of its own (both dialects)."""
    return _put("expense-transactions", company_id, transaction_id, expense)


def put_transfer(company_id: str, transaction_id: str, transfer: object) -> Request:
    """Return the creation or the update of a transfer."""
    return _put("transfer-transactions", company_id, transaction_id, transfer)


def update_reimbursable(
    company_id: str, transaction_id: str, expense: object
) -> Request:
    """Return the update of a reimbursable expense."""
    kind = "reimbursable-expense-transactions"
    return _put(kind, company_id, transaction_id, expense)


def attach(
    company_id: str,
    sync_id: str,
    transaction_id: str,
    *,
    name: str,
    content: bytes,
    media_type: str = "application/octet-stream",
) -> Request:
    """Return the upload of a receipt to a transaction that was synced.

    The same file makes the same bytes, so that an idempotency key stays true to it.
    """
    kind, body = form_of_file(name=name, content=content, media_type=media_type)
    parts = ("transactions", transaction_id, "attachments")
    return Request(
        method="POST",
        path=_sync_path(company_id, sync_id, *parts),
        headers=(("Content-Type", kind),),
        body=body,
        company_id=canonical_id(company_id),
    )


# Reads


def sync_status(company_id: str, sync_id: str) -> Request:
    """Return the question how a sync stands."""
    if sync_id in ("latest", "lastSuccessful", "list"):
        raise UsageError(f"{sync_id!r} is not the id of a sync")
    return _read(_sync_path(company_id, sync_id, "status"), company_id)


def latest_status(company_id: str) -> Request:
    """Return the question how the sync requested last stands."""
    return _read(_sync_path(company_id, "latest", "status"), company_id)


def last_successful_status(company_id: str) -> Request:
    """Return the question which sync ended well last."""
    return _read(_sync_path(company_id, "lastSuccessful", "status"), company_id)


def statuses(company_id: str) -> Request:
    """Return the question how every sync stands; Codat does not page this list."""
    return _read(_sync_path(company_id, "list", "status"), company_id)


def transactions_page(
    company_id: str, sync_id: str, page: int = 1, *, page_size: int = PAGE_SIZE_MAX
) -> Request:
    """Return the question for one page of a sync's transactions, by its number."""
    path = _sync_path(company_id, sync_id, "transactions")
    return _read(path, company_id, _paged(page, page_size))


def transaction(company_id: str, sync_id: str, transaction_id: str) -> Request:
    """Return the question what a sync says of one transaction."""
    path = _sync_path(company_id, sync_id, "transactions", transaction_id)
    return _read(path, company_id)


def companies_page(page: int = 1, *, page_size: int = PAGE_SIZE_MAX) -> Request:
    """Return the question for one page of the account's companies."""
    return _read("/companies", "", _paged(page, page_size))


def company(company_id: str) -> Request:
    """Return the question for one company with its connections."""
    return _read(f"/companies/{_quoted(company_id)}", company_id)


def webhook_consumers() -> Request:
    """Return the question which consumers of webhooks the account has."""
    return _read("/webhooks", "")


# Parts


def _create(kind: str, company_id: str, items: Sequence[object]) -> Request:
    return _write("POST", _path(company_id, kind), company_id, _counted(items))


def _put(kind: str, company_id: str, transaction_id: str, data: object) -> Request:
    return _write("PUT", _path(company_id, kind, transaction_id), company_id, data)


def _write(method: str, path: str, company_id: str, data: object) -> Request:
    try:
        body = _ENCODER.encode(data)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError("what is to be sent cannot be written as JSON") from error
    return Request(
        method=method,
        path=path,
        headers=(_JSON,),
        body=body,
        company_id=canonical_id(company_id),
    )


_ENCODER: Final = msgspec.json.Encoder(decimal_format="number")  # exact, no float


def _read(
    path: str, company_id: str, query: tuple[tuple[str, str], ...] = ()
) -> Request:
    return Request(
        method="GET", path=path, query=query, company_id=canonical_id(company_id)
    )


def _counted(items: Sequence[object]) -> list[object]:
    if isinstance(items, str | bytes | Mapping):
        raise UsageError("the transactions are not a list")
    if not 1 <= len(items) <= ITEMS_MAX:
        raise UsageError(
            f"{len(items)} transactions were given, expected 1 to {ITEMS_MAX}"
        )
    return list(items)


def _paged(page: int, page_size: int) -> tuple[tuple[str, str], ...]:
    if not 1 <= page <= PAGE_MAX:
        raise UsageError(f"{page} is not a page number, expected 1 or more")
    if not 1 <= page_size <= PAGE_SIZE_MAX:
        raise UsageError(f"the page size is {page_size}, expected 1 to {PAGE_SIZE_MAX}")
    return ("page", str(page)), ("pageSize", str(page_size))


def _sync_path(company_id: str, sync_id: str, *rest: str) -> str:
    return _path(company_id, "syncs", sync_id, *rest)


def _path(company_id: str, *parts: str) -> str:
    quoted = "/".join(map(_quoted, parts))
    return f"/companies/{_quoted(company_id)}/sync/expenses/{quoted}"


def _quoted(part: str) -> str:
    """Return one part of a path, quoted whole: an id can lead to no other place.

    Raises:
        UsageError: it is blank, made of dots, which no quoting makes safe, or longer
            than any id of Codat's, so that it would make no URL.

    """
    if not part.strip() or part in (".", "..") or len(part) > ID_LENGTH_MAX:
        raise UsageError(f"{part[:ID_LENGTH_MAX]!r} is not an id")
    try:
        return quote(part, safe="")
    except UnicodeEncodeError as error:
        raise UsageError(f"{part!r} is not an id") from error


def _named(body: bytes) -> str:
    return f"sha256:{hashlib.sha256(body).hexdigest()}"
