"""Where a delivery leaves the sandbox for a URL, and what counts as an answer."""

import ipaddress
from time import monotonic
from typing import Final

import httpx

from reconcile.sandbox.deliveries import ANSWER_S, NO_ANSWER, Delivery
from reconcile.sandbox.messages import Response

_HERE: Final = ("localhost", "ip6-localhost")


class Poster:
    """Posts deliveries: to this machine alone, unless it may go anywhere.

    A rule copied from Codat's page names a stranger's address; what is tested here is
    nothing to post there. Without `http`, whose owner closes it, each post has a client
    of its own.
    """

    def __init__(
        self, http: httpx.Client | None = None, *, anywhere: bool = False
    ) -> None:
        self._http = http
        self._anywhere = anywhere

    def __call__(self, delivery: Delivery) -> Response:
        """Return the answer of a delivery's URL; a status of 0 for none in time."""
        if delivery.url is None or not (self._anywhere or _is_here(delivery.url)):
            return NO_ANSWER
        try:
            if self._http is not None:
                return _post(self._http, delivery, delivery.url)
            with httpx.Client(trust_env=self._anywhere) as http:
                return _post(http, delivery, delivery.url)
        except (httpx.HTTPError, httpx.InvalidURL):
            return NO_ANSWER


def _post(http: httpx.Client, delivery: Delivery, url: str) -> Response:
    """Redirects were followed by the rules service, and are failures to the other."""
    began = monotonic()
    response = http.request(
        delivery.method,
        url,
        headers=list(delivery.headers),
        content=delivery.body,
        timeout=ANSWER_S,
        follow_redirects=delivery.generation == "legacy",
    )
    if monotonic() - began > ANSWER_S:  # httpx limits each step, not their sum
        return NO_ANSWER
    return Response(
        status=response.status_code, headers=tuple(response.headers.multi_items())
    )


def _is_here(url: str) -> bool:
    try:
        host = httpx.URL(url).host
        return (
            host in _HERE
            or host.endswith(".localhost")
            or ipaddress.ip_address(host).is_loopback
        )
    except (httpx.InvalidURL, ValueError):
        return False
