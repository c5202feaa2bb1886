"""What a delivery is answered, whatever server stands before the endpoint."""

from typing import Final

import attrs

PATH: Final = "/webhooks/codat"
HEALTH_PATH: Final = "/healthz"
RETRY_AFTER_S: Final = 30
_DIGITS_MAX: Final = 18  # what a store can count


@attrs.frozen(kw_only=True)
class Reply:
    """A status, the headers that belong to it, and a sentence for a person."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    text: str = ""

    @property
    def body(self) -> bytes:
        """Return the sentence as a line."""
        return f"{self.text}\n".encode() if self.text else b""

    @property
    def fields(self) -> tuple[tuple[str, str], ...]:
        """Return every header, those of the body among them."""
        if self.status == 204:
            return self.headers
        length = ("content-length", str(len(self.body)))
        return (*self.headers, ("content-type", "text/plain; charset=utf-8"), length)


KEPT: Final = Reply(status=204)
ALIVE: Final = Reply(status=200, text="The endpoint is up.")
CUT_SHORT: Final = Reply(status=400, text="The body ended before its length.")
NOT_HERE: Final = Reply(status=404, text="Not found.")
NO_LENGTH: Final = Reply(
    status=411, text="The body has no length, and this server does not end it."
)
TOO_SLOW: Final = Reply(status=408, text="The body took too long to arrive.")
TOO_LONG: Final = Reply(status=413, text="The body is too long.")
HEAD_TOO_LONG: Final = Reply(status=431, text="The head of the request is too long.")
BUSY: Final = Reply(
    status=503,
    headers=(("retry-after", str(RETRY_AFTER_S)),),
    text="It cannot be kept now; deliver it again.",
)


@attrs.frozen
class BodyNotRead:
    """What a delivery is answered whose body nobody has read to its end.

    `body_bytes` is how long it was declared, or else how much of it came.
    """

    answer: Reply
    body_bytes: int


def refused(reason: str) -> Reply:
    """Return the answer to a delivery that nothing shows to be Codat's."""
    return Reply(status=401, text=f"{reason[:1].upper()}{reason[1:]}.")


def lost(why: str) -> Reply:
    """Return what a health check is answered while nothing can be kept, and why."""
    return attrs.evolve(BUSY, text=f"Nothing can be kept: {why}.")


def without_body(method: str, path: str, *, webhooks_at: str) -> Reply | None:
    """Return what is answered before a body is read; None for a delivery.

    One slash at the end of its path is forgiven.
    """
    if path == HEALTH_PATH:
        return ALIVE if method in ("GET", "HEAD") else _only("GET, HEAD")
    if path.removesuffix("/") != webhooks_at.removesuffix("/"):
        return NOT_HERE
    return None if method == "POST" else _only("POST")


def _only(methods: str) -> Reply:
    text = f"Only {methods.replace(', ', ' and ')} can be answered here."
    return Reply(status=405, headers=(("allow", methods),), text=text)


def length_of(declared: str) -> int | None:
    """Return the length a request declares; None where it is no number.

    One that is longer than anything is returned as a length that is.
    """
    if not (declared.isascii() and declared.isdecimal()):
        return None
    return int(declared) if len(declared) <= _DIGITS_MAX else 10**_DIGITS_MAX
