"""What came of one attempt at a request, and whether anything can be made of it. Pure.

The line is the one that judgement draws through writes: accepted (2xx) and refused (4xx
but 408, 429 and what no server answers) are answers; a rate limit is none, and all the
rest is in doubt.
"""

import hashlib
from typing import Any, Final

import attrs

from reconcile.codat.exchange import Exchange
from reconcile.codat.headers import Headers, header
from reconcile.codat.jsons import loads
from reconcile.codat.requests import Request
from reconcile.domain.vocabulary import OF_NO_ANSWER, OF_ONE_TRY
from reconcile.errors import CodatUnavailable, PayloadError


@attrs.frozen(kw_only=True)
class Missing:
    """That no answer arrived whole, and why."""

    reason: str
    sent: bool = True  # False: it is certain that nothing was
    lasting: bool = False  # asking again would end the same way


@attrs.frozen(kw_only=True)
class Arrived:
    """An answer as it arrived, whole; names of headers are in lower case."""

    status: int
    headers: Headers = ()
    body: bytes = attrs.field(default=b"", repr=False)


Outcome = Arrived | Missing


@attrs.frozen(kw_only=True)
class Answer:
    """An answer that says what became of a request: accepted, or refused.

    `exchange` is what was recorded; its body is bytes, for `codat/payloads.py` to read.
    """

    request: Request
    exchange: Exchange = attrs.field(repr=False)
    headers: Headers = attrs.field(default=(), repr=False)

    @property
    def status(self) -> int:
        """Return the HTTP status."""
        return self.exchange.status

    @property
    def accepted(self) -> bool:
        """Return whether Codat did as it was asked."""
        return 200 <= self.status < 300

    @property
    def body(self) -> bytes:
        """Return the body's bytes."""
        return self.exchange.response_body or b""

    def data(self) -> Any:
        """Return the JSON of an accepted request.

        Raises:
            CodatUnavailable: it was refused.
            PayloadError: the body is no JSON.

        """
        if not self.accepted:
            raise CodatUnavailable(
                f"{_asked(self.request)} was refused with {self.status}",
                status=self.status,
            )
        try:
            return loads(self.body)
        except PayloadError as error:
            digest = hashlib.sha256(self.body).hexdigest()
            raise PayloadError(error.reason, path=error.path, digest=digest) from error

    def named(self, name: str) -> str:
        """Return an id that the answer names: `syncId`, or `datasetId`.

        Raises:
            CodatUnavailable: it was refused.
            PayloadError: it names none.

        """
        data = self.data()
        found = data.get(name) if isinstance(data, dict) else None
        if not isinstance(found, str) or not found.strip():
            digest = hashlib.sha256(self.body).hexdigest()
            raise PayloadError("the answer has no such id", path=name, digest=digest)
        return found


@attrs.frozen(kw_only=True)
class Tried:
    """One attempt: what was asked, what came, and what was recorded of it."""

    request: Request
    outcome: Outcome
    exchange: Exchange | None  # None: our own quota let nothing out
    wait_s: float | None = None  # as Codat or our quota says

    @property
    def status(self) -> int:
        """Return the answer's status, 0 where none arrived."""
        return self.outcome.status if isinstance(self.outcome, Arrived) else 0

    @property
    def not_carried_out(self) -> bool:
        """Return whether it is certain that Codat carried nothing out."""
        if isinstance(self.outcome, Missing):
            return not self.outcome.sent
        return self.status == 429

    @property
    def refused(self) -> bool:
        """Return whether Codat refused it for what it is."""
        return 400 <= self.status < 500 and self.status not in _NO_REFUSALS

    def answer(self, *, in_doubt: bool) -> Answer:
        """Return the answer, where it says what became of the request.

        `in_doubt`: an attempt before this one may have been carried out, so a refusal
        that speaks of this attempt alone says nothing.

        Raises:
            CodatUnavailable: it does not say.

        """
        trouble = self._trouble(in_doubt)
        if trouble is None and self.exchange is not None:
            headers = self.outcome.headers if isinstance(self.outcome, Arrived) else ()
            return Answer(request=self.request, exchange=self.exchange, headers=headers)
        raise CodatUnavailable(
            f"{_asked(self.request)}: {trouble}",
            safe_to_resend=self.not_carried_out and not in_doubt,
            status=self.status,
            wait_s=self.wait_s,
        )

    def _trouble(self, in_doubt: bool) -> str | None:
        """Return why nothing can be made of the outcome, None where something can."""
        if isinstance(self.outcome, Missing):
            return self.outcome.reason
        if 200 <= self.status < 300:
            return "the answer is not JSON" if _no_json(self.outcome) else None
        if 300 <= self.status < 400:
            return f"{self.status}, a redirect, which is not followed"
        if not self.refused:
            return f"the answer was {self.status}"
        if in_doubt and self.status in OF_ONE_TRY:
            return f"the answer was {self.status}, and an earlier attempt is in doubt"
        return None


_NO_REFUSALS: Final = (429, *OF_NO_ANSWER)


def _asked(request: Request) -> str:
    return f"{request.method} {request.path}"


def _no_json(arrived: Arrived) -> bool:
    """Return whether a body is a web page, or nothing; what it says is read later."""
    kind = header(arrived.headers, "content-type").lower()
    return "html" in kind or arrived.body.lstrip()[:1] in (b"", b"<")
