"""How these tests read: one captured line in, observations out."""

from reconcile.codat.deliveries import delivery_id, read_delivery
from reconcile.codat.entries import read_entry
from reconcile.codat.exchange import Exchange
from reconcile.codat.payloads import read_exchange
from reconcile.codat.routes import route_of
from reconcile.domain.observations import Observation, WebhookNotice

IDENTITY = "ab" * 32


def captured(line: bytes) -> Exchange:
    """Return the exchange that a line holds."""
    exchange = read_entry(line)
    assert isinstance(exchange, Exchange), exchange
    return exchange


def observations_in(line: bytes) -> tuple[Observation, ...]:
    """Return what an exchange with Codat says."""
    exchange = captured(line)
    route = route_of(exchange.method, exchange.url)
    assert route is not None
    return read_exchange(exchange, route, request_id=IDENTITY)


def delivered(line: bytes) -> tuple[WebhookNotice, ...]:
    """Return what a delivery says of a sync."""
    exchange = captured(line)
    return read_delivery(
        exchange.request_body or b"",
        delivery=IDENTITY,
        header_id=delivery_id(exchange),
        body_digest="cd" * 32,
        observed_at=exchange.observed_at,
    )
