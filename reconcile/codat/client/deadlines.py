"""The time that a whole call may take, and what ends it when that is over.

httpx bounds each read and each write alone: a server that sends a byte now and then, or
one interim answer after another, would hold a call for ever. A blocking call ends when
its socket is shut by another thread, so one watches all that are under way.
"""

import asyncio
import itertools
import os
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any, Final
from weakref import WeakSet

import attrs
import httpx

from reconcile.codat.bodies import BodyError

DEADLINE_S: Final = 120.0
STOPPED: Final = "it was stopped"
ANSWERED: Final = "http11.receive_response_headers.complete"
_DIALS: Final = ("connect_tcp.started", "connect_unix_socket.started")
_DIALLED: Final = ("connect_tcp.complete", "connect_unix_socket.complete")
UNASKED: Final = "it was there before it was asked for"
_MARK_S: Final = 1e-8  # by so much, or more, the timeouts of two calls differ
_MARKS: Final = 10**6
_UNSENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_NO_LINGER: Final = struct.pack("ii", 1, 0)
_numbers: Final = itertools.count(1)


class CallEnded(httpx.TimeoutException):
    """A call did not end by its deadline, or was stopped before it."""

    def __init__(self, reason: str, *, sent: bool) -> None:
        super().__init__(reason)
        self.sent = sent  # False: it is certain that nothing was


@attrs.define(eq=False)
class Calls:
    """The calls of one client, to be stopped together."""

    stopped: bool = False

    def stop(self) -> None:
        """End every call that is under way, and each that begins later."""
        self.stopped = True
        _watch.stop(self)


class TimedCall:
    """One request under way: until when, how far it is, and over which socket.

    httpx takes any connection of its pool and does not say which. But whatever reads or
    writes for a call first sets the socket's timeout to the call's own, which differs
    from every other call's by a few nanoseconds: the socket is known by that.
    """

    def __init__(self, seconds: float, calls: Calls | None = None) -> None:
        self.seconds = seconds
        self.calls = calls or Calls()
        self.ends_at = time.monotonic() + seconds
        self._mark_s = next(_numbers) % _MARKS * _MARK_S
        self._connect_s = self._read_s = self._write_s = 0.0
        self._shut = False
        self._connecting = self._sending = self._waited = False
        self._dialled: socket.socket | None = None
        self._stream: Any = None  # of httpx, in an event loop, until TLS has it

    @property
    def is_over(self) -> bool:
        """Return whether nothing that comes now is an answer any more."""
        return self._shut or self.calls.stopped or time.monotonic() > self.ends_at

    def timeout(self, usual: httpx.Timeout) -> httpx.Timeout:
        """Return the timeouts of single steps; none is longer than the whole."""
        connect, read, write, pool = (
            min(self.seconds if each is None else each, self.seconds) + self._mark_s
            for each in (usual.connect, usual.read, usual.write, usual.pool)
        )
        self._connect_s, self._read_s = connect, read
        self._write_s = write + _MARK_S / 2
        return httpx.Timeout(connect=connect, read=read, write=self._write_s, pool=pool)

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear from httpx how far a blocking call is: its extension `trace`."""
        stage = self._noted(event, info)
        if stage in _DIALLED:
            self.goes_over(info["return_value"], dialled=True)
        elif stage == "start_tls.complete":
            self.goes_over(info["return_value"])
        elif stage == "send_request_headers.started":
            self.check()
            if self._sending:
                self.leave()
        elif event == ANSWERED and _watch.finds(self._write_s):
            # A socket that was read from would have another timeout by now.
            raise httpx.RemoteProtocolError(UNASKED)

    async def trace_async(self, event: str, info: Mapping[str, Any]) -> None:
        """Hear the same in an event loop, which ends a call by itself."""
        stage = self._noted(event, info)
        if stage in _DIALLED:
            self._stream = info["return_value"]
        elif stage in ("start_tls.complete", "send_request_headers.started"):
            self._stream = None
        elif event == "http11.receive_response_headers.started":
            self._waited = False
            asyncio.get_running_loop().call_soon(self._wait)
        elif event == ANSWERED and not self._waited:
            raise httpx.RemoteProtocolError(UNASKED)

    def _noted(self, event: str, info: Mapping[str, Any]) -> str:
        """Return which stage has begun or ended, and remember how far that is."""
        _, _, stage = event.partition(".")
        if stage in _DIALS:
            self._connecting = True
        elif stage == "send_request_headers.started":
            # A proxy is asked first for a connection to whom the request is for.
            self._sending = info["request"].method != b"CONNECT"
        return stage

    def _wait(self) -> None:
        """Note that the event loop went on: an answer was waited for."""
        self._waited = True

    def goes_over(self, stream: Any, *, dialled: bool = False) -> None:
        """Note a network stream of httpx's, to be shut when the time is over."""
        found = None if stream is None else stream.get_extra_info("socket")
        if isinstance(found, socket.socket):
            self.leave()
            if dialled:
                # TLS takes the socket away for its own: a copy still reaches the peer.
                self._dialled = found.dup()
            _watch.know(found)
            if self.is_over:
                _shut(found)

    def leave(self) -> None:
        """Let go of what the call alone has."""
        with _watch.lock:
            dialled, self._dialled = self._dialled, None
        if dialled is not None:
            dialled.close()

    async def leave_async(self) -> None:
        """Close what httpx leaves open: a connection whose handshake did not end."""
        if self._stream is not None:
            await self._stream.aclose()

    def check(self) -> None:
        """Let nobody go on with a call that is over.

        Raises:
            CallEnded: it is.

        """
        if self.is_over:
            raise self.ended()

    def ended(self, *, sent: bool | None = None) -> CallEnded:
        """Return the error of a call that is over; `sent` where that is certain."""
        if sent is None:
            sent = self._sending or not self._connecting
        what = "whole answer arrived" if sent else "connection was there"
        late = f"no {what} in {self.seconds:g} s"
        return CallEnded(STOPPED if self.calls.stopped else late, sent=sent)

    def shut(self, sockets: "WeakSet[socket.socket]") -> None:
        """Shut the socket that the call goes over: whatever waits for it ends."""
        self._shut = True
        if self._dialled is not None:
            _shut(self._dialled)
        own = (self._connect_s, self._read_s, self._write_s)
        for each in sockets:
            if any(_waits(each, seconds) for seconds in own):
                _shut(each)


