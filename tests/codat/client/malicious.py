"""Servers that hold a client up, mislead it or flood it, as data, on real sockets."""

import gzip
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, Literal

import attrs

from tests.codat.client.clients import received

LIMIT: Final = 2**20  # of the answers that the clients of these tests take
DRIP_S: Final = 0.02
OK: Final = b"HTTP/1.1 200 OK\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
CHUNKED: Final = OK + JSON + b"Transfer-Encoding: chunked\r\n\r\n"
GZIP: Final = OK + JSON + b"Content-Encoding: gzip\r\n\r\n"
EARLY: Final = b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
Act = Callable[[socket.socket], None]
End = Literal["deadline", "lost", "body", "status", "answer"]


@attrs.frozen
class Malice:
    """What a server does with a request, and what a client makes of it.

    `deadline`: it goes on until the call's time is over. `lost`: the answer breaks off,
    or is no HTTP. `body`: it is refused for its size or its packing. `status`: it is of
    no use, whatever it says. `answer`: it is taken.
    """

    act: Act
    ends: End
    status: int = 0


def say(*pieces: bytes, then: Literal["close", "wait", "reset"] = "close") -> Act:
    def act(peer: socket.socket) -> None:
        for piece in pieces:
            peer.sendall(piece)
        if then == "wait":
            only_hear(peer)
        if then == "reset":
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    return act


def only_hear(peer: socket.socket) -> None:
    while peer.recv(65536):
        pass


def drip(begins: bytes, pieces: Iterable[bytes]) -> Act:
    def act(peer: socket.socket) -> None:
        peer.sendall(begins)
        for piece in pieces:
            peer.sendall(piece)
            time.sleep(DRIP_S)
        only_hear(peer)

    return act


def flood(begins: bytes, piece: bytes) -> Act:
    def act(peer: socket.socket) -> None:
        peer.sendall(begins)
        while True:
            peer.sendall(piece)

    return act


def for_ever(piece: bytes) -> Iterable[bytes]:
    return itertools.repeat(piece)


