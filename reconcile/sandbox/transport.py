"""The sandbox as a transport of httpx's: a client reaches it without a socket."""

from collections.abc import Callable
from datetime import timedelta

import httpx

from reconcile.sandbox.asgi import call_of
from reconcile.sandbox.messages import Call, Response


class Transport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """A transport for `httpx.Client` and `httpx.AsyncClient` alike; any host will do.

    Waiting takes the sandbox's time, and nobody else's: for a slow answer its clock
    goes on until the answer is there, or the client's read timeout is over.
    """

    def __init__(
        self, handle: Callable[[Call], Response], *, wait: Callable[[timedelta], None]
    ) -> None:
        self._handle = handle
        self._wait = wait

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to one request.

        Raises:
            httpx.ReadTimeout: it was lost, or took longer than the client waits.

        """
        request.read()
        return self._answered(request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return the answer to one request, as `handle_request` does."""
        await request.aread()
        return self._answered(request)

    def _answered(self, request: httpx.Request) -> httpx.Response:
        response = self._handle(
            call_of(
                method=request.method,
                path=request.url.path,
                query=request.url.query,
                headers=request.headers.raw,
                body=request.content,
            )
        )
        patience_s = request.extensions.get("timeout", {}).get("read")
        if response.lost or (patience_s is not None and response.delay_s > patience_s):
            self._wait(timedelta(seconds=patience_s or 0))
            raise httpx.ReadTimeout("No answer arrived in time.", request=request)
        if response.delay_s:
            self._wait(timedelta(seconds=response.delay_s))
        return httpx.Response(
            response.status,
            headers=response.headers,
            content=response.body,
            request=request,
        )
