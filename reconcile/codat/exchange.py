"""One HTTP exchange as it was observed, whoever captured it."""

from datetime import datetime

import attrs


@attrs.frozen(kw_only=True)
class Exchange:
    """A request with its answer; status 0: the answer was lost.

    `response_body` and `request_body` are None where the capture holds none;
    `body_dropped` says that there was a response body which the capture left out.
    """

    method: str
    url: str
    request_headers: tuple[tuple[str, str], ...] = ()
    request_body: bytes | None = None
    status: int
    response_headers: tuple[tuple[str, str], ...] = ()  # of a 429 alone
    response_body: bytes | None = None
    body_dropped: bool = False
    observed_at: datetime
    where: str = attrs.field(default="", eq=False)  # its place in a capture

    def header(self, name: str) -> str | None:
        """Return a request header's value, by its name in any case."""
        for key, value in self.request_headers:
            if key.lower() == name:
                return value
        return None


@attrs.frozen(kw_only=True)
class Unreadable:
    """Bytes of a capture that are no exchange; `where` is file and line."""

    raw: bytes
    reason: str
    where: str = ""