def bytes_of(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def half_closed(peer: socket.socket) -> None:
    peer.sendall(OK + JSON + b"Content-Length: 100\r\n\r\n[")
    peer.shutdown(socket.SHUT_WR)
    only_hear(peer)


def answer(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> Act:
    head = [b"HTTP/1.1 " + status, b"Content-Length: %d" % len(body), *lines, b"", b""]
    return say(b"\r\n".join(head) + body)


def packed(size: int) -> bytes:
    return gzip.compress(bytes(size))


def limited(status: bytes, after: bytes) -> Act:
    return answer(b"{}", b"Retry-After: " + after, b"Connection: close", status=status)


TOO_MANY: Final = b"429 Too Many Requests"
AWAY: Final = b"503 Service Unavailable"
SERVERS: Final[dict[str, Malice]] = {
    # Says nothing, or hardly anything.
    "silence": Malice(only_hear, "deadline"),
    "a status line that drips": Malice(drip(b"", bytes_of(OK * 99)), "deadline"),
    "a status line without an end": Malice(drip(OK[:-2], for_ever(b"K")), "deadline"),
    "blank lines for ever": Malice(drip(b"", for_ever(b"\r\n")), "lost"),
    # Headers.
    "headers that drip": Malice(drip(OK, for_ever(b"a: b\r\n")), "deadline"),
    "a header that drips": Malice(drip(OK + b"a: ", for_ever(b"b")), "deadline"),
    "headers without an end": Malice(flood(OK, b"a: b\r\n" * 1000), "lost"),
    "a header without an end": Malice(flood(OK + b"a: ", b"b" * 65536), "lost"),
    "a header with a NUL": Malice(say(OK + b"a: \0\r\n\r\n[]"), "lost"),
    "a header without a colon": Malice(say(OK + b"colon\r\n\r\n[]"), "lost"),
    # Interim answers.
    "100s without an end": Malice(
        flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100), "deadline"
    ),
    "102s without an end": Malice(
        flood(b"", b"HTTP/1.1 102 Processing\r\n\r\n" * 100), "deadline"
    ),
    "103s without an end": Malice(flood(b"", EARLY * 100), "deadline"),
    "103s that drip": Malice(drip(b"", for_ever(EARLY)), "deadline"),
    "a 103 that drips": Malice(drip(b"", bytes_of(EARLY * 99)), "deadline"),
    "another protocol": Malice(
        say(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", then="wait"),
        "lost",
    ),
    # Chunks.
    "a chunk's extension that drips": Malice(
        drip(CHUNKED + b"1;", for_ever(b"x")), "deadline"
    ),
    "a chunk's extension without an end": Malice(
        flood(CHUNKED + b"1;", b"x" * 65536), "lost"
    ),
    "a chunk's size that drips": Malice(
        drip(CHUNKED, bytes_of(b"0000000000000000001\r\n")), "deadline"
    ),
    "a chunk as large as can be": Malice(
        flood(CHUNKED + b"FFFFFFFFFFFFFFF\r\n", b"[" * 65536), "body"
    ),
    "a chunk whose size is none": Malice(say(CHUNKED + b"-1\r\n[]"), "lost"),
    "chunks that drip": Malice(drip(CHUNKED, for_ever(b"1\r\n \r\n")), "deadline"),
    "chunks without an end": Malice(
        flood(CHUNKED, b"3e8\r\n" + b" " * 1000 + b"\r\n"), "body"
    ),
    "trailers without an end": Malice(
        flood(CHUNKED + b"2\r\n[]\r\n0\r\n", b"a: b\r\n" * 1000), "lost"
    ),
    "trailers that drip": Malice(
        drip(CHUNKED + b"2\r\n[]\r\n0\r\n", for_ever(b"a: b\r\n")), "deadline"
    ),
    # Bodies.
    "a body that drips": Malice(
        drip(OK + JSON + b"Content-Length: 99999\r\n\r\n", for_ever(b" ")), "deadline"
    ),
    "a body of no length that drips": Malice(
        drip(OK + JSON + b"\r\n[]", for_ever(b" ")), "deadline"
    ),
    "a body of no length that stalls": Malice(
        say(OK + JSON + b"\r\n[]", then="wait"), "deadline"
    ),
    "a body of HTTP/1.0 that stalls": Malice(
        say(b"HTTP/1.0 200 OK\r\n" + JSON + b"\r\n[]", then="wait"), "deadline"
    ),
    "a body without an end": Malice(flood(OK + JSON + b"\r\n", b"[" * 65536), "body"),
    "a body shorter than its length": Malice(
        say(OK + JSON + b"Content-Length: 100\r\n\r\n[]", then="wait"), "deadline"
    ),
    "a body that is half closed": Malice(half_closed, "lost"),
    "a length below 0": Malice(say(OK + b"Content-Length: -1\r\n\r\n[]"), "lost"),
    "two lengths": Malice(
        say(OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n[]"), "lost"
    ),
    "a length beyond all": Malice(
        say(OK + b"Content-Length: 99999999999999999999\r\n\r\n[", then="wait"), "body"
    ),
    # Packed bodies.
    "a packed body that drips": Malice(
        drip(GZIP, bytes_of(gzip.compress(bytes(range(256)) * 99))), "deadline"
    ),
    "a bomb": Malice(say(GZIP, packed(99 * LIMIT), then="wait"), "body"),
    "bombs without an end": Malice(flood(GZIP, packed(LIMIT)), "body"),
    "empty packed bodies without an end": Malice(flood(GZIP, packed(0)), "deadline"),
    "a broken packed body": Malice(
        say(GZIP.replace(b"gzip", b"deflate") + b"\x78\x9c\xff\xff\xff"), "body"
    ),
    "an unknown packing": Malice(
        say(GZIP.replace(b"gzip", b"zstd"), zlib.compress(b"[]"), then="wait"), "body"
    ),
    # Connections.
    "a close at once": Malice(say(), "lost"),
    "a reset at once": Malice(say(then="reset"), "lost"),
    "a reset in the headers": Malice(say(OK + b"a: ", then="reset"), "lost"),
    "a reset in the body": Malice(
        say(OK + b"Content-Length: 100\r\n\r\n[", then="reset"), "lost"
    ),
    # No HTTP, or hardly any.
    "HTTP/0.9": Malice(say(b"[]"), "lost"),
    "HTTP/2": Malice(say(b"\0\0\0\4\0\0\0\0\0", then="wait"), "lost"),
    "lines that end with LF": Malice(
        say(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n[]"), "answer", 200
    ),
    "the status 99": Malice(answer(b"[]", status=b"099 Low"), "lost"),
    "the status 999": Malice(answer(b"[]", status=b"999 High"), "status", 999),
    # Redirects, which are never followed.
    "a redirect to itself": Malice(
        answer(b"", b"Location: /", status=b"307 Temporary Redirect"), "status", 307
    ),
    "a redirect elsewhere": Malice(
        answer(b"", b"Location: http://[::1]:1/", status=b"308 Permanent Redirect"),
        "status",
        308,
    ),
    # Waits that nobody can keep.
    "a 429 for 30 years": Malice(limited(TOO_MANY, b"999999999"), "status", 429),
    "a 429 until the year 9999": Malice(
        limited(TOO_MANY, b"Fri, 31 Dec 9999 23:59:59 GMT"), "status", 429
    ),
    "a 429 for no time": Malice(limited(TOO_MANY, b"-1"), "status", 429),
    "a 429 for garbage": Malice(limited(TOO_MANY, b"\xff" * 9999), "status", 429),
    "a 503 for 10^99 s": Malice(limited(AWAY, b"1" + b"0" * 99), "status", 503),
    "a 401 that drips": Malice(
        drip(b"HTTP/1.1 401 Unauthorized\r\n\r\n", for_ever(b" ")), "deadline"
    ),
}


@contextmanager
def serving(act: Act) -> Iterator[tuple[str, list[bytes]]]:
    """Yield the URL of a server that acts on each connection, and the heads it saw."""
    heads: list[bytes] = []

    def talk(peer: socket.socket) -> None:
        heads.append(received(peer))
        act(peer)

    with accepting(talk) as at:
        yield f"http://{at}", heads


@contextmanager
def accepting(talk: Act) -> Iterator[str]:
    """Yield where each connection is talked to, in a thread of its own."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)
    peers: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def run(peer: socket.socket) -> None:
        with peer, suppress(OSError):
            talk(peer)

    def accept() -> None:
        while True:
            try:
                peer, _ = listening.accept()
            except OSError:
                return
            peers.append(peer)
            threads.append(threading.Thread(target=run, args=(peer,), daemon=True))
            threads[-1].start()

    accepts = threading.Thread(target=accept, daemon=True)
    accepts.start()
    try:
        yield f"127.0.0.1:{listening.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        accepts.join()
        for peer in peers:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join()
