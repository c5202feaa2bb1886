"""A request and its answer as values: what every face of the sandbox turns into."""

from collections.abc import Mapping
from typing import Any, Final

import attrs
import msgspec

BODY_BYTES_MAX: Final = 10 * 2**20


@attrs.frozen(kw_only=True)
class Call:
    """One HTTP request; header names are in lower case, the path has no query."""

    method: str
    path: str
    query: Mapping[str, str] = attrs.field(factory=dict)
    headers: Mapping[str, str] = attrs.field(factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Return the body as plain data; None where it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return None


@attrs.frozen(kw_only=True)
class Response:
    """One HTTP response, and whether and when it arrives."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    lost: bool = False  # made, and never arrives
    delay_s: float = 0.0  # of the sandbox's time, until it arrives


def answer(status: int, data: Any) -> Response:
    """Return an answer that holds data as JSON."""
    return Response(
        status=status,
        headers=(("Content-Type", "application/json; charset=utf-8"),),
        body=msgspec.json.encode(data),
    )
