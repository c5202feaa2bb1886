"""Listings in pages: which page to ask for next, and when there is none. Pure.

Pages are known by number. Codat's links are never followed: they name the paths of a
host that is gone, and could name any other.
"""

import hashlib
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import attrs
import msgspec

from reconcile.codat import requests
from reconcile.codat.client.answers import Answer
from reconcile.codat.jsons import count
from reconcile.codat.requests import Request
from reconcile.errors import CodatUnavailable, PayloadError, UsageError

PAGES_MAX: Final = 1000


class _Page(msgspec.Struct, gc=False):
    results: list[msgspec.Raw]
    pageSize: Any = None  # noqa: N815 - Codat's names
    totalResults: Any = None  # noqa: N815


_decode: Final = msgspec.json.Decoder(_Page).decode


@attrs.define(kw_only=True)
class Paging:
    """One reading of a listing, from page `first` on.

    It ends after an empty page, or when as many rows were told as there are in all; a
    short page ends it only where no total is told. Rows of pages before `first` are
    taken as told. `at` is the page to ask for next: where to go on after a failure.
    """

    page: Callable[[int], Request]  # the request for the page of a number
    page_size: int
    first: int = 1
    pages_max: int = PAGES_MAX
    at: int = attrs.field(init=False)
    _told: int = attrs.field(default=0, init=False)  # rows since `first`
    _done: bool = attrs.field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        if self.first < 1:
            raise UsageError(f"{self.first} is not a page number, expected 1 or more")
        self.at = self.first

    def next(self) -> Request | None:
        """Return the request for the next page, None where the listing has ended.

        Raises:
            CodatUnavailable: it goes on beyond `pages_max` pages, as none does.

        """
        if self._done:
            return None
        if self.at >= self.first + self.pages_max:
            raise CodatUnavailable(f"the listing has more than {self.pages_max} pages")
        return self.page(self.at)

    def take(self, answer: Answer) -> None:
        """Take in the answer to the request that `next` returned.

        Raises:
            CodatUnavailable: it was refused.
            PayloadError: it is no page.

        """
        rows, size, total = _figures(answer)
        size = size or self.page_size
        self._told += rows
        before = (self.first - 1) * size
        if total is None:
            self._done = rows < size
        else:
            self._done = not rows or before + self._told >= total
        self.at += 1


def transactions(
    company_id: str, sync_id: str, *, first: int, page_size: int, most: int
) -> Paging:
    """Return the reading of a sync's transactions."""
    page = partial(requests.transactions_page, company_id, sync_id, page_size=page_size)
    return Paging(page=page, page_size=page_size, first=first, pages_max=most)


def companies(*, page_size: int) -> Paging:
    """Return the reading of the account's companies."""
    page = partial(requests.companies_page, page_size=page_size)
    return Paging(page=page, page_size=page_size)


def _figures(answer: Answer) -> tuple[int, int | None, int | None]:
    """Return how many rows a page has, should have, and how many there are in all."""
    try:
        page = _decode(answer.body) if answer.accepted else None
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        page = None
    if page is not None:
        return len(page.results), count(page.pageSize), count(page.totalResults)
    data = answer.data()
    results = data.get("results") if isinstance(data, dict) else None
    if not isinstance(results, list):
        digest = hashlib.sha256(answer.body).hexdigest()
        raise PayloadError("results is not a list", digest=digest)
    return len(results), count(data.get("pageSize")), count(data.get("totalResults"))
