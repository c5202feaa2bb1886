"""One connection to the endpoint's own port: bounded, and patient with nobody.

uvicorn and its parser set no limits to a head, to trailers or to a pipeline, and wait
for ever for a request to begin and for an answer to be read.
"""

import asyncio
import logging
from http import HTTPStatus
from typing import Final

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import (
    HttpToolsProtocol,
    RequestResponseCycle,
)

from reconcile.endpoint.answers import HEAD_TOO_LONG, Reply

HEAD_BYTES_MAX: Final = 64 * 2**10
HEADERS_MAX: Final = 200
PIPELINE_MAX: Final = 20
LAST_WAIT_S: Final = 1.0  # for bodies to arrive, once the server is told to stop


class _TooManyError(Exception):
    """Stops the parser, which then reads no more of what has come."""


class Connection(HttpToolsProtocol):
    """Takes heads of a certain size, a few requests at once, and hears what is said.

    A connection whose next request does not begin within `wait_s` is closed, and one
    whose answers are not read is cut.
    """

    wait_s: float
    connections_max: int
    log: logging.Logger

    _between = 0  # bytes since a head, a piece of a body or a request was through
    _stalled = False
    _answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        """Begin to watch; let nobody in where far too many are."""
        self.logger = self.log
        super().connection_made(transport)
        self._watch()
        if len(self.connections) > self.connections_max:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch no more, and tell whoever is at an answer: uvicorn tells the last."""
        self._look.cancel()
        if self._answering is not None:
            self._answering.disconnected = True
            self._answering.message_event.set()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Answer what has arrived, and wait a moment for what has half done so."""
        super().shutdown()
        self.loop.call_later(LAST_WAIT_S, self._cut_short)

    def data_received(self, data: bytes) -> None:
        """Read what came, and refuse a head that does not end."""
        self._between += len(data)
        super().data_received(data)
        if self._between and self._too_much() and not self.transport.is_closing():
            self._refuse_head()

    def eof_received(self) -> bool:  # type: ignore[override]  # as asyncio's own
        """Return whether a sender that has said all is yet to be answered."""
        if self.cycle is None or self.cycle.response_complete or self.cycle.more_body:
            return False
        self.cycle.keep_alive = False
        return True

    def on_headers_complete(self) -> None:
        """Take a request, unless it has too many headers or too many wait before it."""
        self._between = 0
        if len(self.headers) > HEADERS_MAX or len(self.pipeline) >= PIPELINE_MAX:
            raise _TooManyError
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a piece of a body."""
        self._between = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that a request is through."""
        self._between = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Say what is wrong with a request that was not taken."""
        if self._too_much():
            self._refuse_head()
        else:
            super().send_400_response(msg)

    def _start_asgi_task(
        self, cycle: RequestResponseCycle, app: ASGI3Application
    ) -> None:
        self._answering = cycle
        super()._start_asgi_task(cycle, app)

    def _too_much(self) -> bool:
        """Return whether a head, or what follows a body, is too long."""
        headers = self.headers or ()
        return self._between > HEAD_BYTES_MAX or len(headers) > HEADERS_MAX

    def _refuse_head(self) -> None:
        under_way = self.cycle and not self.cycle.response_complete
        if not (under_way and self.cycle.response_started):
            self.transport.write(_written(HEAD_TOO_LONG))
        self.transport.close()

    def _cut_short(self) -> None:
        """Let go of a sender that is still at its body: it sends again."""
        if self.cycle is not None and self.cycle.more_body:
            self.transport.abort()

    def _watch(self) -> None:
        self._last = self.cycle
        self._look = self.loop.call_later(self.wait_s, self._close_if_idle)

    def _close_if_idle(self) -> None:
        idle = self.cycle is None or self.cycle.response_complete
        stalled = self.transport.is_closing() or self.flow.write_paused
        if stalled and self._stalled:
            self.transport.abort()
        elif idle and self.cycle is self._last:
            self.transport.close()
        self._stalled = stalled
        self._watch()


def _written(answer: Reply) -> bytes:
    """Return an answer that ends its connection, as it is sent."""
    lines = [
        f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}",
        *(f"{name}: {value}" for name, value in answer.fields),
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + answer.body
