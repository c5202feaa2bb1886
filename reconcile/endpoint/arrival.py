"""What a delivery is worth as it arrives: evidence, or to be kept apart."""

from datetime import datetime
from typing import Final

from reconcile.codat.exchange import Captured, Exchange, Unreadable
from reconcile.codat.read import is_codats_body, read
from reconcile.codat.signatures import Headers, Pairs, pairs_of
from reconcile.endpoint.answers import KEPT, PATH
from reconcile.endpoint.trust import Trust, worth_keeping
from reconcile.errors import SignatureError
from reconcile.intake.captures import UNRECOGNISED_DELIVERY
from reconcile.storage.refused import UntrustedDelivery

HEADER_KEPT_MAX: Final = 1024
DELIVERED_TO: Final = f"http://localhost{PATH}"
"""What stands as the URL of a delivery; the path it came by says nothing of it."""


def arrived(
    headers: Headers, body: bytes, *, trust: Trust, now: datetime
) -> Captured | UntrustedDelivery:
    """Return a delivery as evidence, unreadable where it is no webhook of Codat's.

    Where nothing shows it to be Codat's, it is returned as what is kept apart.
    """
    pairs = pairs_of(headers)
    try:
        headers_to_keep = trust.headers_to_keep(pairs, body, now=now)
    except SignatureError as error:
        return UntrustedDelivery.of(
            body,
            received_at=now,
            reason=str(error),
            headers=_cut(pairs),
            keep_body=is_codats_body(body),
        )
    delivery = Exchange(
        method="POST",
        url=DELIVERED_TO,
        request_headers=headers_to_keep,
        request_body=body,
        status=KEPT.status,
        observed_at=now,
    )
    found = read(delivery)
    if found is not None and found.kind == "delivery":
        return delivery
    return Unreadable(raw=body, reason=UNRECOGNISED_DELIVERY)


def unread(
    headers: Headers, *, body_bytes: int, reason: str, now: datetime
) -> UntrustedDelivery:
    """Return a delivery whose body nobody has read to its end, to be kept apart."""
    return UntrustedDelivery.unread(
        body_bytes, received_at=now, reason=reason, headers=_cut(pairs_of(headers))
    )


def _cut(pairs: Pairs) -> Pairs:
    """Return the headers that are worth keeping of a delivery nobody vouches for."""
    return tuple((n, v[:HEADER_KEPT_MAX]) for n, v in worth_keeping(pairs))
