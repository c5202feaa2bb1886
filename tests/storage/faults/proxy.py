"""Stands between a store and its server: counts what is asked, and cuts connections.

A round trip is a simple query, or whatever goes before one Sync.
"""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Final

_READY: Final = b"Z\x00\x00\x00\x05"
_ROUND_TRIPS: Final = b"QS"


class Cut(StrEnum):
    """Where a connection is cut."""

    BEFORE = "before the server hears of it"
    AT_ONCE = "when the server has heard of it"
    UNANSWERED = "when the server has done it, and nobody was told"
    HALF = "in the middle of the answer"


class Proxy:
    """One listening socket; every connection to it is one to the server."""

    def __init__(self, listening: socket.socket, target: Path) -> None:
        self._listening = listening
        self._target = target
        self._lock = threading.Lock()
        self._sockets: set[socket.socket] = set()
        self._plan: Callable[[int], Cut | None] = lambda _: None
        self.round_trips = 0
        self.cuts = 0
        self.delay_s = 0.0
        threading.Thread(target=self._accept, daemon=True).start()

    def forget(self) -> None:
        """Count from 0 again, and cut nothing."""
        with self._lock:
            self.round_trips = self.cuts = 0
            self._plan = lambda _: None

    def cut_at(self, number: int, how: Cut, *, times: int = 1) -> None:
        """Cut at the round trip of that number from now, and at those that follow."""
        with self._lock:
            self.round_trips = self.cuts = 0
            self._plan = lambda n: how if number <= n < number + times else None

    def close(self) -> None:
        """Listen no more, and cut everything."""
        self._close(self._listening)
        for each in [*self._sockets]:
            self._close(each)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listening.accept()
                server = socket.socket(socket.AF_UNIX)
                try:
                    server.connect(str(self._target))
                except OSError:
                    client.close()
                    continue
                self._sockets |= {client, server}
                _Line(self, client, server).start()

    def decided(self) -> Cut | None:
        """Count a round trip; return how it is cut."""
        with self._lock:
            self.round_trips += 1
            how = self._plan(self.round_trips)
            self.cuts += how is not None
            return how

    def _close(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
        sock.close()
        self._sockets.discard(sock)

    def cut(self, *sockets: socket.socket) -> None:
        """End a connection at both its ends."""
        for sock in sockets:
            self._close(sock)


class _Line:
    """One connection, in both directions."""

    def __init__(
        self, proxy: Proxy, client: socket.socket, server: socket.socket
    ) -> None:
        self._proxy = proxy
        self._client = client
        self._server = server
        self._how: Cut | None = None

    def start(self) -> None:
        for work in (self._asks, self._answers):
            threading.Thread(target=self._until_the_end, args=(work,)).start()

    def _until_the_end(self, work: Callable[[], None]) -> None:
        with contextlib.suppress(OSError):
            work()
        self._proxy.cut(self._client, self._server)

    def _asks(self) -> None:
        """Hand on what the client sends, a whole message at a time."""
        stream = self._client.makefile("rb")
        head = stream.read(4)
        self._server.sendall(head + stream.read(_length(head)))
        gathered = b""
        while kind := stream.read(1):
            head = stream.read(4)
            gathered += kind + head + stream.read(_length(head))
            if kind not in _ROUND_TRIPS:
                continue
            how = self._proxy.decided()
            time.sleep(self._proxy.delay_s)
            if how is Cut.BEFORE:
                return
            self._how = how
            self._server.sendall(gathered)
            gathered = b""
            if how is Cut.AT_ONCE:
                return
        self._server.sendall(gathered)  # goodbye

    def _answers(self) -> None:
        """Hand back what the server answers, or keep it back."""
        swallowed = b""
        while data := self._server.recv(65536):
            time.sleep(self._proxy.delay_s)
            if self._how not in (Cut.UNANSWERED, Cut.HALF):
                self._client.sendall(data)
                continue
            swallowed += data
            if swallowed[-6:-1] == _READY:
                if self._how is Cut.HALF:
                    self._client.sendall(swallowed[:-7])
                return


def _length(head: bytes) -> int:
    return int.from_bytes(head) - 4 if len(head) == 4 else 0


_NUMBERS: Final = itertools.count(1)


@contextmanager
def proxied(folder: Path, port: int) -> Iterator[tuple[Proxy, str]]:
    """Give a proxy before the server in a folder, and the host that it listens at."""
    host = folder.parent / f"p{next(_NUMBERS)}"
    host.mkdir(mode=0o755)
    name = f".s.PGSQL.{port}"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(host / name))
        listening.listen(64)
        proxy = Proxy(listening, folder / name)
        try:
            yield proxy, str(host)
        finally:
            proxy.close()
