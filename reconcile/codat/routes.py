"""Codat's routes: which call a URL is, and what its path names.

Source: Codat's OpenAPI files for Sync for Expenses, v1 and current; the first
generation's host and paths from their history (2023-02). Read 2026-11-22.
"""

import re
from functools import lru_cache
from typing import Final
from urllib.parse import unquote, urlsplit

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


def route_of(method: str, url: str) -> Route | None:
    """Return the call that a request is, or None where it is not Sync for Expenses.

    A call under the product's path that we have no use for is the route "other".
    """
    address, _, rest = url.partition("?")
    route = _route(method, address)
    query = rest.partition("#")[0]
    if route is None or not query:
        return route
    page = _page(query) if route.name == "page" else None
    return attrs.evolve(route, page=page, target=f"{route.target}?{query}")


@lru_cache(maxsize=4096)
def _route(method: str, address: str) -> Route | None:
    """Return the call of a URL without its query: the pages of a sync share it."""
    try:
        parts = urlsplit(address)
        host = parts.hostname
    except ValueError:
        return None
    found = _CURRENT(parts.path)
    if found is None and host == FIRST_HOST:
        found = _FIRST(parts.path)
    if found is None or method in ("OPTIONS", "HEAD"):
        return None
    company_id = canonical_id(_unquoted(found[1]))
    rest = found[2] or ""
    for name, verb, matches in _ROUTES:
        if verb == method and (match := matches(rest)) is not None:
            ids = {
                key: canonical_id(_unquoted(v)) for key, v in match.groupdict().items()
            }
            return Route(
                name=name,
                company_id=company_id,
                sync_id=ids.get("sync", ""),
                transaction_id=ids.get("transaction", ""),
                page=1 if name == "page" else None,
                target=parts.path,
            )
    return Route(name="other", company_id=company_id, target=parts.path)


def _page(query: str) -> int:
    """Return the page that a query asks for; Codat's default is the first."""
    asked = _PAGE(query)
    return int(asked[1]) if asked else 1


_PAGE: Final = re.compile(r"(?:^|&)page=([0-9]{1,9})(?:&|$)").search
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


def _unquoted(part: str) -> str:
    """Return a part of a path as text, with no NUL in it."""
    return unquote(part).replace("\0", "\ufffd")
