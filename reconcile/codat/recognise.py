"""Whose a request is, whatever else of it can be read. Pure."""

from datetime import datetime
from typing import Final

import attrs

from reconcile.codat.deliveries import company_named, is_delivery
from reconcile.codat.exchange import Exchange
from reconcile.codat.headers import Headers
from reconcile.codat.routes import route_of
from reconcile.domain.instants import EPOCH

_ANY_TIME: Final[datetime] = EPOCH


@attrs.frozen
class OwnTraffic:
    """That a request is Codat's traffic, and the company it names, if any."""

    company_id: str | None


def owner_of(
    method: str, url: str, headers: Headers, body: bytes | None
) -> OwnTraffic | None:
    """Return whose a request is; None where it is no traffic of Codat's."""
    route = route_of(method, url)
    if route is not None:
        return OwnTraffic(route.company_id)
    delivery = unanswered(method, url, headers, body)
    return OwnTraffic(company_named(body)) if is_delivery(delivery) else None


def unanswered(method: str, url: str, headers: Headers, body: bytes | None) -> Exchange:
    """Return a request alone: nothing is asked of its answer, or of its time."""
    return Exchange(
        method=method,
        url=url,
        request_headers=headers,
        request_body=body,
        status=0,
        observed_at=_ANY_TIME,
    )