@contextmanager
def within(seconds: float, calls: Calls | None = None) -> Iterator[TimedCall]:
    """Give a call so many seconds, all in all.

    Raises:
        CallEnded: it took longer, or was stopped; what came of it is no answer.

    """
    call = TimedCall(seconds, calls)
    if call.calls.stopped:
        raise CallEnded(STOPPED, sent=False)
    _watch.begin(call)
    try:
        yield call
    except (httpx.TransportError, BodyError) as error:
        if call.is_over:
            unsent = isinstance(error, _UNSENT)
            raise call.ended(sent=False if unsent else None) from error
        raise
    else:
        call.check()  # a body without a length ends where its connection is shut
    finally:
        _watch.leave(call)
        call.leave()


@asynccontextmanager
async def within_async(seconds: float) -> AsyncIterator[TimedCall]:
    """Give a call so many seconds, as `within` does."""
    call = TimedCall(seconds)
    scope = asyncio.timeout(seconds)
    try:
        async with scope:
            yield call
    except TimeoutError as error:
        if scope.expired():
            raise call.ended() from error
        raise
    finally:
        await call.leave_async()


class _Watch:
    """The thread that ends calls; it runs while there are some, and a while longer."""

    def __init__(self) -> None:
        self.begin_anew()

    def begin_anew(self) -> None:
        """Know of no call: those before a fork, and their sockets, are the parent's."""
        self.lock = threading.Condition()
        self._calls: set[TimedCall] = set()
        self._sockets: WeakSet[socket.socket] = WeakSet()
        self._thread: threading.Thread | None = None
        self._wakes_at = 0.0

    def begin(self, call: TimedCall) -> None:
        with self.lock:
            self._calls.add(call)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(
                    target=self._run, name="codat deadlines", daemon=True
                )
                try:
                    self._thread.start()
                except RuntimeError as error:  # the interpreter ends, or has no more
                    self._thread = None
                    self._calls.discard(call)
                    raise CallEnded(
                        f"no thread can watch it: {error}", sent=False
                    ) from error
            elif call.ends_at < self._wakes_at:
                self.lock.notify()

    def leave(self, call: TimedCall) -> None:
        with self.lock:
            self._calls.discard(call)

    def know(self, found: socket.socket) -> None:
        with self.lock:
            self._sockets.add(found)

    def finds(self, seconds: float) -> bool:
        with self.lock:
            return any(_waits(each, seconds) for each in self._sockets)

    def stop(self, calls: Calls) -> None:
        with self.lock:
            for call in self._calls:
                if call.calls is calls:
                    call.shut(self._sockets)

    def _run(self) -> None:
        with self.lock:
            while self._calls:
                now = time.monotonic()
                for call in [each for each in self._calls if each.ends_at <= now]:
                    call.shut(self._sockets)
                    self._calls.discard(call)
                self._wakes_at = min(
                    (each.ends_at for each in self._calls), default=now
                )
                self.lock.wait(self._wakes_at - now)
            self._thread = None


_watch: Final = _Watch()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watch.begin_anew)


def _waits(found: socket.socket, seconds: float) -> bool:
    """Return whether a socket was used last with just this timeout."""
    return abs((found.gettimeout() or 0.0) - seconds) < _MARK_S / 4


def _shut(found: socket.socket) -> None:
    with suppress(OSError):
        # What the peer still sends is turned away, and not waited for when it closes.
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    with suppress(OSError):
        # Of TLS, too, at once: its own way to part would wait for the peer.
        socket.socket.shutdown(found, socket.SHUT_RDWR)
