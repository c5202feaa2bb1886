"""Codat's routes: which call a URL is, and what its path names.

Source: Codat's OpenAPI files for Sync for Expenses, v1 and current; the first
generation's host and paths from their history (2023-02). Read 2026-11-22.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import attrs

from reconcile.domain.identity import canonical_id

FIRST_HOST: Final = "expensesync.codat.io"


@attrs.frozen(kw_only=True)
class Route:
    """One call: `name` says which; absent ids are empty.

    `target` is the path with its query, as the exchange's identity holds it.
    """

    name: str
    company_id: str
    sync_id: str = ""
    transaction_id: str = ""
    page: int | None = None
    target: str


@lru_cache(maxsize=4096)
def route_of(method: str, url: str) -> Route | None:
    """Return the call that a request is, or None where it is not Sync for Expenses.

    A call under the product's path that we have no use for is the route "other".
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return None
    found = _CURRENT(parts.path)
    if found is None and host == FIRST_HOST:
        found = _FIRST(parts.path)
    if found is None or method in ("OPTIONS", "HEAD"):
        return None
    target = f"{parts.path}?{parts.query}" if parts.query else parts.path
    company_id = canonical_id(unquote(found[1]))
    rest = found[2] or ""
    for name, verb, matches in _ROUTES:
        if verb == method and (match := matches(rest)) is not None:
            ids = {
                key: canonical_id(unquote(v)) for key, v in match.groupdict().items()
            }
            return Route(
                name=name,
                company_id=company_id,
                sync_id=ids.get("sync", ""),
                transaction_id=ids.get("transaction", ""),
                page=_page(parts.query) if name == "page" else None,
                target=target,
            )
    return Route(name="other", company_id=company_id, target=target)


def _page(query: str) -> int:
    values = parse_qs(query).get("page", ["1"])
    return int(values[0]) if re.fullmatch(r"[0-9]{1,9}", values[0]) else 1


_CURRENT: Final = re.compile(r"/companies/([^/]+)/sync/expenses(/.*)?").fullmatch
_FIRST: Final = re.compile(
    r"/companies/([^/]+)(/(?:syncs|data/expense-transactions)(?:/.*)?)"
).fullmatch
_S: Final = r"/syncs/(?P<sync>[^/]+)"
_T: Final = r"(?P<transaction>[^/]+)"
_ROUTES: Final = tuple(
    (name, verb, re.compile(pattern + "/?").fullmatch)
    for name, verb, pattern in (
        ("page", "GET", rf"{_S}/transactions"),
        ("transaction", "GET", rf"{_S}/transactions/{_T}"),
        ("latest", "GET", r"/syncs/(?:latest|lastSuccessful)/status"),
        ("list", "GET", r"/syncs/list/status"),
        ("status", "GET", rf"{_S}/status"),
        ("push", "POST", r"/data/expense-transactions"),
        ("syncs", "POST", r"/syncs"),
        ("create", "POST", r"/(?:expense|adjustment)-transactions"),
        ("create", "POST", r"/reimburs(?:able|eable)-expense-transactions"),
        ("update", "PUT", rf"/expense-transactions/{_T}"),
        ("update", "PUT", rf"/reimburs(?:able|eable)-expense-transactions/{_T}"),
        ("put", "PUT", rf"/transfer-transactions/{_T}"),
    )
)
