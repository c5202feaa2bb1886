"""The one door for reading: what was captured, and what it says of syncs. Pure.

Whose call it is comes before anything else; a second provider comes in by here. What a
capture says needs its identity, which intake works out from what is recognised here.
"""

from typing import Literal

import attrs

from reconcile.codat.deliveries import (
    company_named,
    delivery_id,
    is_delivery,
    read_delivery,
)
from reconcile.codat.exchange import Exchange
from reconcile.codat.payloads import read_exchange
from reconcile.codat.routes import Route, route_of
from reconcile.domain.instants import EPOCH
from reconcile.domain.observations import Observation


@attrs.frozen(kw_only=True)
class Read:
    """A capture that is Codat's traffic: an exchange with it, or one of its webhooks.

    `company_id` and `target`, the path with its query in one spelling, are those of an
    exchange's URL; `delivery_id` is what a webhook's header names it.
    """

    kind: Literal["exchange", "delivery"]
    exchange: Exchange
    company_id: str | None = None
    target: str = ""
    delivery_id: str | None = None
    _route: Route | None = None

    def company_named(self) -> str | None:
        """Return the company, of a webhook the one that its body names, if any does."""
        return self.company_id or company_named(self.exchange.request_body)

    def observations(
        self, *, identity: str = "", body_digest: str = ""
    ) -> tuple[Observation, ...]:
        """Return what it says; () where it says nothing of a sync.

        `identity` names a write that got no accepting answer, and a delivery;
        `body_digest` is a delivery's.

        Raises:
            PayloadError: it should say something, and cannot be read.

        """
        if self._route is not None:
            return read_exchange(self.exchange, self._route, request_id=identity)
        return read_delivery(
            self.exchange.request_body or b"",
            delivery=identity,
            header_id=self.delivery_id,
            body_digest=body_digest,
            observed_at=self.exchange.observed_at,
        )


def is_codats_body(body: bytes) -> bool:
    """Return whether a body shows by itself to be a webhook of Codat's."""
    bare = Exchange(
        method="POST", url="", request_body=body, status=0, observed_at=EPOCH
    )
    return is_delivery(bare)


def read(exchange: Exchange) -> Read | None:
    """Return an exchange as what it is; None where it is no traffic of Codat's."""
    route = route_of(exchange.method, exchange.url)
    if route is not None:
        return Read(
            kind="exchange",
            exchange=exchange,
            company_id=route.company_id,
            target=route.target,
            route=route,
        )
    if is_delivery(exchange):
        return Read(
            kind="delivery", exchange=exchange, delivery_id=delivery_id(exchange)
        )
    return None
