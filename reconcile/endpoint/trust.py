"""Whose deliveries an endpoint takes for Codat's."""

from datetime import datetime, timedelta
from typing import Final

import attrs

from reconcile.codat.scrubbing import HEADERS_KEPT
from reconcile.codat.signatures import (
    PROOFS,
    TOLERANCE,
    Pairs,
    authorised,
    checked,
    signed_by,
)
from reconcile.errors import SignatureError

_PROOFS = frozenset(name for names in PROOFS for name in names)


@attrs.frozen(kw_only=True)
class Trust:
    """What shows a delivery to be Codat's; with none of it, every one is refused.

    `secrets` are those of the webhook service, all in force. `authorization` is the
    header's value that legacy rules were given. `unsigned` takes every delivery: for
    an endpoint that nobody else can reach.
    """

    secrets: tuple[str, ...] = attrs.field(default=(), converter=checked, repr=False)
    authorization: str | None = attrs.field(default=None, repr=False)
    unsigned: bool = False
    tolerance: timedelta = TOLERANCE

    def headers_to_keep(self, headers: Pairs, body: bytes, *, now: datetime) -> Pairs:
        """Return the headers of a trusted delivery that are kept with it.

        Of a signed one no other id is kept than that which was signed: by it, a
        delivery is known again.

        Raises:
            SignatureError: nothing shows that it is Codat's.

        """
        others = worth_keeping(headers)
        if self.unsigned:
            return others
        if self.authorization and authorised(headers, self.authorization):
            return others
        if not self.secrets:
            raise SignatureError("no webhook secret is configured here")
        proof = signed_by(
            headers, body, self.secrets, now=now, tolerance=self.tolerance
        )
        return (*proof, *((n, v) for n, v in others if n not in _PROOFS))


NOBODY: Final = Trust()
"""Takes no delivery: no secret is given."""


def worth_keeping(headers: Pairs) -> Pairs:
    """Return the headers that are kept with evidence: no secret is among them."""
    return tuple((n.lower(), v) for n, v in headers if n.lower() in HEADERS_KEPT)
