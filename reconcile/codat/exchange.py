"""One HTTP exchange as it was observed, whoever captured it."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import attrs

BODY_BYTES_MAX: Final = 64 * 2**20
STATUS_MAX: Final = 999  # three digits: what HTTP has room for
TOO_MANY: Final = 429

Attached = Callable[[str], bytes | None]
"""Gives a body that a capture keeps in a file of its own, None where there is none."""


@attrs.frozen(kw_only=True)
class Exchange:
    """A request with its answer; status 0: the answer was lost.

    `response_body` and `request_body` are None where the capture holds none;
    `body_dropped` says that there was a response body which the capture left out, and
    `dropped_why` how, where more is known. `observed_at` is when the answer was made:
    a copy from a cache is as old as its original. Of the answer's headers those alone
    are here that say what became of the request: `Retry-After` of a 429, `Location` of
    a 3xx, `Content-Encoding` of a body that is packed still.
    """

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: bytes | None = None
    status: int
    response_headers: tuple[tuple[str, str], ...] = ()
    response_body: bytes | None = None
    body_dropped: bool = False
    dropped_why: str = attrs.field(default="", eq=False)
    observed_at: datetime
    where: str = attrs.field(default="", eq=False)  # its place in a capture

    def header(self, name: str) -> str | None:
        """Return a request header's value, by its name in any case."""
        for key, value in self.request_headers:
            if key.lower() == name:
                return value
        return None

    def answer_header(self, name: str) -> str:
        """Return a header of the answer, "" where it has none; the name in any case."""
        for key, value in self.response_headers:
            if key.lower() == name:
                return value
        return ""


@attrs.frozen(kw_only=True)
class Unreadable:
    """Traffic of Codat's that is no whole exchange; `where` is file and line.

    `raw` is what is kept of it: no credentials, and nothing of anybody else. The
    company is the one that its URL or its body names, None where neither does.
    """

    raw: bytes
    reason: str
    where: str = ""
    company_id: str | None = None
    codats: bool = False  # False: nobody can tell whose it is


@attrs.frozen(kw_only=True)
class OtherTraffic:
    """An entry that is not Codat's, in whatever state: counted, and nothing else."""

    where: str = ""


Captured = Exchange | Unreadable | OtherTraffic
