"""Codat's routes: which call a URL is, and what its path names.

Source: Codat's OpenAPI files for Sync for Expenses, v1 and current; the first
generation's host and paths from their history (2023-02). Read 2026-11-22.
"""

import posixpath
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


@lru_cache(maxsize=64)
def route_of(method: str, url: str) -> Route | None:
    """Return the call that a request is, or None where it is not Sync for Expenses.

    A call under the product's path that we have no use for is the route "other".
    Whatever stands before that path is a gateway's own: any host, any prefix, doubled
    slashes.
    """
    address, _, rest = url.partition("?")
    route = _route(method, address)
    query = known_query(rest.partition("#")[0])
    if route is None or not query:
        return route
    page = _page(query) if route.name == "page" else None
    return attrs.evolve(route, page=page, target=f"{route.target}?{query}")


@lru_cache(maxsize=4096)
def _route(method: str, address: str) -> Route | None:
    """Return the call of a URL without its query: the pages of a sync share it."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").rstrip(".")
    except ValueError:
        return None
    path = _plain_path(parts.path)
    found = _CURRENT(path)
    if found is None and (host == FIRST_HOST or f"/{FIRST_HOST}/" in path):
        found = _FIRST(path)
    if (
        found is None
        or method in ("OPTIONS", "HEAD", "TRACE", "CONNECT")
        or parts.scheme not in _HTTP
    ):
        return None
    target = found[0]
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
                target=target,
            )
    return Route(name="other", company_id=company_id, target=target)


def _plain_path(path: str) -> str:
    """Return a path without what a server takes no notice of.

    Doubled slashes, blanks at its end, characters that need not be escaped, parameters
    of a part (`;v=1`), and parts that are dots.
    """
    path = _SLASHES("/", path)
    if "%" in path or " " in path:
        path = _ESCAPED(lambda match: unquote(match[0]), path).rstrip()
        path = _SPLIT("sync/expenses", path)
    if ";" in path:
        path = _PARAMETERS("", path)
    return posixpath.normpath(path) if "/." in path else path


def origin_of(url: str) -> str:
    """Return a URL's scheme and host, "" where it names none; no user, no password."""
    try:
        parts = urlsplit(url.partition("?")[0])
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return ""
    if parts.scheme not in _HTTP or not _HOST(host):
        return ""
    named = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{named}{'' if port is None else f':{port}'}"


def known_query(query: str) -> str:
    """Return the parts of a query that are Codat's.

    Source: Codat's OpenAPI files: every list is asked for by these four.
    """
    if not query:
        return ""
    return "&".join(part for part in _PARTS(query) if _CODATS(part))


_CODATS: Final = re.compile(
    r"(?:page|pageSize)=[\w-]{0,10}|(?:query|orderBy)=[^#/]{0,500}", re.IGNORECASE
).fullmatch
_PARTS: Final = re.compile("[&;?]").split
_HOST: Final = re.compile(r"[\w.:-]{1,255}").fullmatch
_ESCAPED: Final = re.compile(
    "%(?:20|2[DdEe]|3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa]|5[Ff]|7[Ee])"
).sub
_SPLIT: Final = re.compile("sync%2Fexpenses", re.IGNORECASE).sub
_PARAMETERS: Final = re.compile(";[^/]*").sub


def _page(query: str) -> int:
    """Return the page that a query asks for; Codat's default is the first."""
    asked = _PAGE(query)
    return int(asked[1]) if asked else 1


_PAGE: Final = re.compile(r"(?:^|&)page=([0-9]{1,9})(?:&|$)", re.IGNORECASE).search
_HTTP: Final = ("", "http", "https")
_SLASHES: Final = re.compile("//+").sub
_CURRENT: Final = re.compile(
    r"/companies/([^/]+)/sync/expenses(/.*)?\Z", re.IGNORECASE | re.DOTALL
).search
_FIRST: Final = re.compile(
    r"/companies/([^/]+)(/(?:syncs|data/expense-transactions)(?:/.*)?)\Z",
    re.IGNORECASE | re.DOTALL,
).search
_S: Final = r"/syncs/(?P<sync>[^/]+)"
_T: Final = r"(?P<transaction>[^/]+)"
_ROUTES: Final = tuple(
    (name, verb, re.compile(pattern + "/?", re.IGNORECASE).fullmatch)
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
