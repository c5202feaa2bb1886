"""What httpx brings, read within bounds: the same for a sync and an async client."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx

from reconcile.codat.bodies import Body, BodyError
from reconcile.codat.client.answers import Arrived, Missing
from reconcile.codat.client.deadlines import CallEnded, TimedCall
from reconcile.codat.headers import Headers
from reconcile.errors import UsageError

TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0, pool=10.0)  # of one step, seconds


class ResponseReader:
    """An answer on its way in: bounded in bytes, and in time."""

    def __init__(
        self, response: httpx.Response, *, call: TimedCall, bytes_max: int
    ) -> None:
        headers = response.headers
        # A body that the transport, or a hook of the host's, has read is unpacked.
        encoding = "" if self.is_read(response) else headers.get("content-encoding", "")
        self._status = response.status_code
        self._headers: Headers = tuple(
            (name.lower(), value) for name, value in headers.multi_items()
        )
        length = headers.get("content-length", "")
        self._body = Body(encoding=encoding, length=length, bytes_max=bytes_max)
        self._call = call
        # What httpx did not say before, as of a connection that somebody else opened.
        call.goes_over(response.extensions.get("network_stream"))

    @staticmethod
    def is_read(response: httpx.Response) -> bool:
        """Return whether the body is in memory already."""
        return response.is_stream_consumed

    def feed(self, piece: bytes) -> None:
        """Take in the next piece.

        Raises:
            BodyError: it is too much, or is broken.
            CallEnded: it takes too long.

        """
        self._body.feed(piece)
        self._call.check()

    def whole(self) -> Arrived:
        """Return the answer.

        Raises:
            BodyError: it breaks off.

        """
        return Arrived(
            status=self._status, headers=self._headers, body=self._body.whole()
        )


def missing(error: httpx.TransportError | BodyError) -> Missing:
    """Return what an error means: nothing was sent, or nobody knows.

    Names that cannot be resolved and TLS that fails are errors of connecting, too.
    """
    match error:
        case CallEnded():
            return Missing(reason=str(error), sent=error.sent)
        case httpx.ConnectError() | httpx.ConnectTimeout():
            return Missing(reason=f"no connection: {_words(error)}", sent=False)
        case httpx.PoolTimeout():
            return Missing(reason="no connection was free in time", sent=False)
        case httpx.TimeoutException():
            return Missing(reason="no answer arrived in time")
        case BodyError():
            return Missing(reason=str(error), lasting=True)
        case _:
            return Missing(reason=f"the answer was lost: {_words(error)}")


def _words(error: Exception) -> str:
    return str(error) or type(error).__name__


@contextmanager
def opening() -> Iterator[None]:
    """Turn what httpx says of the environment's proxies and certificates into words.

    Raises:
        UsageError: it can use none of them.

    """
    try:
        yield
    except (ImportError, ValueError, OSError) as error:
        raise UsageError(
            "the proxies or certificates that the environment names cannot be used:"
            f" {error}"
        ) from error
